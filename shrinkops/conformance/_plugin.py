"""The kit inside pytest: one test for each item of the plan.

Invariants
----------
- Items, engine, ledger and exit rule are the command's own.
- Results travel in pytest's reports, so the process that judges the run has all of them, with
  pytest-xdist as without. An item that ran more than once counts once, by its worst result.
- The tests are items of their own, no test functions: what a project sets for its functions
  (fixtures for all, patterns of names, repetition) has no part in them.
- A run that pytest would call green is turned red where the verdict is another.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from shrinkops._commands.supervision import staying

from ._context import Environment
from ._engine import run_item
from ._ledger import Ledger, LedgerError, read_ledger
from ._model import Item, Result, State
from ._plan import Plan
from ._report import Exit, Run
from ._session import SPECIFICATIONS, UnusableTargetError, environments, plan_for

__all__ = ["Last", "Plugin", "report"]

_FOLDER = Path(__file__).parent
_ANCHOR = _FOLDER / "test_conformance.py"
_FIELDS = ("message", "value", "raised", "script", "seconds")

Planned = tuple[Environment, Plan, Item]


class Plugin:
    """Plans at configuration, judges in tests, counts at the end."""

    def __init__(self, config: pytest.Config) -> None:
        def option(name: str) -> Any:
            return config.getoption(f"shrinkops_{name}", default=None)

        spec = option("spec")
        if spec is not None and spec not in SPECIFICATIONS:
            raise pytest.UsageError(f"--spec {spec} is unknown; known: {', '.join(SPECIFICATIONS)}")
        folder = str(config.invocation_params.dir)
        if ":" in option("backend") and folder not in sys.path:
            sys.path.append(folder)  # as the command: it may lie here, and hides nothing
        try:
            self.ledger = read_ledger(Path(option("ledger"))) if option("ledger") else Ledger()
            with staying():
                found = environments(
                    option("backend"),
                    thorough=bool(option("thorough")),
                    names=option("operation") or (),
                )
            plans = [(e, plan_for(e, frozen=spec is not None)) for e in found]
        except (UnusableTargetError, LedgerError) as error:
            raise pytest.UsageError(str(error)) from error
        self.plans: list[tuple[Environment, Plan]] = plans
        self.planned: dict[str, Planned] = {
            _key(e, item): (e, plan, item) for e, plan in plans for item in plan.items
        }
        self.results: dict[str, Result] = {}
        self.selected: set[str] = set()

    # Making tests

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Of the kit's folder, only one file stands for tests."""
        path, folder = collection_path.resolve(), _FOLDER.resolve()
        inside = path.is_relative_to(folder) and path not in (folder, _ANCHOR.resolve())
        return True if inside else None

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> Any:
        """Make the tests."""
        if file_path.name == _ANCHOR.name and file_path.resolve() == _ANCHOR.resolve():
            return _File.from_parent(parent, path=file_path, plugin=self)
        return None

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note what was not deselected."""
        self.selected = {item.key for item in session.items if isinstance(item, _Item)}

    # Results

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send the result along with pytest's report."""
        made = yield
        if isinstance(item, _Item) and call.when == "call" and item.result is not None:
            result = item.result
            fields = {name: getattr(result, name) for name in _FIELDS}
            made.__dict__["shrinkops"] = {"key": item.key, "state": result.state.name, **fields}
        return made

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the result out of a report, wherever it was made."""
        sent = getattr(report, "shrinkops", None)
        planned = self.planned.get(sent["key"]) if sent else None
        if sent and planned is not None:
            fields = {name: sent[name] for name in _FIELDS}
            new = Result(planned[2], State[sent["state"]], **fields)
            old = self.results.get(sent["key"])
            if old is None or old.state.good:
                self.results[sent["key"]] = new

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell the process that judges what this one was given to run."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["shrinkops_selected"] = sorted(self.selected)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Hear it from a worker of pytest-xdist."""
        self.selected |= set(getattr(node, "workeroutput", {}).get("shrinkops_selected", ()))

    # The verdict

    def runs(self) -> list[Run]:
        """Return what ran, as the command would report it."""
        found = []
        for environment, plan in self.plans:
            keys = [_key(environment, item) for item in plan.items]
            keys = [key for key in keys if key in self.selected]
            part = Plan([self.planned[key][2] for key in keys], plan.total)
            results = [self.results[key] for key in keys if key in self.results]
            seconds = sum(result.seconds for result in results)
            if keys or not self.selected:
                found.append(Run(environment, part, self.ledger, results, seconds))
        return found

    def status(self) -> Exit:
        """Return the gravest status of all runs."""
        return max(run.status for run in self.runs())

    def _judges(self, config: pytest.Config) -> bool:
        return not hasattr(config, "workerinput") and not config.option.collectonly

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        """Print the counts and the verdict."""
        if not self._judges(config):
            return
        terminalreporter.section("conformance")
        for run in self.runs():
            terminalreporter.line(run.counts.line())
            for line in run.stale:
                terminalreporter.line(line, red=True)
            good = run.status is Exit.CONFORMS
            terminalreporter.line(run.verdict, green=good, red=not good)


class Last:
    """Has the last word about the exit status."""

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if (
            exitstatus == pytest.ExitCode.OK
            and self.plugin._judges(session.config)
            and self.plugin.status() is not Exit.CONFORMS
        ):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


class _File(pytest.File):
    """Stands for the plan."""

    def __init__(self, *, plugin: Plugin, **rest: Any) -> None:
        super().__init__(**rest)
        self.plugin = plugin

    def collect(self) -> Iterator[pytest.Item]:
        for key, planned in self.plugin.planned.items():
            yield _Item.from_parent(self, name=key, key=key, planned=planned, plugin=self.plugin)


class _Item(pytest.Item):
    """One item of the plan."""

    def __init__(self, *, key: str, planned: Planned, plugin: Plugin, **rest: Any) -> None:
        super().__init__(**rest)
        self.key = key
        self.planned = planned
        self.plugin = plugin
        self.result: Result | None = None
        self.add_marker("conformance")

    def runtest(self) -> None:
        environment, _, item = self.planned
        with environment.adapter.session():
            self.result = run_item(environment, item, self.plugin.ledger)
        report(self.result)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        if excinfo.errisinstance(pytest.fail.Exception):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str], None, str]:
        return self.path, None, self.name


def _key(environment: Environment, item: Item) -> str:
    """Name an item among those of all operations: a check's identifier begins with its own's."""
    operation = environment.suite.operation
    own = item.identifier.startswith(f"{operation.prefix}-")
    return item.identifier if own else f"{operation.name} {item.identifier}"


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
