"""How many threads the kernels that shrinkops brings itself may use.

Invariants
----------
- The number never changes a bit of a result, only the time it takes.
- Where nobody said how many: ``SHRINKOPS_NUM_THREADS``, then ``OMP_NUM_THREADS``, as the tools
  that start workers set it; one in a worker process (started by multiprocessing, or forked),
  whose siblings have the other processors; else the processors that this process may use, at
  most `MOST_BY_DEFAULT`, beyond which memory has no more to give.
- This module knows no kernel: those that can be told register themselves when they load.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import TracebackType

__all__ = ["MOST_BY_DEFAULT", "VARIABLE", "ThreadLimit", "default_threads", "follow", "threads"]

VARIABLE = "SHRINKOPS_NUM_THREADS"
MOST_BY_DEFAULT = 8

_followers: list[tuple[Callable[[], int], Callable[[int], None]]] = []
_chosen: int | None = None
"""What `threads` was last called with."""


class ThreadLimit:
    """What `threads` did; as a context it is undone at the end.

    Attributes
    ----------
    n : int
        The most threads that a call may use from now on.
    before : int
        The number before.
    """

    __slots__ = ("_before_chosen", "before", "n")

    def __init__(self, n: int, before: int, before_chosen: int | None) -> None:
        self.n = n
        self.before = before
        self._before_chosen = before_chosen

    def __repr__(self) -> str:
        return f"<at most {self.n} thread{'s' if self.n > 1 else ''}>"

    def __enter__(self) -> ThreadLimit:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        global _chosen
        _chosen = self._before_chosen
        _tell(self.before)


def threads(n: int | None = None) -> ThreadLimit:
    """Set how many threads a call on a large NumPy array may use.

    Parameters
    ----------
    n : int, optional
        At least 1. None, the default, is what nobody said otherwise gives: the environment
        variable ``SHRINKOPS_NUM_THREADS``, or ``OMP_NUM_THREADS``; one thread in a worker
        process; else as many as there are processors, at most 8.

    Returns
    -------
    ThreadLimit
        A context manager: ``with shrinkops.threads(1): …`` puts the number back at the end.

    Raises
    ------
    TypeError, ValueError
        ``n`` is no whole number of at least 1.

    Notes
    -----
    For the whole process. Results have the same bits for every number. Arrays too small to gain
    are computed by one thread whatever the number. threadpoolctl, where it is installed, sets
    the same number, so that ``threadpool_limits`` and what builds on it (joblib, scikit-learn)
    are obeyed. Kernels of other libraries (torch, JAX) have settings of their own.

    Examples
    --------
    >>> import shrinkops
    >>> with shrinkops.threads(2) as limit:
    ...     print(limit.n)
    2
    """
    global _chosen
    if n is not None and (isinstance(n, bool) or not isinstance(n, int)):
        raise TypeError(f"threads: n must be a whole number, got {n!r} of type {type(n).__name__}")
    if n is not None and n < 1:
        raise ValueError(f"threads: n={n} is not a number of threads; pass 1 for no helpers")
    limit = ThreadLimit(default_threads() if n is None else n, _current(), _chosen)
    _chosen = n
    _tell(limit.n)
    return limit


def default_threads() -> int:
    """Return the number of threads where nobody said how many."""
    for name in (VARIABLE, "OMP_NUM_THREADS"):
        text = os.environ.get(name, "").partition(",")[0].strip()  # OpenMP's is one per level
        if text.isdecimal() and int(text) > 0:
            return int(text)
        if text and name == VARIABLE:
            raise ValueError(f"{VARIABLE}={text!r} is not a number of threads; set 1 or more")
    return 1 if _is_worker() else min(_processors(), MOST_BY_DEFAULT)


def follow(get: Callable[[], int], put: Callable[[int], None]) -> None:
    """Have a kernel told, now and at every change; it is asked what others made of it."""
    put(_current())
    _followers.append((get, put))


def _is_worker() -> bool:
    processes = sys.modules.get("multiprocessing.process")
    if processes is None:
        return False
    # While a spawned child imports its main module it does not yet know that it has a parent.
    starting = getattr(processes.current_process(), "_inheriting", False)
    return bool(starting) or processes.parent_process() is not None


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0)) or 1
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def _current() -> int:
    if _followers:
        return _followers[0][0]()
    return default_threads() if _chosen is None else _chosen


def _tell(n: int) -> None:
    for _, put in _followers:
        put(n)


def _after_fork() -> None:
    if _chosen is None and not os.environ.get(VARIABLE):
        _tell(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
