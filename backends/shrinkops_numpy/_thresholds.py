"""Parameters as operands that the ufuncs' loops take, rounded once.

Invariants
----------
- A number arrives rounded by the core; it becomes a 0-d array of the type that x's loop
  takes, from its bits, so no conversion can round it again.
- An array is rounded to nearest, ties to even, straight from its own values. Where a library
  converts in two steps (float64 to float32 to bfloat16), the first step rounds to odd, which
  leaves the second one the right answer.
- A negative element never becomes -0, which would be a band of its own.
- For integers λ is not rounded: their loops compare it exactly, in the widest type of its kind.
- Whatever is converted is converted here, with the warnings off, so the ufunc has nothing to
  convert and reports nothing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from shrinkops.spec import FORMATS, FloatFormat, Threshold

__all__ = ["component", "loop_array", "operand", "rounded_array"]

_Array = np.ndarray[Any, Any]


@lru_cache(1024)
def operand(threshold: Threshold, dtype: np.dtype[Any], first: bool = True) -> _Array:
    """Return a checked number as the 0-d array that the loops of a native dtype take.

    ``first`` tells λ, whose negative values are all one empty band, from a second parameter.
    """
    bits = threshold.bits
    if not first:
        return _second(threshold, dtype)
    if dtype.kind in "iu":
        return np.array(bits, np.uint64 if bits > np.iinfo(np.int64).max else np.int64)
    if dtype.kind == "c":
        return np.array(threshold.value if bits >= 0 else -1, component(dtype))
    if dtype.num == np.dtype(np.longdouble).num and dtype.itemsize > 8:
        return _extended(threshold)
    unsigned = np.dtype(f"u{dtype.itemsize}")
    pattern = bits if bits >= 0 else (1 << (8 * dtype.itemsize - 1)) | 1  # a negative subnormal
    return np.array(pattern, unsigned).view(dtype)


def _second(threshold: Threshold, dtype: np.dtype[Any]) -> _Array:
    if dtype.num == np.dtype(np.longdouble).num and dtype.itemsize > 8:
        return _extended(threshold, signed=True)
    if dtype.itemsize == 1:  # not each of which has an infinity
        return np.array(threshold.value, np.float64)
    # A double holds it, and so does the type: neither conversion rounds.
    return np.array(threshold.value, np.float64).astype(component(dtype))


def _extended(threshold: Threshold, signed: bool = False) -> _Array:
    if threshold.bits < 0 and not signed:
        return np.array(-1, np.longdouble)
    if threshold.significand == 0:  # zero or infinity
        return np.array(threshold.value, np.longdouble)
    magnitude = abs(threshold.significand)
    low = np.longdouble(magnitude & 0xFFFFFFFFFFFFFFFF)
    high = np.ldexp(np.longdouble(magnitude >> 64), 64)
    value = np.ldexp(high + low, threshold.exponent)
    return np.asarray(-value if threshold.significand < 0 else value)


def component(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the real type of a complex dtype's parts, and any other dtype in native order."""
    return np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype.newbyteorder("=")


def loop_array(lambd: Any, dtype: np.dtype[Any], first: bool = True) -> Any:
    """Return an array parameter as the compiled loops take it, which round float64 themselves."""
    given = lambd.dtype.newbyteorder("=")
    wide = dtype.num == np.dtype(np.longdouble).num
    if dtype.kind not in "iu" and given == np.float64 and not wide:
        return lambd
    return rounded_array(lambd, dtype, first)


def rounded_array(lambd: Any, dtype: np.dtype[Any], first: bool = True) -> Any:
    """Return an array parameter in the type that the loops of ``dtype`` compare with.

    ``first`` tells λ, whose negative elements must not become -0, from a second parameter.
    """
    wanted = component(dtype)
    if wanted.kind in "iu":
        wanted = _exact_type(lambd.dtype)
        return lambd if lambd.dtype == wanted else lambd.astype(wanted)
    if lambd.dtype == wanted:
        return lambd
    with np.errstate(all="ignore"):  # overflow to infinity is what is asked for (HS-LAM-6)
        step = _to_odd_single(lambd) if _needs_two_steps(lambd.dtype, wanted) else lambd
        result = step.astype(wanted)
        if first:
            _replace(result, (lambd < 0) & (result == 0), -1)
        if wanted.itemsize == 1:  # an 8-bit type without infinity overflows to NaN
            beyond = (result != result) & (lambd == lambd)
            _replace(result, beyond & (lambd > 0), 1)
            if not first:
                _replace(result, beyond & (lambd < 0), -2)
                # An infinite μ is one in types without infinity too.
                return np.where(np.isinf(lambd), lambd, result.astype(np.float32))
    return result


def _exact_type(given: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type of λ that the integer loops take, and that holds every value given."""
    if given.kind in "iu":
        return np.dtype(f"{given.kind}8")
    native = given.newbyteorder("=")
    return native if native == np.longdouble else np.dtype(np.float64)


def _replace(result: Any, where: Any, sign: int) -> None:
    """Put the negative subnormal (-1) or the largest number (1; -2 its negative) there."""
    if np.any(where):
        dtype = result.dtype
        form = FORMATS.get(dtype.name)
        smallest = (1 << (8 * dtype.itemsize - 1)) | 1
        bits = smallest if sign == -1 or not isinstance(form, FloatFormat) else form.top_bits
        if sign == -2:
            bits |= 1 << (8 * dtype.itemsize - 1)
        result[where] = np.array(bits, f"u{dtype.itemsize}").view(dtype)


def _needs_two_steps(given: np.dtype[Any], wanted: np.dtype[Any]) -> bool:
    fits_single = given.itemsize <= 2 or given.newbyteorder("=") == np.float32
    return wanted.itemsize < 4 and not fits_single


def _to_odd_single(lambd: Any) -> Any:
    """Round to float32, an inexact result to the neighbour with an odd last bit.

    float32 has more than two bits beyond every narrower format, so rounding this to nearest
    gives what rounding λ itself would.
    """
    wide = lambd.astype(np.longdouble if lambd.dtype.itemsize >= 8 else np.float64)
    single = wide.astype(np.float32)
    back = single.astype(wide.dtype)
    bits = np.asarray(single.view(np.int32))
    bits -= np.asarray(np.abs(back) > np.abs(wide), np.int32)
    bits |= np.asarray((back != wide) & (wide == wide), np.int32)
    return bits.view(np.float32)
