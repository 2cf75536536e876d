"""Subclasses of ndarray: kept or refused, never stripped in silence (HS-ARR-6).

Invariants
----------
- A masked array keeps its mask, also in ``out``; what lies under it is computed like the rest.
- A class that leaves ufuncs to NumPy is computed as the ndarray it is and wrapped by its own
  ``__array_wrap__``. One with an ``__array_ufunc__`` of its own is asked; one that gives back
  another type is refused.
- numpy.memmap is the exception, as in NumPy: its results are new arrays in memory, no files.
- ``out`` is of x's class, but that memmap and ndarray may stand for each other.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from shrinkops.spec import type_name

from ._units import to_plain
from ._wrapper import Inner, Part, Wrapper, bare

__all__ = ["aware", "wrappers"]


def _is_plain(cls: type) -> bool:
    return cls is np.ndarray or cls is np.memmap  # "in" would ask a metaclass for its opinion


_SIMPLE = frozenset({int, float, np.float64, np.float32, np.float16, np.ndarray})


class _Masked(Wrapper):
    """numpy.ma.MaskedArray."""

    def apply(self, x: Any, parameters: Sequence[Any], out: Any, inner: Inner) -> Any:
        y = super().apply(x, parameters, out, inner)
        return x if x is np.ma.masked and out is None else y  # there is one constant

    def parts(self, x: Any, plain: bool, inner: Inner) -> Sequence[Part]:
        return [Part(x.data.view(np.ndarray))]

    def taken_one(self, x: Any, value: Any, part: Part, name: str, inner: Inner) -> Any:
        return super().taken_one(x, to_plain(value, name, inner, x), part, name, inner)

    def parameter(self, x: Any, value: Any, part: Part, name: str, inner: Inner) -> Any:
        if not isinstance(value, np.ndarray):
            raise inner.mixed(x, value, name, f"pass a Python float as {name}")
        return bare(value, name, inner)

    def rebuild(self, x: Any, results: Sequence[Any], inner: Inner) -> Any:
        y = results[0].view(type(x))
        y._update_from(x)
        y._mask = x._mask if x._mask is np.ma.nomask else x._mask.copy()
        y._sharedmask = False
        return y

    def target(self, x: Any, out: Any, inner: Inner) -> Any:
        if type(out) is not type(x):
            raise _wrong_out(x, out, inner.name)
        hard = out is not x and out.shape == x.shape and out.hardmask
        if hard and (out.mask & ~np.ma.getmaskarray(x)).any():
            raise ValueError(
                f"{inner.name}: out has a hard mask where x has none; soften it, or leave out away"
            )
        return out.data.view(np.ndarray)

    def filled(self, x: Any, out: Any) -> Any:
        if out is not x:
            out.unshare_mask()
            out.mask = x.mask
        return out


def wrappers(_library: str) -> dict[type, Wrapper]:
    """Return the wrappers by class."""
    return {np.ma.MaskedArray: _Masked()}


def aware(inner: Inner, guarded: Callable[..., Any]) -> Callable[..., Any]:
    """Return a kernel for ndarrays and their subclasses around one for ndarrays."""
    from . import find

    def kernel(x: Any, *arguments: Any) -> Any:
        *parameters, out = arguments
        cls = type(x)
        wrapper = None
        if cls is not np.ndarray and isinstance(x, np.ndarray):
            wrapper = find(cls)
            if wrapper is not None:
                return wrapper.apply(x, parameters, out, inner)
        if not all(type(value) in _SIMPLE for value in parameters):
            parameters = [
                _plain(value, name, inner, x)
                for value, name in zip(parameters, inner.parameters, strict=True)
            ]
        if _is_plain(cls) or not isinstance(x, np.ndarray):
            if out is not None and isinstance(out, np.ndarray) and not _is_plain(type(out)):
                raise _wrong_out(x, out, inner.name)
            if cls is np.memmap:
                x = x.view(np.ndarray)
            if type(out) is np.memmap:
                guarded(x, *parameters, out.view(np.ndarray))
                return out
            return guarded(x, *parameters, out)
        if out is not None and type(out) is not cls:
            raise _wrong_out(x, out, inner.name)
        return _of_class(x, parameters, out, inner, guarded)

    return kernel


def _plain(value: Any, name: str, inner: Inner, x: Any) -> Any:
    """Return the numbers of a parameter, without unit, mask and class."""
    value = to_plain(value, name, inner, x)
    return bare(value, name, inner) if isinstance(value, np.ndarray) else value


def _of_class(
    x: Any, parameters: Sequence[Any], out: Any, inner: Inner, guarded: Callable[..., Any]
) -> Any:
    cls = type(x)
    if cls.__array_ufunc__ is None:
        raise TypeError(
            f"{inner.name}: {type_name(cls)} takes no NumPy function (its __array_ufunc__ is "
            f"None); apply {inner.name} to numpy.asarray(x)"
        )
    if cls.__array_ufunc__ is not np.ndarray.__array_ufunc__:
        result = _by_protocol(x, parameters, out, inner, guarded)
    elif out is not None:
        guarded(x.view(np.ndarray), *parameters, out.view(np.ndarray))
        result = out
    else:
        result = _wrapped(x, guarded(x.view(np.ndarray), *parameters, None))
    if type(result) is not cls or (out is not None and result is not out):
        given = "an array other than out" if type(result) is cls else type_name(type(result))
        raise TypeError(
            f"{inner.name}: {type_name(cls)} gives back {given}, expected its own "
            f"type; apply {inner.name} to numpy.asarray(x) if that is meant"
        )
    return result


def _by_protocol(
    x: Any, parameters: Sequence[Any], out: Any, inner: Inner, guarded: Callable[..., Any]
) -> Any:
    try:
        return guarded(x, *parameters, out)
    except TypeError as error:
        if "returned NotImplemented from __array_ufunc__" not in str(error):
            raise
        raise TypeError(
            f"{inner.name}: {type_name(type(x))} refuses NumPy functions that it does not know; "
            f"apply {inner.name} to numpy.asarray(x)"
        ) from error


def _wrapped(x: Any, result: np.ndarray[Any, Any]) -> Any:
    """Call ``__array_wrap__`` with what it takes: NumPy 2's three arguments, two, or one."""
    wrap = x.__array_wrap__
    given: tuple[Any, ...] = (None, False)
    if type(x).__array_wrap__ is not np.ndarray.__array_wrap__:
        taken = inspect.signature(wrap)
        while given and not _binds(taken, (result, *given)):
            given = given[:-1]
    return wrap(result, *given)


def _binds(signature: inspect.Signature, arguments: tuple[Any, ...]) -> bool:
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True


def _wrong_out(x: Any, out: Any, operation: str) -> TypeError:
    return TypeError(
        f"{operation}: out is {type_name(type(out))}, expected {type_name(type(x))} as x is; "
        f"allocate out like x"
    )
