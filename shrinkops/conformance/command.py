"""The command ``shrinkops conformance TARGET``.

Invariants
----------
- It decides nothing: the plan, the engine and the report do, and pytest uses the same.
- Its status is the runs' own; where nothing came to a verdict, it is never 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from shrinkops._commands.command import Command
from shrinkops._commands.files import FILE, Destination, distinct
from shrinkops._commands.output import Output
from shrinkops._commands.status import Exit
from shrinkops._commands.text import Column

from . import KIT_VERSION
from ._certificate import certificate_text
from ._context import Environment
from ._html import page
from ._junit import junit_text
from ._ledger import Ledger, LedgerError, read_ledger
from ._model import Result, State
from ._plan import Plan
from ._report import Run
from ._session import SPECIFICATIONS, UnusableTargetError, environments, plan_for, run_suite

__all__ = ["command"]

_COLUMNS = (
    Column("clause"),
    Column("", folds=True),
    Column("ran", right=True),
    Column("passed", right=True),
    Column("", folds=True),
)


@click.command(
    "conformance",
    cls=Command,
    epilog="Example: shrinkops conformance numpy --check HS-VAL-1 --json certificate.json",
)
@click.argument("target")
@click.option("--thorough", is_flag=True, help="The exhaustive runs too; takes minutes.")
@click.option(
    "--selftest",
    is_flag=True,
    help="Show that the kit convicts mutants of this backend; --check selects by their checks.",
)
@click.option(
    "--ledger",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Expected failures, a TOML file; strict.",
)
@click.option(
    "--spec",
    type=click.Choice(SPECIFICATIONS),
    help="Freeze: only the checks that this version of the specification entered with.",
)
@click.option(
    "--check", "patterns", multiple=True, help="Only checks or clauses that match, as 'HS-VAL-*'."
)
@click.option(
    "--operation",
    "names",
    multiple=True,
    metavar="NAME",
    help="Only this operation; module:attribute for a third party's.",
)
@click.option("--json", "json_file", type=FILE, metavar="FILE", help="Write the certificate.")
@click.option(
    "--html", "html_file", type=FILE, metavar="FILE", help="Write a page that stands alone."
)
@click.option("--junit", "junit_file", type=FILE, metavar="FILE", help="Write JUnit XML.")
@click.option("--list", "list_only", is_flag=True, help="List the checks and run none.")
@click.option(
    "--failures", "shown", default=5, show_default=True, help="Reproductions shown in full."
)
@click.pass_obj
def command(
    output: Output,
    target: str,
    thorough: bool,
    selftest: bool,
    ledger: Path | None,
    spec: str | None,
    patterns: Sequence[str],
    names: Sequence[str],
    json_file: Destination | None,
    html_file: Destination | None,
    junit_file: Destination | None,
    list_only: bool,
    shown: int,
) -> Exit:
    """Check the backend TARGET against the specification of every operation.

    TARGET is a backend's name, or module:attribute for a Backend class or instance that
    need not be registered. The exit status is 0 if it conforms, 1 if it deviates, 2 if it
    cannot be judged here, 3 if too little ran for a verdict, 130 if it was interrupted.
    A FILE of - is stdout.
    """
    files = {certificate_text: json_file, page: html_file, junit_text: junit_file}
    distinct(files.values())
    if (selftest or list_only) and any(files.values()):
        raise click.UsageError("--selftest and --list write no certificate; leave the files out")
    if any(place and place.path is None for place in files.values()):
        output.take_stdout()
    try:
        entries = read_ledger(ledger) if ledger else Ledger()
        found = environments(target, thorough=thorough, names=names)
    except (UnusableTargetError, LedgerError) as error:
        raise click.UsageError(str(error)) from error
    if list_only:
        return _list(output, found, patterns, frozen=spec is not None)
    if selftest:
        from ._selftest import concerned, run_selftest

        found = [e for e in found if concerned(e, patterns)] or found[:1]
        return max(Exit(run_selftest(environment, output, patterns)) for environment in found)
    plans = [(e, plan_for(e, patterns, frozen=spec is not None)) for e in found]
    # A pattern names checks of one operation, mostly: the others are then not in question.
    plans = [(e, plan) for e, plan in plans if plan.items] or plans[:1]
    runs = [_run(output, environment, plan, entries) for environment, plan in plans]
    for run in runs:
        _print(output, run, shown)
    for text, place in files.items():
        if place is not None:
            place.write(output, text(runs))
    return max(run.status for run in runs)


def _list(
    output: Output, found: Sequence[Environment], patterns: Sequence[str], *, frozen: bool
) -> Exit:
    listed = 0
    for environment in found:
        plan = plan_for(environment, patterns, frozen=frozen)
        for check in dict.fromkeys(item.check for item in plan.items):
            output.line(f"{check.identifier}  {check.title}")
            listed += 1
    return Exit.CONFORMS if listed else Exit.TOO_LITTLE


def _run(output: Output, environment: Environment, plan: Plan, entries: Ledger) -> Run:
    name = environment.suite.operation.name
    failed = 0
    with output.progress(len(plan.items)) as progress:

        def report(result: Result) -> None:
            nonlocal failed
            failed += not result.state.good
            progress.show(f"{name}  {failed} failed" if failed else name)

        return run_suite(environment, plan, entries, report)


def _print(output: Output, run: Run, shown: int) -> None:
    target = run.environment.target
    backend = target.backend
    source = " ".join(part for part in (target.distribution, target.version) if part)
    output.line(
        f"{backend.name} from {source}, on {backend.framework}; "
        f"specification {run.specification}, kit {KIT_VERSION}"
    )
    rows = list(_rows(run))
    output.table(_COLUMNS, [cells for cells, _ in rows], [style for _, style in rows])
    groups = list(_grouped(run.failures))
    for index, (result, others) in enumerate(groups):
        output.line(f"{result.item.identifier}: {result.state.value}", style="red")
        output.paragraph(result.message)
        if others:
            output.paragraph(f"so do {len(others)} more: {', '.join(others)}")
        if index < shown and result.script:
            for line in result.script.splitlines():
                output.line(f"    {line}", style="dim")
    if len(groups) > shown:
        output.line(f"reproductions of the first {shown}; --json or --html has all", "dim")
    for line in run.stale:
        output.line(line, style="red")
    for result in run.results:
        if result.item.check.provisional and not result.state.good:
            output.line(f"provisional: {result.item.identifier}: {result.message}", "yellow")
    output.line(run.counts.line())
    if run.selected:
        output.line(f"selected {len(run.plan.items)} of {run.plan.total} items")
    output.line(run.verdict, "bold green" if run.status is Exit.CONFORMS else "bold red")


def _grouped(failures: Sequence[Result]) -> Iterator[tuple[Result, list[str]]]:
    """Yield one failure for each check and cause, with the other items that it stands for."""
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in failures:
        key = (result.item.check.identifier, result.state.value, result.raised or result.message)
        groups.setdefault(key, []).append(result)
    for first, *rest in groups.values():
        yield first, [result.item.identifier for result in rest]


def _rows(run: Run) -> Iterator[tuple[list[str], str]]:
    """Yield a row for each clause, and its style."""
    for clause in run.environment.suite.operation.clauses:
        results = [r for r in run.results if r.item.check.clause == clause.identifier]
        if not results:
            continue
        states = Counter(r.state for r in results)
        ran = sum(count for state, count in states.items() if state.ran)
        notes = [f"{states[s]} {s.value}" for s in State if s is not State.PASSED and states[s]]
        bad = any(not state.good for state in states)
        row = [
            clause.identifier,
            clause.title,
            str(ran),
            str(states[State.PASSED]),
            ", ".join(notes),
        ]
        yield row, "red" if bad else "yellow" if states[State.EXPECTED] else ""
