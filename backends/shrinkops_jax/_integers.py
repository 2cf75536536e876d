"""Integer arrays of every width: hardshrink and softshrink, exact over the real numbers.

Invariants
----------
- Everything is unsigned, in 32 bits or in 64 where x or λ has them: the magnitude of
  INT_MIN and a λ of ``2**31`` and more are numbers like all others.
- A band is a magnitude ``limit`` and a mask ``empty`` (λ negative or NaN).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from shrinkops.spec import FloatFormat, float_format

from ._bits import bits_of, split

__all__ = ["INTEGER_OPERATIONS", "integer_body"]

INTEGER_OPERATIONS = frozenset({"hardshrink", "softshrink"})

_convert = lax.convert_element_type


def integer_body(operation: str, number: bool) -> Callable[..., Any]:
    """Return ``body(x, limit, empty)`` for a number as λ, ``body(x, lambd)`` for an array."""

    def body(x: Any, *band: Any) -> Any:
        widths = [8 * part.dtype.itemsize for part in (x, *band[: not number])]
        wide: Any = np.uint64 if 64 in widths else np.uint32
        limit, empty = band if number else _band(band[0], wide)
        limit = _convert(limit, wide)
        negative = x < 0
        unsigned = _convert(x, wide)
        magnitude = jnp.where(negative, -unsigned, unsigned)
        zeroed = (magnitude <= limit) & ~jnp.asarray(empty)
        result = x
        if operation == "softshrink":
            less = magnitude - jnp.where(empty, wide(0), limit)
            result = _convert(jnp.where(negative, -less, less), x.dtype)
        return jnp.where(zeroed, _convert(0, x.dtype), result)

    return body


def _band(lambd: Any, wide: Any) -> tuple[Any, Any]:
    """Return the largest magnitude in each element's band, and where there is none."""
    if jnp.issubdtype(lambd.dtype, jnp.integer):
        return _convert(lambd, wide), lambd < 0
    form = float_format(lambd.dtype.name)
    bits = bits_of(lambd)
    magnitude = bits & bits.dtype.type(form.magnitude_mask)
    sign = bits != magnitude
    nan = sign & (magnitude == 0) if form.nan_is_negative_zero else magnitude > form.top_bits
    return _floor(magnitude, form, wide), nan | (sign & (magnitude != 0))


def _floor(magnitude: Any, form: FloatFormat, wide: Any) -> Any:
    """Return the whole part of a magnitude, at most the largest number of ``wide``."""
    width = 8 * np.dtype(wide).itemsize
    significand, exponent = split(magnitude, form, wide)
    length = width - _convert(lax.clz(significand), np.int32)
    down = _convert(jnp.clip(-exponent, 0, width - 1), wide)
    up = _convert(jnp.clip(exponent, 0, width - 1), wide)
    whole = jnp.where(exponent > -width, (significand >> down) << up, wide(0))
    beyond = (length + exponent > width) | (magnitude > form.max_bits)
    return jnp.where(beyond & (significand > 0), wide(np.iinfo(wide).max), whole)
