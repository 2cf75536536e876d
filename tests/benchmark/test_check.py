from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from shrinkops._target import find_target, operations
from shrinkops.benchmark._check import WrongResultError, check_peer, corners, reference
from shrinkops.benchmark._compare import compare
from shrinkops.benchmark._peers import find_peers
from shrinkops.benchmark._sampling import Plan
from shrinkops.benchmark._work import Case, make_work

OPERATION = operations()["hardshrink"]
PEERS = find_peers(OPERATION)
ONCE = Plan(blocks=1, fewest=1, sample_seconds=0.0)
HOST = [name for name, peer in PEERS.items() if peer.takes == "numpy" and peer.library != "torch"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "benchmark_faults:OpenBand",
            r"backend '.*OpenBand' at the corners gave .*0\.5.* for x\[3\] = .*expected .*0\.0",
        ),
        ("benchmark_faults:DropsNan", r"at the corners gave .*0\.0.* for x\[7\] = .*nan"),
        ("benchmark_faults:HalfRight", r"for x\[5\d\d\] = .*nothing is timed"),
    ],
)
def test_a_wrong_result_is_never_timed(target: str, message: str) -> None:
    pytest.importorskip("shrinkops_numpy")
    case = Case(1000, mode="fresh")
    with pytest.raises(WrongResultError, match=message) as caught:
        list(compare(find_target(target), OPERATION, case, [PEERS["copy"]], ONCE))
    assert not caught.value.of_peer


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint16", "int64"])
def test_the_corners_are_the_corners(dtype: str) -> None:
    work = make_work(find_target("numpy"), OPERATION, Case(1, dtype))
    values = corners(work)
    assert values.dtype == dtype
    if values.dtype.kind == "f":
        assert {0.5, -0.5, np.inf, -np.inf} <= set(values.tolist())
        assert np.isnan(values).any()
        assert np.signbit(values[values == 0]).any()
        tiny = np.finfo(dtype).smallest_subnormal
        assert tiny in values
    else:
        assert {50, 51, np.iinfo(dtype).max, np.iinfo(dtype).min} <= set(values.tolist())
    wanted = reference(work, values)
    assert wanted.dtype == values.dtype
    assert (wanted == 0).any()
    assert (wanted != 0).any()


@pytest.mark.parametrize("name", HOST)
def test_a_peer_departs_where_it_says_and_nowhere_else(name: str) -> None:
    peer = PEERS[name]
    if importlib.util.find_spec(peer.library) is None:
        pytest.skip(f"{peer.library} is not installed")
    work = make_work(find_target("numpy"), OPERATION, Case(1000, "float32"))
    call = peer.call(work)
    check_peer(work, peer, call, np.asarray)  # as declared: in bits, or in value
    from dataclasses import replace

    special = corners(work)
    few = replace(work, host_x=special, host_out=np.zeros_like(special))
    with np.errstate(all="ignore"):
        result = peer.call(few)()
    got = few.host_out if result is None else np.asarray(result)
    wanted = reference(work, special)
    same = (got.view("u4") == wanted.view("u4")) | (np.isnan(got) & np.isnan(wanted))
    assert bool(same.all()) is not bool(peer.departs), special[~same]


def test_a_peer_that_lies_is_not_timed() -> None:
    from dataclasses import replace

    liar = replace(PEERS["np.where"], departs="")
    work = make_work(find_target("numpy"), OPERATION, Case(1000, "float32"))
    with pytest.raises(WrongResultError, match=r"peer 'np\.where' at the corners gave") as caught:
        check_peer(work, liar, liar.call(work), np.asarray)
    assert caught.value.of_peer


def test_a_copy_that_does_not_copy_is_not_timed() -> None:
    from dataclasses import replace

    from shrinkops.benchmark._calls import Call

    work = make_work(find_target("numpy"), OPERATION, Case(1000, "float32"))
    lazy = replace(PEERS["copy"], build=lambda work: Call(int))
    with pytest.raises(WrongResultError, match="peer 'copy'"):
        check_peer(work, lazy, lazy.call(work), np.asarray)


@pytest.mark.parametrize("mode", ["out", "fresh"])
def test_integers_are_checked_too(mode: str) -> None:
    (figure,) = compare(
        find_target("numpy"), OPERATION, Case(1000, "int16", mode), [PEERS["copy"]], ONCE
    )
    assert figure.ratio.samples == 1
