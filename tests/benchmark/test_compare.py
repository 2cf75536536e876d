from __future__ import annotations

import json

import numpy as np
import pytest

from shrinkops._target import find_target, operations
from shrinkops.benchmark import selftest
from shrinkops.benchmark._compare import Verdict, compare, is_sound
from shrinkops.benchmark._peers import find_peers
from shrinkops.benchmark._sampling import Plan
from shrinkops.benchmark._statistics import Estimate
from shrinkops.benchmark._work import Case, Skip, device_kind, make_work

OPERATION = operations()["hardshrink"]
COPY = find_peers(OPERATION)["copy"]


def test_the_self_test_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert selftest.main() == 0, capsys.readouterr().out
    assert "4 of 4 checks passed" in capsys.readouterr().out


def test_a_check_that_never_succeeds_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    never = selftest.Check("what never is", lambda: (False, "not seen"))
    monkeypatch.setattr(selftest, "CHECKS", (never,))
    assert selftest.main() == 1
    assert "FAILED  what never is: not seen" in capsys.readouterr().out


def test_a_library_that_is_not_waited_for_is_flagged() -> None:
    pytest.importorskip("jax")
    case = Case(4_000_000, mode="fresh")
    plan = Plan(blocks=5, fewest=5, most_seconds=1)
    for _ in range(3):  # a busy machine may compute before it returns
        (figure,) = compare(
            find_target("benchmark_faults:Impatient"), OPERATION, case, [COPY], plan
        )
        if figure.verdict == Verdict.FLOOR:
            break
    assert figure.verdict == Verdict.FLOOR


def test_a_library_that_is_waited_for_is_not_flagged() -> None:
    pytest.importorskip("jax")
    case = Case(4_000_000, mode="fresh")
    plan = Plan(blocks=5, fewest=5, most_seconds=1)
    (figure,) = compare(find_target("jax"), OPERATION, case, [COPY], plan)
    assert figure.verdict != Verdict.FLOOR


@pytest.mark.parametrize(
    ("control", "sound"),
    [
        (Estimate(1.0, 0.99, 1.01, 21), True),
        (Estimate(1.05, 0.98, 1.12, 21), True),
        (Estimate(1.08, 1.04, 1.12, 21), False),
        (Estimate(0.92, 0.90, 0.95, 21), False),
        (Estimate(1.0, 0.5, 1.5, 21), False),
    ],
)
def test_a_control_is_sound_or_not(control: Estimate, sound: bool) -> None:
    assert is_sound(control) is sound


def test_a_figure_can_be_written_down() -> None:
    plan = Plan(blocks=5)
    (figure,) = compare(find_target("numpy"), OPERATION, Case(1000), [COPY], plan)
    found = json.loads(json.dumps(figure.as_dict()))
    assert found["target"] == "numpy"
    assert found["peer"] == "copy"
    assert found["case"] == {"size": 1000, "dtype": "float32", "mode": "out", "device": "cpu"}
    assert len(found["samples"]) == found["ratio"]["samples"]
    assert found["ratio"]["low"] <= found["ratio"]["median"] <= found["ratio"]["high"]


def test_host_peers_work_on_the_same_memory() -> None:
    work = make_work(find_target("numpy"), OPERATION, Case(10))
    assert np.shares_memory(work.x, work.host_x)
    assert np.shares_memory(work.out, work.host_out)


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (Case(1, "float128", "fresh"), r"backend 'jax' does not declare 'float128'"),
        (Case(1, mode="out"), r"backend 'jax' does not declare 'out'"),
        (Case(1, device="gpu"), r"backend 'jax' has no gpu here"),
    ],
)
def test_what_does_not_exist_is_skipped_with_a_reason(case: Case, message: str) -> None:
    pytest.importorskip("jax")
    if case.device == "gpu":
        import jax

        if any(d.platform != "cpu" for d in jax.devices()):
            pytest.skip("JAX has a GPU here, so that case exists")
    with pytest.raises(Skip, match=message):
        make_work(find_target("jax"), OPERATION, case)


@pytest.mark.parametrize(
    ("device", "kind"), [(None, "cpu"), ("cpu", "cpu"), ("cuda:0", "gpu"), (0, "gpu")]
)
def test_device_kinds(device: object, kind: str) -> None:
    assert device_kind(device) == kind


@pytest.mark.parametrize(
    ("target", "modes"),
    [("numpy", ("out", "fresh")), ("torch", ("out", "fresh", "derivative")),
     ("jax", ("fresh", "jit", "derivative"))],
)  # fmt: skip
def test_every_mode_of_every_backend_is_measured(target: str, modes: tuple[str, ...]) -> None:
    pytest.importorskip(target)
    plan = Plan(blocks=1, fewest=1, sample_seconds=0.0)
    for mode in modes:
        for dtype in ("float16", "float32"):
            case = Case(1000, dtype, mode)
            (figure,) = compare(find_target(target), OPERATION, case, [COPY], plan)
            assert figure.case == case
