"""The dead band and the parameters of a call, as arrays of x's library.

Invariants
----------
- An element of λ that is negative or NaN, tested before it is rounded, is an empty band.
- No parameter handed on is negative λ, infinite λ, or below the one it must not be below: an
  element for which it was so is not asked about.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shrinkops._numbers.rounding import round_once
from shrinkops._numbers.threshold import Threshold

if TYPE_CHECKING:
    from shrinkops.operations._declaration import Operation

__all__ = ["band", "harmless", "working"]

_Astype = Callable[[Any, Any], Any]


def band(xp: Any, astype: _Astype, dtype: Any, lambd: Any) -> tuple[Any, Any, Any]:
    """Return the ends of the band, and where it is empty: None for nowhere, True for everywhere."""
    if isinstance(lambd, Threshold):
        return -lambd.value, lambd.value, True if lambd.bits < 0 else None
    rounded = _rounded(xp, astype, lambd, dtype)
    empty = ~(lambd >= 0)
    # A negative λ may round to -0, whose band would not be empty.
    high = xp.where(empty, -xp.ones_like(rounded), rounded)
    return -high, high, empty


def _rounded(xp: Any, astype: _Astype, values: Any, dtype: Any) -> Any:
    """Round an array once, where its library lets bits be seen."""
    if hasattr(values, "view") and hasattr(values.dtype, "itemsize"):
        return round_once(xp, astype, values, dtype)
    return astype(values, dtype)


def working(
    operation: Operation,
    xp: Any,
    astype: _Astype,
    x: Any,
    wide: Any,
    parameters: list[Any],
    empty: Any,
) -> list[Any]:
    """Return the parameters in the working format, in their order."""
    numbers: list[Any] = []
    for declared, parameter in zip(operation.parameters, parameters, strict=True):
        if isinstance(parameter, Threshold):
            number = _scalar(xp, parameter.value, wide, x)
        else:
            number = astype(_rounded(xp, astype, parameter, x.dtype), wide)
        if declared is operation.parameters[0]:  # neither a negative λ nor an infinite one asks
            none = number == math.inf if empty is None else empty | (number == math.inf)
            number = xp.where(none, xp.zeros_like(number), number)
        if declared.at_least:
            least = numbers[operation.parameter_names.index(declared.at_least)]
            number = xp.where(number >= least, number, least)  # NaN too
        numbers.append(number)
    return numbers


def harmless(xp: Any, t: Any) -> Any:
    """Return what a definition can be given where it is not asked: λ itself, or 1 for 0."""
    return xp.where(t > 0, t, xp.ones_like(t))


def _scalar(xp: Any, value: float, dtype: Any, x: Any) -> Any:
    device = getattr(x, "device", None)
    if device is not None:
        try:
            return xp.full((), value, dtype=dtype, device=device)
        except TypeError:  # a namespace whose arrays know their device, and full does not
            pass
    return xp.full((), value, dtype=dtype)
