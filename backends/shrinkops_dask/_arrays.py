"""dask.array: one task per chunk, aligned with the chunks of array parameters.

Invariants
----------
- Numbers were checked and rounded when the graph was made; a chunk gets exactly that value.
- Chunks of x are kept; those of a parameter are cut to fit. A length that is unknown stays so.
- The meta is x's own, so no chunk is looked at: element type and chunk type are x's.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import dask.array as da

from shrinkops.spec import FloatFormat, Format, Threshold, public_function

from ._tasks import array_task

__all__ = ["native"]

_DOUBLE = 53


def native(operation: str, form: Format | None) -> Callable[..., Any]:
    """Return the kernel for checked arguments, see `shrinkops.Backend.native`."""
    function = public_function(operation)

    def lazy(x: Any, *arguments: Any) -> Any:
        *parameters, _ = arguments
        arrays = [p for p in parameters if not isinstance(p, Threshold)]
        numbers = [number(p, form) if isinstance(p, Threshold) else None for p in parameters]
        pairs: list[Any] = []
        for array in (x, *arrays):
            pairs += [array, tuple(range(array.ndim))[::-1]]
        return da.blockwise(
            array_task(function, numbers),
            tuple(range(x.ndim))[::-1],
            *pairs,
            token=operation,
            dtype=x.dtype,
            meta=x._meta,
        )

    return lazy


def number(threshold: Threshold, form: Format | None) -> Any:
    """Return a rounded number as one that rounds to itself in the element type."""
    wide = isinstance(form, FloatFormat) and form.precision > _DOUBLE
    if wide and threshold.significand:
        return Fraction(threshold.significand) * Fraction(2) ** threshold.exponent
    return threshold.value
