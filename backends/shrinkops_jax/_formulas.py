"""The operations on magnitudes: what the band leaves, its slope, its partial derivatives.

Invariants
----------
- ``a`` is a magnitude outside the band, in the working format; the operations are odd,
  so a sign is put on the result afterwards. One IEEE operation each, in the
  specification's order; no product but with a power of two is ever added to, so a
  contraction changes nothing.
- Only λ, an element or a result below the normal numbers may be taken for 0 (the processor
  flushes them): what lies between is scaled by powers of two, so that it is no such number.
- No operation divides by zero or makes a NaN, also where its result is not selected:
  ``jax.debug_nans``, ``jax.debug_infs`` and checkify look at every operation. No derivative
  is infinite there: the transposed selection would multiply it by 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from shrinkops.spec import float_format

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
    coarse : callable or None
        In place of ``value`` for bfloat16: a number just below the normal ones of float32,
        where it is computed, is rounded up to one of bfloat16.
    """

    value: Callable[..., Any] | None = None
    slope: Callable[..., Any] | None = None
    partials: tuple[Callable[..., Any] | None, ...] = (None,)
    signed: frozenset[int] = frozenset()
    above: int | None = None
    null: bool = True
    coarse: Callable[..., Any] | None = None

    def value_for(self, format_name: str) -> Callable[..., Any] | None:
        """Return `value`, or what serves in its place for one format."""
        return self.coarse if self.coarse and format_name == "bfloat16" else self.value


@jax.custom_jvp
def _divided(numerator: Any, denominator: Any) -> Any:
    return numerator / denominator


@_divided.defjvp
def _(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[Any, Any]:
    # JAX's own rule has the reciprocal of the denominator's square, which soon is infinite.
    quotient = _divided(*primals)
    return quotient, (tangents[0] - quotient * tangents[1]) / primals[1]


def _quotient(numerator: Any, denominator: Any, otherwise: float) -> Any:
    """Divide where the denominator is a finite normal number, else give a constant.

    A subnormal one may count as a zero where it is divided by, and not where it is compared.
    """
    range_ = np.finfo(denominator.dtype)
    usable = (denominator >= range_.smallest_normal) & (denominator <= range_.max)
    one = denominator.dtype.type(1)
    safe = jnp.where(usable, denominator, one)
    quotient = _divided(jnp.where(usable, numerator, one), safe)
    return jnp.where(usable, quotient, one.dtype.type(otherwise))


def _powers(dtype: Any) -> tuple[int, int]:
    """Return exponents: below which a number is small, and by which it is then raised.

    Raised, the difference of any two normal numbers is a normal number; and what is small
    stays far from overflowing.
    """
    return (-30, 64) if dtype.itemsize == 4 else (-400, 512)


def _raising(number: Any) -> Any:
    """Return a power of two that raises small numbers, else 1."""
    small, raised = _powers(number.dtype)
    real = number.dtype.type
    return jnp.where(number < real(2.0**small), real(2.0**raised), real(1))


def _lowered(number: Any, up: Any) -> Any:
    """Undo `_raising`; what then is below the normal numbers may be flushed to 0."""
    real = number.dtype.type
    return number * jnp.where(up > real(1), real(2.0 ** -_powers(number.dtype)[1]), real(1))


def _lowered_by_bits(number: Any, up: Any) -> Any:
    """Undo `_raising`; what then is below the normal numbers is rounded to one of them."""
    form = float_format(number.dtype.name)
    raised = _powers(number.dtype)[1]
    real, fraction = number.dtype.type, form.precision - 1
    carrier = np.dtype(f"int{form.width}")
    # The sum's last place is that of the subnormal numbers, raised.
    tiny = real(2.0 ** (1 - form.bias + raised))
    below = lax.bitcast_convert_type(number + tiny, carrier)
    bits = lax.bitcast_convert_type(number, carrier) - carrier.type(raised << fraction)
    fixed = carrier.type((1 + raised) << fraction)
    lowered = jnp.where(number < tiny, below - fixed, bits)
    return jnp.where(up > real(1), lax.bitcast_convert_type(lowered, number.dtype), number)


def _width(t: Any, u: Any) -> tuple[Any, Any, Any]:
    """Return ``u - t`` scaled, by the product of two powers of two that follow.

    The first raises small numbers and the second lowers large ones; one of them is 1.
    XLA may divide by multiplying with a reciprocal, which then is a normal number.
    """
    small, raised = _powers(u.dtype)
    real = u.dtype.type
    up = _raising(u)
    down = jnp.where(u > real(2.0**-small), real(2.0**-raised), real(1))
    return (u * up - t * up) * down, up, down


def firm_gain(t: Any, u: Any, exact: bool = False) -> Any:
    """Return the slope of firmshrink between λ and μ; 1 for an infinite μ."""
    width, up, down = _width(t, u)
    if exact and width.ndim:
        # A quotient by a broadcast number would become a product with its reciprocal.
        width = lax.optimization_barrier(width)
    return _quotient(u * up * down, width, 1)


def _smaller(one: Any, other: Any) -> Any:
    """Return the smaller of two numbers; `jnp.minimum` looks for NaN as well, in more time."""
    return jnp.where(one < other, one, other)


def _firm(a: Any, t: Any, u: Any, lowered: Callable[..., Any] = _lowered) -> Any:
    # Where μ is not small, λ counts only if its differences from the element are normal.
    up = _raising(u)
    line = (a * up - t * up) * firm_gain(t, u, exact=True)
    return lowered(_smaller(line, a * up), up)


def _firm_by_lambd(a: Any, t: Any, u: Any) -> Any:
    width, up, down = _width(t, u)
    a = _smaller(a, u)  # it is, where this is asked
    return firm_gain(t, u) * _quotient((a * up - u * up) * down, width, -1)


def _firm_by_mu(a: Any, t: Any, u: Any) -> Any:
    width, up, down = _width(t, u)
    a = _smaller(a, u)
    return _quotient(t * up, width, 0) * down * _quotient((t * up - a * up) * down, width, 0)


def _garrote(a: Any, t: Any, lowered: Callable[..., Any] = _lowered) -> Any:
    one = a.dtype.type(1)
    up = _raising(a)
    # A subnormal element may count as 0, and is not divided by.
    least = np.finfo(a.dtype).smallest_normal
    ratio = t / jnp.where(a < least, least, a)
    return lowered(_smaller((a * up - t * up) * (one + ratio), a * up), up)


def _garrote_slope(a: Any, t: Any) -> Any:
    ratio = _quotient(_smaller(t, a), a, 0)
    return a.dtype.type(1) + ratio * ratio


def _garrote_by_lambd(a: Any, t: Any) -> Any:
    # Twice the one or half of the other: neither overflows nor leaves the normal numbers.
    one, two, half = (a.dtype.type(number) for number in (1, 2, 0.5))
    below = a < one
    t = _smaller(t, a)
    return -_quotient(t * jnp.where(below, two, one), a * jnp.where(below, one, half), 0)


def _minus_one(a: Any, *_: Any) -> Any:
    return jnp.full_like(a, -1)


FORMULAS: dict[str, Formula] = {
    "hardshrink": Formula(),
    "softshrink": Formula(lambda a, t: a - t, None, (_minus_one,)),
    "shrink": Formula(
        lambda a, _, b: a - b, None, (None, _minus_one), signed=frozenset({1}), null=False
    ),
    "firmshrink": Formula(
        _firm,
        lambda _, t, u: firm_gain(t, u),
        (_firm_by_lambd, _firm_by_mu),
        above=1,
        coarse=partial(_firm, lowered=_lowered_by_bits),
    ),
    "garrote": Formula(
        _garrote,
        _garrote_slope,
        (_garrote_by_lambd,),
        coarse=partial(_garrote, lowered=_lowered_by_bits),
    ),
}
"""The five operations by name."""
