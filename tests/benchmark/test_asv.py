"""airspeed velocity itself, in the repository of a third party: the external plugin's folder."""

from __future__ import annotations

import ast
import itertools
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("asv")

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "tests" / "plugins" / "shrinkops-array-api-strict"
EXISTING = f"existing:{sys.executable}"
MORE = """\
from shrinkops.benchmark import make_suite

TARGETS = ["numpy", "benchmark_faults:Slow"]
globals().update(make_suite(TARGETS, sizes=[1000], dtypes=["float32"]))
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own, for asv writes the machine's description there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    # asv takes PYTHONPATH from its benchmarks and gives them ASV_PYTHONPATH instead.
    paths = [os.environ["PYTHONPATH"], str(tmp_path / "site")]
    for name in ("PYTHONPATH", "ASV_PYTHONPATH"):
        monkeypatch.setenv(name, os.pathsep.join(paths))
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
    """The plugin's folder as a repository of its own, and the plugin installed."""
    folder = home / "plugin"
    shutil.copytree(PLUGIN, folder)
    site = str(home / "site")
    _do(
        home,
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--target",
        site,
        "./plugin",
    )
    _do(folder, "git", "init", "-q", "-b", "main")
    _do(folder, "git", "add", ".")
    _do(folder, "git", "commit", "-q", "-m", "Benchmarks")
    _asv(folder, "machine", "--yes")
    return folder


def _results(folder: Path) -> dict[str, Any]:
    (path,) = (p for p in folder.glob(".asv/results/*/*.json") if p.name != "machine.json")
    found = json.loads(path.read_text())
    columns = found["result_columns"]
    return {
        name: dict(zip(columns, values, strict=False)) for name, values in found["results"].items()
    }


def _statements(path: Path) -> list[str]:
    return [ast.unparse(node) for node in ast.parse(path.read_text()).body[1:]]  # no docstring


def test_one_line_is_a_suite_with_samples_and_intervals(third_party: Path) -> None:
    module = third_party / "benchmarks" / "hardshrink.py"
    importing, *lines = _statements(module)
    assert importing == "from shrinkops.benchmark import make_suite"
    assert lines == ["globals().update(make_suite(['array_api_strict']))"]
    (third_party / "benchmarks" / "more.py").write_text(MORE)
    _asv(third_party, "check", "-E", EXISTING)
    _asv(
        third_party, "run", "-E", EXISTING, "--set-commit-hash", "HEAD", "--bench",
        r"track_(ratio_out|time_fresh)\(1000, 'float32'", "--attribute", "rounds=3",
    )  # fmt: skip
    results = _results(third_party)
    suites = "hardshrink.HardshrinkArrayApiStrict", "more.HardshrinkNumpy", "more.HardshrinkSlow"
    assert set(results) == {f"{s}.track_{w}" for s in suites for w in ("ratio_out", "time_fresh")}
    seconds = {}
    for name, found in results.items():
        cases = list(itertools.product(*found["params"]))
        case = cases.index(("1000", "'float32'", "'cpu'"))
        value = found["result"][case]
        others = [v for i, v in enumerate(found["result"]) if i != case]
        assert all(v is None or math.isnan(v) for v in others)  # not asked for
        if value is None or math.isnan(value):
            continue  # the machine was too noisy for this one
        repeat, number = found["stats_repeat"][case], found["stats_number"][case]
        assert repeat in (1, 2, 3)  # a round that was too noisy takes those before with it
        assert repeat == 1 or found["stats_ci_99_a"][case] <= value <= found["stats_ci_99_b"][case]
        if "time" in name:
            # The runner's own timing would have used number=1 under a setup hook.
            assert number > 10
            seconds[name.split(".")[1]] = value
    assert seconds["HardshrinkArrayApiStrict"] > 0
    assert seconds["HardshrinkSlow"] > seconds["HardshrinkNumpy"]
    _asv(third_party, "publish", "--no-pull")
    graphs = {path.name for path in third_party.glob(".asv/html/graphs/**/*.json")}
    assert {f"{name}.json" for name in results} <= graphs


def test_a_vanished_plugin_fails_and_does_not_disappear(third_party: Path, quick: None) -> None:
    suite = third_party / "benchmarks" / "hardshrink.py"
    suite.write_text(suite.read_text().replace("array_api_strict", "vanished"))
    done = subprocess.run(
        [sys.executable, "-m", "asv", "run", "-E", EXISTING, "--quick", "--set-commit-hash", "HEAD",
         "--show-stderr", "--bench", r"track_ratio_out\(1000, 'float32'"],
        cwd=third_party, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert "HardshrinkVanished.track_ratio_out" in done.stdout
    assert "failed" in done.stdout
    assert "no backend is named 'vanished'" in done.stdout + done.stderr
    assert done.returncode != 0


def _skip_outside_a_checkout() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("asv works on a git checkout, and this is none")


def test_the_suite_of_this_repository_is_sound(home: Path) -> None:
    _skip_outside_a_checkout()
    folder = ROOT / "asv_benchmarks"
    _asv(folder, "check", "-E", EXISTING)


def test_the_configuration_pins_what_figures_depend_on() -> None:
    _skip_outside_a_checkout()
    path = ROOT / "asv_benchmarks" / "asv.conf.json"
    from asv.config import Config
    from packaging.version import Version

    found = Config.load(str(path))
    assert found.branches == ["main"]
    assert "--no-deps" in found.build_command[0]
    pins = found.matrix["req"]
    assert {"pip+asv_runner", "pip+numpy", "pip+torch", "pip+jax"} <= set(pins)
    for versions in pins.values():
        assert [str(Version(v)) for v in versions] == versions
