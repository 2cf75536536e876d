from __future__ import annotations

import inspect
import json
import math
import os
import subprocess
import sys
from typing import Any

import pytest

from shrinkops.benchmark import make_suite

LISTED = """
import json
from shrinkops.benchmark import make_suite
suite = make_suite(["numpy", "torch", "acme"])
print(json.dumps([
    [name, method, getattr(benchmark, "params"), benchmark.version]
    for name, cls in sorted(suite.items())
    for method, benchmark in sorted(vars(cls).items()) if method.startswith("track_")
]))
"""


def _benchmarks(cls: type) -> dict[str, Any]:
    return {name: f for name, f in vars(cls).items() if name.startswith("track_")}


def _listed(**environment: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", LISTED],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_parameters_do_not_depend_on_what_is_installed() -> None:
    # asv matches parameters by index between discovery and run: any dependence mislabels.
    everything = _listed()
    nothing = _listed(SHRINKOPS_BLOCK="numpy,torch,jax", SHRINKOPS_DISABLE_PLUGIN_AUTOLOAD="1")
    assert everything == nothing
    assert {name for name, *_ in everything} == {
        "HardshrinkAcme", "HardshrinkNumpy", "HardshrinkTorch",
    }  # fmt: skip


def test_no_setup_hook_can_set_number_to_one() -> None:
    for cls in make_suite(["numpy"]).values():
        assert not [name for name in dir(cls) if name.startswith(("setup", "time_"))]


def test_short_calls_are_looped() -> None:
    result = make_suite(["numpy"])["HardshrinkNumpy"]().track_time_out(1, "float32", "cpu")  # type: ignore[attr-defined]
    assert result["number"] > 100
    assert len(result["samples"]) == 1  # one per process
    assert 1e-8 < result["samples"][0] < 1


def test_versions_are_set_and_units_are_named() -> None:
    for cls in make_suite(["numpy"]).values():
        for benchmark in _benchmarks(cls).values():
            assert benchmark.version
            assert benchmark.unit in {"ratio", "seconds", "exponent", "outputs"}
            assert len(benchmark.params) == len(benchmark.param_names)


@pytest.mark.parametrize("target", ["numpy", "torch", "jax", "cupy"])
def test_each_benchmark_runs_once(
    target: str, quick: None, capsys: pytest.CaptureFixture[str]
) -> None:
    (cls,) = make_suite([target]).values()
    instance: Any = cls()
    measured = 0
    for name, benchmark in _benchmarks(cls).items():
        if target == "torch" and name.endswith("_jit"):
            continue  # compiles C++ for half a minute; a test of the backend covers it
        values = {"size": 1000, "dtype": "float32", "device": "cpu"}
        if name == "track_growth":
            continue  # only large sizes have a growth
        result = getattr(instance, name)(*(values[n] for n in benchmark.param_names))
        if isinstance(result, float):
            assert math.isnan(result)
            assert "skipped: " in capsys.readouterr().out
        else:
            assert result["samples"]
            measured += 1
    assert measured >= (1 if target == "cupy" else 8) or not _ready(target)


def _ready(target: str) -> bool:
    from shrinkops._target import find_target

    backend = find_target(target).backend
    return backend.installed() and backend.unavailable() is None


def test_growth_is_an_exponent() -> None:
    result = make_suite(["numpy"])["HardshrinkNumpy"]().track_growth("float32", "cpu")  # type: ignore[attr-defined]
    assert 0.5 < result["samples"][0] < 2


def test_a_device_that_is_missing_is_skipped(
    quick: None, capsys: pytest.CaptureFixture[str]
) -> None:
    instance: Any = make_suite(["numpy"], devices=["gpu"])["HardshrinkNumpy"]()
    assert math.isnan(instance.track_ratio_out(1, "float32", "gpu"))
    assert "skipped: backend 'numpy' has no gpu here" in capsys.readouterr().out


def test_a_plugin_that_vanished_is_an_error(quick: None) -> None:
    instance: Any = make_suite(["vanished"])["HardshrinkVanished"]()
    with pytest.raises(ValueError, match="no backend is named 'vanished'; registered: "):
        instance.track_ratio_out(1, "float32", "cpu")


def test_a_wrong_backend_is_an_error(quick: None) -> None:
    instance: Any = make_suite(["benchmark_faults:OpenBand"])["HardshrinkOpenBand"]()
    with pytest.raises(AssertionError, match="at the corners"):
        instance.track_ratio_fresh(1000, "float32", "cpu")


def test_a_peer_that_is_wrong_on_these_data_is_skipped(
    quick: None, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pywt")
    instance: Any = make_suite(["numpy"])["HardshrinkNumpy"]()
    # |x| = λ is frequent in float16, and PyWavelets keeps it.
    assert math.isnan(instance.track_ratio_out_pywt_threshold(100_000, "float16", "cpu"))
    assert "differs from the reference in value" in capsys.readouterr().out


def test_large_arrays_are_not_quick(quick: None, capsys: pytest.CaptureFixture[str]) -> None:
    instance: Any = make_suite(["numpy"])["HardshrinkNumpy"]()
    assert math.isnan(instance.track_ratio_out(10_000_000, "float32", "cpu"))
    assert "10000000 elements are not quick" in capsys.readouterr().out


@pytest.mark.parametrize("value", ["0", "", "false"])
def test_the_switch_set_to_off_is_off(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHRINKOPS_BENCH_QUICK", value)
    result = make_suite(["numpy"])["HardshrinkNumpy"]().track_time_out(1, "float32", "cpu")  # type: ignore[attr-defined]
    assert result["number"] > 100


@pytest.mark.parametrize(
    ("targets", "keywords", "message"),
    [
        ([], {}, r"targets must be a list of backends, got \[\]"),
        ("numpy", {}, r"targets must be a list of backends, got 'numpy'"),
        (["a:Acme", "b:Acme"], {}, "two targets would both be called HardshrinkAcme"),
        (["numpy"], {"modes": ["in"]}, "no mode is called 'in'; there are out, fresh, jit, deri"),
        (["numpy"], {"against": ["np.were"]}, r"no peer of hardshrink is called 'np\.were'; there"),
    ],
)
def test_refusals(targets: Any, keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_suite(targets, **keywords)


def test_peers_can_be_chosen() -> None:
    (cls,) = make_suite(["numpy"], modes=["out"], against=["numba"]).values()
    assert {n for n in _benchmarks(cls) if n.startswith("track_ratio_")} == {
        "track_ratio_out", "track_ratio_out_numba",
    }  # fmt: skip


def test_the_suites_of_this_repository_are_spelled_out() -> None:
    from pathlib import Path

    folder = Path(__file__).parents[2] / "asv_benchmarks" / "benchmarks"
    if not folder.exists():
        pytest.skip("not a checkout")
    for name in ("backends.py", "gpu.py"):
        text = (folder / name).read_text(encoding="utf-8")
        assert 'make_suite(["' in text
        assert "backends()" not in text


def test_the_kit_is_documented() -> None:
    assert "Examples" in (inspect.getdoc(make_suite) or "")


@pytest.mark.parametrize("module", ["shrinkops", "shrinkops.benchmark"])
def test_imports(module: str) -> None:
    source = (
        f"import sys, {module}; "
        "print([m for m in ('torch', 'jax', 'cupy', 'matplotlib', 'asv_runner', 'rich') "
        "if m in sys.modules], 'shrinkops.benchmark' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"[] {module == 'shrinkops.benchmark'}"


def test_a_second_grid_in_one_module_is_told() -> None:
    with pytest.warns(RuntimeWarning, match="has HardshrinkNumpy already"):
        exec(
            "from shrinkops.benchmark import make_suite\n"
            "globals().update(make_suite(['numpy']))\n"
            "globals().update(make_suite(['numpy'], sizes=[10]))\n",
            {},
        )
