from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from shrinkops._target import operations
from shrinkops.benchmark._peers import find_peers
from shrinkops.benchmark._record import read_record, record, write_record
from shrinkops.benchmark._sampling import Plan
from shrinkops.benchmark._statistics import Estimate

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import bench_page as page
from bench_answers import KINDS, answers
from bench_family import GOALS_OF
from bench_goals import Answer, Ask

GOALS = GOALS_OF["hardshrink"]

OPERATION = operations()["hardshrink"]
ROOT = Path(__file__).parents[2]


def _record(*figures: dict[str, Any]) -> dict[str, Any]:
    return {**record([], figures), "operation": "hardshrink"}


def _figure(value: Estimate | None, at_most: float = 1.1, **more: Any) -> dict[str, Any]:
    answer = Answer("over np.copyto", "1e6 x float32", "x", at_most, value, **more)
    return {"goal": GOALS[0].subject, **answer.as_dict()}


@pytest.mark.parametrize(
    ("value", "sound", "verdict"),
    [
        (Estimate(1.0, 0.9, 1.05, 31), True, "met"),
        (Estimate(1.0, 0.9, 1.3, 31), True, "met"),
        (Estimate(1.2, 1.0, 1.3, 31), True, "open"),
        (Estimate(1.3, 1.2, 1.4, 31), True, "missed"),
        (Estimate(1.0, 0.9, 1.05, 31), False, "open"),
        (None, True, "not measured"),
    ],
)
def test_verdicts(value: Estimate | None, sound: bool, verdict: str) -> None:
    assert Answer("a", "b", "x", 1.1, value, sound=sound).verdict == verdict


def test_a_missed_goal_is_shown_as_missed() -> None:
    good = _figure(Estimate(1.0, 0.99, 1.01, 31))
    bad = _figure(Estimate(2.5, 2.4, 2.6, 31))
    text = page.render([_record(good, bad)])
    line = next(line for line in text.splitlines() if line.startswith(f"| {GOALS[0].subject}"))
    assert "2.5 × (2.4 to 2.6), 1e6 x float32" in line
    assert "1 missed, 1 met" in line
    assert "**missed**" in line


def test_peers_have_a_row_and_sizes_a_column() -> None:
    from shrinkops._target import find_target
    from shrinkops.benchmark._session import pairs_of, run

    pairs = list(pairs_of([find_target("numpy")], (10, 1000), ("float32",), None, "cpu"))
    known = find_peers(OPERATION)
    chosen = [known["copy"], known["np.where"]]
    session = run(pairs, OPERATION, lambda _: chosen, Plan(blocks=5))
    text = page.render([{**_record(), "peers": [f.as_dict() for f in session.measured]}])
    assert "| numpy, float32, out | 10 | 1e3 |" in text
    assert "| copy | " in text
    assert "| np.where * | 0.0" in text


def test_every_goal_has_a_row_measured_or_not() -> None:
    text = page.render([_record()])
    for goal in GOALS:
        assert f"| {goal.subject} |" in text
    assert text.count("not measured |") == sum(len(goal.asks) for goal in GOALS)


def test_a_page_without_a_gpu_says_so() -> None:
    content = _record()
    content["machine"]["gpu"] = ""
    assert "No record here was made on a machine with a GPU" in page.render([content])
    content["machine"]["gpu"] = "a device"
    assert "No record here" not in page.render([content])


def test_machine_versions_and_date_are_on_the_page() -> None:
    content = _record()
    text = page.render([content])
    assert content["date"] in text
    assert content["machine"]["processor"] in text
    assert f"numpy {content['versions']['numpy']}" in text


def test_the_published_page_is_the_one_of_its_records() -> None:
    folder = ROOT / "docs" / "records"
    if not folder.exists():
        pytest.skip("not a checkout")
    paths = sorted(folder.glob("goals-*.json"))
    expected = page.render([read_record(path) for path in paths])
    assert (ROOT / "docs" / "performance.md").read_text(encoding="utf-8") == expected


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    source, output = tmp_path / "r.json", tmp_path / "p.md"
    write_record(source, _record())
    assert page.main([str(source), "-o", str(output)]) == 0
    assert output.read_text(encoding="utf-8").startswith("# Performance")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"bad\.json is not a record: "),
        ("[]", r"bad\.json has schema None, expected 1; record it again"),
        ('{"schema": 99}', r"bad\.json has schema 99, expected 1"),
    ],
)
def test_what_is_no_record_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_record(path)


def test_no_record_or_one_of_an_unknown_operation() -> None:
    with pytest.raises(ValueError, match="at least one record"):
        page.render([])
    with pytest.raises(ValueError, match="'other', an operation that has no goals here"):
        page.render([{**_record(), "operation": "other"}])


@pytest.mark.parametrize("name", GOALS_OF)
def test_goals_ask_what_can_be_answered(name: str) -> None:
    peers = find_peers(operations()[name])
    for goal in GOALS_OF[name]:
        labels = [ask.label for ask in goal.asks]
        assert len(set(labels)) == len(labels)
        for ask in goal.asks:
            assert ask.kind in KINDS
            assert ask.kind != "ratio" or ask.peer in peers


@pytest.mark.parametrize(
    "ask",
    [
        Ask("a", 1.1, "ratio", "numpy", "copy", (1000,)),
        Ask("b", 600, "nanoseconds", "numpy", mode="fresh", unit="ns"),
        Ask("c", 0, "frameworks", unit="modules"),
        Ask("d", 6, "ratio", "numpy", "copy", (1000,), environment={"SHRINKOPS_BENCH_QUICK": "0"}),
    ],
    ids=lambda ask: ask.kind + str(len(ask.environment)),
)
def test_questions_are_answered(ask: Ask) -> None:
    (answer,) = answers(ask, OPERATION, Plan(blocks=5))
    assert answer.value is not None
    assert json.dumps(answer.as_dict())


def test_a_miss_is_confirmed_in_a_fresh_process() -> None:
    (answer,) = answers(
        Ask("a", 0.5, "ratio", "benchmark_faults:Slow", "copy", (100_000,)), OPERATION, Plan()
    )
    assert answer.verdict in {"missed", "open"}
    assert "fresh process" in answer.remark or answer.remark == "A/A left 1"


def test_no_framework_is_imported_with_the_core() -> None:
    (answer,) = answers(Ask("c", 0, "frameworks"), OPERATION, Plan())
    assert answer.verdict == "met"


@pytest.mark.parametrize(
    ("ask", "remark"),
    [
        (Ask("a", 1, "ratio", "vanished", "copy"), "no backend is named 'vanished'"),
        (Ask("a", 1, "ratio", "numpy", "copy", device="gpu"), "has no gpu here"),
        (
            Ask("a", 1, "ratio", "numpy", "copy", environment={"SHRINKOPS_NUMPY_KERNEL": "mmx"}),
            "a fresh interpreter failed: ",
        ),
    ],
)
def test_what_cannot_be_answered_says_why(ask: Ask, remark: str) -> None:
    (answer,) = answers(ask, OPERATION, Plan(blocks=5))
    assert answer.verdict == "not measured"
    assert remark in answer.remark
