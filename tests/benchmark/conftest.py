from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent

# Benchmarks run in processes of their own; what they inherit is set once.
os.environ.setdefault("JAX_PLATFORMS", "cpu")


@pytest.fixture(autouse=True)
def _faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``benchmark_faults:NAME`` be a target, here and in fresh processes."""
    monkeypatch.syspath_prepend(FOLDER)
    paths = [str(FOLDER), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHRINKOPS_BENCH_QUICK", "1")
