"""Counting, the verdict, and the exit status.

Invariants
----------
- A run is green only if it ran: the denominator comes from the plan, not from results.
- Provisional checks are counted apart and decide nothing.
- The exit status is a table, in order of gravity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from shrinkops._commands.status import Exit
from shrinkops._target import operations

from ._context import Environment
from ._ledger import Ledger
from ._model import Item, Result, Spared, State
from ._plan import Plan

__all__ = ["Counts", "Exit", "Run"]

ENOUGH = 0.8
"""Share of the required items that must come to a verdict; the rest may be inapplicable, or
expected to fail."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The denominator and what became of it."""

    required: int
    ran: int
    passed: int
    failed: int
    expected: int
    not_applicable: int
    not_declared: int
    provisional: int
    provisional_failed: int

    def line(self) -> str:
        """Return the counts in one line."""
        text = (
            f"{self.required} required, {self.ran} ran, {self.passed} passed, "
            f"{self.failed} failed, "
            f"{self.expected} expected to fail, {self.not_applicable} not applicable, "
            f"{self.not_declared} not declared"
        )
        if self.provisional:
            text += f"; {self.provisional} provisional, {self.provisional_failed} of them failed"
        return text


def _count(items: Sequence[Item], results: Sequence[Result]) -> Counts:
    binding = [r for r in results if not r.item.check.provisional]
    provisional = [r for r in results if r.item.check.provisional and r.state.ran]
    states = Counter(r.state for r in binding)
    return Counts(
        required=sum(not i.undeclared and not i.check.provisional for i in items),
        ran=sum(r.state.ran for r in binding),
        passed=states[State.PASSED],
        failed=sum(not r.state.good for r in binding),
        expected=states[State.EXPECTED],
        not_applicable=states[State.NOT_APPLICABLE],
        not_declared=states[State.NOT_DECLARED],
        provisional=len(provisional),
        provisional_failed=sum(not r.state.good for r in provisional),
    )


@dataclass(frozen=True)
class Run:
    """One suite against one target."""

    environment: Environment
    plan: Plan
    ledger: Ledger
    results: Sequence[Result]
    seconds: float = 0.0

    @property
    def counts(self) -> Counts:
        """Count the results."""
        return _count(self.plan.items, self.results)

    @property
    def clauses(self) -> dict[str, Counts]:
        """Count the results of each clause: its own denominator, and what became of it."""
        items: dict[str, list[Item]] = {}
        results: dict[str, list[Result]] = {}
        for item in self.plan.items:
            items.setdefault(item.check.clause, []).append(item)
        for result in self.results:
            results.setdefault(result.item.check.clause, []).append(result)
        return {name: _count(part, results.get(name, ())) for name, part in items.items()}

    @property
    def not_judged(self) -> list[str]:
        """Clauses that are required and of which no check came to a verdict."""
        return [name for name, counts in self.clauses.items() if counts.required and not counts.ran]

    @property
    def selected(self) -> bool:
        """Whether only a part of the plan was asked for."""
        return len(self.plan.items) < self.plan.total

    @property
    def stale(self) -> list[str]:
        """Lines about ledger entries that cover nothing, or quote too little.

        A selection proves nothing of what it leaves out, nor does one operation of another.
        """
        own = self.environment.suite.operation.prefix
        others = {f"{o.prefix}-" for o in operations().values() if o.prefix != own}
        return self.ledger.problems(self.plan.items, prefixes=[""] if self.selected else others)

    @property
    def too_little(self) -> str:
        """Why the run proves too little, empty where it does not."""
        counts = self.counts
        if counts.required == 0:
            return "no check was selected"
        if len({r.item.identifier for r in self.results}) < len(
            {i.identifier for i in self.plan.items}
        ):
            return "the run ended before every planned check came to a result"
        if counts.ran == 0:
            return f"none of {counts.required} required checks came to a verdict"
        judged = counts.ran - (0 if self.selected else counts.expected)
        spared = sum(r.raised == Spared.__name__ for r in self.results)
        if judged < ENOUGH * (counts.required - spared):
            excused = f" ({counts.expected} are excused by the ledger)" * (judged < counts.ran)
            return (
                f"only {judged} of {counts.required} required checks came to a verdict, "
                f"expected at least {ENOUGH:.0%}{excused}"
            )
        return ""

    @property
    def failures(self) -> list[Result]:
        """Results that decide against the backend."""
        return [r for r in self.results if not r.state.good and not r.item.check.provisional]

    @property
    def status(self) -> Exit:
        """The exit status."""
        if self.failures or self.stale:
            return Exit.DEVIATES
        return Exit.TOO_LITTLE if self.too_little else Exit.CONFORMS

    @property
    def verdict(self) -> str:
        """The verdict in a few words."""
        operation, backend = self.environment.suite.operation, self.environment.target.backend
        name = f"{operation.name} of backend {backend.name!r}"
        if self.status is Exit.DEVIATES:
            found = (
                f"{len(self.failures)} checks failed" if self.failures else "the ledger is stale"
            )
            return f"{name} DEVIATES from specification {self.specification}: {found}"
        if self.status is Exit.TOO_LITTLE:
            return f"{name}: NO VERDICT: {self.too_little}"
        part = " in the selected checks" if self.selected else ""
        with_entries = f", {self.counts.expected} failures expected" if self.counts.expected else ""
        left = f", {', '.join(self.not_judged)} not judged" if self.not_judged else ""
        return f"{name} CONFORMS to specification {self.specification}{part}{with_entries}{left}"

    @property
    def specification(self) -> str:
        """Version of the specification."""
        return self.environment.suite.operation.specification
