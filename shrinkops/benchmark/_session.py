"""A run over targets, cases and peers, and a gate over its figures.

Invariants
----------
- What is left out is reported with its reason; a run says how much it measured.
- A gate fails on a figure whose whole interval lies beyond it, confirmed by a second
  measurement in a fresh process. A figure with something against it confirms nothing,
  and a run that could judge nothing has failed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shrinkops._target import Target
from shrinkops.operations._declaration import Operation

from ._check import WrongResultError
from ._compare import Comparison, Verdict, compare
from ._peers import COPY, Peer, find_peers, suite_of
from ._sampling import Plan
from ._work import Case, Skip, make_work

__all__ = ["Judgement", "Session", "in_fresh_process", "judge", "pairs_of", "run", "usual_peers"]

Progress = Callable[[str], object]


@dataclass
class Session:
    """What was measured, and what was not and why."""

    measured: list[Comparison] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Judgement:
    """The outcome of a gate.

    Attributes
    ----------
    passed, failed, unjudged : int
        Figures within the gate, confirmed beyond it, and too noisy to tell.
    messages : tuple of str
    """

    passed: int
    failed: int
    unjudged: int
    messages: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether something was judged and nothing failed."""
        return not self.failed and self.passed > 0


def run(
    pairs: Sequence[tuple[Target, Case]],
    operation: Operation,
    peers: Callable[[Target], Sequence[Peer]],
    plan: Plan,
    progress: Progress = str,
) -> Session:
    """Compare every target with its peers in every case.

    Parameters
    ----------
    pairs : sequence of (Target, Case)
    operation : Operation
    peers : callable
        The peers of a target.
    plan : Plan
    progress : callable
        Told what comes next, once per pair.
    """
    session = Session()
    for target, case in pairs:
        progress(f"{target.text}: {case}")
        try:
            work = make_work(target, operation, case)
        except Skip as reason:
            session.left_out.append(f"{target.text}: {case}: {reason}")
            continue
        for peer in peers(target):
            obstacle = "" if peer.name == COPY else peer.obstacle(work)
            if obstacle:
                session.left_out.append(f"{target.text}: {case}: {peer.name}: {obstacle}")
                continue
            _measure(session, target, operation, case, peer, plan)
    return session


def _measure(
    session: Session, target: Target, operation: Operation, case: Case, peer: Peer, plan: Plan
) -> None:
    try:
        session.measured.extend(compare(target, operation, case, [peer], plan))
    except WrongResultError as error:
        message = f"{target.text}: {case}: {error}"
        (session.left_out if error.of_peer else session.wrong).append(message)
    except Skip as reason:
        session.left_out.append(f"{target.text}: {case}: {reason}")


def judge(figures: Sequence[Comparison], gate: float) -> Judgement:
    """Apply a gate to figures; measure those beyond it once more, in fresh processes."""
    passed = failed = unjudged = 0
    messages = []
    for figure in figures:
        name = f"{figure.target}, {figure.case}, over {figure.peer}"
        ratio = figure.ratio
        if figure.verdict != Verdict.OK:
            unjudged += 1
            messages.append(f"not judged: {name}: {figure.verdict}")
        elif ratio.low <= gate:
            passed += 1
        else:
            again = in_fresh_process(figure)
            if again is not None and again[0] > gate:
                failed += 1
                messages.append(
                    f"beyond the gate: {name}: {ratio.median:.3g} ({ratio.low:.3g} to "
                    f"{ratio.high:.3g}) > {gate:g}, and {again[0]:.3g} to {again[1]:.3g} in a "
                    f"fresh process"
                )
            else:
                passed += again is not None
                unjudged += again is None
                messages.append(f"beyond the gate once, but not in a fresh process: {name}")
    return Judgement(passed, failed, unjudged, tuple(messages))


def in_fresh_process(figure: Comparison) -> tuple[float, float] | None:
    """Measure a figure in a fresh process; return its interval, None if it is not sound."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "again.json"
        case = figure.case
        command = [sys.executable, "-m", "shrinkops", "bench", figure.target]
        command += ["--operation", figure.operation, "--against", figure.peer]
        command += ["--size", str(case.size), "--dtype", case.dtype]
        command += ["--mode", case.mode, "--device", case.device, "--json", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not path.exists():
            return None
        found = json.loads(path.read_text(encoding="utf-8"))["figures"]
    sound = [f for f in found if f["verdict"] == Verdict.OK]
    return (sound[0]["ratio"]["low"], sound[0]["ratio"]["high"]) if sound else None


def usual_peers(operation: Operation) -> Callable[[Target], Sequence[Peer]]:
    """Return what names a target's usual peers: the copy, and those of the suite."""
    known = find_peers(operation)
    suite = suite_of(operation)

    def choose(target: Target) -> Sequence[Peer]:
        return [known[name] for name in (COPY, *suite.get(target.text, suite[""]))]

    return choose


def pairs_of(
    targets: Sequence[Target],
    sizes: Sequence[int],
    dtypes: Sequence[str],
    mode: str | None,
    device: str,
) -> Iterator[tuple[Target, Case]]:
    """Yield every target with every case; without a mode, each in its best one."""
    for target in targets:
        best = "out" if "out" in target.backend.capabilities else "fresh"
        for dtype in dtypes:
            for size in sizes:
                yield target, Case(size, dtype, mode or best, device)
