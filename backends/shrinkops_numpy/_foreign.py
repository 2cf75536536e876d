"""Arrays of other libraries, through the protocol by which they take NumPy's ufuncs.

Invariants
----------
- The library computes: it unpacks its type, calls the ufunc, and packs the result. What comes
  back is of the type that went in, or the call is refused; a plain ndarray never takes its place.
- Every element type that can be seen from outside (a column's, a variable's) is declared and
  has λ checked against it before anything is computed.
- λ as an array goes to the ufunc as it is, whose loops round float64 once. Integers beyond
  2**53 and longdouble reach those loops as float64.
- A library that refuses ufuncs it does not know is told of this one where it has a registry.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from shrinkops import Backend
from shrinkops.spec import check_broadcast, is_real_number, round_threshold, type_name

from . import _kernels
from ._registries import introduce
from ._thresholds import operand

__all__ = ["kernel"]


def kernel(backend: Backend, operation: str) -> Callable[[Any, Any, Any], Any]:
    """Return ``kernel(x, lambd, out)`` for classes that speak ``__array_ufunc__``."""

    def foreign(x: Any, lambd: Any, out: Any) -> Any:
        if out is not None:
            raise TypeError(
                f"{operation}: the {backend.name!r} backend has no out= for "
                f"{type_name(type(x))}: {backend.no_out}; use the returned value"
            )
        dtypes = list(_dtypes(x))
        if len(set(dtypes)) > 1 and hasattr(x, "isetitem") and is_real_number(lambd):
            return _by_column(x, lambd, foreign)
        for dtype in dtypes:
            _check_dtype(backend, operation, dtype)
        if type(lambd) is np.ndarray and lambd.ndim == 0:
            lambd = lambd[()]  # the number that it holds
        array = hasattr(lambd, "dtype") or backend.handles(type(lambd))
        if is_real_number(lambd) or not array:
            for dtype in dtypes or [np.dtype(np.float64)]:
                threshold = round_threshold(lambd, _format(backend, dtype), operation)
            # For one element type the rounded number; for several each loop rounds its own.
            if len(set(dtypes)) == 1:
                lambd = operand(threshold, dtypes[0].newbyteorder("="))[()]
            else:
                lambd = float(lambd)
        else:
            _check_array(backend, operation, x, lambd)
        introduce(_kernels.ufunc(), x)
        result = _call(operation, x, lambd)
        _check_result(operation, x, result)
        return result

    return foreign


def _by_column(frame: Any, lambd: Any, function: Callable[[Any, Any, Any], Any]) -> Any:
    """Treat each column of a pandas frame alone: a ufunc of two inputs would promote them."""
    columns = [function(frame.iloc[:, i], lambd, None) for i in range(frame.shape[1])]
    result = frame.copy(deep=False)
    for i, column in enumerate(columns):
        result.isetitem(i, column)  # replaces the column; the frame given keeps its own
    return result


def _dtypes(x: Any) -> Iterator[np.dtype[Any]]:
    """Yield the NumPy dtypes of an array, of a frame's columns, or of a set's variables."""
    several: Any = getattr(x, "dtypes", None)
    if hasattr(x, "dtype"):
        found = [x.dtype]
    elif hasattr(several, "values"):
        values = several.values
        found = list(values() if callable(values) else values)
    else:
        found = []
    for dtype in found:
        yield dtype if isinstance(dtype, np.dtype) else _inner(dtype)


def _inner(dtype: Any) -> np.dtype[Any]:
    """Return the NumPy dtype under an extension dtype, such as pandas' Float64."""
    inner = getattr(dtype, "subtype", None) or getattr(dtype, "numpy_dtype", None)
    return inner if isinstance(inner, np.dtype) else np.dtype(object)


def _format(backend: Backend, dtype: np.dtype[Any]) -> Any:
    return backend.format(dtype.name)


def _check_dtype(backend: Backend, operation: str, dtype: np.dtype[Any]) -> None:
    if dtype.name not in backend.dtypes or _format(backend, dtype) is None:
        raise TypeError(
            f"{operation}: dtype {dtype.name} is not supported by the {backend.name!r} backend, "
            f"which takes {', '.join(sorted(backend.dtypes))}; convert x, or leave that part out"
        )
    _kernels.ensure_dtype(dtype)


def _check_array(backend: Backend, operation: str, x: Any, lambd: Any) -> None:
    """λ is of x's library, real, and does not enlarge x, as far as shapes tell."""
    libraries = {type(a).__module__.partition(".")[0] for a in (x, lambd)}
    if len(libraries) > 1 or not backend.handles(type(lambd)):
        raise TypeError(
            f"{operation}: all arrays must be of one library, the one of x, got x is "
            f"{type_name(type(x))}, lambd is {type_name(type(lambd))}; "
            f"pass a Python float as lambd, or convert"
        )
    for dtype in _dtypes(lambd):
        if getattr(_format(backend, dtype), "kind", "complex") == "complex":
            raise TypeError(
                f"{operation}: lambd must hold real numbers, got an array of dtype "
                f"{dtype.name}; convert it, or pass a float"
            )
    shape, wanted = getattr(lambd, "shape", ()), getattr(x, "shape", None)
    if wanted is None or not isinstance(shape, tuple) or hasattr(x, "dims"):
        return  # broadcasting by name: the result's shape is checked instead
    check_broadcast(operation, shape, wanted)


def _call(operation: str, x: Any, lambd: Any) -> Any:
    try:
        with np.errstate(all="ignore"):  # an element of λ may overflow x's type (HS-LAM-6)
            return _kernels.ufunc()(x, lambd)
    except TypeError as error:
        if "__array_ufunc__" not in str(error):
            raise
        raise TypeError(
            f"{operation}: {type_name(type(x))} refuses NumPy functions that it does not know; "
            f"apply {operation} to the NumPy array that it wraps"
        ) from error


def _check_result(operation: str, x: Any, result: Any) -> None:
    if isinstance(result, (np.ndarray, np.generic)) or type(result) is object:
        raise TypeError(
            f"{operation}: {type_name(type(x))} came back as {type_name(type(result))}, "
            f"expected its own type; apply {operation} to numpy.asarray(x) if that is meant"
        )
    if list(_dtypes(result)) != list(_dtypes(x)):
        raise TypeError(
            f"{operation}: {type_name(type(x))} changed its dtypes on the way, from "
            f"{list(map(str, _dtypes(x)))} to {list(map(str, _dtypes(result)))}; "
            f"give x one dtype, or lambd as a number"
        )
    shape, wanted = getattr(result, "shape", None), getattr(x, "shape", None)
    same = shape == wanted or (
        isinstance(shape, tuple)
        and isinstance(wanted, tuple)
        and len(shape) == len(wanted)
        and all(_unknown(n) or n == m for n, m in zip(shape, wanted, strict=True))
    )
    if not same:
        raise ValueError(
            f"{operation}: lambd changes x of shape {wanted} to {shape}; "
            f"give lambd only axes that x has, of the same length and labels"
        )


def _unknown(length: Any) -> bool:
    """Dask marks the length of an unevaluated axis with NaN."""
    return isinstance(length, float) and math.isnan(length)
