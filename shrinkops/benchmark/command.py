"""``shrinkops bench``: a quick look at speed, and a gate for CI, without asv."""

from __future__ import annotations

import importlib
import itertools
import os
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shrinkops._commands.command import Command, suggestion
from shrinkops._commands.files import FILE, Destination, distinct
from shrinkops._commands.output import Output, dumps
from shrinkops._commands.status import Exit
from shrinkops._commands.text import Column
from shrinkops._commands.whole import replacing
from shrinkops._numbers.formats import FORMATS
from shrinkops._target import Target, find_target, operations
from shrinkops.operations._declaration import Operation

from ._compare import Comparison, Verdict
from ._peers import COPY, Peer, find_peers
from ._record import record
from ._sampling import Plan
from ._session import Session, judge, pairs_of, run, usual_peers
from ._work import MODES

__all__ = ["command"]

_SIZES = (1, 1_000, 100_000, 1_000_000, 10_000_000)


if TYPE_CHECKING:
    _Type = click.ParamType[int]
else:
    _Type = click.ParamType  # before click 8.4 it has no subscript


class _Count(_Type):
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


@click.command(
    "bench", cls=Command, epilog="Example: shrinkops bench numpy torch --size 1e6 --dtype float32"
)
@click.argument("targets", nargs=-1, metavar="TARGET...")
@click.option("--against", multiple=True, metavar="PEER", help="Peer; may be repeated.")
@click.option("--size", "sizes", multiple=True, type=_Count(), help="Elements, as 1e6; repeat.")
@click.option("--dtype", "dtypes", multiple=True, default=("float32",), show_default=True)
@click.option("--mode", type=click.Choice(MODES), help="By default out, or fresh without it.")
@click.option(
    "--device", type=click.Choice(("cpu", "gpu")), help="cpu unless told; gpu for --acceptance."
)
@click.option("--operation", default="hardshrink", show_default=True, help="What is timed.")
@click.option("--blocks", type=click.IntRange(5), default=Plan.blocks, show_default=True)
@click.option("--gate", type=float, metavar="RATIO", help="Fail where a ratio is above this.")
@click.option("--json", "json_file", type=FILE, metavar="FILE", help="Write a record; - is stdout.")
@click.option("--plot", "plot_file", type=FILE, metavar="FILE", help="Draw times over sizes.")
@click.option("--peers", "list_peers", is_flag=True, help="List the peers and end.")
@click.option(
    "--acceptance",
    is_flag=True,
    help="Judge and time everything on a GPU, into two reports, and end.",
)
@click.option(
    "--self-test",
    "--selftest",
    is_flag=True,
    help="Show that the kit sees what it must, and end.",
)
@click.pass_obj
def command(
    output: Output,
    targets: tuple[str, ...],
    against: tuple[str, ...],
    sizes: tuple[int, ...],
    dtypes: tuple[str, ...],
    mode: str | None,
    device: str | None,
    operation: str,
    blocks: int,
    gate: float | None,
    json_file: Destination | None,
    plot_file: Destination | None,
    list_peers: bool,
    acceptance: bool,
    self_test: bool,
) -> Exit:
    """Measure backends against peers, as ratios.

    TARGET is a backend's name, or module:attribute. Results are compared with the
    definition bit for bit before anything is timed; times alternate in one process;
    a ratio comes with its 99 % interval, next to the ratio of the target over itself,
    which must be 1.

    With --gate the exit status is 1 where a ratio's whole interval lies above the gate,
    here and in a fresh process. It is 3 where nothing could be measured or judged, with a
    gate and without.

    With --acceptance the targets, and with cupy torch and jax on the same card, are judged by
    the conformance kit, called in every size and layout (under compute-sanitizer, too, where
    it is there), and timed against a copy within the device. The reports are acceptance.json,
    or the --json FILE, and a text beside it; the status is 1 where a part failed, 3 where a
    part could not run. This alone needs no extra: neither click nor asv.
    """
    chosen = _operation(operation)
    if self_test:
        from .selftest import main

        return Exit.DEVIATES if main(output.line) else Exit.CONFORMS
    if acceptance:
        return _accept(output, targets, device or "gpu", json_file)
    device = device or "cpu"
    distinct((json_file, plot_file))
    if json_file is not None and json_file.path is None:
        output.take_stdout()
    known = find_peers(chosen)
    if list_peers:
        _print_peers(output, known)
        return Exit.CONFORMS
    if not targets:
        raise click.UsageError("name at least one TARGET, such as numpy")
    for name in against:
        if name not in known:
            names = ", ".join(map(repr, known))
            raise click.UsageError(
                f"no peer is called {name!r}; there are {names}{suggestion(name, known)}"
            )
    if gate is not None and not gate > 0:  # nor NaN, which no ratio exceeds
        raise click.UsageError(f"a gate is a ratio above 0, got {gate:g}")
    if plot_file is not None:
        _check_plot(plot_file)
    _check_memory(sizes, dtypes)
    found = [_target(text) for text in targets]
    session = _measure(
        output,
        found,
        chosen,
        sizes or _SIZES,
        dtypes,
        mode,
        device,
        _chooser(chosen, against, gate),
        blocks,
    )
    _print_session(output, session)
    status = _status(output, session, gate)
    if json_file is not None:
        content = record(found, (f.as_dict() for f in session.measured))
        json_file.write(output, dumps(content, indent=1) + "\n")
    if plot_file is not None and plot_file.path is not None and session.measured:
        from ._plot import plot

        with replacing(plot_file.path) as path:
            plot(session.measured, path)
    return status


def _accept(output: Output, targets: Sequence[str], device: str, place: Destination | None) -> Exit:
    from .acceptance import accept

    if not targets:
        raise click.UsageError("name at least one TARGET, such as cupy")
    if place is not None and place.path is None:
        raise click.UsageError("an acceptance writes two reports; name a FILE for --json")
    path = Path("acceptance.json") if place is None or place.path is None else place.path
    try:
        return accept(targets, device, path, output.line)
    except (ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.FileError(str(path), error.strerror or str(error)) from error


def _check_plot(place: Destination) -> None:
    from ._plot import check_format

    if place.path is None:
        raise click.UsageError("a plot needs a file; - is for --json alone")
    try:
        check_format(place.path)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


_ARRAYS = 4
"""How many arrays of a case are held at once: x, out, and what a peer makes."""


def _check_memory(sizes: Sequence[int], dtypes: Sequence[str]) -> None:
    """Refuse arrays that this machine cannot hold before it begins to make them."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # a system that does not tell
        return
    for size, dtype in itertools.product(sizes, dtypes):
        width = FORMATS[dtype].width / 8 if dtype in FORMATS else 1
        if _ARRAYS * size * width > memory:
            raise click.UsageError(
                f"--size {size:g}: {_ARRAYS} arrays of {size:g} {dtype} numbers take "
                f"{_ARRAYS * size * width / 1e9:,.0f} GB, and this machine has {memory / 1e9:.0f} "
                f"GB; choose at most {memory / width / _ARRAYS:.0e}"
            )


def _operation(name: str) -> Operation:
    known = operations()
    module, _, attribute = name.partition(":")
    if attribute:
        try:
            name = getattr(importlib.import_module(module), attribute).name
        except (ImportError, AttributeError) as error:
            raise click.UsageError(f"operation {name!r} cannot be loaded: {error}") from error
    if name not in operations():
        raise click.UsageError(
            f"no operation is called {name!r}; there are {', '.join(known)}, and a third party's "
            f"is module:attribute{suggestion(name, known)}"
        )
    return operations()[name]


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
    output: Output,
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
    begun = count()  # as many as are done when the next one begins
    with output.progress(len(pairs)) as progress:
        return run(
            pairs,
            operation,
            peers,
            Plan(blocks=blocks),
            lambda text: progress.show(text, next(begun)),
        )


def _print_peers(output: Output, known: dict[str, Peer]) -> None:
    columns = (
        Column("peer"),
        Column("needs"),
        Column("arrays of"),
        Column("departs from the specification", folds=True),
    )
    output.table(columns, [[p.name, p.library, p.takes, p.departs] for p in known.values()])


_COLUMNS = (
    Column("target"),
    Column("case", folds=True),
    Column("time", right=True),
    Column("against"),
    Column("ratio (99 %)", right=True),
    Column("x copy", right=True),
    Column("A/A", right=True),
    Column("remark", folds=True),
)


def _print_session(output: Output, session: Session) -> None:
    if session.measured:
        output.table(_COLUMNS, [_row(figure) for figure in session.measured])
    departures = {f.peer: f.departs for f in session.measured if f.departs}
    notes = [f"* {peer} departs from the specification: {d}" for peer, d in departures.items()]
    for text in notes + _left_out(session.left_out):
        output.line(text, style="dim")
    for text in session.wrong:
        output.line(f"wrong: {text}", style="bold red")
    output.line(
        f"{len(session.measured)} measured, {len(session.left_out)} left out, "
        f"{len(session.wrong)} wrong"
    )


def _left_out(texts: Sequence[str]) -> list[str]:
    """Say each reason once, and in how many cases it held."""
    groups = Counter(tuple(text.split(": ", 2)) for text in texts)
    reasons = Counter[tuple[str, ...]]()
    for parts, times in groups.items():
        reasons[(parts[0], parts[2]) if len(parts) == 3 else parts] += times
    return [
        f"left out: {': '.join(parts)}" + (f" ({times} cases)" if times > 1 else "")
        for parts, times in reasons.items()
    ]


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


def _status(output: Output, session: Session, gate: float | None) -> Exit:
    if not session.measured:
        output.line("nothing was measured: that is a failure")
        return Exit.DEVIATES if session.wrong else Exit.TOO_LITTLE
    if session.wrong:
        return Exit.DEVIATES
    if gate is None:
        return Exit.CONFORMS
    outcome = judge(session.measured, gate)
    for message in outcome.messages:
        output.line(message)
    nothing = not outcome.passed and not outcome.failed
    if nothing:
        output.line("the gate could judge nothing: that is a failure")
    output.line(
        f"gate {gate:g}: {outcome.passed} passed, {outcome.failed} failed, "
        f"{outcome.unjudged} not judged"
    )
    if nothing:
        return Exit.TOO_LITTLE
    return Exit.CONFORMS if outcome.ok else Exit.DEVIATES
