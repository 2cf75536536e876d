"""What derivatives may be where a library takes subnormal numbers for zero (XX-VAL-5).

Invariants
----------
- Only an element, a parameter, a derivative or its product with a tangent may count as zero, and
  only where it is below the normal numbers of the working format: each choice of these gives one
  further result, and nothing between two of them is right.
- Which elements the band zeroes, and which piece an element lies in, is decided exactly.
- A choice for which the formula has no value (a quotient by a zero) is no choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from shrinkops.conformance._numbers import decode, is_nan

from .oracle import Exact, endless, smallest_normal, working

if TYPE_CHECKING:
    from .oracle import Oracle

__all__ = ["further", "further_slopes", "tiny"]

_Array = np.ndarray[Any, Any]
_ENDLESS = float("inf")


def tiny(oracle: Oracle) -> Any:
    """Return the smallest normal number of the working format; 0 where nothing is flushed."""
    if not oracle.flushes or oracle.operation.accuracy == "exact" or oracle.number.kind != "float":
        return np.longdouble(0)
    number = working(oracle.number)
    return np.longdouble(float(decode(smallest_normal(number), number)))


def further_slopes(oracle: Oracle, block: Sequence[int], given: Sequence[Exact]) -> list[_Array]:
    """Return d/dx and d/d each parameter, for every choice of what counts as zero.

    Returns
    -------
    list of ndarray
        Of shape (choices, elements) each; NaN where a choice is none.
    """
    count = 1 + len(oracle.names)
    choices = (1 << count) - 1
    found = [np.full((choices, len(block)), np.nan) for _ in range(count)]
    rounded = oracle.rounded(given)
    least = float(tiny(oracle))
    if rounded is None or not least:
        return found
    small = [i for i, value in enumerate(rounded, 1) if 0 < abs(value) < least]
    if not small and rounded[0] != 0:  # an element outside the band is above λ
        return found
    for place, bits in enumerate(block):
        if is_nan(bits, oracle.number):
            continue
        value: Any = decode(bits, oracle.number)
        if abs(value) <= rounded[0] or abs(value) == _ENDLESS:
            continue
        of_x = [0] if abs(value) < least else []
        names = [*of_x, *small]
        subsets = [s for n in range(1, 1 + len(names)) for s in combinations(names, n)]
        for choice, subset in enumerate(subsets):
            slopes = _slopes(oracle, value, rounded, subset)
            for i, slope in enumerate(slopes):
                found[i][choice, place] = slope
    return found


def _slopes(
    oracle: Oracle, value: Any, rounded: Sequence[Exact], zeros: Sequence[int]
) -> Sequence[float]:
    """Return the derivatives where some of x (0) and the parameters (from 1) count as zero."""
    piece = oracle.piece(abs(value), rounded)
    size = abs(value) * 0 if 0 in zeros else abs(value)
    given = [endless(p * 0 if i in zeros else p) for i, p in enumerate(rounded, 1)]
    sign = -1 if value < 0 else 1
    try:
        partials = [
            sign * piece.partials[name](size, *given) if name in piece.partials else 0
            for name in oracle.names
        ]
        return [float(slope) for slope in (piece.slope(size, *given), *partials)]
    except ZeroDivisionError:
        return [np.nan] * (1 + len(rounded))


def further(slope: _Array, others: _Array, factor: _Array, least: Any) -> list[_Array]:
    """Return the results that flushing allows besides ``slope * factor``; NaN where there is none.

    Parameters
    ----------
    slope : ndarray
        The derivative.
    others : ndarray
        `further_slopes` of it, the choices first.
    factor : ndarray
        The tangent or cotangent that it is multiplied by.
    least : longdouble
        The smallest normal number; 0 where nothing is flushed.
    """
    if not least:
        return []
    factor = factor.astype(np.longdouble)
    with np.errstate(all="ignore"):
        found = [other * factor for other in others if not np.isnan(other).all()]
        nothing = np.zeros(slope.shape, bool)
        for one in (slope, *others):
            for size in (np.abs(one), np.abs(one * factor)):
                nothing |= (size > 0) & (size < least)
    if nothing.any():
        found.append(np.where(nothing, np.longdouble(0), np.nan))
    return [np.asarray(one, np.longdouble) for one in found]
