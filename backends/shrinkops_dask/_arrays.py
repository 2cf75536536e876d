"""dask.array: one task per chunk, aligned with the chunks of array parameters.

Invariants
----------
- Numbers were checked and rounded when the graph was made; a chunk gets exactly that value.
- Chunks of x are kept; those of a parameter are cut to fit. A length that is unknown stays so.
- The meta is x's own, so no chunk is looked at: element type and chunk type are x's. Where chunks
  are no plain ndarrays, the metas are computed, and what their libraries refuse is refused at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import dask.array as da
import numpy as np

from shrinkops.spec import FloatFormat, Format, Threshold, public_function

from ._tasks import array_task

__all__ = ["native", "with_units"]

_DOUBLE = 53


def native(operation: str, form: Format | None) -> Callable[..., Any]:
    """Return the kernel for checked arguments, see `shrinkops.Backend.native`."""
    function = public_function(operation)

    def lazy(x: Any, *arguments: Any) -> Any:
        *parameters, _ = arguments
        arrays = [p for p in parameters if not isinstance(p, Threshold)]
        numbers = [number(p, form) if isinstance(p, Threshold) else None for p in parameters]
        return _blockwise(operation, x, array_task(function, numbers), arrays)

    return lazy


def with_units(operation: str, x: Any, parameters: Sequence[Any]) -> Any:
    """Return the operation on an array whose chunks have a unit, which converts parameters."""
    function = public_function(operation)
    arrays = [p for p in parameters if isinstance(p, da.Array)]
    numbers = [None if isinstance(p, da.Array) else p for p in parameters]
    if numbers.count(None) > len(arrays):  # which is no number, and is refused as such
        function(x._meta, *parameters)
    return _blockwise(operation, x, array_task(function, numbers), arrays)


def _blockwise(operation: str, x: Any, task: Callable[..., Any], arrays: Sequence[Any]) -> Any:
    if any(type(array._meta) is not np.ndarray for array in (x, *arrays)):
        task(x._meta, *(array._meta for array in arrays))  # refuses what a chunk would
    pairs: list[Any] = []
    for array in (x, *arrays):
        pairs += [array, tuple(range(array.ndim))[::-1]]
    return da.blockwise(
        task, tuple(range(x.ndim))[::-1], *pairs, token=operation, dtype=x.dtype, meta=x._meta
    )


def number(threshold: Threshold, form: Format | None) -> Any:
    """Return a rounded number as one that rounds to itself in the element type."""
    wide = isinstance(form, FloatFormat) and form.precision > _DOUBLE
    if wide and threshold.significand:
        return Fraction(threshold.significand) * Fraction(2) ** threshold.exponent
    return threshold.value
