"""The family's definitions in exact arithmetic, twice: one element by fractions, arrays by float64.

Nothing here is shared with the library: no table, no rounding, no formula. `element` follows the
specification word by word, each ``+ - * /`` a rational operation rounded by `Format.rounded`.
`array` does the same for formats of at most 24 bits, where a float64 operation rounded once more
to float32 is the float32 operation (Figueroa 1995: 53 >= 2 * 24 + 2); rounding is by scaling to
whole numbers and ``rint``. The two are compared with each other by the tests.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

__all__ = ["FORMATS", "INFINITY", "Format", "array", "element", "magnitude"]

_Array = np.ndarray[Any, Any]
INFINITY = math.inf
Number = Fraction | float
"""A fraction, or an infinity or NaN as a float."""


@dataclass(frozen=True)
class Format:
    """A binary format: digits, smallest and largest exponent of a number ``1.… * 2**e``.

    Attributes
    ----------
    precision, lowest : int
    largest : Fraction
    infinite : bool
        Whether it has infinities; a result beyond the largest number is NaN where not.
    """

    precision: int
    lowest: int
    largest: Fraction
    infinite: bool = True

    def rounded(self, value: Number, beyond: float | None = None) -> Number:
        """Round to nearest, ties to even."""
        if isinstance(value, float):
            return value
        if value == 0:
            return Fraction(0)
        size = abs(value)
        exponent = size.numerator.bit_length() - size.denominator.bit_length()
        if Fraction(2) ** exponent > size:
            exponent -= 1
        unit = Fraction(2) ** (max(exponent, self.lowest) - self.precision + 1)
        result = round(size / unit) * unit  # Python's own rounding: to even
        sign = 1 if value > 0 else -1
        if result > self.largest:
            if beyond is not None:
                return sign * beyond
            return sign * math.inf if self.infinite else math.nan
        return sign * result

    def parameter(self, value: Number) -> Number:
        """Round an element of a parameter: beyond the largest number it is infinity or that."""
        result = self.rounded(value, beyond=math.inf)
        if result in (math.inf, -math.inf) and not self.infinite and isinstance(value, Fraction):
            return self.largest if result > 0 else -self.largest
        return result

    def rounded_array(self, values: _Array) -> _Array:
        """Round float64 numbers; its precision is at most 24."""
        with np.errstate(all="ignore"):
            _, exponents = np.frexp(values)
            unit = np.maximum(exponents - 1, self.lowest) - self.precision + 1
            result = np.ldexp(np.rint(np.ldexp(values, -unit)), unit)
        over = np.isfinite(values) & (np.abs(result) > float(self.largest))
        beyond = np.copysign(math.inf, values) if self.infinite else np.full_like(values, math.nan)
        return np.where(np.isfinite(values), np.where(over, beyond, result), values)


def _format(precision: int, bias: int, top: Fraction | str, infinite: bool = True) -> Format:
    return Format(precision, 1 - bias, Fraction(top), infinite)


def _largest(precision: int, exponent: int) -> Fraction:
    return (2 - Fraction(1, 2 ** (precision - 1))) * Fraction(2) ** exponent


FORMATS = {
    "float16": _format(11, 15, _largest(11, 15)),
    "bfloat16": _format(8, 127, _largest(8, 127)),
    "float32": _format(24, 127, _largest(24, 127)),
    "float64": _format(53, 1023, _largest(53, 1023)),
    "longdouble": _format(64, 16383, _largest(64, 16383)),
    "float8_e3m4": _format(5, 3, "15.5"),
    "float8_e4m3": _format(4, 7, "240"),
    "float8_e4m3b11fnuz": _format(4, 11, "30", False),
    "float8_e4m3fn": _format(4, 7, "448", False),
    "float8_e4m3fnuz": _format(4, 8, "240", False),
    "float8_e5m2": _format(3, 15, "57344"),
    "float8_e5m2fnuz": _format(3, 16, "57344", False),
}
"""From the definitions of the formats (IEEE 754, the OCP's OFP8, ml_dtypes' documentation)."""


def _is_nan(value: Number) -> bool:
    return isinstance(value, float) and math.isnan(value)


def element(operation: str, x: Number, parameters: Sequence[Number], form: Format) -> Number | None:
    """Return the exact result for one element, None where it is x itself, bit for bit.

    Parameters
    ----------
    operation : str
    x : Fraction or float
        Finite numbers as fractions.
    parameters : sequence
        λ and the second parameter as they were given, not rounded.
    form : Format
    """
    lambd = parameters[0]
    if _is_nan(x) or _is_nan(lambd) or lambd < 0:
        return None
    t = form.parameter(lambd)
    if abs(x) <= t:
        return Fraction(0)
    if operation == "hardshrink" or isinstance(x, float):
        return None
    wide = FORMATS["float32"] if form.precision < 24 else form
    a, sign = abs(x), 1 if x > 0 else -1

    def step(value: Number) -> Number:
        return wide.rounded(value)

    if operation in ("softshrink", "shrink"):
        b = t if operation == "softshrink" else form.parameter(parameters[1])
        if isinstance(b, float):
            return -sign * b if form.infinite else math.nan
        return sign * form.rounded(step(a - b))
    if operation == "firmshrink":
        u = form.parameter(parameters[1])
        u = u if u >= t else t  # NaN too
        if a >= u:
            return None
        c = Fraction(1) if u == math.inf else step(u / step(u - t))
        moved = step(step(a - t) * c)
    else:
        moved = step(step(a - t) * step(1 + step(t / a)))
    result = form.rounded(min(moved, a))
    return result * sign


def array(operation: str, x: _Array, parameters: Sequence[float], form: Format) -> _Array:
    """Return the results for the float64 values of a format of at most 24 bits.

    ``parameters`` are numbers of the format (or infinite); λ is not negative.
    """

    def single(values: Any) -> Any:  # the processor's conversion rounds once, as it should
        return np.asarray(values).astype(np.float32).astype(np.float64)

    t = parameters[0]
    a = np.abs(x)
    with np.errstate(all="ignore"):
        if operation == "hardshrink":
            moved = a
        elif operation in ("softshrink", "shrink"):
            moved = single(a - (t if operation == "softshrink" else parameters[1]))
        elif operation == "firmshrink":
            u = parameters[1]
            c = 1.0 if math.isinf(u) or u == t else float(single(u / single(np.array(u - t))))
            moved = np.where(a >= u, a, np.minimum(single(single(a - t) * c), a))
        else:
            moved = np.minimum(single(single(a - t) * single(1 + single(t / a))), a)
        moved = np.where(np.isinf(a), a, moved)
        result = moved if form is FORMATS["float32"] else form.rounded_array(moved)
        result = np.where(x < 0, -result, result) + 0.0  # no -0
        return np.where(np.isnan(x), x, np.where(a <= t, 0.0, result))


def magnitude(
    operation: str, re: Fraction, im: Fraction, parameters: Sequence[Fraction]
) -> Fraction:
    """Return f(|z|)/|z| of a complex number, to 200 bits; ``parameters`` are rounded."""
    square = re * re + im * im
    t = parameters[0]
    if square <= t * t:
        return Fraction(0)
    scale = 1 << 400
    size = Fraction(math.isqrt(square.numerator * scale * square.denominator), square.denominator)
    size /= 1 << 200
    excess = (square - t * t) / (size + t)  # |z| - t without cancellation
    if operation == "softshrink":
        return excess / size
    if operation == "garrote":
        return (square - t * t) / square
    u = parameters[1]
    if square >= u * u:
        return Fraction(1)
    return min(excess * u / (u - t) / size, Fraction(1))
