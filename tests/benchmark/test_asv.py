"""airspeed velocity itself, on a repository of a third party with one line of benchmarks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("asv")

ROOT = Path(__file__).parents[2]
SUITE = """\
from shrinkops.benchmark import make_suite

TARGETS = [
    "numpy", "benchmark_faults:Slow", "shrinkops_array_api_strict:ArrayApiStrictBackend",
]
globals().update(make_suite(TARGETS, sizes=[1000], dtypes=["float32"]))
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own, for asv writes the machine's description there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    plugin = ROOT / "tests" / "plugins" / "shrinkops-array-api-strict" / "src"
    monkeypatch.setenv("ASV_PYTHONPATH", os.pathsep.join([os.environ["PYTHONPATH"], str(plugin)]))
    monkeypatch.setenv("PYTHONPATH", os.environ["ASV_PYTHONPATH"])
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "A third party")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "third@example.org")
    return tmp_path


def _do(folder: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _asv(folder: Path, *arguments: str) -> str:
    return _do(folder, sys.executable, "-m", "asv", *arguments)


@pytest.fixture
def third_party(home: Path) -> Path:
    folder = home / "acme"
    (folder / "benchmarks").mkdir(parents=True)
    (folder / "benchmarks" / "__init__.py").write_text("")
    (folder / "benchmarks" / "hardshrink.py").write_text(SUITE)
    configuration = {
        "version": 1,
        "project": "acme",
        "repo": ".",
        "branches": ["main"],
        "environment_type": "virtualenv",
    }
    (folder / "asv.conf.json").write_text(json.dumps(configuration))
    _do(folder, "git", "init", "-q", "-b", "main")
    _do(folder, "git", "add", ".")
    _do(folder, "git", "commit", "-q", "-m", "Benchmarks")
    _asv(folder, "machine", "--yes")
    return folder


def _results(folder: Path) -> dict[str, Any]:
    (path,) = (p for p in folder.glob("results/*/*.json") if p.name != "machine.json")
    found = json.loads(path.read_text())
    columns = found["result_columns"]
    return {
        name: dict(zip(columns, values, strict=False)) for name, values in found["results"].items()
    }


def test_one_line_is_a_suite_with_samples_and_intervals(third_party: Path) -> None:
    existing = f"existing:{sys.executable}"
    bench = r"track_(ratio_out|time_fresh)\("
    _asv(third_party, "check", "-E", existing)
    _asv(
        third_party, "run", "-E", existing, "--set-commit-hash", "HEAD", "--bench", bench,
        "--attribute", "rounds=3",
    )  # fmt: skip
    results = _results(third_party)
    assert set(results) == {
        f"hardshrink.Hardshrink{target}.track_{what}"
        for target in ("Numpy", "Slow", "ArrayApiStrictBackend")
        for what in ("ratio_out", "time_fresh")
    }
    for name, found in results.items():
        sizes, dtypes, devices = found["params"]
        assert (sizes, dtypes, devices) == (["1000"], ["'float32'"], ["'cpu'"])
        for size, value, low, high, repeat, number in zip(
            sizes, found["result"], found["stats_ci_99_a"], found["stats_ci_99_b"],
            found["stats_repeat"], found["stats_number"], strict=True,
        ):  # fmt: skip
            if value is None:
                continue  # the machine was too noisy for this one
            assert repeat in (1, 2, 3)  # a round that was too noisy takes those before with it
            assert repeat == 1 or low <= value <= high
            # The runner's own timing would have used number=1 under a setup hook.
            assert number > 10 or "ratio" in name, (name, size)
    strict = results["hardshrink.HardshrinkArrayApiStrictBackend.track_time_fresh"]
    assert strict["result"][0] > 0
    slow, quick_one = (
        results[f"hardshrink.Hardshrink{target}.track_time_fresh"]["result"][0]
        for target in ("Slow", "Numpy")
    )
    assert slow > quick_one
    _asv(third_party, "publish", "--no-pull")
    graphs = {path.name for path in third_party.glob("html/graphs/**/*.json")}
    assert {f"{name}.json" for name in results} <= graphs


def test_a_vanished_plugin_fails_and_does_not_disappear(third_party: Path, quick: None) -> None:
    suite = third_party / "benchmarks" / "hardshrink.py"
    suite.write_text(SUITE.replace("benchmark_faults:Slow", "vanished"))
    done = subprocess.run(
        [sys.executable, "-m", "asv", "run", "-E", f"existing:{sys.executable}", "--quick",
         "--set-commit-hash", "HEAD", "--show-stderr", "--bench", r"track_ratio_out\("],
        cwd=third_party, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert "HardshrinkVanished.track_ratio_out" in done.stdout
    assert "failed" in done.stdout
    assert "no backend is named 'vanished'" in done.stdout + done.stderr
    assert done.returncode != 0


def test_the_suite_of_this_repository_is_sound(home: Path) -> None:
    folder = ROOT / "asv_benchmarks"
    if not (folder / "asv.conf.json").exists() or not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    _asv(folder, "check", "-E", f"existing:{sys.executable}")


def test_the_configuration_pins_what_figures_depend_on() -> None:
    path = ROOT / "asv_benchmarks" / "asv.conf.json"
    if not path.exists():
        pytest.skip("not a checkout")
    from asv.config import Config
    from packaging.version import Version

    found = Config.load(str(path))
    assert found.branches == ["main"]
    assert "--no-deps" in found.build_command[0]
    pins = found.matrix["req"]
    assert {"pip+asv_runner", "pip+numpy", "pip+torch", "pip+jax"} <= set(pins)
    for versions in pins.values():
        assert [str(Version(v)) for v in versions] == versions
