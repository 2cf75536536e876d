"""asv's command lines on the page of results, each typed as it stands into a fresh clone.

The short form runs single calls, in an environment with what NumPy alone needs.
SHRINKOPS_TEST_ASV=1 runs the real measurements with the whole environment: four minutes.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import re
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
from bench_page import render

pytest.importorskip("asv")

ROOT = Path(__file__).parents[2]
LONG = os.environ.get("SHRINKOPS_TEST_ASV", "") not in ("", "0")
FEW = ("asv_runner", "pluggy", "numpy", "ml_dtypes")
SAID = {
    "asv machine": "",
    "asv run HEAD": "backends.HardshrinkNumpy.track_ratio_out",
    "asv run -E": "backends.HardshrinkJax.track_ratio_fresh",
    "asv continuous": "backends.HardshrinkNumpy.track_ratio_out",
    "asv compare": "backends.HardshrinkNumpy.track_ratio_out",
    "asv publish": "Writing index",
}
"""What each line must print; the page has these lines in this order, and ``asv preview``."""


def _page() -> str:
    from shrinkops.benchmark._record import record

    return render([{**record([], []), "operation": "hardshrink"}])


def _documented() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```$", _page(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("asv ")]


def _skip_outside_a_checkout() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("commits are cloned from a git checkout, and this is none")


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of the files as they are here, with two commits, and a shell to type in."""
    _skip_outside_a_checkout()
    monkeypatch.setenv("HOME", str(tmp_path))
    scripts = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", os.pathsep.join([scripts, os.environ["PATH"]]))
    monkeypatch.delenv("PYTHONPATH")
    if not LONG:
        monkeypatch.setenv("SHRINKOPS_BENCH_QUICK", "1")
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "A reader")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "reader@example.org")
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    _type(ROOT, f"git ls-files -z | xargs -0 cp --parents -t '{_made(origin)}' 2>/dev/null || true")
    configuration = origin / "asv_benchmarks" / "asv.conf.json"
    if not LONG:
        configuration.write_text(_with_few_requirements(configuration.read_text()))
    _type(origin, "git init -q -b main && git add . && git commit -q -m One")
    _type(origin, "git commit -q --allow-empty -m Two")
    _type(tmp_path, "git clone -q origin clone")
    return clone / "asv_benchmarks"


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _with_few_requirements(text: str) -> str:
    lines = [
        line for line in text.splitlines()
        if "pip+" not in line or re.search(rf'"pip\+({"|".join(FEW)})"', line)
    ]  # fmt: skip
    return re.sub(r",(\s*\})", r"\1", "\n".join(lines))


def _type(folder: Path, line: str, accepted: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False, timeout=3600,
    )  # fmt: skip
    assert done.returncode in accepted, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def test_the_lines_are_on_the_page() -> None:
    *lines, last = _documented()
    assert last == "asv preview"
    assert len(lines) == len(SAID)
    for line, start in zip(lines, SAID, strict=True):
        assert line.startswith(start)


@pytest.mark.slow
def test_each_line_works_as_it_stands(clone: Path) -> None:
    *lines, preview = _documented()
    for line, said in zip(lines, SAID.values(), strict=True):
        # asv ends with 1 where it finds a slowdown, as it may in single calls.
        accepted = (0, 1) if line.startswith("asv continuous") else (0,)
        printed = _type(clone, line, accepted)
        assert said in printed, f"{line}\n{printed}"
        assert "failed" not in printed, f"{line}\n{printed}"
    results = [p for p in clone.parent.glob(".asv/results/*/*.json") if p.name != "machine.json"]
    # Two commits in the environment of their own, and one in what is installed.
    assert len(results) == 3
    for path in results:
        (found,) = json.loads(path.read_text())["results"].values()
        values = [value for value in found[0] if value is not None and not math.isnan(value)]
        assert LONG or len(values) == 1  # the real ones may be n/a where a machine is noisy
    _see_the_site(clone, preview)


def _see_the_site(folder: Path, line: str) -> None:
    with subprocess.Popen(
        ["bash", "-c", f"exec {line}"], cwd=folder, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as server:  # fmt: skip
        try:
            assert server.stdout is not None
            url = next(m[0] for text in server.stdout if (m := re.search(r"http://\S+/", text)))
            with urllib.request.urlopen(f"{url}index.json") as answer:
                index = json.load(answer)
            assert "backends.HardshrinkNumpy.track_ratio_out" in index["benchmarks"]
            with urllib.request.urlopen(url) as answer:
                assert b"airspeed velocity" in answer.read()
        finally:
            server.terminate()


@pytest.fixture
def planted() -> Any:
    _skip_outside_a_checkout()
    path = ROOT / "asv_benchmarks" / "planted.py"
    specification = importlib.util.spec_from_file_location("planted", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["planted"] = module  # where dataclasses look for it
    specification.loader.exec_module(module)
    yield module
    del sys.modules["planted"]


def test_the_planted_slowdown_computes_the_same(planted: Any, tmp_path: Path) -> None:
    clone = planted.make_commits(tmp_path)
    titles = planted.run(clone, "git", "log", "--format=%s", "-2").splitlines()
    assert titles == ["A planted slowdown", "Nothing changed"]
    assert planted.run(clone, "git", "diff", "--name-only", "main~2").split() == [planted.BACKEND]
    program = (
        "import shrinkops, shrinkops_numpy, numpy as np\n"
        f"exec({planted.PLANTED!r}, vars(shrinkops_numpy) | {{'Any': object}})\n"
        "x = np.arange(-5, 5) / 4\n"
        "print(shrinkops.hardshrink(x, out=np.empty(10)).tolist())\n"
        "print(shrinkops.hardshrink.__module__, shrinkops_numpy.NumpyBackend.kernel.__name__)\n"
    )
    printed = _type(tmp_path, f"'{sys.executable}' -c {shlex.quote(program)}").splitlines()
    assert printed[0] == "[-1.25, -1.0, -0.75, 0.0, 0.0, 0.0, 0.0, 0.0, 0.75, 1.0]"
    assert printed[1].endswith(" _planted")


def test_a_verdict_is_what_asv_says_last(planted: Any) -> None:
    assert planted.verdict(f"text\n{planted.SLOWER}\n") == planted.SLOWER
    assert planted.verdict("Traceback") == ""
    outputs = [(planted.UNCHANGED, "a"), (planted.UNCHANGED, "b")]
    page = planted.report("0123abc", outputs)
    assert page.count("as it must") == 1
    assert page.count("**wrong**") == 1


def test_the_recorded_run_found_it(planted: Any) -> None:
    page = (ROOT / "docs" / "records" / "asv-continuous.md").read_text()
    assert page.count(": as it must") == len(planted.PAIRS)
    for pair in planted.PAIRS:
        assert planted.shown(pair.command) in page


@pytest.mark.skipif(not LONG, reason="takes five minutes; SHRINKOPS_TEST_ASV=1 runs it")
def test_a_planted_slowdown_is_found(planted: Any) -> None:
    assert planted.main([]) == 0
