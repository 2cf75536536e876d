"""The command ``shrinkops conformance TARGET``.

Invariants
----------
- It decides nothing: the plan, the engine and the report do, and pytest uses the same.
- The table and the failures go to stdout, the progress bar to stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from . import KIT_VERSION
from ._certificate import write_certificate
from ._html import write_html
from ._junit import write_junit
from ._ledger import Ledger, LedgerError, read_ledger
from ._model import Result, State
from ._report import Exit, Run
from ._session import SPECIFICATIONS, UnusableTargetError, environments, plan_for, run_suite

__all__ = ["command"]

_FILE = click.Path(dir_okay=False, path_type=Path)
_STYLE = {
    State.PASSED: "green",
    State.EXPECTED: "yellow",
    State.NOT_APPLICABLE: "dim",
    State.NOT_DECLARED: "dim",
}


@click.command()
@click.argument("target")
@click.option("--thorough", is_flag=True, help="The exhaustive runs too; takes minutes.")
@click.option(
    "--selftest", is_flag=True, help="Show that the kit convicts mutants of this backend."
)
@click.option("--ledger", type=_FILE, help="Expected failures, a TOML file; strict.")
@click.option(
    "--spec",
    type=click.Choice(SPECIFICATIONS),
    help="Freeze: only the checks that this version of the specification entered with.",
)
@click.option(
    "--check", "patterns", multiple=True, help="Only checks or clauses that match, as 'HS-VAL-*'."
)
@click.option("--json", "json_file", type=_FILE, help="Write the certificate.")
@click.option("--html", "html_file", type=_FILE, help="Write a page that stands alone.")
@click.option("--junit", "junit_file", type=_FILE, help="Write JUnit XML.")
@click.option("--list", "list_only", is_flag=True, help="List the checks and run none.")
@click.option("--failures", "shown", default=5, show_default=True, help="Failures shown in full.")
def command(
    target: str,
    thorough: bool,
    selftest: bool,
    ledger: Path | None,
    spec: str | None,
    patterns: Sequence[str],
    json_file: Path | None,
    html_file: Path | None,
    junit_file: Path | None,
    list_only: bool,
    shown: int,
) -> None:
    """Check the backend TARGET against the specification of every operation.

    TARGET is a backend's name, or module:attribute for a Backend class or instance that
    need not be registered. The exit status is 0 if it conforms, 1 if it deviates, 2 if it
    cannot be judged here, 3 if too little ran for a verdict.
    """
    console = Console(highlight=False, soft_wrap=True)
    try:
        entries = read_ledger(ledger) if ledger else Ledger()
        found = environments(target, thorough=thorough)
    except (UnusableTargetError, LedgerError) as error:
        raise _refusal(str(error)) from error
    if list_only:
        for environment in found:
            for check in environment.suite.checks:
                console.print(escape(f"{check.identifier}  {check.title}"))
        return
    if selftest:
        from ._selftest import run_selftest

        sys.exit(max(run_selftest(environment, console) for environment in found))
    runs = []
    for environment in found:
        plan = plan_for(environment, patterns, frozen=spec is not None)
        with _progress() as progress:
            task = progress.add_task(
                environment.suite.operation.name, total=len(plan.items), failed=""
            )
            failed = 0

            def report(result: Result, progress: Progress = progress, task: Any = task) -> None:
                nonlocal failed
                failed += not result.state.good
                progress.update(task, advance=1, failed=f"{failed} failed" if failed else "")

            runs.append(run_suite(environment, plan, entries, report))
    for writer, path in (
        (write_certificate, json_file),
        (write_html, html_file),
        (write_junit, junit_file),
    ):
        if path is not None:
            writer(runs, path)
    for run in runs:
        _print(console, run, shown)
    sys.exit(max(int(run.status) for run in runs))


class _UnusableError(click.ClickException):
    """What cannot be judged."""

    exit_code = int(Exit.UNUSABLE)


def _refusal(message: str) -> click.ClickException:
    return _UnusableError(message)


def _progress() -> Progress:
    return (
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[red]{task.fields[failed]}"),
            console=Console(stderr=True),
            transient=True,
        )
        if sys.stderr.isatty()
        else _quiet_progress()
    )


def _quiet_progress() -> Progress:
    return Progress(console=Console(stderr=True, quiet=True))


def _print(console: Console, run: Run, shown: int) -> None:
    target = run.environment.target
    backend = target.backend
    source = " ".join(part for part in (target.distribution, target.version) if part)
    console.print(
        f"{backend.name} from {source}, on {backend.framework}; "
        f"specification {run.specification}, kit {KIT_VERSION}"
    )
    console.print(_table(run))
    for index, result in enumerate(run.failures):
        console.print(f"[red]{escape(result.item.identifier)}[/red]: {escape(result.state.value)}")
        console.print(escape(f"  {result.message}"))
        if index < shown and result.script:
            console.print(escape(_indented(result.script)), style="dim")
    if len(run.failures) > shown:
        console.print(f"reproductions of the first {shown}; --json or --html has all", style="dim")
    for line in run.stale:
        console.print(f"[red]{escape(line)}[/red]")
    for result in run.results:
        if result.item.check.provisional and not result.state.good:
            console.print(
                escape(f"provisional: {result.item.identifier}: {result.message}"), style="yellow"
            )
    console.print(run.counts.line())
    if run.selected:
        console.print(f"selected {len(run.plan.items)} of {run.plan.total} items")
    style = "bold green" if run.status is Exit.CONFORMS else "bold red"
    console.print(escape(run.verdict), style=style)


def _indented(script: str) -> str:
    return "\n".join(f"    {line}" for line in script.splitlines())


def _table(run: Run) -> Table:
    table = Table(box=None, pad_edge=False)
    for name, justify in (
        ("clause", "left"),
        ("", "left"),
        ("ran", "right"),
        ("passed", "right"),
        ("", "left"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for clause in run.environment.suite.operation.clauses:
        results = [r for r in run.results if r.item.check.clause == clause.identifier]
        if not results:
            continue
        ran = [r for r in results if r.state.ran]
        passed = sum(r.state is State.PASSED for r in ran)
        others = sorted({r.state for r in results if r.state is not State.PASSED})
        notes = ", ".join(
            f"[{_STYLE.get(s, 'red')}]{sum(r.state is s for r in results)} {s.value}[/]"
            for s in others
        )
        table.add_row(clause.identifier, clause.title, str(len(ran)), str(passed), notes)
    return table
