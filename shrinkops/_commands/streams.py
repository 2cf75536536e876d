"""The three standard streams, made safe: open, never failing on a character, stdout our own.

Invariants
----------
- Descriptors 0, 1 and 2 are open from the first line on: no file that is opened later is
  written to by somebody who believes it to be stderr.
- While a command runs, descriptor 1 and ``sys.stdout`` are stderr: whatever plugins, array
  libraries and kernels print, from Python or from C, cannot mix with a result.
- A character that an encoding lacks is written as a backslash escape.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO

__all__ = ["prepare", "result_stream"]

_MODES = {0: "r", 1: "w", 2: "w"}
_NAMES = {0: "stdin", 1: "stdout", 2: "stderr"}


def prepare() -> None:
    """Open what is closed, and let no encoding fail. Called once, before anything is printed."""
    for descriptor, name in _NAMES.items():
        try:
            os.fstat(descriptor)
        except OSError:  # the lowest free descriptor is this one, as those below are open
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            stream = open(  # noqa: SIM115  for the life of the process
                descriptor, _MODES[descriptor], encoding="utf-8", closefd=False
            )
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
    for stream in (sys.stdout, sys.stderr):
        forgive(stream)


def forgive(stream: TextIO) -> None:
    """Have a stream write escapes for the characters that its encoding lacks."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def result_stream() -> Iterator[TextIO]:
    """Yield the real stdout, while everything else that prints prints to stderr.

    In a process that is not ours alone (a notebook, a test) ``sys.stdout`` may be no file; then
    only the name is exchanged.
    """
    outer = sys.stdout
    outer.flush()
    own, duplicate = _duplicate(outer)
    sys.stdout = sys.stderr
    try:
        yield own
    finally:
        sys.stdout = outer
        if duplicate is not None:
            with contextlib.suppress(OSError, ValueError):
                own.flush()
            _flush_all()  # what foreign code left in buffers still belongs to stderr
            os.dup2(duplicate, 1)
            with contextlib.suppress(OSError):
                own.close()


def _duplicate(stream: TextIO) -> tuple[TextIO, int | None]:
    """Return a stream on a copy of descriptor 1, which becomes stderr."""
    try:
        if stream.fileno() != 1:
            return stream, None
        copy = os.dup(1)
        sys.stderr.flush()
        os.dup2(2, 1)
    except (OSError, ValueError, AttributeError):
        return stream, None
    encoding = getattr(stream, "encoding", None) or "utf-8"
    own = open(copy, "w", encoding=encoding, errors="backslashreplace")  # noqa: SIM115
    return own, copy


def _flush_all() -> None:
    import ctypes

    for stream in (sys.__stdout__, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
    with contextlib.suppress(OSError, AttributeError, TypeError):  # buffers of C's stdio
        ctypes.CDLL(None).fflush(None)
