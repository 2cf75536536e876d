from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shrinkops.benchmark._plot import curves
from shrinkops.benchmark.command import command

FAST = ("--size", "1000", "--against", "copy", "--blocks", "5")


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_a_table_of_ratios() -> None:
    result = _run("numpy", "--size", "1e3", "--blocks", "5")
    assert result.exit_code == 0, result.output
    for text in ("numpy", "1e3 x float32, out, cpu", "np.where *", "A/A", "x copy", "left out"):
        assert text in result.output
    assert "np.where departs from the specification: HS-VAL-3" in result.output


def test_json_holds_what_a_figure_rests_on(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    result = _run("numpy", *FAST, "--json", str(path))
    assert result.exit_code == 0, result.output
    found = json.loads(path.read_text(encoding="utf-8"))
    assert set(found) == {
        "schema", "date", "machine", "python", "versions", "kernels", "figures",
    }  # fmt: skip
    assert found["versions"]["numpy"]
    assert found["machine"]["processor"]
    (figure,) = found["figures"]
    assert figure["case"]["size"] == 1000
    assert len(figure["samples"]) >= 5
    home = str(Path.home())
    assert home not in path.read_text(encoding="utf-8")


def test_json_can_be_piped() -> None:
    result = _run("numpy", *FAST, "--json", "-")
    assert json.loads(result.stdout)["figures"]
    assert "1 measured" in result.stderr


def test_a_derivative_is_not_compared_with_what_computes_none() -> None:
    pytest.importorskip("jax")
    result = _run("jax", "--size", "1000", "--mode", "derivative", "--blocks", "5")
    assert result.exit_code == 0, result.output
    assert "jnp.where: it computes no derivative" in result.output


def test_plot_draws_the_floor(tmp_path: Path) -> None:
    path = tmp_path / "plot.svg"
    result = _run("numpy", *FAST, "--size", "10", "--plot", str(path))
    assert result.exit_code == 0, result.output
    assert "<svg" in path.read_text(encoding="utf-8")


def test_curves_are_by_size_and_have_a_floor() -> None:
    from shrinkops._target import find_target, operations
    from shrinkops.benchmark._peers import find_peers
    from shrinkops.benchmark._sampling import Plan
    from shrinkops.benchmark._session import run
    from shrinkops.benchmark._work import Case

    operation = operations()["hardshrink"]
    peers = find_peers(operation)
    pairs = [(find_target("numpy"), Case(size)) for size in (1000, 10)]
    chosen = [peers["copy"], peers["np.where"]]
    session = run(pairs, operation, lambda _: chosen, Plan(blocks=5))
    lines, floors = curves(session.measured)
    assert set(lines) == {"numpy (float32, out)", "np.where (float32, out)"}
    assert set(floors) == {"copy (float32)"}
    assert [size for size, _ in floors["copy (float32)"]] == [10, 1000]


def test_two_targets_and_one_that_is_not_ready() -> None:
    result = _run("numpy", "cupy", *FAST)
    assert result.exit_code == 0, result.output
    assert "numpy" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("numpy", "--json", "nowhere/r.json"), "there is no folder"),
        (("numpy", "--plot", "nowhere/p.svg"), "there is no folder"),
        ((), "name at least one TARGET, such as numpy"),
        (("nunpy",), "no backend is named 'nunpy'; registered: "),
        (("numpy", "--against", "np.were"), "no peer is called 'np.were'; there are 'copy', "),
        (("numpy", "--size", "many"), "'many' is not a number of elements; write 1000000 or 1e6"),
        (("numpy", "--size", "0.5"), "'0.5' is not a whole number of at least 1"),
        (("numpy", "--operation", "soft"), "no operation is called 'soft'; there are hardshrink"),
        (("numpy", "--gate", "nan"), "a gate is a ratio above 0, got nan"),
        (("numpy", "--gate", "-1"), "a gate is a ratio above 0, got -1"),
        (("numpy", "--plot", "a.txt"), "cannot draw into 'a.txt'; its suffix must be "),
        (("json:dumps",), "expected a shrinkops.Backend class or instance"),
    ],
)
def test_refusals(arguments: tuple[str, ...], message: str) -> None:
    result = _run(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", " ").split())


def test_peers_are_listed_with_what_they_depart_in() -> None:
    result = _run("--peers")
    assert result.exit_code == 0
    assert "pywt.threshold" in result.output
    assert "HS-VAL-1" in result.output


def test_a_wrong_backend_gets_no_figure() -> None:
    result = _run("benchmark_faults:OpenBand", *FAST, "--mode", "fresh")
    assert result.exit_code == 1
    assert "wrong: benchmark_faults:OpenBand" in result.output
    assert "nothing was measured: that is a failure" in result.output


def test_measuring_nothing_is_a_failure() -> None:
    result = _run("numpy", *FAST, "--device", "gpu")
    assert result.exit_code == 3
    assert "has no gpu here" in result.output
    assert "nothing was measured: that is a failure" in result.output


def test_a_gate_that_is_kept() -> None:
    result = _run("numpy", *FAST, "--gate", "1000", "--blocks", "31")
    assert "gate 1000: 1 passed, 0 failed" in result.output or "not judged: " in result.output
    assert result.exit_code == (3 if "0 passed" in result.output else 0)


def test_a_gate_that_is_broken_is_confirmed_in_a_fresh_process() -> None:
    for _ in range(3):  # a control that left 1 judges nothing
        result = _run("benchmark_faults:Slow", "--size", "1e5", "--gate", "0.2")
        if "1 failed" in result.output:
            break
    assert result.exit_code == 1
    assert "gate 0.2: 0 passed, 1 failed, 0 not judged" in result.output
    assert "beyond the gate: benchmark_faults:Slow, 1e5 x float32, out, cpu, over copy: " in (
        result.output
    )
    assert "in a fresh process" in result.output


def test_a_figure_beyond_the_gate_in_one_process_only_does_not_fail() -> None:
    from dataclasses import replace

    from shrinkops._target import find_target, operations
    from shrinkops.benchmark._compare import compare
    from shrinkops.benchmark._peers import find_peers
    from shrinkops.benchmark._sampling import Plan
    from shrinkops.benchmark._session import judge
    from shrinkops.benchmark._statistics import Estimate
    from shrinkops.benchmark._work import Case

    operation = operations()["hardshrink"]
    copy = find_peers(operation)["copy"]
    (figure,) = compare(find_target("numpy"), operation, Case(1000), [copy], Plan(blocks=5))
    wild = replace(figure, verdict="ok", ratio=Estimate(500.0, 400.0, 600.0, 5))
    outcome = judge([wild], 300.0)
    assert not outcome.failed
    assert "beyond the gate once, but not in a fresh process" in outcome.messages[0]


def test_a_gate_that_judges_nothing_fails() -> None:
    from shrinkops.benchmark._session import judge

    assert not judge([], 1.0).ok


def test_the_self_test_is_an_option() -> None:
    result = _run("--self-test")
    assert result.exit_code == 0, result.output


def test_a_size_that_no_memory_holds_is_refused() -> None:
    result = _run("numpy", "--size", "1e15")
    assert result.exit_code == 2
    assert "arrays of 1e+15 float32 numbers take 16,000,000 GB" in " ".join(result.output.split())


def test_a_reason_is_said_once() -> None:
    from shrinkops.benchmark.command import _left_out

    texts = [f"numpy: {size} x float32, out, cpu: acme: acme is not installed" for size in (1, 2)]
    assert _left_out([*texts, "numpy: 1 x float32: no ufunc"]) == [
        "left out: numpy: acme: acme is not installed (2 cases)",
        "left out: numpy: no ufunc",
    ]


def test_few_peers_are_drawn() -> None:
    from shrinkops.benchmark._plot import chosen

    lines = {f"{name} (float32, out)": [(10, time)] for time, name in enumerate("bacdefgh", 1)}
    names = [label.partition(" (")[0] for label in chosen(lines, {"a"})]
    assert names[0] == "a"
    assert len(names) <= 5
    assert {"b", "h"} <= set(names)
