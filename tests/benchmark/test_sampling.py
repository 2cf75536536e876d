from __future__ import annotations

import gc
import time

import numpy as np
import pytest

from shrinkops.benchmark._calls import Call
from shrinkops.benchmark._sampling import Plan, Samples, sample

SINGLE = Plan(blocks=3, fewest=3, sample_seconds=0.0)


def _order(count: int, plan: Plan) -> list[str]:
    seen: list[str] = []
    names = "ABC"[:count]
    sample([Call(seen.append, (name,)) for name in names], plan)
    return seen


def test_blocks_go_there_and_back_and_alternate_ends() -> None:
    # The search for the number of calls makes three of each; the rest are the blocks.
    text = "".join(_order(2, SINGLE))[6:]
    assert text == "ABBABAABABBA"
    assert "".join(_order(3, SINGLE))[9:18] == "ABCCBACBA"


def test_short_calls_are_looped_and_long_ones_are_not() -> None:
    short, long = Call(abs, (1,)), Call(time.sleep, (0.003,))
    samples = sample([short, long], Plan(blocks=5, sample_seconds=0.001))
    assert samples.numbers[0] > 1000
    assert samples.numbers[1] == 1
    assert samples.seconds.shape == (5, 2)


def test_the_shorter_of_two_timings_counts() -> None:
    pauses = iter([0.0] * 3 + [0.02, 0.0, 0.0, 0.02])
    samples = sample([Call(lambda: time.sleep(next(pauses)))], Plan(2, 2, sample_seconds=0.0))
    assert (samples.seconds < 0.015).all()


def test_no_block_starts_after_the_time_is_up() -> None:
    call = Call(time.sleep, (0.002,))
    samples = sample([call], Plan(blocks=1000, fewest=4, most_seconds=0.0))
    assert len(samples.seconds) == 4


def test_a_loop_calls_with_the_very_arguments() -> None:
    seen = []

    def function(a: int, b: str, *, out: object = None) -> int:
        seen.append((a, b, out))
        return a

    call = Call(function, (1, "x"), {"out": seen})
    assert call() == 1
    call.seconds(3)
    assert seen == [(1, "x", seen)] * 4


def test_the_last_result_is_waited_for_or_each_one() -> None:
    for each, expected in ((False, 1), (True, 5)):
        waited: list[object] = []
        Call(abs, (-7,), synchronize=waited.append, each=each).seconds(4)
        assert len(waited) == expected
        assert waited[-1] == 7


def test_the_garbage_collector_is_off_while_the_clock_runs() -> None:
    states: list[bool] = []
    Call(lambda: states.append(gc.isenabled())).seconds(2)
    assert states == [False, False]
    assert gc.isenabled()


def test_samples_can_be_added_and_related() -> None:
    one = Samples(np.array([[1.0, 2.0], [2.0, 8.0]]), (1, 1))
    both = one + one
    assert both.ratio(1, 0).tolist() == [2.0, 4.0, 2.0, 4.0]
    assert both.difference(1, 0).tolist() == [1.0, 6.0, 1.0, 6.0]
    assert both.time(0).median == pytest.approx(1.5)
