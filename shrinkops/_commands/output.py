"""How every command speaks: results to stdout, remarks and progress to stderr.

Invariants
----------
- A result that is JSON is alone on stdout, is RFC 8259 (no NaN) and pure ASCII.
- Nothing is read as markup. Colours go to terminals alone, and not where NO_COLOR or
  TERM=dumb says so.
- Nothing is cut to a width; where there is no terminal and no COLUMNS, nothing is folded.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, TextIO

from .text import Column, fold, layout, visible, width_of

__all__ = ["ClosedPipeError", "Output", "Progress", "dumps", "plain"]

_COLOURS = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33}


class ClosedPipeError(Exception):
    """Nobody reads the result any more."""


def plain(value: Any) -> Any:
    """Return a value that JSON has: no NaN, no infinity, no set, no surrogate alone."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(plain, value))
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value


def dumps(value: Any, indent: int | None = None, *, ascii_only: bool = True) -> str:
    """Return a value as JSON that every parser reads; what is not finite is null."""
    return json.dumps(plain(value), indent=indent, ensure_ascii=ascii_only, allow_nan=False)


class Output:
    """Where a command's result goes, and its remarks.

    Parameters
    ----------
    result, remarks : text streams
    """

    def __init__(self, result: TextIO, remarks: TextIO) -> None:
        self._result = result
        self._remarks = remarks
        self._text = result

    def take_stdout(self) -> None:
        """Leave stdout to a result that another program reads; people read stderr."""
        self._text = self._remarks

    @property
    def width(self) -> int | None:
        """Cells of a line; None where nothing limits them."""
        return _width(self._text)

    def line(self, text: object = "", style: str = "") -> None:
        """Write a line of the result, as it is but for control characters."""
        self._write(self._text, _styled(visible(text), style, self._text) + "\n")

    def paragraph(self, text: str, style: str = "", indent: int = 2) -> None:
        """Write a text, folded at spaces where the width asks for it."""
        width, space = self.width, " " * indent
        for line in fold(visible(text), None if width is None else max(width - indent, 1)):
            self._write(self._text, space + _styled(line, style, self._text) + "\n")

    def remark(self, text: object, style: str = "") -> None:
        """Write a line to stderr."""
        self._write(self._remarks, _styled(visible(text), style, self._remarks) + "\n")

    def table(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[str]],
        styles: Sequence[str] = (),
        indent: int = 0,
    ) -> None:
        """Write a table; ``styles`` are those of the rows."""
        width, space = self.width, " " * indent
        found = layout(columns, rows, None if width is None else max(width - indent, 1))
        for lines, style in zip(found, ["dim", *styles, *[""] * len(rows)], strict=False):
            for line in lines:
                self._write(self._text, space + _styled(line, style, self._text) + "\n")

    def json(self, value: Any, indent: int | None = None) -> None:
        """Write a value to stdout as JSON, alone."""
        self._write(self._result, dumps(value, indent) + "\n")

    def raw(self, text: str) -> None:
        """Write a document to stdout as it is."""
        self._write(self._result, text)

    def progress(self, total: int) -> Progress:
        """Return a line that counts on stderr while something runs; silent off a terminal."""
        return Progress(self._remarks, total)

    def finish(self) -> None:
        """Hand over what is buffered.

        Raises
        ------
        ClosedPipeError
        """
        self._write(self._result, "")
        self._write(self._remarks, "")

    def _write(self, stream: TextIO, text: str) -> None:
        try:
            stream.write(text)
            stream.flush()
        except BrokenPipeError as error:
            if stream is self._result:
                raise ClosedPipeError from error
        except ValueError:  # somebody closed it
            if stream is self._result:
                raise ClosedPipeError from None
        except UnicodeEncodeError:  # a stream that is not ours to reconfigure
            encoding = getattr(stream, "encoding", None) or "ascii"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


class Progress:
    """One line of a terminal that tells how far a run is. No thread: it would disturb timings.

    Parameters
    ----------
    stream : text stream
    total : int
    """

    INTERVAL = 0.1

    def __init__(self, stream: TextIO, total: int) -> None:
        self._stream = stream
        self._total = total
        self._done = 0
        self._shown = 0
        self._next = 0.0
        self._on = _is_terminal(stream) and os.environ.get("TERM") != "dumb"
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._draw("")

    def show(self, text: str, done: int | None = None) -> None:
        """Count one step, or set the count, and say what is being done."""
        self._done = self._done + 1 if done is None else done
        now = time.monotonic()
        if self._on and now >= self._next:
            self._next = now + self.INTERVAL
            minutes, seconds = divmod(int(now - self._started), 60)
            self._draw(f"{self._done}/{self._total}  {minutes}:{seconds:02}  {visible(text)}")

    def clear(self) -> None:
        """Take the line away, for something else to be printed."""
        self._draw("")
        self._next = 0.0

    def _draw(self, text: str) -> None:
        if not self._on or not (text or self._shown):
            return
        room = (_width(self._stream) or 80) - 1
        while width_of(text) > room:
            text = text[:-1]
        blank = " " * max(self._shown - width_of(text), 0)
        self._shown = width_of(text)
        try:
            self._stream.write(f"\r{text}{blank}" + ("" if text else "\r"))
            self._stream.flush()
        except (OSError, ValueError):
            self._on = False


def _width(stream: TextIO) -> int | None:
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    if not _is_terminal(stream):
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def _styled(text: str, style: str, stream: TextIO) -> str:
    if not style or not text or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    if not _is_terminal(stream) or sys.platform == "win32":  # its consoles need not know codes
        return text
    codes = ";".join(str(_COLOURS[name]) for name in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m"
