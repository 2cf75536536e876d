"""The command ``shrinkops backends``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

import shrinkops

from .command import Command
from .output import Output
from .status import Exit
from .text import NO_BREAK, Column

if TYPE_CHECKING:
    from shrinkops._plugins.status import BackendStatus

__all__ = ["command"]

_COLUMNS = (
    Column("backend"),
    Column("state", folds=True),
    Column("library", folds=True),
    Column("brought by", folds=True),
    Column("import", right=True),
    Column("array types", folds=True),
    Column("kernel", folds=True),
)


@click.command("backends", cls=Command, epilog="Example: shrinkops backends --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object per backend.")
@click.option("-v", "--verbose", is_flag=True, help="Print the capabilities too.")
@click.pass_obj
def command(output: Output, as_json: bool, verbose: bool) -> Exit:
    """Show every known backend: ready or not, why, and the remedy.

    Imports each installed array library to see whether it works, which may take seconds.
    """
    rows = list(shrinkops.backends())
    if as_json:
        output.json([_plain(row) for row in rows], indent=2)
    else:
        _print(output, rows, verbose)
    return Exit.CONFORMS


def _plain(row: BackendStatus) -> dict[str, Any]:
    return dataclasses.asdict(row) | {"capabilities": sorted(row.capabilities)}


def _print(output: Output, rows: Sequence[BackendStatus], verbose: bool) -> None:
    cells = [
        [
            row.name,
            row.state,
            f"{row.framework}{NO_BREAK}{row.framework_version}".strip(),
            f"{row.distribution} {row.distribution_version}".strip(),
            f"{row.import_seconds * 1e3:.1f}{NO_BREAK}ms" if row.import_seconds else "",
            ", ".join(row.array_types),
            row.kernel,
        ]
        for row in rows
    ]
    styles = ["green" if row.state == "ready" else "yellow" for row in rows]
    output.table(_COLUMNS, cells, styles, indent=1)
    for row in rows:
        if row.reason:
            output.line(f"{row.name}: {row.state}", style="yellow")
            output.paragraph(row.reason)
    if verbose:
        for row in rows:
            if row.capabilities:
                output.line(f"{row.name}: capabilities", style="bold")
                output.paragraph(", ".join(sorted(row.capabilities)))
