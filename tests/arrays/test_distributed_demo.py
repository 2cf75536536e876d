"""``shrinkops demo --distributed``: real worker processes, real Zarr arrays, real failures."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from shrinkops.demo._distributed import DistributedError, Plan, parse_size, run

for _library in ("distributed", "zarr", "pywt"):
    pytest.importorskip(_library, reason="optional library")

_MIB = 2**20


def _demo(*options: str) -> Any:
    command = [sys.executable, "-m", "shrinkops", "demo", "--distributed", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def test_a_worker_dies_and_nothing_is_lost(tmp_path: Path) -> None:
    done = _demo("--size", "160MB", "--operation", "garrote", "--folder", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "was killed in the middle; nothing was lost" in done.stdout
    assert "all 10 blocks have the bits that NumPy alone makes" in done.stdout
    assert "peak memory of a worker" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process")
@pytest.mark.parametrize("stage", ["writing records", "denoising"])
def test_a_disk_that_takes_no_more(stage: str, tmp_path: Path) -> None:
    """From a stage on, the system refuses the workers' writes: the input's, or the result's."""
    script = f"""
        import os, resource
        from pathlib import Path
        import psutil
        from shrinkops.demo._distributed import DistributedError, Plan, run

        folder = Path({str(tmp_path)!r})

        def show(text):
            if text.startswith({stage!r}):
                for process in psutil.Process().children(recursive=True):
                    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (2**20, 2**20))

        if __name__ == "__main__":
            try:
                run(Plan("hardshrink", 10**8, 1, 400 * 2**20, folder=folder), show)
            except DistributedError as error:
                print(error)
            else:
                print("it says that it is done")
    """
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(script))
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.stdout.startswith(stage), done.stdout + done.stderr
    assert "File too large" in done.stdout
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Plan("softshrink", 10**7, 2, 600 * _MIB, lambd=-1.0), "negative"),
        (Plan("hardshrink", 10**7, 2, 600 * _MIB, lambd=float("nan")), "nan"),
        (Plan("hardshrink", 10**7, 2, 20 * _MIB), "give at least 256 MiB"),
        (Plan("hardshrink", 10**17, 2, 600 * _MIB), "another --folder"),
    ],
)
def test_refused_before_a_process_starts(plan: Plan, words: str) -> None:
    with pytest.raises(DistributedError, match=words):
        run(plan, print)


def test_sizes() -> None:
    assert parse_size("8GB") == 8 * 10**9
    assert parse_size("600MiB") == 600 * _MIB
    assert parse_size("1.5 k") == 1500
    for text in ("", "much", "-1GB", "0", "1.2.3GB"):
        with pytest.raises(DistributedError, match="no size"):
            parse_size(text)
    done = _demo("--size", "much")
    assert done.returncode == 2
    assert "8GB" in done.stderr


def test_what_a_chunk_costs_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "tools"))
    streamed = importlib.import_module("streamed")
    found = streamed.costs(1000)
    assert len(found) == 2
    assert all(value.low > 0 for value in found.values())
