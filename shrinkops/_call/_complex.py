"""Complex numbers on the generic path: the magnitude shrinks, the phase stays.

Invariants
----------
- Every operation is homogeneous, so z and its parameters are scaled by one power of two per
  element, and no square over- or underflows.
- ``|z| - t`` keeps its relative accuracy next to the band: it is ``(|z|**2 - t**2) / (|z| + t)``
  with squares and sums of twice the precision.
- NaN and infinity are returned as they came.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shrinkops._numbers.formats import FloatFormat

from ._band import band, harmless, working

if TYPE_CHECKING:
    from shrinkops.operations._declaration import Operation

__all__ = ["complex_result"]

_Astype = Callable[[Any, Any], Any]

_SCALES = {32: ((60, -70), (-50, 100)), 64: ((400, -600), (-400, 700))}
"""By width: above and below which powers of two components are scaled, and by which."""
_FAR = {32: 2.0**20, 64: 2.0**300}
"""By width: what times the largest scale does not overflow."""


def complex_result(
    operation: Operation, xp: Any, astype: _Astype, z: Any, form: FloatFormat, parameters: list[Any]
) -> Any:
    """Shrink the magnitude and keep the phase: ``z * (f(|z|) / |z|)``.

    Parameters
    ----------
    operation : Operation
    xp : namespace
    astype : callable
        ``astype(array, dtype)`` of that namespace.
    z : array
        Complex.
    form : FloatFormat
        The rules of its components.
    parameters : list of Threshold or array
    """
    real, imaginary = xp.real(z), xp.imag(z)
    largest = xp.maximum(xp.abs(real), xp.abs(imaginary))
    one = xp.ones_like(largest)
    scale = one
    for sign, (limit, power) in zip((1, -1), _SCALES[form.width], strict=True):
        scale = xp.where(sign * largest > sign * 2.0**limit, 2.0**power * one, scale)
    loose = (real != real) | (imaginary != imaginary)
    infinite = ~loose & (largest == math.inf)
    finite = ~(loose | infinite)
    a, b = (xp.where(finite, part * scale, one) for part in (real, imaginary))
    size = _size(xp, a, b, form)
    _, high, empty = band(xp, astype, real.dtype, parameters[0])
    inside = ~loose & xp.where(
        infinite, one * high == math.inf, size <= _scaled(xp, high, scale, form)
    )
    zeros = xp.zeros_like(z)
    if empty is not None:
        inside = inside & (False if empty is True else ~empty)
    if operation.accuracy == "exact" or empty is True:
        return xp.where(inside, zeros, z)
    numbers = working(operation, xp, astype, real, real.dtype, parameters, empty)
    unasked = inside | ~finite
    if empty is not None:
        unasked = unasked | empty
    first = xp.where(unasked, xp.zeros_like(one), numbers[0])
    scaled = [_scaled(xp, n, scale, form) for n in (first, *numbers[1:])]
    asked = xp.where(unasked, harmless(xp, scaled[0]), size)
    excess = xp.where(unasked, one, _excess(a, b, size, scaled[0], form))
    assert operation.magnitude is not None
    plain = operation.magnitude(xp, asked, asked - scaled[0], *scaled)
    exact = operation.magnitude(xp, asked, excess, *scaled)
    # What does not enlarge by the formula does not by its rounding: the largest stay finite.
    exact = xp.where(plain <= asked, xp.minimum(exact, asked), exact)
    factor = xp.where(unasked, one, exact / asked)
    moved = xp.where(unasked, xp.ones_like(z), z) * astype(factor, z.dtype)
    return xp.where(inside, zeros, xp.where(unasked, z, moved))


def _scaled(xp: Any, number: Any, scale: Any, form: FloatFormat) -> Any:
    """Return a parameter at an element's scale; next to a tiny element a large one is infinite."""
    one = xp.ones_like(scale)
    far = (scale > 1) & (one * number > _FAR[form.width])
    return xp.where(far, math.inf * one, xp.where(far, one, one * number) * scale)


def _square(a: Any, form: FloatFormat) -> tuple[Any, Any]:
    """Return ``a * a`` and its rounding error (T. J. Dekker, Numerische Mathematik 18, 1971)."""
    product = a * a
    big = a * float(2 ** ((form.precision + 1) // 2) + 1)
    high = big - (big - a)
    low = a - high
    return product, ((high * high - product) + 2 * (high * low)) + low * low


def _sum(a: Any, b: Any) -> tuple[Any, Any]:
    """Return ``a + b`` and its rounding error (D. E. Knuth, TAOCP 2, 4.2.2)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _size(xp: Any, a: Any, b: Any, form: FloatFormat) -> Any:
    """Return ``|a + b j|`` after one step of Newton's: all but correctly rounded."""
    (a2, a_rest), (b2, b_rest) = (_square(v, form) for v in (a, b))
    total, rest = _sum(a2, b2)
    size = xp.sqrt(total)
    square, square_rest = _square(size, form)
    missing = ((total - square) - square_rest) + (rest + (a_rest + b_rest))
    return size + missing / xp.where(size > 0, 2 * size, xp.ones_like(size))


def _excess(a: Any, b: Any, size: Any, t: Any, form: FloatFormat) -> Any:
    (a2, a_rest), (b2, b_rest), (t2, t_rest) = (_square(v, form) for v in (a, b, t))
    first, first_rest = _sum(a2, -t2)
    total, total_rest = _sum(first, b2)
    rest = (first_rest + total_rest) + ((a_rest + b_rest) - t_rest)
    return (total + rest) / (size + t)
