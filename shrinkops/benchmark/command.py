"""``shrinkops bench``: a quick look at speed, and a gate for CI, without asv."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from shrinkops._plugins.target import Target, find_target, operations
from shrinkops.operations._declaration import Operation

from ._compare import Comparison, Verdict
from ._peers import COPY, Peer, find_peers
from ._record import record, write_record
from ._sampling import Plan
from ._session import Session, judge, pairs_of, run, usual_peers
from ._work import MODES

__all__ = ["command"]

_SIZES = (1, 1_000, 100_000, 1_000_000, 10_000_000)


class _Count(click.ParamType[int]):
    """A number of elements, as ``1000000`` or ``1e6``."""

    name = "number"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number of elements; write 1000000 or 1e6", param, ctx)
        if not number.is_integer() or number < 1:
            self.fail(f"{value!r} is not a whole number of at least 1", param, ctx)
        return int(number)


@click.command("bench")
@click.argument("targets", nargs=-1, metavar="TARGET...")
@click.option("--against", multiple=True, metavar="PEER", help="Peer; may be repeated.")
@click.option("--size", "sizes", multiple=True, type=_Count(), help="Elements, as 1e6; repeat.")
@click.option("--dtype", "dtypes", multiple=True, default=("float32",), show_default=True)
@click.option("--mode", type=click.Choice(MODES), help="By default out, or fresh without it.")
@click.option("--device", type=click.Choice(("cpu", "gpu")), default="cpu", show_default=True)
@click.option("--operation", help="By default the first one there is.")
@click.option("--blocks", type=click.IntRange(5), default=Plan.blocks, show_default=True)
@click.option("--gate", type=float, metavar="RATIO", help="Fail where a ratio is above this.")
@click.option("--json", "json_file", metavar="FILE", help="Write a record; - is stdout.")
@click.option("--plot", "plot_file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--peers", "list_peers", is_flag=True, help="List the peers and end.")
@click.option("--self-test", is_flag=True, help="Show that the kit sees what it must, and end.")
def command(
    targets: tuple[str, ...],
    against: tuple[str, ...],
    sizes: tuple[int, ...],
    dtypes: tuple[str, ...],
    mode: str | None,
    device: str,
    operation: str | None,
    blocks: int,
    gate: float | None,
    json_file: str | None,
    plot_file: Path | None,
    list_peers: bool,
    self_test: bool,
) -> None:
    """Measure backends against peers, as ratios.

    TARGET is a backend's name, or module:attribute. Results are compared with the
    definition bit for bit before anything is timed; times alternate in one process;
    a ratio comes with its 99 % interval, next to the ratio of the target over itself,
    which must be 1.

    With --gate the exit status is 1 where a ratio's whole interval lies above the gate,
    here and in a fresh process, or where nothing could be judged.
    """
    # A table in a file or a log is not cut to the width of a terminal that is not there.
    terminal = sys.stdout.isatty()
    console = Console(stderr=json_file == "-", width=None if terminal else 140)
    chosen = _operation(operation)
    if self_test:
        from .selftest import main

        sys.exit(main())
    known = find_peers(chosen)
    if list_peers:
        _print_peers(console, known)
        return
    if not targets:
        raise click.UsageError("name at least one TARGET, such as numpy")
    unknown = [name for name in against if name not in known]
    if unknown:
        names = ", ".join(map(repr, known))
        raise click.UsageError(f"no peer is called {unknown[0]!r}; there are {names}")
    if gate is not None and not gate > 0:  # nor NaN, which no ratio exceeds
        raise click.UsageError(f"a gate is a ratio above 0, got {gate:g}")
    if plot_file is not None:
        _check_plot(plot_file)
    found = [_target(text) for text in targets]
    session = _measure(
        found,
        chosen,
        sizes or _SIZES,
        dtypes,
        mode,
        device,
        _chooser(chosen, against, gate),
        blocks,
    )
    _print_session(console, session)
    if json_file is not None:
        _write(json_file, record(found, (f.as_dict() for f in session.measured)))
    if plot_file is not None and session.measured:
        from ._plot import plot

        plot(session.measured, plot_file)
    sys.exit(_status(console, session, gate))


def _write(file: str, content: dict[str, Any]) -> None:
    if file == "-":
        click.echo(json.dumps(content, ensure_ascii=False))
    else:
        write_record(Path(file), content)


def _check_plot(path: Path) -> None:
    from ._plot import check_format

    try:
        check_format(path)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _operation(name: str | None) -> Operation:
    known = operations()
    if name is None:
        return next(iter(known.values()))
    if name not in known:
        raise click.UsageError(f"no operation is called {name!r}; there are {', '.join(known)}")
    return known[name]


def _target(text: str) -> Target:
    try:
        return find_target(text)
    except (ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from error


def _chooser(
    operation: Operation, against: Sequence[str], gate: float | None
) -> Callable[[Target], Sequence[Peer]]:
    """Return what chooses a target's peers: those asked for, or its usual ones."""
    known = find_peers(operation)
    if against:
        return lambda _: [known[name] for name in against]
    if gate is not None:
        return lambda _: [known[COPY]]
    return usual_peers(operation)


def _measure(
    targets: Sequence[Target],
    operation: Operation,
    sizes: Sequence[int],
    dtypes: Sequence[str],
    mode: str | None,
    device: str,
    peers: Callable[[Target], Sequence[Peer]],
    blocks: int,
) -> Session:
    pairs = list(pairs_of(targets, sizes, dtypes, mode, device))
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(pairs))
        begun = count()  # as many as are done when the next one begins

        def progress(text: str) -> None:
            bar.update(task, description=text, completed=next(begun))

        return run(pairs, operation, peers, Plan(blocks=blocks), progress)


def _print_peers(console: Console, known: dict[str, Peer]) -> None:
    table = Table("peer", "needs", "arrays of", "departs from the specification")
    for peer in known.values():
        table.add_row(peer.name, peer.library, peer.takes, peer.departs)
    console.print(table)


def _print_session(console: Console, session: Session) -> None:
    table = Table("target", "case", "time", "against", "ratio (99 %)", "x copy", "A/A", "remark")
    for figure in session.measured:
        table.add_row(*_row(figure))
    if session.measured:
        console.print(table)
    departures = {f.peer: f.departs for f in session.measured if f.departs}
    notes = [f"* {peer} departs from the specification: {d}" for peer, d in departures.items()]
    for text in notes + [f"left out: {text}" for text in session.left_out]:
        console.print(text, style="dim", markup=False, highlight=False, soft_wrap=True)
    for text in session.wrong:
        console.print(
            f"wrong: {text}", style="bold red", markup=False, highlight=False, soft_wrap=True
        )
    console.print(
        f"{len(session.measured)} measured, {len(session.left_out)} left out, "
        f"{len(session.wrong)} wrong"
    )


def _row(figure: Comparison) -> list[str]:
    ratio, copy = figure.ratio, figure.over_copy
    return [
        figure.target,
        str(figure.case),
        _duration(figure.seconds.median),
        figure.peer + (" *" if figure.departs else ""),
        f"{ratio.median:.3g} ({ratio.low:.3g} to {ratio.high:.3g})",
        "" if copy is None else f"{copy.median:.3g}",
        f"{figure.control.median:.3f}",
        "" if figure.verdict == Verdict.OK else figure.verdict,
    ]


def _duration(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _status(console: Console, session: Session, gate: float | None) -> int:
    if session.wrong or not session.measured:
        if not session.measured:
            console.print("nothing was measured: that is a failure")
        return 1
    if gate is None:
        return 0
    outcome = judge(session.measured, gate)
    for message in outcome.messages:
        console.print(message, markup=False, highlight=False, soft_wrap=True)
    if not outcome.passed and not outcome.failed:
        console.print("the gate could judge nothing: that is a failure")
    console.print(
        f"gate {gate:g}: {outcome.passed} passed, {outcome.failed} failed, "
        f"{outcome.unjudged} not judged"
    )
    return 0 if outcome.ok else 1


if __name__ == "__main__":
    command()
