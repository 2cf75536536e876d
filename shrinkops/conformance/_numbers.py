"""Element types from first principles, independent of the tables that backends use.

Invariants
----------
- Values are exact: integers and fractions. No floating-point arithmetic happens here.
- Rounding searches the encodings themselves, so it shares nothing with the algorithm
  in ``shrinkops._numbers.threshold``; a test compares the two.
- An element is an integer holding its bits; a complex element holds the real part in
  its low half, as in memory on a little-endian machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

__all__ = [
    "NUMBERS",
    "Number",
    "decode",
    "is_nan",
    "magnitude",
    "number_of",
    "overflows",
    "round_bits",
]


@dataclass(frozen=True, slots=True)
class Number:
    """How the bits of an element type are read.

    Attributes
    ----------
    name : str
    kind : {"float", "complex", "integer"}
    width : int
        Bits of an element, or of one part of a complex element.
    exponent_bits, fraction_bits, bias : int
        For floating types; an explicit leading bit counts as a fraction bit.
    nan : {"ieee", "all ones", "negative zero"}
        "ieee" has infinities; the other two have none, and a single NaN per sign or at all.
    explicit : bool
        The leading significand bit is stored (x87).
    signed : bool
        For integers.
    """

    name: str
    kind: str
    width: int
    exponent_bits: int = 0
    fraction_bits: int = 0
    bias: int = 0
    nan: str = "ieee"
    explicit: bool = False
    signed: bool = True

    @property
    def parts(self) -> int:
        """Real components of an element."""
        return 2 if self.kind == "complex" else 1

    @property
    def sign(self) -> int:
        """The pattern of the sign bit of one component."""
        return 1 << (self.width - 1)

    @property
    def largest(self) -> int:
        """The bits of the largest finite number."""
        top = ((1 << self.exponent_bits) - 1) << self.fraction_bits
        if self.nan == "ieee":
            below = top - (1 << self.fraction_bits)
            if self.explicit:
                return below | ((1 << self.fraction_bits) - 1)
            return top - 1
        return self.sign - (2 if self.nan == "all ones" else 1)

    @property
    def infinity(self) -> int | None:
        """The bits of infinity, None where there is none."""
        if self.nan != "ieee":
            return None
        top = ((1 << self.exponent_bits) - 1) << self.fraction_bits
        return top | (1 << (self.fraction_bits - 1)) if self.explicit else top

    @property
    def quiet_nan(self) -> int:
        """The bits of a NaN."""
        if self.nan == "negative zero":
            return self.sign
        if self.nan == "all ones":
            return self.sign - 1
        infinity = self.infinity
        assert infinity is not None
        return infinity | (1 << (self.fraction_bits - (2 if self.explicit else 1)))


def _ieee(
    name: str, exponent_bits: int, fraction_bits: int, nan: str = "ieee", bias: int = 0
) -> Number:
    width = 1 + exponent_bits + fraction_bits
    usual = (1 << (exponent_bits - 1)) - 1
    return Number(name, "float", width, exponent_bits, fraction_bits, bias or usual, nan)


_ALL = (
    _ieee("float16", 5, 10),
    _ieee("bfloat16", 8, 7),
    _ieee("float32", 8, 23),
    _ieee("float64", 11, 52),
    _ieee("float8_e5m2", 5, 2),
    _ieee("float8_e4m3", 4, 3),
    _ieee("float8_e3m4", 3, 4),
    _ieee("float8_e4m3fn", 4, 3, "all ones"),
    _ieee("float8_e5m2fnuz", 5, 2, "negative zero", 16),
    _ieee("float8_e4m3fnuz", 4, 3, "negative zero", 8),
    _ieee("float8_e4m3b11fnuz", 4, 3, "negative zero", 11),
    Number("x87", "float", 80, 15, 64, 16383, explicit=True),
    _ieee("binary128", 15, 112),
    Number("complex64", "complex", 32, 8, 23, 127),
    Number("complex128", "complex", 64, 11, 52, 1023),
    *(
        Number(f"{'' if signed else 'u'}int{width}", "integer", width, signed=signed)
        for signed in (True, False)
        for width in (8, 16, 32, 64)
    ),
)

NUMBERS: dict[str, Number] = {number.name: number for number in _ALL}
"""Every element type that the kit can judge, by the name of its format."""


def number_of(rules: Any, dtype_name: str) -> Number | None:
    """Return the element type that a backend's format describes, None where none does.

    Parameters
    ----------
    rules : FloatFormat, IntegerFormat or None
        What ``Backend.format`` returned; types without a name of their own, such as a
        C ``long double``, are found by their layout.
    dtype_name : str
    """
    named = NUMBERS.get(getattr(rules, "name", dtype_name))
    if named is not None or rules is None:
        return named
    stored = rules.kind, getattr(rules, "precision", 0), getattr(rules, "bias", 0)
    for number in NUMBERS.values():
        precision = number.fraction_bits + (not number.explicit)
        if stored == (number.kind, precision, number.bias) and number.width >= 80:
            return number
    return None


def magnitude(bits: int, number: Number) -> int:
    """Drop the sign of a real element."""
    return bits & (number.sign - 1)


def is_nan(bits: int, number: Number) -> bool:
    """Tell whether the bits of one real component are a NaN."""
    if number.kind == "integer":
        return False
    if number.nan == "negative zero":
        return bits == number.sign
    if number.nan == "all ones":
        return magnitude(bits, number) == number.sign - 1
    infinity = number.infinity
    assert infinity is not None
    return magnitude(bits, number) > infinity


def decode(bits: int, number: Number) -> Fraction | float:
    """Return the value of one real component: exact, or infinity or NaN as a float.

    The encodings just beyond the largest finite number decode as if the exponent
    range went on, which is what rounding needs; ask `is_nan` first.
    """
    if number.kind == "integer":
        return Fraction(
            bits - (1 << number.width) if number.signed and bits & number.sign else bits
        )
    sign = -1 if bits & number.sign else 1
    size = magnitude(bits, number)
    if is_nan(bits, number):
        return math.nan
    if size == number.infinity:
        return sign * math.inf
    return sign * _scale(size, number)


@lru_cache(1 << 17)
def _scale(size: int, number: Number) -> Fraction:
    """Return the value of a magnitude by position, whatever its exponent field."""
    stored = number.fraction_bits
    field, fraction = size >> stored, size & ((1 << stored) - 1)
    point = stored - 1 if number.explicit else stored
    if not number.explicit and field:
        fraction |= 1 << stored
    exponent = max(field, 1) - number.bias - point
    return Fraction(fraction) * Fraction(2) ** exponent


def _ladder(index: int, number: Number) -> tuple[int, Fraction]:
    """Return the ``index``-th magnitude in order of value, with its value."""
    if number.explicit:  # the leading bit follows from the exponent
        point = number.fraction_bits - 1
        field, fraction = index >> point, index & ((1 << point) - 1)
        bits = (field << number.fraction_bits) | (bool(field) << point) | fraction
        return bits, _scale(bits, number)
    return index, _scale(index, number)


@lru_cache(1 << 16)
def round_bits(value: Fraction, number: Number) -> int | None:
    """Round a non-negative value to the nearest magnitude, ties to even.

    Returns
    -------
    int or None
        None where the nearest value, in a type of unbounded range, is beyond the largest.
    """
    low, high = 0, 1 << (number.width - 1 - number.explicit)
    while high - low > 1:  # the largest encoding whose value is not above
        middle = (low + high) // 2
        if _ladder(middle, number)[1] <= value:
            low = middle
        else:
            high = middle
    below, above = _ladder(low, number), _ladder(low + 1, number)
    down, up = value - below[1], above[1] - value
    chosen = below if down < up or (down == up and low % 2 == 0) else above
    if _ladder(low, number)[1] > decode_largest(number) or chosen[1] > decode_largest(number):
        return None
    return chosen[0]


def decode_largest(number: Number) -> Fraction:
    """Return the largest finite value."""
    return _scale(number.largest, number)


def overflows(value: Fraction, number: Number) -> bool:
    """Tell whether a finite value rounds to something beyond the type."""
    return round_bits(abs(value), number) is None
