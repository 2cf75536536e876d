"""A command's status is that of its verdict: the run has a parent that knows whether one came.

Invariants
----------
- The parent returns what the run reported, and 2 where it ended, however it ended, without a
  report: by ``os._exit(0)``, by C's ``exit``, by a program that took its place, by a crash.
- Nothing else changes: terminal, streams, process group, arguments and folder are the parent's.
  Ctrl-C reaches the run once; the run does not outlive its parent.
- In the run's own process ``os._exit`` is an exception, so the code that calls it is convicted
  of it. That holds where there is no fork, and in somebody's pytest, too.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

__all__ = ["is_program", "report", "staying", "supervised"]

_UNUSABLE = 2
_INTERRUPTED = 130
_HEARD = 255
"""What the run tells when an interrupt has reached it; all else it tells is its status."""
_PATIENCE = 0.5
"""Seconds in which an interrupt that the parent got must have reached the run too."""

_verdict: tuple[int, int] | None = None  # the process that may report, and where it does


def is_program(frame: FrameType | None) -> bool:
    """Tell whether a frame is the program itself: nobody's process but ours.

    A debugger, a profiler and the completion of a shell need no verdict, and no second process.
    """
    return (
        frame is not None
        and frame.f_globals.get("__name__") == "__main__"
        and frame.f_code.co_name == "<module>"
        and hasattr(os, "fork")
        and threading.active_count() == 1
        and sys.gettrace() is None
        and sys.getprofile() is None
        and "_SHRINKOPS_COMPLETE" not in os.environ
    )


def supervised(run: Callable[[], int]) -> int:
    """Run in a child process; return the status that it reported, in the parent."""
    global _verdict
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    told, tell = os.pipe()
    ended, lives = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    child = os.fork()
    if child == 0:
        os.close(told)
        os.close(lives)
        _end_with(ended)
        _verdict = os.getpid(), tell
        signal.signal(signal.SIGINT, _interrupted)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        status = run()
        report(status)
        return status
    os.close(tell)
    os.close(ended)
    return _Parent(child, told).wait()


class _Parent:
    """Waits for the run."""

    def __init__(self, child: int, pipe: int) -> None:
        self._child = child
        self._pipe = pipe
        self._told = b""
        self._presses = 0

    def wait(self) -> int:
        """Return the run's status, or that of a run without one."""
        signal.signal(signal.SIGINT, self._pressed)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        ended = os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt
        while self._hear(0):
            pass
        reported = [status for status in self._told if status != _HEARD]
        if reported:
            return reported[-1]
        if ended == -signal.SIGINT:
            return _INTERRUPTED
        how = f"with status {ended}" if ended >= 0 else f"by {_name(-ended)}"
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(
                f"Error: some code in the run ended it {how}, before it came to a verdict\n"
            )
            sys.stderr.flush()
        return _UNUSABLE

    def _pressed(self, *_: object) -> None:
        """Send an interrupt on, unless the terminal has told both processes of it."""
        self._presses += 1
        until = time.monotonic() + _PATIENCE
        while self._told.count(_HEARD) < self._presses and self._hear(until - time.monotonic()):
            pass
        if self._told.count(_HEARD) < self._presses:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGINT)

    def _hear(self, seconds: float) -> bool:
        if not select.select([self._pipe], [], [], max(seconds, 0))[0]:
            return False
        told = os.read(self._pipe, 64)
        self._told += told
        return bool(told)


def report(status: int) -> None:
    """Tell the parent how the command ended; only the run itself can, and once."""
    global _verdict
    _tell(status)
    _verdict = None


def _tell(what: int) -> None:
    if _verdict is not None and _verdict[0] == os.getpid():
        with contextlib.suppress(OSError):
            os.write(_verdict[1], bytes([what]))


def _interrupted(*_: object) -> NoReturn:
    _tell(_HEARD)
    raise KeyboardInterrupt


def _end_with(pipe: int) -> None:
    """Have this process end when the other end of a pipe is closed, which is the parent's end.

    SIGIO ends a process by default. No thread waits: it would be there at every fork.
    """
    import fcntl

    with contextlib.suppress(OSError, AttributeError):  # a system without it: the run ends later
        fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(pipe, fcntl.F_GETFL)
        fcntl.fcntl(pipe, fcntl.F_SETFL, flags | os.O_ASYNC)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@contextlib.contextmanager
def staying() -> Iterator[None]:
    """Have ``os._exit`` raise `SystemExit` in this process; in its forks it ends them."""
    leave: Any = os._exit
    here = os.getpid()

    def stay(status: int) -> NoReturn:
        if os.getpid() != here:
            leave(status)
        raise SystemExit(f"os._exit({status!r})")

    os._exit = stay
    try:
        yield
    finally:
        os._exit = leave
