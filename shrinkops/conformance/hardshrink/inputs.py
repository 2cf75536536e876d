"""Input that hurts: the values, thresholds, lengths and shapes that the checks share."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from shrinkops.conformance._bits import array_of
from shrinkops.conformance._context import Context
from shrinkops.conformance._numbers import Number, decode

from .definition import threshold

__all__ = [
    "LENGTHS",
    "NUMBERS_OF_PARTS",
    "around",
    "lambda_of",
    "lambdas",
    "mixture",
    "signed",
    "smallest_normal",
    "special",
]

LENGTHS = (0, 1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 66, 127, 128, 129, 130)
"""Around the widths of vector registers and of unrolled loops."""


def smallest_normal(number: Number) -> int:
    """Return the magnitude bits of the smallest normal number."""
    if number.explicit:
        return (1 << number.fraction_bits) | (1 << (number.fraction_bits - 1))
    return 1 << number.fraction_bits


def signed(magnitudes: list[int], number: Number) -> list[int]:
    """Return each magnitude with either sign."""
    return [m | s for m in magnitudes for s in (0, number.sign)]


def special(number: Number) -> list[int]:
    """Return the bits of every special element of a type."""
    if number.kind == "integer":
        top = (1 << number.width) - 1
        half = number.sign
        return [0, 1, 2, 3, top, top - 1, top - 2, half, half - 1, half + 1, half - 2]
    if number.kind == "complex":
        real = NUMBERS_OF_PARTS[number.name]
        parts = [*signed([0, 1, smallest_normal(real), _one(real), real.largest], real)]
        parts += [real.infinity or 0, (real.infinity or 0) | real.sign, real.quiet_nan]
        return [a | (b << number.width) for a in parts for b in parts]
    normal = smallest_normal(number)
    found = signed([0, 1, 2, normal - 1, normal, normal + 1, _one(number), number.largest], number)
    if number.explicit:  # normal - 1 would lack its leading bit
        found = [b for b in found if b & (number.sign - 1) != normal - 1]
        found += signed([(1 << (number.fraction_bits - 1)) - 1], number)
    if number.infinity is not None:
        found += signed([number.infinity], number)
        found += signed([number.quiet_nan], number)
        lowest_bit = number.infinity | 1
        if lowest_bit != number.quiet_nan:
            found += signed([lowest_bit], number)  # a signalling NaN
    elif number.nan == "all ones":
        found += signed([number.quiet_nan], number)
    # In the remaining formats the pattern of -0 is NaN, and is there already.
    return found


def _one(number: Number) -> int:
    return threshold(1, number) or 0


NUMBERS_OF_PARTS = {
    "complex64": Number("float32", "float", 32, 8, 23, 127),
    "complex128": Number("float64", "float", 64, 11, 52, 1023),
}
"""The type of the parts of a complex type."""


def around(bits: int, number: Number) -> list[int]:
    """Return a magnitude and its neighbours, with either sign, none of them NaN."""
    top = number.largest if number.infinity is None else number.infinity
    near = [_ordinal(bits, number) + step for step in (-1, 0, 1)]
    return signed([_at(n, number) for n in near if 0 <= n <= _ordinal(top, number)], number)


def _ordinal(bits: int, number: Number) -> int:
    """Return the place of a magnitude in its type; x87 stores a redundant bit."""
    if not number.explicit:
        return bits
    stored = number.fraction_bits - 1
    return (bits >> number.fraction_bits << stored) | bits & ((1 << stored) - 1)


def _at(ordinal: int, number: Number) -> int:
    """Return the bits of the magnitude at a place, the leading one of x87 included."""
    if not number.explicit:
        return ordinal
    stored = number.fraction_bits - 1
    exponent, fraction = ordinal >> stored, ordinal & ((1 << stored) - 1)
    return (exponent << number.fraction_bits) | ((exponent > 0) << stored) | fraction


def lambda_of(bits: int, number: Number) -> Any:
    """Return a magnitude as the value of a scalar λ: exact."""
    value = decode(bits, number)
    if not isinstance(value, Fraction):
        return value
    if number.width <= 64:
        return float(value)
    return array_of([bits], number)[0]


def lambdas(context: Context) -> list[Any]:
    """Return thresholds for a type: ordinary, unrepresentable, extreme."""
    number = context.number
    if number.kind == "integer":
        magnitude = number.sign if number.signed else (1 << number.width) - 1
        values = [0, 0.5, 1, 2.7, 3.0, magnitude - 1, magnitude, magnitude + 1, -1, -0.5]
        return [*values, float("inf"), float("-inf"), 1e300, 10**30]
    values = [0.5, 0.0, 0.1, 0.3, 1, 1.5, -0.0, -1.0, -0.1, float("inf"), float("-inf")]
    real = NUMBERS_OF_PARTS.get(number.name, number)
    if number.kind == "float":
        exact = [1, 2, smallest_normal(real), number.largest]
        values += [lambda_of(bits, real) for bits in exact]
    elif number.kind == "complex":
        values += [lambda_of(real.largest, real), lambda_of(smallest_normal(real), real)]
    return values


def mixture(context: Context, count: int) -> np.ndarray[Any, Any]:
    """Return random bits, values near 0.5 and special elements, shuffled."""
    number = context.number
    pool = special(number)
    if number.kind == "float":
        pool = [*pool, *around(threshold(0.5, number) or 0, number)]
    rng = context.rng
    chosen = context.array([pool[i] for i in rng.integers(0, len(pool), count)])
    random = context.random(count)
    take = rng.random(count) < 0.5
    return np.where(take, chosen, random) if number.width <= 64 else _pick(take, chosen, random)


def _pick(take: Any, a: Any, b: Any) -> np.ndarray[Any, Any]:
    result = b.copy()
    result[take] = a[take]
    return np.asarray(result)
