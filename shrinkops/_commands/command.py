"""How a command of shrinkops starts and ends, whatever happens in between.

Invariants
----------
- A command returns an `Exit`; nothing else makes a status of 0. What foreign code raises or
  how it leaves (``sys.exit(0)`` in a module under test) is a fault with a status of its own.
- Ctrl-C is 130 even where foreign code swallowed it; a closed pipe is 141.
- Messages hold names as they are: not as markup, without control characters.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import signal
import sys
import traceback
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from types import FrameType
from typing import Any

import click

from .output import ClosedPipeError, Output
from .status import Exit
from .streams import forgive, result_stream
from .supervision import report, staying
from .text import visible

__all__ = ["Command", "Group", "suggestion"]


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean …?``, or "" where nothing known is close."""
    lower = {name.lower(): name for name in known}
    close = [lower[name] for name in difflib.get_close_matches(word.lower(), lower, n=2)]
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""


class _Main(click.Command):
    """A command whose exit status is its own."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line and end the process; see `click.Command.main`."""
        arguments = sys.argv[1:] if args is None else list(args)
        if args is None and windows_expand_args and os.name == "nt":
            arguments = click.utils._expand_args(arguments)
        prog_name = prog_name or click.utils._detect_program_name()
        self._main_shell_completion(extra, prog_name, complete_var)
        for stream in (sys.stdout, sys.stderr):
            forgive(stream)
        status = _status(self, arguments, prog_name, extra)
        if not standalone_mode:
            return status
        report(int(status))
        sys.exit(int(status))


def _status(
    command: click.Command, arguments: list[str], program: str, extra: MutableMapping[str, Any]
) -> Exit:
    try:
        with command.make_context(program, arguments, **extra) as context:
            status = command.invoke(context)
            return status if isinstance(status, Exit) else Exit.UNUSABLE
    except click.exceptions.Exit as ended:  # --help, --version
        return Exit.UNUSABLE if ended.exit_code else Exit.CONFORMS
    except click.ClickException as error:
        _show(error)
        return Exit.UNUSABLE
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted")
        return Exit.INTERRUPTED
    except (ClosedPipeError, BrokenPipeError):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if sys.stdout.fileno() == 1:  # the interpreter flushes it once more
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return Exit.CLOSED_PIPE


class Command(_Main):
    """A leaf: opens the output, and lets nothing but its own return value be a success."""

    def invoke(self, ctx: click.Context) -> Exit:
        """Run the callback, which takes the `Output` as ``ctx.obj``."""
        interrupted: list[int] = []
        with result_stream() as result, _interrupts(interrupted), staying():
            ctx.obj = Output(result, sys.stderr)
            try:
                status = super().invoke(ctx)
                ctx.obj.finish()
            except (click.UsageError, click.FileError, ClosedPipeError, KeyboardInterrupt):
                raise
            except click.ClickException as error:
                raise click.UsageError(error.format_message(), ctx) from error
            except SystemExit as error:
                _fault(f"some code ended the run with sys.exit({error.code!r}); no verdict", error)
                return Exit.UNUSABLE
            except BaseException as error:
                kind = type(error).__name__
                _fault(f"a fault of shrinkops, or of what it runs: {kind}; no verdict", error)
                return Exit.UNUSABLE
        if interrupted:
            raise KeyboardInterrupt
        return status if isinstance(status, Exit) else Exit.UNUSABLE


class Group(_Main, click.Group):
    """A group whose unknown commands get a suggestion."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand."""
        word = args[0]
        if not word.startswith("-") and self.get_command(ctx, word) is None:
            known = self.list_commands(ctx)
            close = suggestion(word, known) or f"; there are {', '.join(known)}"
            raise click.UsageError(f"No such command {word!r}{close}", ctx)
        return super().resolve_command(ctx, args)


@contextlib.contextmanager
def _interrupts(seen: list[int]) -> Iterator[None]:
    """Remember Ctrl-C: a kernel may swallow the exception."""

    def remember(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        if callable(before):
            before(number, frame)
        else:  # ignored, as in the background of a script
            raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGINT, remember)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _show(error: click.ClickException) -> None:
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":  # since click 8.2
        return _say(error.format_message())
    if context is not None:
        _say(context.get_usage())
        if context.command.get_help_option(context) is not None:
            _say(f"Try '{context.command_path} --help' for help.\n")
    return _say(f"Error: {error.format_message()}")


def _fault(message: str, error: BaseException) -> None:
    _say("".join(traceback.format_exception(error)).rstrip())
    _say(f"Error: {message}")


def _say(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(visible(text), file=sys.stderr, flush=True)
