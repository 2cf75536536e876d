"""The operations on magnitudes: what the band leaves, its slope, its partial derivatives.

Invariants
----------
- ``a`` is a magnitude outside the band, in the working format; the operations are odd,
  so a sign is put on the result afterwards. One IEEE operation each, in the
  specification's order; no product is ever added to, so nothing can be contracted.
- No operation divides by zero or makes a NaN, also where its result is not selected:
  ``jax.debug_nans``, ``jax.debug_infs`` and checkify look at every operation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

__all__ = ["FORMULAS", "Formula", "firm_gain"]


@dataclass(frozen=True)
class Formula:
    """One operation, in terms of the magnitude ``a`` and its rounded parameters.

    Attributes
    ----------
    value : callable or None
        ``value(a, *parameters)``: the result's magnitude, negative where the sign
        turns. None: the element itself.
    slope : callable or None
        The derivative with respect to ``a``; None where it is 1.
    partials : tuple of callable or None
        The derivatives with respect to each parameter; None where it is 0.
    signed : frozenset of int
        Positions of parameters that may be negative (``bias``).
    above : int or None
        Position of the parameter from which on elements are kept (``mu``).
    null : bool
        λ = 0 leaves every element as it is.
    """

    value: Callable[..., Any] | None = None
    slope: Callable[..., Any] | None = None
    partials: tuple[Callable[..., Any] | None, ...] = (None,)
    signed: frozenset[int] = frozenset()
    above: int | None = None
    null: bool = True


def _quotient(numerator: Any, denominator: Any, otherwise: float) -> Any:
    """Divide where the denominator is a finite normal number, else give a constant.

    A subnormal one may count as a zero where it is divided by, and not where it is compared.
    """
    range_ = np.finfo(denominator.dtype)
    usable = (denominator >= range_.smallest_normal) & (denominator <= range_.max)
    one = denominator.dtype.type(1)
    safe = jnp.where(usable, denominator, one)
    return jnp.where(usable, jnp.where(usable, numerator, one) / safe, one.dtype.type(otherwise))


def firm_gain(t: Any, u: Any) -> Any:
    """Return the slope of firmshrink between λ and μ; 1 for an infinite μ."""
    return _quotient(u, u - t, 1)


def _firm(a: Any, t: Any, u: Any) -> Any:
    return jnp.minimum((a - t) * firm_gain(t, u), a)


def _firm_by_lambd(a: Any, t: Any, u: Any) -> Any:
    return firm_gain(t, u) * _quotient(a - u, u - t, -1)


def _firm_by_mu(a: Any, t: Any, u: Any) -> Any:
    return _quotient(t, u - t, 0) * _quotient(t - a, u - t, 0)


def _garrote(a: Any, t: Any) -> Any:
    one = a.dtype.type(1)
    return jnp.minimum((a - t) * (one + _quotient(t, a, 0)), a)


def _garrote_slope(a: Any, t: Any) -> Any:
    ratio = _quotient(t, a, 0)
    return a.dtype.type(1) + ratio * ratio


def _garrote_by_lambd(a: Any, t: Any) -> Any:
    return a.dtype.type(-2) * _quotient(t, a, 0)


def _minus_one(a: Any, *_: Any) -> Any:
    return jnp.full_like(a, -1)


FORMULAS: dict[str, Formula] = {
    "hardshrink": Formula(),
    "softshrink": Formula(lambda a, t: a - t, None, (_minus_one,)),
    "shrink": Formula(
        lambda a, _, b: a - b, None, (None, _minus_one), signed=frozenset({1}), null=False
    ),
    "firmshrink": Formula(
        _firm, lambda _, t, u: firm_gain(t, u), (_firm_by_lambd, _firm_by_mu), above=1
    ),
    "garrote": Formula(_garrote, _garrote_slope, (_garrote_by_lambd,)),
}
"""The five operations by name."""
