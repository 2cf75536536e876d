"""The operations with arithmetic without a compiler: the bits of the compiled loops.

Invariants
----------
- The expressions are the specification's, one NumPy call for each + - * /, in its order, in the
  working format: float32 for narrower types, x's own for all others.
- The band is hardshrink's rule for real numbers; for complex ones every expression is that of
  ``src/complex.inc.h``.
- A thread whose processor flushes subnormals has NumPy's arithmetic flush them too; the compiled
  loops do not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from shrinkops.spec import FORMATS, FloatFormat

from . import _pure

__all__ = ["family_rule"]

_Array = np.ndarray[Any, Any]


def family_rule(operation: str, dtype: np.dtype[Any]) -> _pure.Rule:
    """Return the rule of an operation with arithmetic for a native dtype."""
    if dtype.kind in "iu":
        return _integers(dtype)
    if dtype.kind == "c":
        return _complex(operation, dtype)
    return _reals(operation, dtype)


def _factor(t: Any, u: Any) -> Any:
    """Return ``u / (u - t)``, 1 for an infinite u; at u = t it is not used."""
    finite = (u < np.inf) & (u != t)
    return np.where(finite, u / np.where(finite, u - t, 1), u.dtype.type(1))


def _difference(x: Any, t: Any, b: Any) -> Any:  # noqa: ARG001 - one signature for all
    return x - np.copysign(b.dtype.type(1), x) * b


def _firm(x: Any, t: Any, u: Any) -> Any:
    size = np.abs(x)
    line = (size - t) * _factor(t, u)
    return np.where(size >= u, x, np.copysign(np.where(line < size, line, size), x))


def _garrote(x: Any, t: Any, second: Any) -> Any:  # noqa: ARG001
    size = np.abs(x)
    product = (size - t) * (1 + t / size)
    return np.copysign(np.where(product < size, product, size), x)


_FORMULAS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "softshrink": _difference,
    "shrink": _difference,
    "firmshrink": _firm,
    "garrote": _garrote,
}


def _reals(operation: str, dtype: np.dtype[Any]) -> _pure.Rule:
    form = FORMATS.get(dtype.name)
    band = _pure.floats(dtype, form) if isinstance(form, FloatFormat) else _pure.long_double()
    narrow = dtype.itemsize < 4
    formula = _FORMULAS[operation]

    def bounds(lambd: _Array, *others: _Array) -> tuple[_Array, ...]:
        with np.errstate(all="ignore"):
            t = lambd.astype(np.float32) if narrow else lambd
            empty = ~(t >= 0)
            t = np.where(empty, t.dtype.type(0), t) + t.dtype.type(0)  # -0 is 0
            second = others[0].astype(t.dtype, copy=False) if others else t
            if operation == "firmshrink":
                second = np.where(second >= t, second, t)  # NaN too
        return empty, t, second, *band.bounds(lambd)

    def apply(x: _Array, bounds: tuple[_Array, ...], out: _Array, scratch: _Array) -> None:
        empty, t, second, *ends = bounds
        with np.errstate(all="ignore"):
            wide = x.astype(np.float32) if narrow else x
            # What is not finite, or is under an empty band, stays bit for bit.
            whole = empty | ~(np.abs(wide) < np.inf)
            moved = formula(wide, t, second).astype(dtype, copy=False)
        keep = np.empty_like(x)
        band.apply(x, tuple(ends), keep, scratch)
        kept = _pure.nonzero_bits(keep)
        np.copyto(out, keep)
        np.copyto(out, moved, where=kept & ~whole)

    return _pure.Rule(bounds, apply)


def _integers(dtype: np.dtype[Any]) -> _pure.Rule:
    band = _pure.integers(dtype)

    def apply(x: _Array, bounds: tuple[_Array, ...], out: _Array, _scratch: _Array) -> None:
        low, high = bounds
        moved = np.where(x < 0, x + high, x - high)
        np.copyto(out, np.where((x < low) | (x > high), moved, dtype.type(0)))

    return _pure.Rule(band.bounds, apply)


_SPLIT = 134217729.0


def _split(value: Any) -> Any:
    big = _SPLIT * value
    return big - (big - value)


def _error_of(a: Any, b: Any, product: Any) -> Any:
    a_high, b_high = _split(a), _split(b)
    a_low, b_low = a - a_high, b - b_high
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _lost(a: Any, b: Any, total: Any) -> Any:
    part = total - a
    return (a - (total - part)) + (b - part)


def _excess_single(a: Any, b: Any, t: Any) -> Any:
    return (a - t) * (a + t) + b * b


def _excess_double(a: Any, b: Any, t: Any) -> Any:
    total, difference = a + t, a - t
    product, square = difference * total, b * b
    whole = product + square
    rest = (
        _lost(product, square, whole)
        + _error_of(difference, total, product)
        + _error_of(b, b, square)
        + difference * _lost(a, t, total)
        + _lost(a, -t, difference) * total
    )
    return whole + rest


def _scale_for_double(a: Any, t: Any) -> Any:
    most = np.where(a > t, a, t).view(np.int64) & np.int64(0x7FF0000000000000)
    scale = np.int64(0x7FE0000000000000) - most
    return np.maximum(scale, np.int64(0x0010000000000000)).view(np.float64)


def _factor_of(operation: str, excess: Any, m: Any, square: Any, t: Any, u: Any, c: Any) -> Any:
    """Return f(m)/m; ``excess`` is m² - t²."""
    if operation == "garrote":
        return _at_most_1(excess / square)
    if operation == "softshrink":
        return _at_most_1(excess / (m * (m + t)))
    return np.where(m >= u, 1.0, _at_most_1(excess * c / (m * (m + t))))


def _at_most_1(factor: Any) -> Any:
    """Return a factor that takes no number beyond the largest there is."""
    return np.where(factor < 1.0, factor, 1.0)


def _complex(operation: str, dtype: np.dtype[Any]) -> _pure.Rule:
    single = dtype.itemsize == 8
    part = np.dtype(np.float32 if single else np.float64)
    excess_of = _excess_single if single else _excess_double

    def bounds(lambd: _Array, *others: _Array) -> tuple[_Array, ...]:
        with np.errstate(all="ignore"):
            t = lambd.astype(np.float64)
            u = others[0].astype(np.float64) if others else t
            u = np.where(u >= t, u, t)
            return t, np.where(u == t, 0.0, u), _factor(t, u)

    def apply(z: _Array, bounds: tuple[_Array, ...], out: _Array, _scratch: _Array) -> None:
        lambd, mu, c = bounds
        with np.errstate(all="ignore"):
            re, im = z.real.astype(np.float64), z.imag.astype(np.float64)
            a, b = np.abs(re), np.abs(im)
            larger, smaller = np.where(a > b, a, b), np.where(a > b, b, a)
            scale = np.float64(1) if single else _scale_for_double(larger, lambd)
            larger, smaller, t, u = (v * scale for v in (larger, smaller, lambd, mu))
            excess = excess_of(larger, smaller, t)
            square = larger * larger + smaller * smaller
            m = np.sqrt(square)
            factor = _factor_of(operation, excess, m, square, t, u, c)
            finite, number = square < 2.0**1000, square == square
            moved = finite & (lambd >= 0)
            zero = ((excess <= 0) & moved) | ((lambd == np.inf) & number)
            for given, wide, to in ((z.real, re, out.real), (z.imag, im, out.imag)):
                less = (wide * factor).astype(part)
                to[...] = np.where(zero, part.type(0), np.where(moved, less, given))

    return _pure.Rule(bounds, apply)
