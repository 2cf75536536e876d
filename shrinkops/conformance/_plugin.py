"""The kit inside pytest: one test for each item of the plan.

Invariants
----------
- Items, engine, ledger and exit rule are the command's own.
- A run that pytest would call green is turned red where the denominator says so, unless
  the user deselected tests, which pytest then reports.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from ._context import Environment
from ._engine import run_item
from ._ledger import Ledger, LedgerError, read_ledger
from ._model import Item, Result, State
from ._plan import Plan
from ._report import Exit, Run
from ._session import SPECIFICATIONS, UnusableTargetError, environments, plan_for

__all__ = ["Plugin", "active", "report"]

_active: list[Plugin] = []


def active() -> bool:
    """Tell whether this pytest run certifies a backend."""
    return bool(_active)


class Plugin:
    """Plans at configuration, judges in tests, counts at the end."""

    def __init__(self, config: pytest.Config) -> None:
        spec = config.getoption("spec")
        if spec is not None and spec not in SPECIFICATIONS:
            raise pytest.UsageError(f"--spec {spec} is unknown; known: {', '.join(SPECIFICATIONS)}")
        if ":" in config.getoption("backend"):  # as the command: it may lie in this folder
            sys.path.insert(0, str(config.invocation_params.dir))
        ledger = config.getoption("ledger")
        try:
            self.ledger = read_ledger(Path(ledger)) if ledger else Ledger()
            self.environments = environments(
                config.getoption("backend"), thorough=config.getoption("thorough")
            )
        except (UnusableTargetError, LedgerError) as error:
            raise pytest.UsageError(str(error)) from error
        self.plans: list[tuple[Environment, Plan]] = [
            (e, plan_for(e, frozen=spec is not None)) for e in self.environments
        ]
        self.results: dict[int, list[Result]] = {id(plan): [] for _, plan in self.plans}
        self.deselected = 0
        _active.append(self)

    def pytest_unconfigure(self) -> None:
        """Leave no trace for a pytest run inside a pytest run."""
        _active.remove(self)

    def items(self) -> list[tuple[Environment, Plan, Item]]:
        """Return every planned item."""
        return [(e, plan, item) for e, plan in self.plans for item in plan.items]

    def judge(self, environment: Environment, plan: Plan, item: Item) -> Result:
        """Run one item."""
        with environment.adapter.session():
            result = run_item(environment, item, self.ledger)
        self.results[id(plan)].append(result)
        return result

    def pytest_deselected(self, items: Any) -> None:
        """Count what -k and the like took away."""
        self.deselected += len(items)

    def runs(self) -> list[Run]:
        """Return what ran, as the command would report it."""
        return [Run(e, plan, self.ledger, self.results[id(plan)]) for e, plan in self.plans]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Turn a green run red where the denominator says so."""
        if hasattr(session.config, "workerinput"):
            return
        if exitstatus == pytest.ExitCode.OK and self.problems(session.config):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def problems(self, config: pytest.Config) -> list[str]:
        """Say why the run proves too little, or why the ledger is stale."""
        if self.deselected or config.option.collectonly or _distributed(config):
            return []
        runs = self.runs()
        return [*(r.too_little for r in runs if r.too_little), *(s for r in runs for s in r.stale)]

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        """Print the counts and the verdict."""
        if config.option.collectonly or _distributed(config):
            return
        terminalreporter.section("conformance")
        for run in self.runs():
            terminalreporter.line(run.counts.line())
            if not self.deselected:
                terminalreporter.line(run.verdict, green=run.status is Exit.CONFORMS)
        for problem in self.problems(config):
            terminalreporter.line(problem, red=True)


def _distributed(config: pytest.Config) -> bool:
    """Under pytest-xdist the workers hold the results."""
    return bool(getattr(config.option, "numprocesses", None)) or hasattr(config, "workerinput")


def report(result: Result) -> None:
    """Tell pytest how an item ended."""
    text = f"{result.item.identifier}: {result.message}"
    if result.script:
        text += f"\n\nReproduction:\n\n{result.script}"
    if result.state in (State.NOT_APPLICABLE, State.NOT_DECLARED):
        pytest.skip(result.message)
    if result.state is State.EXPECTED:
        pytest.xfail(result.message)
    if not result.state.good:
        if result.item.check.provisional:
            pytest.xfail(f"provisional: {result.message}")
        pytest.fail(text, pytrace=False)
