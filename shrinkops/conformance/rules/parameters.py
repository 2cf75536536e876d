"""What a parameter may be: every kind of number, every kind of array, every kind of value.

Invariants
----------
- A level of a value is an exact number; a kind holds it exactly, or rounds it to one of its own,
  which is then the value. What a kind cannot hold at all is a pair that cannot be had.
- Whether a call must be refused follows from the declaration and the exact values alone.
"""

from __future__ import annotations

import decimal
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from shrinkops.conformance._bits import array_of
from shrinkops.conformance._numbers import Number, decode, is_nan, round_bits

from .oracle import Exact, part_of, real_of, rounded_bits, smallest_normal

__all__ = [
    "ARRAYS", "SCALARS", "VALUES_FLOAT", "VALUES_INTEGER", "Given", "array_shape", "element_of",
    "refusal", "scalar", "value_at",
]  # fmt: skip

MINUS_ZERO = "-0"


class _Float(float):
    """A subclass of float, as units and traced numbers are."""


def _finite(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        return make(value) if isinstance(value, Fraction) else None

    return convert


def _float(value: Any) -> float | None:
    if value == MINUS_ZERO:
        return -0.0
    try:
        return float(value)
    except OverflowError:
        return None


def _subclass(value: Any) -> Any:
    wide = _float(value)
    return None if wide is None else _Float(wide)


def _numpy(name: str) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        wide = _float(value)
        if wide is None:
            return None
        with np.errstate(all="ignore"):
            made = np.dtype(name).type(wide)
        return None if np.isinf(made) and math.isfinite(wide) else made

    return convert


def _bfloat16(value: Any) -> Any:
    import ml_dtypes

    wide = _float(value)
    if wide is None or (math.isfinite(wide) and abs(wide) > 3e38):
        return None
    return ml_dtypes.bfloat16(wide)


def _longdouble(value: Any) -> Any:
    high = _float(value)
    if high is None:
        return None
    if not isinstance(value, Fraction):
        return np.longdouble(high)
    return np.longdouble(high) + np.longdouble(float(value - Fraction(high)))


def _decimal(value: Any) -> Any:
    if value == MINUS_ZERO:
        return decimal.Decimal("-0.0")
    if not isinstance(value, Fraction):
        return decimal.Decimal(value)
    context = decimal.Context(prec=1200, Emax=99999, Emin=-99999)
    return context.divide(decimal.Decimal(value.numerator), decimal.Decimal(value.denominator))


def _integer(value: Any) -> Any:
    return int(value) if value == int(value) else None


def _numpy_integer(name: str) -> Callable[[Any], Any]:
    limits = np.iinfo(name)

    def convert(value: Any) -> Any:
        whole = _integer(value)
        return (
            None
            if whole is None or not limits.min <= whole <= limits.max
            else np.dtype(name).type(whole)
        )

    return convert


SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "float": _float,
    "int": _finite(_integer),
    "np.float64": _numpy("float64"),
    "np.float32": _numpy("float32"),
    "np.float16": _numpy("float16"),
    "np.longdouble": _longdouble,
    "np.int64": _finite(_numpy_integer("int64")),
    "np.int8": _finite(_numpy_integer("int8")),
    "np.uint64": _finite(_numpy_integer("uint64")),
    "Fraction": _finite(lambda value: value),
    "Decimal": _decimal,
    "bfloat16": _bfloat16,
    "float subclass": _subclass,
}
"""Kinds of scalars: each makes a value of an exact number, or returns None."""

ARRAYS = (
    "0-d array",
    "full array",
    "trailing array",
    "leading array",
    "middle array",
    "one-element array",
)
"""Kinds of arrays, by how they broadcast to x."""


def array_shape(kind: str, shape: Sequence[int]) -> tuple[int, ...] | None:
    """Return the shape of an array parameter, None where x has no such axis."""
    axes = len(shape)
    if kind == "0-d array":
        return ()
    if kind == "full array":
        return tuple(shape)
    if kind == "one-element array":
        return (1,) * axes if axes else None
    if kind == "trailing array":
        return tuple(shape[-1:]) if axes else None
    if kind == "leading array":
        return (*shape[:1], *(1 for _ in shape[1:])) if axes > 1 else None
    return (shape[-2], 1) if axes > 2 else None


# Values


@dataclass(frozen=True)
class Point:
    """Where a value is asked for."""

    number: Number
    rng: random.Random
    least: Exact = Fraction(0)
    """The rounded value that a related parameter must not fall below."""


def _real(point: Point) -> Number:
    return part_of(point.number)


def _somewhere(point: Point) -> int:
    """Return the bits of a number at a random exponent."""
    number = _real(point)
    low, high = smallest_normal(number), number.largest
    bits = point.rng.randrange(low, high)
    if number.explicit:
        bits |= 1 << (number.fraction_bits - 1)
    return bits


def _between(point: Point, bits: int, where: Fraction) -> Exact:
    number = _real(point)
    low, high = (decode(b, number) for b in (bits, bits + 1))
    if not isinstance(low, Fraction) or not isinstance(high, Fraction):
        return Fraction(1)
    return low + (high - low) * where


def _digits(point: Point) -> int:
    number = _real(point)
    return number.fraction_bits + (not number.explicit)


def _near_tie(point: Point) -> Exact:
    """Return what is no tie, but one where a narrow float rounds it first."""
    digits = _digits(point)
    return _beside_tie(point, 24 if digits < 24 else digits + 5)


def _nearest_tie(point: Point) -> Exact:
    """Return what is no tie, but one where a double (a longdouble, for doubles) rounds it first."""
    digits = _digits(point)
    return _beside_tie(point, 53 if digits < 53 else digits + 11)


def _beside_tie(point: Point, width: int) -> Exact:
    """Leave a tie by less than ``width`` digits hold, for the neighbour that it would not take."""
    bits = _usual(point)
    offset = Fraction(1, 1 << (width + 3 - _digits(point)))
    return _between(point, bits, Fraction(1, 2) + (-offset if bits & 1 else offset))


def _usual(point: Point) -> int:
    """Return the bits of a number between a quarter and four, even or odd."""
    number = _real(point)
    value = Fraction(point.rng.randrange(64, 1024), 256)
    bits = rounded_bits(value, number)
    return bits ^ (point.rng.random() < 0.5) if bits & 0xFF else bits


def _large_integer(point: Point) -> Exact:
    """Return an integer that a narrower type rounds."""
    choices = ((1 << _digits(point)) + 1, (1 << 53) + 3, (1 << 24) + 1, (1 << 31) - 1)
    return _held(point, Fraction(point.rng.choice(choices)))


def _whole_beside_tie(point: Point) -> Exact:
    """Return an integer of 59 bits beside a tie, by less than a double on the way tells."""
    digits, odd = _digits(point), point.rng.random() < 0.5
    unit = 1 << (59 - digits if digits < 58 else 1)
    base = (1 << 58) + (2 * point.rng.randrange(2, 100) + odd) * unit
    return _held(point, Fraction(base + unit // 2 + (-1 if odd else 1)))


def _held(point: Point, value: Fraction) -> Exact:
    number = _real(point)
    return value if value <= Fraction(decode(number.largest, number)) else Fraction(3)


VALUES_FLOAT: Mapping[str, Callable[[Point], Any]] = {
    "ordinary": lambda p: Fraction(p.rng.choice((1, 2, 3, 4, 6)), 4),
    "not representable": lambda p: Fraction(p.rng.choice((0.1, 0.3, 0.7, 1.1, 1 / 3))),
    "tie": lambda p: _between(p, _usual(p), Fraction(1, 2)),
    "near a tie": _near_tie,
    "nearest a tie": _nearest_tie,
    "tie anywhere": lambda p: _between(p, _somewhere(p), Fraction(1, 2)),
    "anywhere": lambda p: decode(_somewhere(p), _real(p)),
    "zero": lambda _: Fraction(0),
    "minus zero": lambda _: MINUS_ZERO,
    "subnormal": lambda p: decode(p.rng.choice((1, 2, 3)), _real(p)),
    "rounds into the subnormals": lambda p: _between(p, p.rng.choice((1, 2)), Fraction(1, 2)),
    "rounds to zero": lambda p: Fraction(decode(1, _real(p))) / 4,
    "smallest normal": lambda p: decode(smallest_normal(_real(p)), _real(p)),
    "largest": lambda p: decode(_real(p).largest, _real(p)),
    "whole, large": _large_integer,
    "whole, beside a tie": _whole_beside_tie,
    "one": lambda p: Fraction(p.rng.choice((1, 2))),
    "infinity": lambda _: math.inf,
    "negative": lambda p: -Fraction(p.rng.choice((1, 2, 3, 4)), 4),
    "negative, whole": lambda p: Fraction(-p.rng.choice((1, 2))),
    "negative, tiny": lambda p: -Fraction(1, 10**60) if p.rng.random() < 0.5 else -Fraction(5e-324),
    "negative, large": lambda p: -Fraction(decode(_real(p).largest, _real(p)))
        / p.rng.choice((1, 2, 8)),
    "minus infinity": lambda _: -math.inf,
    "beyond": lambda p: Fraction(decode(_real(p).largest, _real(p))) * p.rng.choice((2, 1 << 20)),
    "NaN": lambda _: math.nan,
}  # fmt: skip
"""Values of a threshold for floating and complex elements."""


def _bound(point: Point) -> int:
    number = point.number
    return number.sign if number.signed else (1 << number.width) - 1


VALUES_INTEGER: Mapping[str, Callable[[Point], Any]] = {
    "ordinary": lambda p: Fraction(p.rng.choice((1, 2, 3, 5))),
    "fraction": lambda p: Fraction(p.rng.choice((0.5, 2.7, 1.5, 7.25))),
    "zero": lambda _: Fraction(0),
    "minus zero": lambda _: MINUS_ZERO,
    "largest": lambda p: Fraction(_bound(p) - p.rng.choice((0, 1, 2))),
    "anywhere": lambda p: Fraction(p.rng.randrange(_bound(p))),
    "whole, large": lambda p: Fraction(min(2**53 + 1 + 2 * p.rng.randrange(3), _bound(p) - 1)),
    "just beyond": lambda p: Fraction(_bound(p) + 1),
    "huge": lambda p: Fraction(10**30 if p.rng.random() < 0.5 else 1 << 200),
    "infinity": lambda _: math.inf,
    "negative": lambda p: -Fraction(p.rng.choice((1, 2, 3))),
    "negative, tiny": lambda p: -Fraction(1, 1 << p.rng.choice((1, 60))),
    "minus infinity": lambda _: -math.inf,
    "NaN": lambda _: math.nan,
}
"""Values of a threshold for integers."""


MIXED = "mixed"
"""A level of arrays: every level of values at once, where each call costs a compilation."""

_VARIANTS = 8
"""Values of a level that a type is tried with."""


@lru_cache(1 << 13)
def _value(level: str, number: Number, variant: int) -> Any:
    levels = VALUES_INTEGER if number.kind == "integer" else VALUES_FLOAT
    return levels[level](Point(number, random.Random(f"{level} {variant}")))


def value_at(level: str, number: Number, rng: random.Random, least: Exact | None = None) -> Any:
    """Return a level's exact value; with ``least``, moved so that it is not below it."""
    level = "ordinary" if level == MIXED else level
    value = _value(level, number, rng.randrange(_VARIANTS))
    if least is not None and isinstance(value, Fraction) and value >= 0 and least == least:
        if isinstance(least, float):
            return least
        return value + least if value == 0 or rng.random() < 0.5 else max(value, least)
    return value


def scalar(kind: str, value: Any) -> Any:
    """Return a value as a kind of scalar, None where the kind cannot hold it."""
    return SCALARS[kind](value)


@dataclass(frozen=True)
class Given:
    """One parameter of one call.

    Attributes
    ----------
    value : object
        The scalar; None for an array.
    exact : sequence of Exact
        What it holds: one number, or one for each entry of the pool that an array draws from.
    array : ndarray
        The elements of an array parameter.
    index : ndarray of int
        Which entry of ``exact`` each of them is.
    keys : sequence
        Stand for the entries of ``exact`` where those are remembered: fractions are slow there.
    """

    value: Any
    exact: Sequence[Exact]
    array: Any = None
    index: Any = None
    keys: Sequence[Any] = ()


def array_given(
    values: Sequence[Any], number: Number, shape: tuple[int, ...], rng: np.random.Generator,
    first: float = 0.5,
) -> Given:  # fmt: skip
    """Return an array parameter of an element type that draws from values.

    The first of them fills half of it, or another part.
    """
    held = list(dict.fromkeys(b for b in (element_of(v, number) for v in values) if b is not None))
    held = held or [0]
    exact = [_decoded(b, number) for b in held]
    index = np.where(rng.random(shape) < first, 0, rng.integers(0, len(held), shape))
    pool = array_of(held, number)
    keys = [(number.name, b) for b in held]
    return Given(None, exact, np.asarray(pool[index]).reshape(shape), np.asarray(index), keys)


@lru_cache(1 << 14)
def _decoded(bits: int, number: Number) -> Exact:
    return math.nan if is_nan(bits, number) else decode(bits, number)


def element_of(value: Any, number: Number) -> int | None:
    """Return the bits of a value in an array's own type, None where it has none."""
    if number.kind == "integer":
        if not isinstance(value, Fraction) or value.denominator != 1:
            return None
        low = -(1 << (number.width - 1)) if number.signed else 0
        whole = int(value)
        held = low <= whole < low + (1 << number.width)
        return whole & ((1 << number.width) - 1) if held else None
    if value == MINUS_ZERO:
        return None if number.nan == "negative zero" else number.sign
    if value != value:
        return number.quiet_nan
    if abs(value) == math.inf and number.infinity is None:
        return None
    if isinstance(value, Fraction) and round_bits(abs(value), number) is None:
        return None
    bits = rounded_bits(value, number)
    return None if number.nan == "negative zero" and bits == number.sign else bits


def _unheld(operation: Any, number: Number, value: Fraction) -> bool:
    """Tell whether a finite number is beyond a type, or not whole where it must be."""
    if number.kind == "integer":
        return bool(operation.whole) and value.denominator != 1
    return round_bits(abs(value), part_of(number)) is None


def refusal(operation: Any, number: Number, given: Sequence[Given]) -> bool:
    """Tell whether a call with these scalars must raise ValueError."""
    real = part_of(number)
    rounded: dict[str, Exact] = {}
    for parameter, one in zip(operation.parameters, given, strict=True):
        if one.array is not None:
            continue
        value = one.exact[0]
        if value != value:
            return True
        if abs(value) == math.inf and not parameter.infinite:
            return True
        if value < 0 and parameter.negative == "refused":
            return True
        if isinstance(value, Fraction) and _unheld(operation, number, value):
            return True
        rounded[parameter.name] = (
            value if number.kind == "integer" or abs(value) == math.inf
            else decode(rounded_bits(value, real), real)
        )  # fmt: skip
        least = rounded.get(parameter.at_least)
        if least is not None and not rounded[parameter.name] >= least:
            return True
    return False


def scalar_given(value: Any, held: Any = None) -> Given:
    """Return a scalar parameter; ``held`` is what it is where it is left out."""
    exact = real_of(value if held is None else held)
    key = exact if isinstance(exact, float) else (exact.numerator, exact.denominator)
    return Given(value, [exact], keys=[key])
