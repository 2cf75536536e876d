"""The acceptance: its parts really run, on the CPU; what cannot run is said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import shrinkops
from shrinkops._commands.status import Exit
from shrinkops.benchmark._suite import QUICK
from shrinkops.benchmark.acceptance import main
from shrinkops.benchmark.acceptance._command import _status
from shrinkops.benchmark.acceptance._parts import Part, State, run_part

(CUPY,) = [row for row in shrinkops.backends() if row.name == "cupy"]


def test_it_runs_on_a_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(QUICK, "1")
    path = tmp_path / "report.json"
    status = main(["numpy", "--acceptance", "--device", "cpu", "--json", str(path)])
    text = path.with_suffix(".txt").read_text(encoding="utf-8")
    assert status == Exit.CONFORMS, text
    found = json.loads(path.read_text(encoding="utf-8"))
    assert [part["work"] for part in found["parts"]] == [
        "machine", "kernels", "conformance", "bandwidth",
    ]  # fmt: skip
    assert all(part["state"] == State.PASSED for part in found["parts"])
    _, kernels, conformance, bandwidth = (part["result"] for part in found["parts"])
    assert kernels["calls"] > 1000
    assert conformance["runs"][0]["ran"]["cpu"] > 10
    timed = {(f["operation"], f["case"]["dtype"]) for f in bandwidth["figures"]}
    assert {("hardshrink", "float16"), ("garrote", "float64")} <= timed
    for line in ("accepted: every part ran and passed (status 0)", "GB/s", "CONFORMS"):
        assert line in text
    assert text in capsys.readouterr().out
    assert str(Path.home()) not in text


@pytest.mark.skipif(CUPY.state == "ready", reason="there is a GPU: the acceptance itself shows it")
def test_without_a_gpu_it_says_what_did_not_run(tmp_path: Path) -> None:
    command = ["-m", "shrinkops", "bench", "cupy", "--acceptance"]
    done = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == Exit.TOO_LITTLE, done.stdout + done.stderr
    found = json.loads((tmp_path / "acceptance.json").read_text(encoding="utf-8"))
    names = [part["name"] for part in found["parts"]]
    for target in ("cupy", "torch", "jax"):
        for work in ("conformance", "kernels", "bandwidth"):
            assert f"{work} of {target}" in names
    assert "kernels of cupy, under compute-sanitizer" in names
    assert {part["state"] for part in found["parts"]} == {State.NOT_RUN}
    assert all(part["reason"] for part in found["parts"])
    assert "no verdict: a part could not run here (status 3)" in done.stdout


_WRONG = """
import numpy as np
from shrinkops import Backend

class Wrong(Backend):
    name, framework, dtypes = "wrong", "numpy", frozenset({"float32"})
    def handles(self, cls): return cls is np.ndarray
    def native(self, operation, dtype): return lambda x, *p: np.where(abs(x) < p[0].value, x, 0)
"""


def test_a_wrong_kernel_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leaves.py").write_text(_WRONG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(QUICK, "1")
    part = Part("kernels", "leaves:Wrong", "cpu")
    run_part(part)
    assert part.state == State.FAILED
    assert "are wrong: hardshrink, float32, " in part.reason


def test_a_crash_costs_one_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leaves.py").write_text(_WRONG + "import os; os.kill(os.getpid(), 11)\n")
    monkeypatch.chdir(tmp_path)
    part = Part("machine", "leaves:Wrong", "cpu")
    run_part(part)
    assert (part.state, part.reason) == (State.FAILED, "the process ended with status -11")
    assert "Segmentation fault" in part.result["output"]


def test_what_must_run_decides() -> None:
    passed = Part("kernels", "a", "gpu", state=State.PASSED)
    missing, failed = Part("kernels", "b", "gpu"), Part("kernels", "c", "gpu", state=State.FAILED)
    optional = Part("kernels", "d", "gpu", optional=True)
    assert _status([passed, optional]) == Exit.CONFORMS
    assert _status([passed, missing]) == Exit.TOO_LITTLE
    assert _status([passed, missing, failed]) == Exit.DEVIATES


def test_it_needs_no_extra() -> None:
    code = (
        "import sys; import shrinkops.benchmark.acceptance._works, shrinkops.conformance._public\n"
        "from shrinkops.benchmark._peers import find_peers\n"
        "from shrinkops._target import operations\n"
        "[find_peers(o) for o in operations().values()]\n"
        "print({'click', 'rich', 'asv_runner', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout == "set()\n"
