"""pandas: Series, Index, frames; the arrays inside are in ``_pandas_arrays``.

Invariants
----------
- A frame is computed column by column, so no column's element type reaches another one; where
  all have one of NumPy's, the block of them is computed at once.
- A threshold per column is a Series by column label, or a dict; one per element has x's labels.
  Labels are matched, never united: a label that is missing is an error.
- Missing values of x stay missing. A missing threshold is NaN (HS-LAM-6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from shrinkops.spec import type_name

from ._pandas_arrays import ArrayWrapper, given_array
from ._wrapper import Inner, Part, Wrapper

__all__ = ["wrappers"]

_array = ArrayWrapper()
_BaseGroupBy = next(
    base for base in pd.api.typing.SeriesGroupBy.__mro__ if base.__name__ == "BaseGroupBy"
)


class _Labelled(Wrapper):
    """A Series or an Index: one array and its labels."""

    def parts(self, x: Any, plain: bool, inner: Inner) -> Sequence[Part]:
        if isinstance(x, pd.MultiIndex):
            raise inner.refuse("object")
        return [Part(x.array, str(x.dtype))]

    def parameter(self, x: Any, value: Any, part: Part, name: str, inner: Inner) -> Any:
        if isinstance(value, pd.Series) and isinstance(x, pd.Series):
            value = _same_labels(value, x.index, name, inner)
        if not isinstance(value, (pd.Series, pd.Index, pd.api.extensions.ExtensionArray)):
            raise inner.mixed(x, value, name, f"pass a float as {name}, or a Series like x")
        return given_array(value, x, name, inner)

    def rebuild(self, x: Any, results: Sequence[Any], inner: Inner) -> Any:
        if isinstance(x, pd.Index):
            return pd.Index(results[0], dtype=x.dtype, name=x.name, copy=False)
        series = x._constructor(results[0], index=x.index, name=x.name, copy=False)
        return series.__finalize__(x)


class _Frame(Wrapper):
    """A frame: a part per column, or one for all where one element type and number serve."""

    def parts(self, x: Any, plain: bool, inner: Inner) -> Sequence[Part]:
        first = x.dtypes.iloc[0] if x.shape[1] > 1 else None
        if plain and isinstance(first, np.dtype) and (x.dtypes == first).all():
            return [Part(x.to_numpy(), str(first))]
        return [Part(x.iloc[:, i], key=(i, x.columns[i])) for i in range(x.shape[1])]

    def parameter(self, x: Any, value: Any, part: Part, name: str, inner: Inner) -> Any:
        position, label = part.key
        if isinstance(value, pd.DataFrame):
            value = _same_labels(value, x.index, name, inner)
            _check_columns(value.columns, x, name, inner)
            same = value.columns.equals(x.columns)
            return value.iloc[:, position] if same else value[label]
        if isinstance(value, pd.Series):
            _check_columns(value.index, x, name, inner)
            same = value.index.equals(x.columns)
            one = value.iloc[[position]] if same else value.loc[[label]]
            return one.array
        if isinstance(value, Mapping):
            _check_columns(pd.Index(list(value)), x, name, inner)
            return value[label]
        raise inner.mixed(
            x, value, name, f"pass a float as {name}, or a Series or dict with one per column"
        )

    def rebuild(self, x: Any, results: Sequence[Any], inner: Inner) -> Any:
        if len(results) == 1 and isinstance(results[0], np.ndarray):
            whole = x._constructor(results[0], index=x.index, columns=x.columns, copy=False)
            return whole.__finalize__(x)
        frame = x.copy(deep=False)
        for i, column in enumerate(results):
            frame.isetitem(i, column)  # replaces the column; the frame given keeps its own
        return frame


class _Groups(Wrapper):
    """A GroupBy or a Resampler stands for several frames, and no result is of its type."""

    def apply(self, x: Any, parameters: Sequence[Any], out: Any, inner: Inner) -> Any:
        raise TypeError(
            f"{inner.name}: {type_name(type(x))} is no array, expected a Series or a DataFrame; "
            f"apply {inner.name} in each group: x.transform({inner.name}), or to the whole frame"
        )

    def inside(self, x: Any, inner: Inner) -> Sequence[Any]:
        return ()


def _same_labels(value: Any, index: Any, name: str, inner: Inner) -> Any:
    """Put a parameter into the order of x's labels; it must have each of them, once."""
    if value.index.equals(index):
        return value
    if not value.index.is_unique or len(value) != len(index) or not index.isin(value.index).all():
        raise ValueError(
            f"{inner.name}: {name} has {len(value)} labels, {value.index[:3].tolist()} and so on, "
            f"expected x's {len(index)}, {index[:3].tolist()} and so on, each once; "
            f"reindex {name} like x, or pass a float"
        )
    return value.reindex(index)


def _check_columns(labels: Any, x: Any, name: str, inner: Inner) -> None:
    if labels.equals(x.columns):
        return
    wrong = list(x.columns.difference(labels)) + list(labels.difference(x.columns))
    if wrong or not labels.is_unique:
        raise ValueError(
            f"{inner.name}: {name} must have one value for each of x's columns "
            f"{list(x.columns)}, got {list(labels)}; add or leave out {wrong}"
        )


def wrappers(_library: str) -> dict[type, Wrapper]:
    """Return the wrappers by class."""
    return {
        pd.DataFrame: _Frame(),
        pd.Series: _Labelled(),
        pd.Index: _Labelled(),
        pd.api.extensions.ExtensionArray: _array,
        _BaseGroupBy: _Groups(),
    }
