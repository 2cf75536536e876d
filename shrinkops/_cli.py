"""The command line: its group, and the two commands that only report.

Invariants
----------
- ``shrinkops --help`` imports no subcommand and no array library: names and one-line
  helps of the lazy commands stand in one table.
- What a command computes goes to stdout, all else to stderr, so ``--json`` can be piped.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

import shrinkops

if TYPE_CHECKING:
    import numpy as np

    from shrinkops._plugins.status import BackendStatus, Explanation

__all__ = ["cli"]


class _Lazy(NamedTuple):
    target: str
    needs: dict[str, str]  # import name: distribution; what the extra of that name brings
    help: str


_LAZY = {
    "bench": _Lazy(
        "shrinkops.benchmark.command:command", {}, "Measure backends against peers, as ratios."
    ),
    "conformance": _Lazy(
        "shrinkops.conformance.command:command",
        {"hypothesis": "hypothesis", "ml_dtypes": "ml_dtypes", "pytest": "pytest"},
        "Check the backend TARGET against the specification of every operation.",
    ),
    "demo": _Lazy(
        "shrinkops.demo.command:command",
        {"pywt": "PyWavelets", "matplotlib": "matplotlib"},
        "Denoise real records on every backend that is ready.",
    ),
}

_TAKE_MODULES = frozenset({"bench", "conformance", "explain"})
"""Commands whose ``module:attribute`` may lie in the current folder."""


class _Group(click.Group):
    """A group whose lazy commands are imported when they are run, not when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_LAZY])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        lazy = _LAZY.get(cmd_name)
        if lazy is None:
            return super().get_command(ctx, cmd_name)
        missing = [text for name, text in lazy.needs.items() if find_spec(name) is None]
        if missing:
            raise click.ClickException(
                f"{cmd_name} needs {' and '.join(missing)}, not installed here; "
                f"the remedy: pip install 'shrinkops[{cmd_name}]'"
            )
        module, _, attribute = lazy.target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name in self.list_commands(ctx):
            command = super().get_command(ctx, name)
            rows.append((name, command.get_short_help_str(80) if command else _LAZY[name].help))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(shrinkops.__version__, prog_name="shrinkops")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """One hardshrink for every array library."""
    if ctx.invoked_subcommand in _TAKE_MODULES and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # at the end: nothing in this folder may hide a library


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object per backend.")
@click.option("-v", "--verbose", is_flag=True, help="Print the capabilities too.")
def backends(as_json: bool, verbose: bool) -> None:
    """Show every known backend: ready or not, why, and the remedy.

    Imports each installed array library to see whether it works, which may take seconds.
    """
    rows = list(shrinkops.backends())
    if as_json:
        click.echo(json.dumps([_plain(row) for row in rows], indent=2))
    else:
        _print_backends(rows, verbose)


def _plain(row: BackendStatus) -> dict[str, Any]:
    return dataclasses.asdict(row) | {"capabilities": sorted(row.capabilities)}


def _print_backends(rows: list[BackendStatus], verbose: bool) -> None:
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    table = Table("backend", "state", "library\nbrought by", "array types\nkernel")
    table.show_lines = True
    for row in rows:
        style = "green" if row.state == "ready" else "yellow"
        table.add_row(
            Text(row.name, style="bold"),
            Text(row.state, style=style),
            _two_lines(
                f"{row.framework} {row.framework_version}",
                f"{row.distribution} {row.distribution_version}",
            ),
            _two_lines(", ".join(row.array_types), row.kernel),
        )
    console.print(table)
    for row in rows:
        if row.reason:
            console.print(Text(f"{row.name}: {row.state}", style="yellow"))
            console.print(Padding(Text(row.reason), (0, 0, 0, 2)))
    if verbose:
        for row in rows:
            if row.capabilities:
                console.print(Text(f"{row.name}: capabilities", style="bold"))
                console.print(Padding(Text(", ".join(sorted(row.capabilities))), (0, 0, 0, 2)))


def _two_lines(first: str, second: str) -> Any:
    from rich.text import Text

    lines = [Text(first.strip()), Text(second.strip(), style="dim")]
    return Text("\n").join(line for line in lines if line.plain)


@cli.command()
@click.argument("subject", metavar="TYPE")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def explain(ctx: click.Context, subject: str, as_json: bool) -> None:
    """Tell which backend takes an array type, who else was asked, and why.

    TYPE is module:Class, such as numpy:ndarray or torch.nn:Parameter, or a .npy file,
    for the array in it. Exits with 1 where no backend takes it.
    """
    from rich.console import Console

    if subject.endswith(".npy"):
        array = _open_npy(subject)
        answer = shrinkops.explain(array)
        about = f"{subject}: {array.dtype} array of shape {array.shape}"
        refused = _refused_dtype(answer, array)
    else:
        answer, about, refused = shrinkops.explain(_find_class(subject)), "", ""
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(answer) | {"dtype_refused": refused}, indent=2))
    else:
        console = Console(highlight=False)
        for line in (about, repr(answer), refused):
            if line:
                console.print(line, markup=False)
    if answer.backend is None or refused:
        ctx.exit(1)


def _find_class(subject: str) -> type:
    module, colon, attribute = subject.partition(":")
    if not colon or not module or not attribute:
        raise click.BadParameter(
            f"{subject!r} is neither module:Class, such as numpy:ndarray, nor a .npy file",
            param_hint="TYPE",
        )
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except ModuleNotFoundError as error:
        raise click.BadParameter(
            f"{error}{_install_line(error.name or module)}", param_hint="TYPE"
        ) from error
    except Exception as error:  # whatever a module raises at import
        raise click.BadParameter(
            f"{subject!r} cannot be loaded: {type(error).__name__}: {error}", param_hint="TYPE"
        ) from error
    if not isinstance(found, type):
        raise click.BadParameter(
            f"{subject!r} is a {type(found).__name__}, expected a class such as numpy:ndarray",
            param_hint="TYPE",
        )
    return found


def _install_line(module: str) -> str:
    """Name the command that installs a missing library, where a backend knows it."""
    from shrinkops._plugins.registry import registry

    root = module.partition(".")[0]
    lines = {e.backend.framework: e.backend.install for e in registry.entries()}
    return f"; the remedy: {lines[root]}" if lines.get(root) else ""


def _open_npy(path: str) -> np.ndarray[Any, Any]:
    import numpy as np

    if not Path(path).is_file():
        raise click.BadParameter(f"{path!r}: there is no such file", param_hint="TYPE")
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except Exception as error:  # NumPy raises several kinds for bytes that are not its own
        raise click.BadParameter(
            f"{path!r} is not a .npy file of plain numbers: {error}", param_hint="TYPE"
        ) from error


def _refused_dtype(answer: Explanation, array: np.ndarray[Any, Any]) -> str:
    """Say so where the backend takes the type and not the element type (HS-TYP-4)."""
    from shrinkops._plugins.target import find_target

    if answer.backend is None:
        return ""
    backend = find_target(answer.backend).backend
    if backend.dtype_name(array) in backend.dtypes:
        return ""
    return (
        f"{answer.backend!r} does not take dtype {array.dtype}; "
        f"its dtypes are {', '.join(sorted(backend.dtypes))}"
    )
