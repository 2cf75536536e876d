"""The kit from Python: a run that returns a report, and tests for a suite of one's own.

Invariants
----------
- Plan, engine, ledger and verdict are the command's own.
- A target that cannot be judged raises; a report exists only of what ran.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shrinkops._commands.status import Exit
from shrinkops._commands.whole import write_whole
from shrinkops._plugins.backend import Backend

from ._certificate import certificate, certificate_text
from ._context import Environment
from ._engine import run_item
from ._html import page
from ._junit import junit_text
from ._ledger import Ledger, read_ledger
from ._model import Item, Result
from ._plan import Plan
from ._report import Counts, Run
from ._session import environments, plan_for, run_suite

__all__ = ["Report", "make_tests", "run"]


@dataclass(frozen=True)
class Report:
    """What a run of the kit found; see `shrinkops.conformance.run`.

    Attributes
    ----------
    runs : tuple of Run
        One for each operation that was judged.
    """

    runs: tuple[Run, ...]

    def __str__(self) -> str:
        return "\n".join(line for run in self.runs for line in (run.counts.line(), run.verdict))

    @property
    def conforms(self) -> bool:
        """Whether every operation conforms."""
        return self.status is Exit.CONFORMS

    @property
    def status(self) -> Exit:
        """The command's exit status for this run."""
        return max(run.status for run in self.runs)

    @property
    def verdicts(self) -> Mapping[str, str]:
        """The verdict in words, by operation."""
        return {run.environment.suite.operation.name: run.verdict for run in self.runs}

    @property
    def counts(self) -> Mapping[str, Counts]:
        """The denominator and what became of it, by operation."""
        return {run.environment.suite.operation.name: run.counts for run in self.runs}

    @property
    def failures(self) -> Sequence[Result]:
        """What decides against the backend; each has a message, and mostly a script."""
        return [result for run in self.runs for result in run.failures]

    def certificate(self) -> dict[str, Any]:
        """Return the certificate, as ``--json`` writes it."""
        return certificate(self.runs)

    def write(
        self,
        *,
        json: str | Path | None = None,
        html: str | Path | None = None,
        junit: str | Path | None = None,
    ) -> None:
        """Write the certificate, the page or JUnit XML; each file whole or not at all.

        Raises
        ------
        OSError
        """
        for path, text in ((json, certificate_text), (html, page), (junit, junit_text)):
            if path is not None:
                write_whole(Path(path), text(self.runs).encode("utf-8", "backslashreplace"))


def run(
    target: str | Backend | type[Backend],
    *,
    operations: Sequence[str] = (),
    check: Sequence[str] = (),
    thorough: bool = False,
    spec: str | None = None,
    ledger: str | Path | None = None,
) -> Report:
    """Implement `shrinkops.conformance.run`."""
    entries = read_ledger(Path(ledger)) if ledger else Ledger()
    plans = _plans(target, operations, check, thorough, spec)
    return Report(tuple(run_suite(e, plan, entries) for e, plan in plans))


def _plans(
    target: str | Backend | type[Backend],
    operations: Sequence[str],
    check: Sequence[str],
    thorough: bool,
    spec: str | None,
) -> list[tuple[Environment, Plan]]:
    found = environments(target, thorough=thorough, names=operations)
    plans = [(e, plan_for(e, check, frozen=spec is not None)) for e in found]
    return [(e, plan) for e, plan in plans if plan.items] or plans[:1]


def make_tests(
    target: str | Backend | type[Backend],
    *,
    operations: Sequence[str] = (),
    check: Sequence[str] = (),
    thorough: bool = False,
    spec: str | None = None,
    ledger: str | Path | None = None,
) -> Callable[[Any], None]:
    """Implement `shrinkops.conformance.make_tests`."""
    import pytest

    from ._plugin import report

    entries = read_ledger(Path(ledger)) if ledger else Ledger()
    plans = _plans(target, operations, check, thorough, spec)
    results: dict[int, list[Result]] = {id(plan): [] for _, plan in plans}
    planned: list[Any] = [
        pytest.param((e, plan, item), id=item.identifier.replace("[", "-").rstrip("]"))
        for e, plan in plans
        for item in plan.items
    ]
    planned += [
        pytest.param((e, plan, None), id=f"{e.suite.operation.name}-verdict") for e, plan in plans
    ]

    @pytest.mark.parametrize("planned", planned)
    def test_conformance(planned: tuple[Environment, Plan, Item | None]) -> None:
        environment, plan, item = planned
        done = results[id(plan)]
        if item is not None:
            with environment.adapter.session():
                done.append(run_item(environment, item, entries))
            report(done[-1])
        elif len({r.item.identifier for r in done}) < len(plan.items):
            pytest.skip("the verdict needs every check in this process, in the order of the plan")
        else:
            whole = Run(environment, plan, entries, done)
            if whole.status is not Exit.CONFORMS:
                pytest.fail("\n".join([whole.verdict, *whole.stale]), pytrace=False)

    return test_conformance
