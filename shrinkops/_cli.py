"""The command line: its group, and where its commands are.

Invariants
----------
- ``shrinkops --help`` imports no subcommand and no array library: names and one-line
  helps of the lazy commands stand in one table.
- What a command computes goes to stdout, all else to stderr, so ``--json`` can be piped; the
  exit statuses are `Exit`. Both are kept by ``_commands.command``, in one place for all.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.util import find_spec
from typing import NamedTuple

import click

import shrinkops

from ._commands.command import Group

__all__ = ["cli"]


class _Lazy(NamedTuple):
    target: str
    needs: dict[str, str]  # import name: distribution; what the extra of that name brings
    help: str


_LAZY = {
    "backends": _Lazy(
        "shrinkops._commands.backends:command", {}, "Show every known backend: ready or not, why."
    ),
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
    "explain": _Lazy(
        "shrinkops._commands.explain:command",
        {},
        "Tell which backend takes an array type, and why.",
    ),
    "new-backend": _Lazy(
        "shrinkops._commands.new_backend:command", {}, "Write a distribution with a backend."
    ),
}

_TAKE_MODULES = frozenset({"bench", "conformance", "explain", "new-backend"})
"""Commands whose ``module:attribute`` may lie in the current folder."""


class _Group(Group):
    """A group whose lazy commands are imported when they are run, not when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return sorted(_LAZY)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        lazy = _LAZY.get(cmd_name)
        if lazy is None:
            return None
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
        rows = [(name, _LAZY[name].help) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: shrinkops explain numpy:ndarray",
)
@click.version_option(shrinkops.__version__, prog_name="shrinkops")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Shrinkage operations for every array library."""
    try:
        here = os.getcwd()
    except OSError as error:  # libraries fail in their own ways there, when they are imported
        raise click.UsageError(
            f"the current folder is not there any more ({error.strerror}); change to another one"
        ) from error
    if ctx.invoked_subcommand in _TAKE_MODULES and here not in sys.path:
        sys.path.append(here)  # at the end: nothing in this folder may hide a library
