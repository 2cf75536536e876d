"""Bit patterns of JAX arrays: magnitudes, and rounding to any format by integers alone.

Invariants
----------
- No conversion between floating formats but float16 to and from float32: XLA's others may
  round twice (float64 to 8 bits), flush subnormals, or vanish as excess precision.
- A *limit* is a signed integer of the width of x: the magnitude bits of a rounded
  threshold, -1 for an empty band (negative or NaN).
- No branch looks at a value, and no operation promotes: everything passes under every
  setting of JAX (``jax_numpy_dtype_promotion="strict"`` included).
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from shrinkops.spec import FloatFormat, float_format

__all__ = [
    "bits_of",
    "carrier",
    "from_bits",
    "limit_of",
    "narrow",
    "put",
    "signed_value",
    "split",
    "upper_carrier",
    "upper_of",
    "widen",
]

_CARRIER = {w: np.dtype(f"int{w}") for w in (8, 16, 32, 64)}
_convert = lax.convert_element_type
_single = float_format("float32")


def carrier(form: FloatFormat) -> np.dtype[Any]:
    """Return the signed integer dtype that holds the bits of a format."""
    return _CARRIER[max(form.width, 8)]


def bits_of(x: Any) -> Any:
    """Return the bit patterns of a real floating array, as signed integers."""
    form = float_format(x.dtype.name)
    if form.width < 8:
        raw = lax.bitcast_convert_type(x, getattr(jnp, f"uint{form.width}"))
        return _convert(raw, np.int8)
    return lax.bitcast_convert_type(x, carrier(form))


def from_bits(bits: Any, dtype: Any, form: FloatFormat) -> Any:
    """Return the floating array that has these bit patterns."""
    if form.width < 8:
        bits = _convert(bits, getattr(jnp, f"uint{form.width}"))
    return lax.bitcast_convert_type(bits, dtype)


def widen(bits: Any, form: FloatFormat, work: np.dtype[Any]) -> Any:
    """Return the number of a magnitude in the working format; the pattern is no NaN."""
    if form.width >= 32:
        return lax.bitcast_convert_type(bits, work)
    if form.name == "float16":
        return _convert(lax.bitcast_convert_type(bits, jnp.float16), work)
    wide = _convert(bits, np.int32)
    if form.name == "bfloat16":
        return lax.bitcast_convert_type(wide << 16, work)
    fraction = form.precision - 1
    normal = lax.bitcast_convert_type(
        (wide << (23 - fraction)) + ((127 - form.bias) << 23), np.float32
    )
    unit = np.float32(2.0 ** (1 - form.bias - fraction))
    number = jnp.where(wide < form.smallest_normal_bits, _convert(wide, work) * unit, normal)
    return put(number, wide > form.max_bits, np.inf)


def put(number: Any, where: Any, special: float) -> Any:
    """Set elements to infinity or NaN, without a constant that ``jax.debug_nans`` would see."""
    form = float_format(number.dtype.name)
    special_bits = carrier(form).type(form.top_bits + (special != np.inf))
    bits = lax.bitcast_convert_type(number, carrier(form))
    return lax.bitcast_convert_type(jnp.where(where, special_bits, bits), number.dtype)


def narrow(number: Any, form: FloatFormat) -> Any:
    """Round a non-negative number of the working format to magnitude bits of x's format."""
    if form.width >= 32:
        return lax.bitcast_convert_type(number, carrier(form))
    if form.name == "float16":
        return lax.bitcast_convert_type(_convert(number, np.float16), np.int16)
    bits = lax.bitcast_convert_type(number, np.int32)
    if form.name == "bfloat16":
        return _convert((bits + (0x7FFF + ((bits >> 16) & 1))) >> 16, np.int16)
    rounded = _encode(*split(bits, _single, np.uint32), form)
    top = np.uint32(form.top_bits)
    return _convert(jnp.where(bits > _single.max_bits, top, rounded), carrier(form))


def limit_of(lambd: Any, form: FloatFormat) -> Any:
    """Round an array of thresholds once, and return their limits."""
    magnitude, negative, nan = _rounded(lambd, form)
    return jnp.where(negative | nan, magnitude.dtype.type(-1), magnitude)


def upper_of(number: Any, form: FloatFormat) -> Any:
    """Round an array of upper thresholds once, and return their limits, in 32 bits at least.

    An infinite one is one pattern above the largest number, in a format without infinity too.
    """
    magnitude, negative, nan = _rounded(number, form)
    limit = _convert(magnitude, upper_carrier(form))
    if jnp.issubdtype(number.dtype, jnp.floating):
        source = float_format(number.dtype.name)
        bits = bits_of(number)
        infinite = (bits & bits.dtype.type(source.magnitude_mask)) > source.max_bits
        limit = jnp.where(infinite, limit.dtype.type(form.max_bits + 1), limit)
    return jnp.where(negative | nan, limit.dtype.type(-1), limit)


def upper_carrier(form: FloatFormat) -> np.dtype[Any]:
    """Return a signed integer dtype that holds a magnitude's distance to an upper limit."""
    return _CARRIER[max(form.width, 32)]


def signed_value(number: Any, form: FloatFormat, work: np.dtype[Any]) -> Any:
    """Round an array of signed numbers once, and return them in the working format."""
    magnitude, negative, nan = _rounded(number, form)
    value = widen(magnitude, form, work)
    return put(jnp.where(negative, -value, value), nan, np.nan)


def _rounded(number: Any, form: FloatFormat) -> tuple[Any, Any, Any]:
    """Return magnitude bits in x's format, and where the number is negative or NaN.

    -0 is not negative; a negative number that rounds to 0 is.
    """
    dtype = number.dtype
    wide = np.uint64 if 64 in (form.width, 8 * dtype.itemsize) else np.uint32
    if jnp.issubdtype(dtype, jnp.integer):
        negative = number < 0
        significand = _convert(number, wide)
        significand = jnp.where(negative, -significand, significand)
        rounded = _encode(significand, jnp.zeros_like(significand, np.int32), form)
        return _convert(rounded, carrier(form)), negative, negative & False
    source = float_format(dtype.name)
    bits = bits_of(number)
    magnitude = bits & bits.dtype.type(source.magnitude_mask)
    sign = bits != magnitude
    nan = sign & (magnitude == 0) if source.nan_is_negative_zero else magnitude > source.top_bits
    negative = sign & ~nan & (magnitude != 0)
    if source.name == form.name:
        return magnitude, negative, nan
    rounded = _encode(*split(magnitude, source, wide), form)
    rounded = jnp.where(magnitude > source.max_bits, wide(form.top_bits), rounded)
    return _convert(rounded, carrier(form)), negative, nan


def split(magnitude: Any, form: FloatFormat, wide: Any) -> tuple[Any, Any]:
    """Return significand and exponent: the number is ``significand * 2**exponent``."""
    fraction = form.precision - 1
    magnitude = _convert(magnitude, wide)
    field = _convert(magnitude >> wide(fraction), np.int32)
    hidden = jnp.where(field > 0, wide(1 << fraction), wide(0))
    significand = (magnitude & wide((1 << fraction) - 1)) | hidden
    return significand, jnp.maximum(field, 1) - (form.bias + fraction)


def _encode(significand: Any, exponent: Any, form: FloatFormat) -> Any:
    """Round ``significand * 2**exponent`` to magnitude bits: nearest, ties to even."""
    wide = significand.dtype.type
    width = 8 * significand.dtype.itemsize
    fraction = form.precision - 1
    smallest = 1 - form.bias - fraction
    length = width - _convert(lax.clz(significand), np.int32)
    unit = jnp.maximum(length + exponent - form.precision, smallest)
    right = unit - exponent  # how many bits fall away
    cut = _convert(jnp.clip(right, 1, width - 1), wide)
    whole, rest = significand >> cut, significand & ((wide(1) << cut) - wide(1))
    half = wide(1) << (cut - wide(1))
    up = (rest > half) | ((rest == half) & ((whole & wide(1)) == wide(1)))
    whole = jnp.where(right < width, whole + _convert(up, wide), wide(0))
    left = _convert(jnp.clip(-right, 0, width - 1), wide)
    whole = jnp.where(right > 0, whole, significand << left)
    # The hidden bit of a normal number, and a carry, add to the exponent's field.
    fields = jnp.clip(unit - smallest, 0, (form.max_bits >> fraction) + 1)
    fields = _convert(jnp.where(significand == wide(0), 0, fields), wide)
    bits = (fields << wide(fraction)) + whole
    return jnp.where(bits > wide(form.max_bits), wide(form.top_bits), bits)
