"""Limits: no leak over a million calls, and, on demand, more elements than 32 bits count."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import shrinkops

hardshrink = shrinkops.hardshrink


def resident() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def refused(x: Any, lambd: Any, out: Any = None) -> None:
    try:
        hardshrink(x, lambd, out=out)
    except (TypeError, ValueError):
        return
    raise AssertionError("not refused")


X = np.arange(-8, 8, dtype=np.float32)
SWAPPED, OUT, WIDE = X.astype(X.dtype.newbyteorder()), np.empty_like(X), np.ones(16)
CALLS: dict[str, tuple[int, Callable[[], Any]]] = {
    "fresh": (1_000_000, lambda: hardshrink(X, 0.5)),
    "out": (200_000, lambda: hardshrink(X, 0.5, out=OUT)),
    "array": (50_000, lambda: hardshrink(X, WIDE)),
    "strided": (50_000, lambda: hardshrink(X[::-2], 0.5)),
    "swapped": (50_000, lambda: hardshrink(SWAPPED, 0.5)),
    "scalar": (50_000, lambda: hardshrink(X[0], 0.5)),
    "refused": (50_000, lambda: refused(X, float("nan"))),
    "refused out": (50_000, lambda: refused(X, 0.5, WIDE)),
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/statm")
@pytest.mark.parametrize("name", CALLS)
def test_no_leak(name: str, compiled: bool) -> None:
    """A leaked reference is 16 bytes or more a call: megabytes over these counts."""
    count, call = CALLS[name]
    if not compiled:
        count //= 20  # the pure path is slow on short arrays; its memory is Python's
    dtype, references = X.dtype, None
    for _ in range(2000):
        call()
    gc.collect()
    before, references = resident(), sys.getrefcount(dtype)
    for _ in range(count):
        call()
    gc.collect()
    assert abs(sys.getrefcount(dtype) - references) < 100
    assert resident() - before < max(count * 8, 2_000_000)


@pytest.mark.skipif(
    os.environ.get("SHRINKOPS_TEST_HUGE", "") in ("", "0"),
    reason="needs 5 GB of memory; SHRINKOPS_TEST_HUGE=1 runs it",
)
def test_more_than_two_to_the_31_elements() -> None:
    n = 2**31 + 7
    x = np.zeros(n, np.int8)
    x[[0, 1, n // 2, 2**31 - 1, 2**31, 2**31 + 1, n - 1]] = [1, 5, -5, 6, -6, 1, 7]
    got = hardshrink(x, 1)
    places = np.flatnonzero(got)
    assert places.tolist() == [1, n // 2, 2**31 - 1, 2**31, n - 1]
    assert got[places].tolist() == [5, -5, 6, -6, 7]
    assert hardshrink(x, 1, out=x) is x
    assert np.count_nonzero(x) == 5
    assert hardshrink(x[::-1], 5.5)[0] == 7


def test_peak_memory_is_the_output(compiled: bool) -> None:
    import tracemalloc

    x = np.ones(4_000_000, np.float32)
    hardshrink(x)
    tracemalloc.start()
    try:
        for make in (
            lambda: hardshrink(x),
            lambda: hardshrink(x[::2]),
            lambda: hardshrink(x, WIDE[:1]),
        ):
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            size = make().nbytes
            peak = tracemalloc.get_traced_memory()[1] - before
            assert peak < size + 1_000_000
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        hardshrink(x, 0.5, out=x)
        assert tracemalloc.get_traced_memory()[1] - before < 1_000_000
    finally:
        tracemalloc.stop()
