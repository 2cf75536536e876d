"""polars: a Series holds numbers and nulls; an expression is computed when its frame is.

Invariants
----------
- The result has x's name and element type, and its nulls where x has them.
- An expression stays one: nothing is known of its element type before it runs, so what a Series
  refuses at once is refused then, in the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from shrinkops.spec import type_name

from ._wrapper import Inner, Part, Wrapper, check_numbers, is_array, without_missing

__all__ = ["wrappers"]


def _has_numbers(dtype: Any) -> bool:
    return bool(dtype.is_integer() or dtype.is_float()) and "128" not in str(dtype)


class _Series(Wrapper):
    def parts(self, x: Any, plain: bool, inner: Inner) -> Sequence[Part]:
        if not _has_numbers(x.dtype):
            raise inner.refuse(str(x.dtype))
        return [Part(x.fill_null(0).to_numpy(), str(x.dtype))]

    def parameter(self, x: Any, value: Any, part: Part, name: str, inner: Inner) -> Any:
        if not isinstance(value, pl.Series):
            raise inner.mixed(x, value, name, f"pass a float as {name}, or a polars.Series")
        if not _has_numbers(value.dtype):
            raise TypeError(
                f"{inner.name}: {name} must hold real numbers, got a Series of dtype "
                f"{value.dtype}; cast it, or pass a float"
            )
        if len(value) not in (1, len(x)):
            raise ValueError(
                f"{inner.name}: {name} of {len(value)} elements does not fit x of {len(x)}; "
                f"give one for each element of x, or a float"
            )
        plain = value.fill_null(0).to_numpy()
        return without_missing(plain, value.is_null().to_numpy(), name, inner)

    def rebuild(self, x: Any, results: Sequence[Any], inner: Inner) -> Any:
        result = pl.Series(x.name, results[0], dtype=x.dtype)
        return result.set(x.is_null(), None) if x.null_count() else result


class _Expression(Wrapper):
    """Computed as a Series, in the frame's own time."""

    def apply(self, x: Any, parameters: Sequence[Any], out: Any, inner: Inner) -> Any:
        if out is not None:
            self.target(x, out, inner)
        names = zip(parameters, inner.parameters, strict=True)
        others = [(v, name) for v, name in names if is_array(v)]
        for value, name in others:
            if not isinstance(value, pl.Expr):
                raise inner.mixed(x, value, name, f"pass a float as {name}, or a polars.Expr")
        check_numbers(np.dtype(np.float64), "", parameters, inner)  # what any type refuses, now
        numbers = tuple(None if is_array(value) else value for value in parameters)
        return pl.map_batches(
            [x, *(value for value, _ in others)],
            partial(_compute, inner.function, numbers),
            return_dtype=_own_type(x),
            is_elementwise=True,
        )

    def inside(self, x: Any, inner: Inner) -> Sequence[Any]:
        return [pl.Series]  # when its frame is computed


def _own_type(x: Any) -> Any:
    """Return what stands for x's element type: neither way serves every expression."""
    return pl.self_dtype() if x.meta.has_multiple_outputs() else pl.dtype_of(x)


def _compute(function: Any, numbers: tuple[Any, ...], series: Sequence[Any]) -> Any:
    """Compute a batch; None stands for the next Series."""
    x, *arrays = series
    taken = [arrays.pop(0) if value is None else value for value in numbers]
    return function(x, *taken)


class _Frame(Wrapper):
    """A DataFrame or LazyFrame: columns of any type, so its own expressions say which."""

    def apply(self, x: Any, parameters: Sequence[Any], out: Any, inner: Inner) -> Any:
        raise TypeError(
            f"{inner.name}: {type_name(type(x))} is no array, expected a Series or an expression; "
            f"say which columns: x.with_columns({inner.name}(pl.col(...), ...))"
        )

    def inside(self, x: Any, inner: Inner) -> Sequence[Any]:
        return [pl.Expr]


def wrappers(_library: str) -> dict[type, Wrapper]:
    """Return the wrappers by class."""
    frame = _Frame()
    return {
        pl.Series: _Series(),
        pl.Expr: _Expression(),
        pl.DataFrame: frame,
        pl.LazyFrame: frame,
    }
