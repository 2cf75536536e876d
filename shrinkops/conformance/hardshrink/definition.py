"""What hardshrink is: exactly, one element at a time, and quickly, for whole arrays.

Invariants
----------
- `exact` is the specification in fractions; the vectors are generated from it alone.
- `expected` compares magnitudes as unsigned integers and serves the property checks; a
  test compares it with `exact` on every vector and on random bits.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from shrinkops.conformance._bits import nan_parts, words
from shrinkops.conformance._numbers import Number, decode, is_nan, round_bits

__all__ = ["KEPT_OR_ZERO", "exact", "expected", "kept", "threshold"]

KEPT_OR_ZERO = -1
"""What `exact` returns where the specification leaves the choice (HS-TYP-3)."""

_Array = np.ndarray[Any, Any]


def _real(lambd: Any) -> Fraction | float:
    """Return λ exactly: a fraction, or infinity or NaN."""
    if isinstance(lambd, (int, np.integer)):
        return Fraction(int(lambd))
    if isinstance(lambd, Fraction):
        return lambd
    if lambd != lambd or abs(lambd) == math.inf:
        return float(lambd)
    if not hasattr(lambd, "as_integer_ratio"):  # scalars of ml_dtypes
        lambd = float(lambd)
    return Fraction(*(int(part) for part in lambd.as_integer_ratio()))


def threshold(lambd: Any, number: Number) -> int | None:
    """Return the magnitude bits of λ rounded to a floating type, None for an empty band.

    λ is positive infinity where it is, or where an element of an array λ overflows;
    a type without infinity then has its largest number, which zeroes as much.
    """
    value = _real(lambd)
    if value != value or value < 0:
        return None
    top = number.largest if number.infinity is None else number.infinity
    if value == math.inf:
        return top
    bits = round_bits(Fraction(value), number)
    return top if bits is None else bits


def exact(bits: int, lambd: Any, number: Number) -> int:
    """Return the bits of the result for one element, or `KEPT_OR_ZERO`."""
    if number.kind == "integer":
        value: Any = decode(bits, number)
        bound: Any = _real(lambd)
        return 0 if -bound <= value <= bound else bits
    limit = threshold(lambd, number)
    if limit is None:
        return bits
    if number.kind == "complex":
        return _exact_complex(bits, limit, number)
    if is_nan(bits, number):
        return bits
    size: Any = abs(decode(bits, number))
    edge: Any = decode(limit, number)
    return 0 if size <= edge else bits


def _exact_complex(bits: int, limit: int, number: Number) -> int:
    mask = (1 << number.width) - 1
    parts = bits & mask, bits >> number.width
    if any(is_nan(part, number) for part in parts):
        return bits
    bound = decode(limit, number)
    if bound == math.inf:
        return 0
    real, imaginary = (decode(part, number) for part in parts)
    if math.inf in (abs(real), abs(imaginary)):
        return bits
    square = Fraction(real) ** 2 + Fraction(imaginary) ** 2
    # Above the largest number the type has no next one; its last step serves.
    step = limit if limit < number.largest else limit - 1
    ulp = Fraction(decode(step + 1, number)) - Fraction(decode(step, number))
    bound = Fraction(bound)
    if bound == 0:
        return 0 if square == 0 else bits
    if max(bound - 2 * ulp, Fraction(0)) ** 2 <= square <= (bound + 2 * ulp) ** 2:
        return KEPT_OR_ZERO
    return 0 if square < bound**2 else bits


def expected(x: _Array, lambd: Any, number: Number) -> tuple[_Array, _Array | None]:
    """Return the right result for an array, and a mask of the elements with a choice.

    Parameters
    ----------
    x : ndarray
        In native byte order.
    lambd : real number, or ndarray that broadcasts to x
    number : Number
    """
    if isinstance(lambd, np.ndarray):
        want, spread = x.copy(), np.broadcast_to(lambd, x.shape)
        for value in dict.fromkeys(lambd.reshape(-1).tolist()):
            part = spread == value if value == value else spread != spread
            want[part] = expected(x[part], value, number)[0]
        return want, None
    dropped, either = _dropped(x, lambd, number)
    want = x.copy()
    want[dropped] = np.zeros((), x.dtype)
    return want, either


def _dropped(x: _Array, lambd: Any, number: Number) -> tuple[_Array, _Array | None]:
    if number.kind == "integer":
        return _dropped_integers(x, _real(lambd)), None
    limit = _limit(lambd, number)
    if limit is None:
        return np.zeros(x.shape, bool), None
    if number.kind == "complex":
        return _dropped_complex(x, limit, number)
    if number.width > 64:
        lanes = words(x, number).astype(np.uint64)
        lanes[..., -1] &= np.uint64(0x7FFF)
        below, equal = np.zeros(x.shape, bool), np.ones(x.shape, bool)
        for lane in range(lanes.shape[-1] - 1, -1, -1):
            bound = np.uint64((limit >> (16 * lane)) & 0xFFFF)
            below |= equal & (lanes[..., lane] < bound)
            equal &= lanes[..., lane] == bound
        return below | equal, None
    bits = words(x, number)[..., 0]
    size = bits & bits.dtype.type(number.sign - 1)
    return np.asarray((size <= bits.dtype.type(limit)) & ~nan_parts(x, number)[..., 0]), None


@lru_cache(4096)
def _limit_cached(lambd: Any, number: Number) -> int | None:
    return threshold(lambd, number)


def _limit(lambd: Any, number: Number) -> int | None:
    return _limit_cached(_real(lambd), number)


def _dropped_integers(x: _Array, lambd: Fraction | float) -> _Array:
    limits = np.iinfo(x.dtype)
    if lambd != lambd or lambd < 0:
        return np.zeros(x.shape, bool)
    floor = limits.max + 1 if lambd == math.inf else math.floor(lambd)
    low, high = max(-floor, limits.min), min(floor, limits.max)
    return np.asarray((x >= x.dtype.type(low)) & (x <= x.dtype.type(high)))


def _dropped_complex(x: _Array, limit: int, number: Number) -> tuple[_Array, _Array | None]:
    nan = nan_parts(x, number).any(axis=-1)
    bound = decode(limit, number)
    if bound == math.inf:
        return np.asarray(~nan), None
    step = limit if limit < number.largest else limit - 1
    ulp = float(Fraction(decode(step + 1, number)) - Fraction(decode(step, number)))
    with np.errstate(all="ignore"):
        size = np.hypot(x.real.astype(np.longdouble), x.imag.astype(np.longdouble))
        size = np.where(nan, np.longdouble("inf"), size)
        t = np.longdouble(float(bound))
        # A little more than two, for the reference itself is rounded.
        either = np.abs(size - t) <= np.longdouble(2.1) * ulp
    if limit == 0:
        return np.asarray(size == 0), None
    return np.asarray((size <= t) & ~nan), np.asarray(either & ~nan)


def kept(x: _Array, lambd: Any, number: Number) -> _Array:
    """Tell which elements lie outside the band, where the derivative is 1."""
    return ~_dropped(x, lambd, number)[0]
