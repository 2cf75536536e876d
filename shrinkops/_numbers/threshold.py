"""Rules for λ: what counts as a number, its rounding, its refusals, and an array's shape.

Invariants
----------
- λ is rounded exactly once, from its exact rational value, to nearest with ties
  to even (HS-LAM-2). No intermediate float appears, so there is no double rounding.
- Everything is Python integer arithmetic: the result does not depend on a
  processor's rounding or flush mode, nor on an array library.
- Refusals (HS-LAM-5) happen here and nowhere else, so every backend words them alike.
"""

from __future__ import annotations

import math
import operator
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from shrinkops._errors import type_name

from .formats import FloatFormat, Format, IntegerFormat

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = [
    "Threshold",
    "check_broadcast",
    "exact_ratio",
    "is_real_number",
    "number_of",
    "round_threshold",
    "shown",
    "threshold_bounds",
]


class Threshold(NamedTuple):
    """A scalar λ after validation and rounding to one element type.

    Attributes
    ----------
    value : float or int
        The number rounded to the element type, as a Python number: exact, possibly
        infinite. For integer types, ``floor(λ)`` clipped to the type's
        magnitudes. A negative λ is negative here too, even where rounding alone
        would give -0.
    bits : int
        The magnitude bits of ``value``: an element is zeroed exactly where its own
        magnitude is ``<= bits``. -1 for a negative λ, whose band is empty.
    significand, exponent : int
        The finite rounded value is ``significand * 2**exponent``, for element
        types that a Python float cannot hold.
    """

    value: float | int
    bits: int
    significand: int
    exponent: int


def is_real_number(lambd: Any) -> bool:
    """Tell whether λ is one concrete real number (not an array, a bool or complex)."""
    if isinstance(lambd, (int, float)):
        return not isinstance(lambd, bool)
    import numbers  # not before the first number that is no Python's own

    if isinstance(lambd, numbers.Real) or _is_decimal(lambd):
        # NumPy registers its time differences as integers.
        return getattr(getattr(lambd, "dtype", None), "kind", "") != "m"
    if isinstance(lambd, numbers.Complex):
        return False
    # Scalars of NumPy's extension types (bfloat16, float8) are registered nowhere.
    numpy = sys.modules.get("numpy")
    return (
        numpy is not None
        and isinstance(lambd, numpy.generic)
        and lambd.dtype.kind in "fiuV"
        and hasattr(lambd, "__float__")
        and not isinstance(lambd, numpy.void)
    )


def number_of(value: Any) -> Any:
    """Return the number that a 0-d array of NumPy holds, and anything else as it is."""
    numpy = sys.modules.get("numpy")
    if type(value) is getattr(numpy, "ndarray", None) and not value.shape:
        return value[()]
    return value


def _is_decimal(lambd: Any) -> bool:
    from decimal import Decimal  # not before the first number is looked at

    return isinstance(lambd, Decimal)


def shown(lambd: Any) -> str:
    """Return λ for a message; Python refuses to write out integers of thousands of digits."""
    try:
        return repr(lambd)
    except ValueError:
        return f"about 2**{int(lambd).bit_length()}"


_DECIMAL_DIGITS = 6000
"""No format reaches ten to this power, or its inverse; Decimals beyond are moved to it."""


def exact_ratio(lambd: Any) -> tuple[int, int] | float:
    """Return a real number as an exact ratio, or as a float where it is NaN or infinite."""
    try:
        return operator.index(lambd), 1  # NumPy's integers have no as_integer_ratio
    except TypeError:
        pass
    import numbers

    if isinstance(lambd, numbers.Rational):
        return int(lambd.numerator), int(lambd.denominator)
    if _is_decimal(lambd):
        return _decimal_ratio(lambd)
    if not hasattr(lambd, "as_integer_ratio") or (
        # as_integer_ratio raises for these, in different words per type
        lambd != lambd or lambd in (math.inf, -math.inf)
    ):
        lambd = float(lambd)
        if not math.isfinite(lambd):
            return float(lambd)
    numerator, denominator = lambd.as_integer_ratio()
    return int(numerator), int(denominator)


def _decimal_ratio(lambd: Decimal) -> tuple[int, int] | float:
    if lambd.is_nan():  # a signalling one raises wherever it is compared
        return math.nan
    if lambd.is_infinite():
        return math.copysign(math.inf, lambd)
    sign = -1 if lambd.is_signed() else 1
    if lambd and lambd.adjusted() > _DECIMAL_DIGITS:  # its ratio would take minutes
        return sign * 10**_DECIMAL_DIGITS, 1
    if lambd and lambd.adjusted() < -_DECIMAL_DIGITS:
        return sign, 10**_DECIMAL_DIGITS
    return lambd.as_integer_ratio()


def round_threshold(
    lambd: Any, dtype: Format, operation: str, parameter: str = "lambd"
) -> Threshold:
    """Validate a number and round it once to an element type.

    Parameters
    ----------
    lambd : real number
        A Python or NumPy scalar, a fraction or a decimal.
    dtype : Format
        The element type of ``x``.
    operation, parameter : str
        Named in messages.

    Returns
    -------
    Threshold

    Raises
    ------
    TypeError
        λ is not a real number.
    ValueError
        λ is NaN, or finite and beyond the floating type (HS-LAM-5).

    Examples
    --------
    >>> from shrinkops._numbers.formats import FORMATS
    >>> round_threshold(0.3, FORMATS["float16"], "hardshrink").value
    0.300048828125
    >>> round_threshold(2.7, FORMATS["int8"], "hardshrink").value
    2
    """
    if not is_real_number(lambd):
        raise TypeError(
            f"{operation}: {parameter} must be a real number or an array like x, "
            f"got {shown(lambd)} of type {type_name(type(lambd))}; pass a float such as 0.5"
        )
    exact = exact_ratio(lambd)
    if isinstance(exact, float) and math.isnan(exact):
        raise ValueError(
            f"{operation}: {parameter}={shown(lambd)} is not a threshold for dtype {dtype.name} "
            f"(largest number {dtype.largest}); pass a number, or inf to zero everything but NaN"
        )
    if isinstance(dtype, IntegerFormat):
        return _integer_threshold(exact, dtype)
    if isinstance(exact, float):
        return Threshold(exact, dtype.top_bits if exact > 0 else -1, 0, 0)
    return _float_threshold(exact, lambd, dtype, f"{operation}: {parameter}")


def _integer_threshold(exact: tuple[int, int] | float, dtype: IntegerFormat) -> Threshold:
    if isinstance(exact, float):
        value = dtype.largest_magnitude if exact > 0 else -1
    else:
        numerator, denominator = exact
        value = max(-1, min(numerator // denominator, dtype.largest_magnitude))
    return Threshold(value, value, value, 0)


def _float_threshold(
    exact: tuple[int, int], lambd: Any, dtype: FloatFormat, label: str
) -> Threshold:
    numerator, denominator = exact
    negative, numerator = numerator < 0, abs(numerator)
    significand, exponent = _round_ratio(numerator, denominator, dtype)
    bits = _encode(significand, exponent, dtype)
    if bits > dtype.max_bits:
        raise ValueError(
            f"{label}={shown(lambd)} is beyond dtype {dtype.name}, "
            f"whose largest number is {dtype.largest}; pass a smaller number, "
            f"or inf to zero everything but NaN"
        )
    if negative:
        significand = -max(significand, 1)
        bits = -1
    return Threshold(_float(significand, exponent), bits, significand, exponent)


def _float(significand: int, exponent: int) -> float:
    """Return ``significand * 2**exponent``, rounded to a float, in every flush mode."""
    steps = exponent + 1074
    if steps >= 0 and abs(significand) < 1 << max(52 - steps, 0):  # a thread may flush it
        import struct  # seldom needed, and a third of a millisecond at import

        size: float = struct.unpack("<d", struct.pack("<q", abs(significand) << steps))[0]
        return -size if significand < 0 else size
    try:
        return math.ldexp(significand, exponent)
    except OverflowError:  # an extended type; its backend reads significand and exponent
        return math.copysign(math.inf, significand)


def _round_ratio(numerator: int, denominator: int, dtype: FloatFormat) -> tuple[int, int]:
    """Round a non-negative ratio to ``significand * 2**exponent``, ties to even."""
    smallest = 2 - dtype.bias - dtype.precision  # exponent of the smallest subnormal
    if numerator == 0:
        return 0, smallest
    # log2 of the ratio is within 1 of this, so the first guess is at most 1 too large.
    exponent = numerator.bit_length() - denominator.bit_length() - dtype.precision
    while True:
        exponent = max(exponent, smallest)
        if exponent >= 0:
            quotient, rest = divmod(numerator, denominator << exponent)
            divisor = denominator << exponent
        else:
            quotient, rest = divmod(numerator << -exponent, denominator)
            divisor = denominator
        if quotient < (1 << dtype.precision):
            break
        exponent += 1
    if 2 * rest > divisor or (2 * rest == divisor and quotient & 1):
        quotient += 1
    return quotient, exponent


def _encode(significand: int, exponent: int, dtype: FloatFormat) -> int:
    """Return magnitude bits; a carry out of the significand runs into the exponent."""
    fraction_bits = dtype.precision - 1
    field = exponent + fraction_bits + dtype.bias
    if significand < (1 << fraction_bits):  # subnormal
        return significand
    return (field << fraction_bits) + significand - (1 << fraction_bits)


def threshold_bounds(threshold: Threshold, dtype: IntegerFormat) -> tuple[int, int]:
    """Return the band of an integer type as ``(low, high)``, both inside the type.

    An element is zeroed exactly where ``low <= x <= high``. The empty band of a
    negative λ is ``(1, 0)``.
    """
    if threshold.bits < 0:
        return 1, 0
    low, high = dtype.limits
    return max(-threshold.bits, low), min(threshold.bits, high)


def check_broadcast(
    operation: str, shape: tuple[Any, ...], wanted: tuple[Any, ...], parameter: str = "lambd"
) -> None:
    """Refuse an array λ that would enlarge the result (HS-LAM-6).

    A length that is NaN is not known yet, as dask has it, and refuses nothing.

    Parameters
    ----------
    operation, parameter : str
        Named in the message.
    shape, wanted : tuple of int
        Shapes of λ and of ``x``.

    Raises
    ------
    ValueError
        λ has more axes than ``x``, or one that is neither 1 nor as long as ``x``'s.
    """
    fits = len(shape) <= len(wanted) and all(
        n in (1, m) or n != n or m != m
        for n, m in zip(reversed(shape), reversed(wanted), strict=False)
    )
    if not fits:
        raise ValueError(
            f"{operation}: {parameter} of shape {shape} does not broadcast to x of shape {wanted} "
            f"without enlarging it; give each axis of {parameter} the length of x's, or 1"
        )
