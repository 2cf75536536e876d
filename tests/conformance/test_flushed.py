"""What flushing allows is a set: derivatives between its members are convicted."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from shrinkops.conformance._numbers import NUMBERS
from shrinkops.conformance.rules.flushed import further, further_slopes, tiny
from shrinkops.conformance.rules.oracle import Oracle, rounded_bits
from shrinkops.operations.firmshrink import OPERATION as FIRMSHRINK
from shrinkops.operations.garrote import OPERATION as GARROTE

_FLOAT32 = NUMBERS["float32"]


def _asked(
    name: str, x: float, *parameters: float, flushes: bool = True
) -> tuple[tuple[Any, ...], list[set[float]]]:
    """Return the exact derivatives, and the further ones of each."""
    oracle = Oracle({"garrote": GARROTE, "firmshrink": FIRMSHRINK}[name], _FLOAT32, flushes=flushes)
    given = tuple(Fraction(number) for number in parameters)
    block = (rounded_bits(Fraction(x), _FLOAT32),)
    exact = oracle.slopes(block, given, "key")
    others = further_slopes(oracle, block, given)
    one = np.ones(1, np.longdouble)
    found = []
    for slope, other in zip(exact, others, strict=True):
        rows = further(slope, other, one, tiny(oracle))
        found.append({float(row[0]) for row in rows if row[0] == row[0]})
    return tuple(float(slope[0]) for slope in exact), found


def test_a_subnormal_threshold_is_itself_or_zero() -> None:
    exact, others = _asked("garrote", 2.0**-140, 2.0**-141)
    assert exact == (1.25, -1.0)
    assert others == [{1.0}, {0.0}]  # x as zero too would be divided by: no choice


def test_normal_numbers_have_one_derivative() -> None:
    assert _asked("garrote", 2.0**-125, 2.0**-126)[1] == [set(), set()]
    assert _asked("firmshrink", 1.5 * 2.0**-126, 2.0**-126, 2.0**-125)[1] == [set()] * 3


def test_nothing_more_is_right_for_a_library_that_does_not_flush() -> None:
    assert _asked("garrote", 2.0**-140, 2.0**-141, flushes=False)[1] == [set(), set()]


def test_a_derivative_below_the_normal_numbers_is_itself_or_zero() -> None:
    exact, others = _asked("garrote", 2.0**127, 1.0)
    assert exact == (pytest.approx(1.0), -(2.0**-126))
    assert others == [set(), set()]
    exact, others = _asked("garrote", 2.0**127, 0.5)
    assert exact[1] == -(2.0**-127)
    assert others == [set(), {0.0}]


def test_what_the_band_zeroes_is_decided_exactly() -> None:
    exact, others = _asked("garrote", 2.0**-141, 2.0**-140)
    assert exact == (0.0, 0.0)
    assert others == [set(), set()]


def test_every_choice_of_zeros_of_firmshrink() -> None:
    t, x, u = 2.0**-130, 2.0**-129, 2.0**-125
    exact, others = _asked("firmshrink", x, t, u)

    def by_lambd(a: float, t: float) -> float:
        return u * (a - u) / (u - t) ** 2

    assert exact[1] == pytest.approx(by_lambd(x, t))
    assert others[1] == {by_lambd(0, t), by_lambd(x, 0), by_lambd(0, 0)}
    assert others[0] == {u / (u - t), 1.0}
