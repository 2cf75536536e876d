"""What runs in the workers, in whatever process they are.

Invariants
----------
- A task holds numbers and the operation's public function, which pickles as a name: a worker
  imports shrinkops, finds its backends and loads its kernels by itself.
- A parameter that came as an array stays one, also where its chunk has a single element; a single
  number that was computed goes to whatever library x's chunk is of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

__all__ = ["array_task", "partition_task"]


_NUMPY = (np.ndarray, np.generic)


def partition_task(function: Callable[..., Any], numbers: Sequence[Any]) -> Callable[..., Any]:
    """Return ``partition(x, *others)``; None among the numbers stands for the next of them."""
    return partial(
        _frame if any(value is None for value in numbers) else _partition, function, tuple(numbers)
    )


def array_task(function: Callable[..., Any], numbers: Sequence[Any]) -> Callable[..., Any]:
    """Return ``chunk(x, *arrays)``; None among the numbers stands for the next array."""
    return partial(_chunk if None in numbers else _partition, function, tuple(numbers))


def _taken(numbers: tuple[Any, ...], others: Sequence[Any]) -> list[Any]:
    rest = iter(others)
    return [next(rest) if value is None else value for value in numbers]


def _partition(function: Callable[..., Any], numbers: tuple[Any, ...], x: Any, *others: Any) -> Any:
    return function(x, *_taken(numbers, others))


def _frame(function: Callable[..., Any], numbers: tuple[Any, ...], x: Any, *others: Any) -> Any:
    return function(x, *_taken(numbers, [_lifted(x, value) for value in others]))


def _lifted(x: Any, value: Any) -> Any:
    """Return a number that was computed as an array, which is refused less than a number is."""
    if getattr(value, "ndim", 0):
        return value
    import pandas as pd

    return pd.Series(value, index=x.columns) if x.ndim == 2 else pd.array([value])


def _like(x: Any, value: Any) -> Any:
    """Return an array of no axes in the library of a chunk."""
    if type(value) is type(x) or (isinstance(x, _NUMPY) and isinstance(value, _NUMPY)):
        return value
    number = np.asarray(value[()])
    if isinstance(x, _NUMPY):
        return number
    named = hasattr(type(x), "__array_namespace__")
    return x.__array_namespace__().asarray(number) if named else number


def _chunk(function: Callable[..., Any], numbers: tuple[Any, ...], x: Any, *arrays: Any) -> Any:
    taken = _taken(numbers, arrays)
    if all(getattr(array, "ndim", 1) for array in arrays):
        return function(x, *taken)
    # An array of no axes would be taken for the number that it holds, and be refused as one.
    lifted = [
        _like(x, value).reshape((1,)) if given is None and getattr(value, "ndim", 1) == 0 else value
        for given, value in zip(numbers, taken, strict=True)
    ]
    if getattr(x, "ndim", 1) == 0:
        return function(x.reshape((1,)), *lifted)[0]
    return function(x, *lifted)
