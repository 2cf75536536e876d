"""Elements that hurt: what lies around a threshold, what is special, what is random.

Invariants
----------
- Elements are integers of their bits; blocks of them are tuples, so results for a block can be
  remembered.
- Random elements are the same for a type in every run.
"""

from __future__ import annotations

import random
from fractions import Fraction
from functools import lru_cache

from shrinkops.conformance._numbers import NUMBERS, Number, decode

from .oracle import Exact, part_of, rounded_bits, smallest_normal

__all__ = [
    "LENGTHS",
    "around",
    "near",
    "random_block",
    "signed",
    "special",
    "special_block",
]

LENGTHS = (0, 1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 66, 127, 128, 129, 130)
"""Around the widths of vector registers and of unrolled loops."""


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
        real = part_of(number)
        one = rounded_bits(Fraction(1), real)
        parts = [*signed([0, 1, smallest_normal(real), one, real.largest], real)]
        parts += [real.infinity or 0, (real.infinity or 0) | real.sign, real.quiet_nan]
        return [a | (b << number.width) for a in parts for b in parts]
    normal, one = smallest_normal(number), rounded_bits(Fraction(1), number)
    found = signed([0, 1, 2, normal - 1, normal, normal + 1, one, number.largest], number)
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


def around(bits: int, number: Number, reach: int = 1) -> list[int]:
    """Return a magnitude and its neighbours, with either sign, none of them NaN."""
    top = number.largest if number.infinity is None else number.infinity
    middle = _ordinal(bits, number)
    steps = [0, *(sign * step for step in range(1, reach + 1) for sign in (-1, 1))]
    near = [middle + step for step in sorted(steps)]
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


# Blocks


@lru_cache(1 << 14)
def near(limit: Exact, number: Number) -> tuple[int, ...]:
    """Return elements that tell a threshold, of any sign, from its neighbours."""
    size = abs(limit)
    if number.kind == "integer":
        return _near_integer(size, number)
    real = part_of(number)
    bits = rounded_bits(size, real)
    edge = around(bits, real)
    if number.kind == "complex":
        return tuple(_complex(edge, bits, real, number.width))
    if size == float("inf") or size == 0:
        return tuple(edge)
    aside = [rounded_bits(Fraction(size) * factor, real) for factor in _ASIDE]
    top = real.largest
    return tuple(dict.fromkeys([*edge, *signed([b for b in aside if b <= top], real)]))


_ASIDE = (Fraction(1, 2), Fraction(3, 4), Fraction(5, 4), Fraction(2))


def _near_integer(size: Exact, number: Number) -> tuple[int, ...]:
    low = -(1 << (number.width - 1)) if number.signed else 0
    high = low + (1 << number.width) - 1
    floor = high + 1 if size == float("inf") else int(size)
    wanted = [s * (floor + d) for d in (-1, 0, 1, 2) for s in (1, -1)] + [floor // 2, -(floor // 2)]
    held = [w for w in dict.fromkeys(wanted) if low <= w <= high]
    return tuple(w & ((1 << number.width) - 1) for w in held or [low, high])


def _complex(edge: list[int], bits: int, real: Number, width: int) -> list[int]:
    """Elements on both axes and beside the circle, further from it than two units."""
    zero = [0, real.sign]
    inside = [rounded_bits(_scaled(bits, real, f), real) for f in (Fraction(1, 2), Fraction(3, 4))]
    outside = [rounded_bits(_scaled(bits, real, f), real) for f in (Fraction(5, 4), Fraction(2))]
    parts = [m for m in (*inside, *outside) if m <= real.largest]
    pairs = [(a, z) for a in signed(parts, real) for z in zero]
    pairs += [(z, a) for a in signed(parts, real) for z in zero]
    pairs += [(a, b) for a in signed(parts, real) for b in parts]
    pairs += [(a, 0) for a in edge]
    return [a | b << width for a, b in pairs]


def _scaled(bits: int, real: Number, factor: Fraction) -> Exact:
    value = decode(bits, real)
    return value if isinstance(value, float) else value * factor


@lru_cache
def special_block(number: Number) -> tuple[int, ...]:
    """Return the special elements of a type as a block."""
    return tuple(special(number))


@lru_cache
def random_block(number: Number, count: int = 24) -> tuple[int, ...]:
    """Return random bits: any kind of value."""
    rng = random.Random(number.name)
    found = []
    for _ in range(count):
        parts = [_clean(rng.getrandbits(number.width), number) for _ in range(number.parts)]
        found.append(sum(part << (number.width * i) for i, part in enumerate(parts)))
    return tuple(found)


def _clean(bits: int, number: Number) -> int:
    """Only encodings that the processor produces."""
    if not number.explicit:
        return bits
    top = number.fraction_bits
    exponent = (bits >> top) & ((1 << number.exponent_bits) - 1)
    return bits | (1 << (top - 1)) if exponent else bits & ~(1 << (top - 1))


def number_named(name: str) -> Number | None:
    """Return an element type by the name of its format."""
    return NUMBERS.get(name)
