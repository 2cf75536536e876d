from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from shrinkops._target import find_target, operations
from shrinkops.benchmark import dispatch
from shrinkops.benchmark._sampling import Plan

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import bench_dispatch

OPERATION = operations()["hardshrink"]


def test_every_way_calls_the_same_kernel() -> None:
    calls = dispatch._calls(find_target("numpy"), OPERATION, "float32")
    assert len(calls) == len(dispatch.WAYS)
    assert [call().tolist() for call in calls] == [[0.75]] * len(calls)


def test_singledispatch_refuses_what_it_was_not_told() -> None:
    function = dispatch.by_singledispatch(np.ndarray, lambda x, lambd, out: x, 0.5)
    with pytest.raises(TypeError):
        function("text")


def test_the_table_has_a_row_per_target(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_dispatch.main(["numpy", "--blocks", "9"]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[1].split()[:3] == ["backend", "direct", "+"]
    assert "numpy" in printed.splitlines()[2]
    assert "singledispatch" in printed


def test_what_is_measured_is_what_is_added() -> None:
    found = dispatch.measure(find_target("numpy"), OPERATION, plan=Plan(blocks=9))
    assert set(found.added) == set(dispatch.WAYS[1:])
    assert found.added["singledispatch"].median > found.added["plain dict"].median


def test_what_cannot_be_measured_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_dispatch.main(["vanished", "benchmark_faults:Slow"]) == 1
    printed = capsys.readouterr().out
    assert "not measured: no backend is named 'vanished'" in printed
    assert "not measured: nothing dispatches to 'benchmark_faults:Slow'" in printed
