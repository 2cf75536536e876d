"""Classes without a wrapper that speak ``__array_ufunc__``: they are handed the ufunc.

Invariants
----------
- The library computes: it unpacks its type, calls the ufunc, and packs the result. What comes
  back is of the type that went in, or the call is refused; a plain ndarray never takes its place.
- The element type, where the class shows one, is declared and has the numbers checked against it
  first.
- A parameter that is an array goes to the ufunc as it is, whose loops round float64 once, and
  integers of 64 bits to odd, so that theirs is the only rounding that counts. A longdouble reaches
  those loops as float64.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from shrinkops._errors import module_of, name_of
from shrinkops.spec import check_broadcast, type_name

from . import _kernels
from ._libraries import NOT_ARRAYS, speaks_ufuncs
from ._wrappers import Inner, Wrapper, check_numbers, is_array

__all__ = ["Protocol"]


class Protocol(Wrapper):
    """The wrapper of every class that has no other one."""

    def takes(self, cls: type) -> bool:
        """Tell whether a class takes ufuncs, and holds an array."""
        library = module_of(cls).partition(".")[0]
        speaks = speaks_ufuncs(cls)
        return speaks and (library, name_of(cls)) not in NOT_ARRAYS

    def apply(self, x: Any, parameters: Sequence[Any], out: Any, inner: Inner) -> Any:
        if out is not None:
            self.target(x, out, inner)
        ufunc = _kernels.ufunc(inner.name)
        if ufunc is None:
            raise TypeError(
                f"{inner.name}: there is no ufunc of that name for {type_name(type(x))}; "
                f"apply {inner.name} to the NumPy array inside"
            )
        dtypes = list(_dtypes(x))
        for dtype in dtypes:
            if not isinstance(dtype, np.dtype):
                raise inner.refuse(str(dtype))
            _kernels.ensure_dtype(dtype)
        for dtype in dtypes or [np.dtype(np.float64)]:
            check_numbers(dtype.newbyteorder("="), str(dtype), parameters, inner)
        given = [
            self._operand(x, value, name, dtypes, inner)
            for value, name in zip(parameters, inner.parameters, strict=True)
        ]
        result = _call(ufunc, x, given, inner)
        _check_result(x, result, dtypes, inner)
        return result

    def _operand(self, x: Any, value: Any, name: str, dtypes: Sequence[Any], inner: Inner) -> Any:
        """Return a parameter as the ufunc takes it: a number rounded, where one type tells how."""
        if not is_array(value):
            if len(set(dtypes)) != 1:
                return float(value)
            return inner.rounded(value, name, dtypes[0].newbyteorder("="))
        libraries = {type(a).__module__.partition(".")[0] for a in (x, value)}
        if len(libraries) > 1 or not self.takes(type(value)):
            raise inner.mixed(x, value, name, f"pass a Python float as {name}")
        for dtype in _dtypes(value):
            if not isinstance(dtype, np.dtype) or dtype.kind not in "fiuV":
                raise TypeError(
                    f"{inner.name}: {name} must hold real numbers, got an array of dtype "
                    f"{dtype}; convert it, or pass a float"
                )
        shape, wanted = getattr(value, "shape", ()), getattr(x, "shape", None)
        if isinstance(shape, tuple) and isinstance(wanted, tuple):
            check_broadcast(inner.name, shape, wanted, name)
        wide = {np.dtype(np.int64), np.dtype(np.uint64)} & set(_dtypes(value))
        narrow = all(d.kind in "fcV" and d.itemsize < (16 if d.kind == "c" else 8) for d in dtypes)
        return _to_odd(value) if wide and narrow else value


def _to_odd(integers: Any) -> Any:
    """Return integers that a double holds and that a narrower type rounds as it would these.

    Beyond 2**53 the last 11 bits become one, which says whether any of them was set.
    """
    one = integers.dtype.type(1)
    large = np.greater_equal(integers, one << 53)
    rest = np.multiply(np.bitwise_and(integers, one * 2047), large)
    sticky = np.multiply(np.not_equal(rest, 0), one * 2048)
    return np.bitwise_or(np.subtract(integers, rest), sticky)


def _dtypes(x: Any) -> Iterator[Any]:
    """Yield the element types that a class shows."""
    if hasattr(x, "dtype"):
        yield x.dtype
    else:
        several = getattr(getattr(x, "dtypes", None), "values", ())
        yield from (several() if callable(several) else several)


def _call(ufunc: Any, x: Any, given: Sequence[Any], inner: Inner) -> Any:
    try:
        with np.errstate(all="ignore"):  # an element may overflow x's type (HS-LAM-6)
            return ufunc(x, *given)
    except TypeError as error:
        unknown = getattr(error, "dtypes", ())  # of NumPy's own error: no loop for these
        if unknown:
            raise inner.refuse(unknown[0].__name__.removesuffix("DType").lower()) from error
        if "__array_ufunc__" not in str(error):
            raise
        raise TypeError(
            f"{inner.name}: {type_name(type(x))} refuses NumPy functions that it does not know; "
            f"apply {inner.name} to the array that it wraps"
        ) from error


def _check_result(x: Any, result: Any, dtypes: Sequence[Any], inner: Inner) -> None:
    if type(result) is not type(x):
        raise TypeError(
            f"{inner.name}: {type_name(type(x))} came back as {type_name(type(result))}, "
            f"expected its own type; apply {inner.name} to numpy.asarray(x) if that is meant"
        )
    found = list(_dtypes(result))
    if found != list(dtypes):
        raise TypeError(
            f"{inner.name}: {type_name(type(x))} changed its dtypes on the way, from "
            f"{list(map(str, dtypes))} to {list(map(str, found))}; "
            f"apply {inner.name} to the array that it holds"
        )
    shape, wanted = getattr(result, "shape", None), getattr(x, "shape", None)
    if shape != wanted:
        raise ValueError(
            f"{inner.name}: a parameter changes x of shape {wanted} to {shape}; "
            f"give parameters only axes that x has, of the same length and labels"
        )
