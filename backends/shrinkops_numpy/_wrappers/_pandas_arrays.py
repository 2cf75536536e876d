"""The arrays inside pandas objects: NumPy's, nullable, Arrow, sparse, with units.

Invariants
----------
- One row per kind of array says where its numbers lie and how an array of the same element
  type is made of the results. A kind without a row is refused by the name of its dtype.
- Numbers are never converted on the way: int64 beyond 2**53 stays what it is.
- A sparse array keeps its fill value and stores only what differs from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ._units import to_plain
from ._wrapper import Inner, Part, Wrapper, without_missing

__all__ = ["ArrayWrapper", "given_array"]


class _Kind(NamedTuple):
    """How a kind of array is opened and made again."""

    contents: Callable[[Any], list[Any]]
    remake: Callable[[Any, list[Any], Inner], Any]


def _masked(x: Any) -> list[Any]:
    return [x.to_numpy(dtype=x.dtype.numpy_dtype, na_value=0)]


def _remask(x: Any, results: list[Any], _inner: Inner) -> Any:
    return type(x)(results[0], np.array(x.isna()))


def _chunks(x: Any) -> list[Any]:
    return [_arrow_numbers(chunk, x.dtype.numpy_dtype) for chunk in x.__arrow_array__().chunks]


def _rechunk(x: Any, results: list[Any], _inner: Inner) -> Any:
    import pyarrow as pa

    given = x.__arrow_array__()
    chunks = [_rearrow(a, r) for a, r in zip(given.chunks, results, strict=True)]
    return type(x)(pa.chunked_array(chunks, type=given.type))


def _arrow_numbers(array: Any, dtype: np.dtype[Any]) -> Any:
    """View an Arrow array's numbers; those of missing elements mean nothing."""
    if len(array) == 0:
        return np.empty(0, dtype)
    return np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * dtype.itemsize)


def _rearrow(array: Any, result: Any) -> Any:
    import pyarrow as pa

    mask = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
    return pa.array(result, type=array.type, mask=mask, from_pandas=False)


def _stored(x: Any) -> list[Any]:
    return [x.sp_values, np.array([x.fill_value], x.dtype.subtype)]


def _restore(x: Any, results: list[Any], inner: Inner) -> Any:
    values, fill = results
    was = np.asarray(x.fill_value)
    if not (fill[0] == was or (fill[0] != fill[0] and was != was)):
        raise TypeError(
            f"{inner.name}: the fill value {x.fill_value!r} of dtype {x.dtype} would become "
            f"{fill[0]!r}, which is another dtype; give x a fill value that stays, such as 0, or "
            f"make it dense (x.sparse.to_dense() of a Series)"
        )
    kept = values == values if fill[0] != fill[0] else values != fill[0]
    index = x.sp_index.to_int_index()
    indices, fill = index.indices[kept], fill[0].item()
    if hasattr(type(x), "from_indices"):  # pandas 3
        return type(x).from_indices(values[kept], indices, len(x), fill, x.kind, x.dtype.subtype)
    positions = type(index)(len(x), indices)
    if x.kind == "block":
        positions = positions.to_block_index()
    return type(x)(values[kept], positions, fill, dtype=x.dtype)


_ONE_AXIS = (pd.Series, pd.Index, pd.api.extensions.ExtensionArray)
_KINDS = {
    "NumpyExtensionArray": _Kind(
        lambda x: [x.to_numpy()], lambda x, results, _: type(x)(results[0])
    ),
    "IntegerArray": _Kind(_masked, _remask),
    "FloatingArray": _Kind(_masked, _remask),
    "ArrowExtensionArray": _Kind(_chunks, _rechunk),
    "SparseArray": _Kind(_stored, _restore),
    "PintArray": _Kind(
        lambda x: [x.quantity],
        lambda x, results, _: type(x)(results[0].magnitude, dtype=x.dtype),
    ),
}
"""By the name of the class; each of them is the only one that bears it."""


class ArrayWrapper(Wrapper):
    """Any extension array of pandas."""

    def parts(self, x: Any, plain: bool, inner: Inner) -> Sequence[Part]:
        kind = _KINDS.get(type(x).__name__)
        if kind is None or not _is_numeric(x.dtype):
            raise inner.refuse(str(x.dtype))
        start = 0
        parts = []
        for number, content in enumerate(kind.contents(x)):
            place = slice(start, start + len(content))
            parts.append(Part(content, str(x.dtype), (number, place)))
            start = place.stop
        return parts

    def parameter(self, x: Any, value: Any, part: Part, name: str, inner: Inner) -> Any:
        if not isinstance(value, (*_ONE_AXIS, np.ndarray)):
            raise inner.mixed(x, value, name, f"pass a float as {name}, or an array like x")
        plain = given_array(value, x, name, inner)
        if type(x).__name__ == "PintArray":
            return _quantity(plain, x)
        if not isinstance(plain, np.ndarray):
            plain = to_plain(plain.quantity, name, inner)
        if len(plain) == 1:
            return plain
        if type(x).__name__ == "SparseArray":
            return _at_stored(x, plain, part, name, inner)
        return plain[part.key[1]]

    def rebuild(self, x: Any, results: Sequence[Any], inner: Inner) -> Any:
        return _KINDS[type(x).__name__].remake(x, list(results), inner)


def _is_numeric(dtype: Any) -> bool:
    """Tell whether an Arrow type is one that NumPy knows; other kinds are so by their class."""
    if not isinstance(dtype, pd.ArrowDtype):
        return True
    import pyarrow.types as types

    return bool(types.is_integer(dtype.pyarrow_dtype) or types.is_floating(dtype.pyarrow_dtype))


def _at_stored(x: Any, plain: Any, part: Part, name: str, inner: Inner) -> Any:
    """Return the thresholds of the stored elements; zero and NaN stay under any."""
    if part.key[0] == 0:
        return plain[x.sp_index.to_int_index().indices]
    if x.fill_value == 0 or x.fill_value != x.fill_value:
        return np.zeros(1, x.dtype.subtype if x.dtype.subtype.kind in "iuf" else np.float64)
    raise TypeError(
        f"{inner.name}: {name} is an array and x is {x.dtype}, whose fill value it would change in "
        f"places; pass a float, or make x dense (x.sparse.to_dense() of a Series)"
    )


def _quantity(given: Any, x: Any) -> Any:
    """Return a parameter of an array with a unit as a quantity; plain numbers have none."""
    return x.quantity._REGISTRY.Quantity(given, "") if type(given) is np.ndarray else given.quantity


def given_array(value: Any, x: Any, name: str, inner: Inner) -> Any:
    """Return a parameter's numbers as an ndarray as long as x, or of one; NaN where missing.

    An array with a unit is returned as it is.
    """
    array = getattr(value, "array", value)
    dtype = value.dtype
    if not pd.api.types.is_any_real_numeric_dtype(dtype):
        raise TypeError(
            f"{inner.name}: {name} must hold real numbers, got an array of dtype {dtype}; "
            f"convert it, or pass a float"
        )
    if len(value) not in (1, len(x)):
        raise ValueError(
            f"{inner.name}: {name} of {len(value)} elements does not fit x of {len(x)}; "
            f"give one for each element of x, or a float"
        )
    if type(array).__name__ == "PintArray":
        return array
    if isinstance(dtype, np.dtype):
        return np.asarray(array)
    missing = np.asarray(pd.isna(array))
    inside = getattr(dtype, "numpy_dtype", None) or getattr(dtype, "subtype", None)
    inside = inside if isinstance(inside, np.dtype) else np.dtype(np.float64)
    if missing.any():
        plain = array.to_numpy(dtype=inside, na_value=0)
        return without_missing(plain, missing, name, inner)
    return np.asarray(array, dtype=inside)
