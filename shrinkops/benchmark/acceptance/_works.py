"""The work of each kind of part, on one target and one kind of device.

Invariants
----------
- A work that raises has failed: its process ends with a traceback, which the report keeps.
- Figures come from the kits themselves: the conformance kit's runs, the benchmark's comparisons.
"""

from __future__ import annotations

import itertools
import platform
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shrinkops._target import Target, operations
from shrinkops.benchmark._check import WrongResultError
from shrinkops.benchmark._compare import Comparison, Verdict, compare_peer
from shrinkops.benchmark._peers import COPY, find_peers, suite_of
from shrinkops.benchmark._sampling import Plan
from shrinkops.benchmark._subjects import make_subject
from shrinkops.benchmark._suite import is_quick
from shrinkops.benchmark._threads import one_thread
from shrinkops.benchmark._work import Case, Skip, device_kind, make_work

from ._kernels import exercise
from ._parts import State

__all__ = ["GOAL", "WORKS", "Outcome"]

GOAL = 0.9
"""Share of a device copy's bandwidth that CuPy's kernels are wanted to reach, at 2, 4, 8 bytes."""

_SIZES = {"gpu": 100_000_000, "cpu": 10_000_000}
_QUICK_SIZE = 100_000
_DTYPES = ("float16", "float32", "float64")
_COMPARED = "float32"
"""The type in which the other peers are timed too."""


@dataclass(frozen=True)
class Outcome:
    """A state, why, and what JSON keeps of it."""

    state: str
    reason: str
    result: dict[str, Any]


def _machine(target: Target, device: str, where: Any) -> Outcome:
    """Say what it ran on."""
    found: dict[str, Any] = {
        "device": str(where),
        "kernel": target.backend.kernel_in_use(),
        "system": platform.platform(terse=True),
    }
    ask = _CARDS.get(target.backend.framework)
    if device == "gpu" and ask is not None:
        found |= ask(where)
    return Outcome(State.PASSED, "", found)


def _cupy_card(where: Any) -> dict[str, Any]:
    import cupy

    runtime = cupy.cuda.runtime
    about = runtime.getDeviceProperties(where)
    return {
        "card": about["name"].decode(),
        "compute capability": f"{about['major']}.{about['minor']}",
        "memory": int(about["totalGlobalMem"]),
        "multiprocessors": int(about["multiProcessorCount"]),
        "driver": int(runtime.driverGetVersion()),
        "runtime": int(runtime.runtimeGetVersion()),
        "hip": bool(runtime.is_hip),
    }


def _torch_card(where: Any) -> dict[str, Any]:
    import torch

    about = torch.cuda.get_device_properties(where)
    return {"card": about.name, "memory": about.total_memory, "cuda": torch.version.cuda}


def _jax_card(where: Any) -> dict[str, Any]:
    return {"card": str(where.device_kind), "platform": str(where.client.platform_version)}


_CARDS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "cupy": _cupy_card, "torch": _torch_card, "jax": _jax_card,
}  # fmt: skip


def _kernels(target: Target, device: str, where: Any) -> Outcome:  # noqa: ARG001
    """Call every kernel in odd sizes and layouts, and compare each bit."""
    calls, wrong = exercise(target, where, quick=is_quick())
    if target.backend.framework == "cupy":
        from ._cupy import ways

        for name, came_out_right in ways():
            calls += 1
            wrong += [] if came_out_right() else [name]
    found = {"calls": calls, "wrong": wrong[:50]}
    if wrong:
        return Outcome(State.FAILED, f"{len(wrong)} of {calls} calls are wrong: {wrong[0]}", found)
    if not calls:
        return Outcome(State.NOT_RUN, "no call could be made", found)
    return Outcome(State.PASSED, f"{calls} calls, every bit compared", found)


def _conformance(target: Target, device: str, where: Any) -> Outcome:  # noqa: ARG001
    """Judge with the conformance kit; on every device of the library, this kind among them."""
    from shrinkops.conformance import run
    from shrinkops.conformance._report import Exit

    report = run(target.text, check=["*-VAL-1*"] if is_quick() else ())
    found: list[dict[str, Any]] = []
    on_kind = 0
    for one in report.runs:
        ran = Counter(device_kind(r.item.device) for r in one.results if r.state.ran)
        on_kind += ran[device]
        found.append({
            "operation": one.environment.suite.operation.name, "verdict": one.verdict,
            "counts": one.counts.line(), "ran": dict(ran), "seconds": round(one.seconds, 1),
            "failures": [
                {"item": r.item.identifier, "message": r.message, "script": r.script}
                for r in one.failures
            ],
        })  # fmt: skip
    result = {"runs": found}
    bad = [run["verdict"] for run in found if run["failures"]]
    if bad:
        return Outcome(State.FAILED, "; ".join(bad), result)
    if report.status is not Exit.CONFORMS or not on_kind:
        reason = "; ".join(run["verdict"] for run in found)
        return Outcome(State.NOT_RUN, f"{on_kind} checks ran on the {device}: {reason}", result)
    return Outcome(State.PASSED, f"{len(found)} operations, {on_kind} checks on a {device}", result)


def _bandwidth(target: Target, device: str, where: Any) -> Outcome:  # noqa: ARG001
    """Time every operation against a copy within the device, and against what people write."""
    mode = "out" if "out" in target.backend.capabilities else "fresh"
    size = _QUICK_SIZE if is_quick() else _SIZES[device]
    plan = Plan(blocks=5, fewest=5, sample_seconds=0) if is_quick() else Plan(blocks=15)
    figures: list[Comparison] = []
    left_out: list[str] = []
    wrong: list[str] = []
    for name, dtype in itertools.product(operations(), _DTYPES):
        case = Case(size, dtype, mode, device)
        try:
            with target.backend.adapter().session():
                figures += _figures(target, name, case, plan, left_out)
        except Skip as reason:
            left_out.append(f"{name}, {case}: {reason}")
        except WrongResultError as error:
            wrong.append(f"{name}, {case}: {error}")
    result = {"figures": [_figure(f) for f in figures], "left out": left_out, "wrong": wrong}
    if wrong:
        return Outcome(State.FAILED, wrong[0], result)
    if not figures:
        return Outcome(State.NOT_RUN, f"nothing could be timed: {left_out[:1]}", result)
    if device != "gpu" or target.backend.framework != "cupy":
        return Outcome(State.PASSED, f"{len(figures)} figures, no goal", result)
    missed = [
        f"{f.operation} {f.case.dtype} {share:.2f}" for f in figures
        if f.peer == COPY and (share := _share(f)) < GOAL
    ]  # fmt: skip
    if missed:
        return Outcome(State.FAILED, f"below {GOAL:g} of a copy: {', '.join(missed)}", result)
    return Outcome(State.PASSED, f"{len(figures)} figures, all at {GOAL:g} of a copy", result)


def _figures(
    target: Target, name: str, case: Case, plan: Plan, left_out: list[str]
) -> list[Comparison]:
    operation = operations()[name]
    known, suite = find_peers(operation), suite_of(operation)
    peers = [known[COPY]]
    if case.dtype == _COMPARED:
        names = suite.get(target.text, suite[""])
        peers += [known[peer] for peer in (names[:1] if is_quick() else names)]
    work = make_work(target, operation, case)
    obstacles = {peer.name: "" if peer.name == COPY else peer.obstacle(work) for peer in peers}
    left_out += [f"{name}, {case}: {text}" for text in obstacles.values() if text]
    peers = [peer for peer in peers if not obstacles[peer.name]]
    found = []
    with one_thread([work.framework, *(peer.library for peer in peers)]):
        subject = make_subject(work)
        for peer in peers:
            try:
                found.append(compare_peer(work, subject, peer, plan))
            except (Skip, WrongResultError) as reason:
                left_out.append(f"{name}, {case}: {peer.name}: {reason}")
    return found


def _share(figure: Comparison) -> float:
    """Return the share of the copy's bandwidth; 0 of a figure that is not sound for its size."""
    return 0.0 if figure.verdict == Verdict.FLOOR else 1 / figure.ratio.median


def _figure(figure: Comparison) -> dict[str, Any]:
    content = figure.as_dict()
    width = {"float16": 2, "float32": 4, "float64": 8}[figure.case.dtype]
    content["bytes per second"] = 2 * width * figure.case.size / figure.seconds.median
    return content


WORKS: dict[str, Callable[[Target, str, Any], Outcome]] = {
    "machine": _machine,
    "kernels": _kernels,
    "conformance": _conformance,
    "bandwidth": _bandwidth,
}
"""By the name that a part gives it."""
