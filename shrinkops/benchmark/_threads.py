"""One thread for every library that lets itself be told, our own NumPy kernels first.

A figure of a library on two threads against another on one says nothing about either.
JAX cannot be told once it has started; its figures are against JAX itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import shrinkops

__all__ = ["one_thread"]


def _torch(count: int) -> int:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    return before


def _numexpr(count: int) -> int:
    import numexpr

    return int(numexpr.set_num_threads(count))


_SETTERS: dict[str, Callable[[int], int]] = {"torch": _torch, "numexpr": _numexpr}
"""Each sets the number of threads and returns what it was."""


@contextmanager
def one_thread(libraries: Iterable[str]) -> Iterator[None]:
    """Hold libraries to one thread; give each back what it had."""
    before = [(_SETTERS[name], _SETTERS[name](1)) for name in set(libraries) & _SETTERS.keys()]
    try:
        with shrinkops.threads(1):
            yield
    finally:
        for setter, count in before:
            setter(count)
