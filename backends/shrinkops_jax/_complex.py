"""Complex arrays: the magnitude shrinks, the phase stays.

Invariants
----------
- Both parts are taken apart into significand and exponent by integers and scaled by the
  larger exponent: nothing overflows, and no subnormal number is ever an operand.
- ``|z|² - t²`` is a sum of exact products, added up with its rounding errors: near the band
  it is as accurate as far from it. Every product that is added to is exact, so contracting
  it into a fused multiply-add changes nothing.
- NaN or infinity in either part keeps z bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.custom_derivatives import SymbolicZero

from shrinkops.spec import FloatFormat, float_format

from ._bits import bits_of, split
from ._formulas import FORMULAS, Formula, firm_gain
from ._real import parameter_values, working_values

__all__ = ["COMPLEX_OPERATIONS", "complex_body"]

_convert = lax.convert_element_type
_COMPONENT = {"complex64": "float32", "complex128": "float64"}


_RATIOS: dict[str, Callable[..., Any] | None] = {
    "hardshrink": None,
    "softshrink": lambda excess, square, by_t, _: excess / _sum(square + by_t),
    "firmshrink": lambda excess, square, by_t, gain: excess / _sum(square + by_t) * gain,
    "garrote": lambda excess, square, *_: excess / _sum(square),
}
"""``f(|z|)/|z|`` from ``|z|² - t²``, the terms of ``|z|²`` and of ``t·|z|``, and μ's gain."""

COMPLEX_OPERATIONS = frozenset(_RATIOS)


def complex_body(operation: str, numbers: tuple[bool, ...]) -> Callable[..., Any]:
    """Return ``body(z, *parameters)``; parameters as for real arrays of the component type."""
    formula = FORMULAS[operation]
    core = _with_derivatives(operation, formula)

    def body(z: Any, *parameters: Any) -> Any:
        form = float_format(_COMPONENT[z.dtype.name])
        return core(z, *parameter_values(formula, numbers, parameters, form))

    return body


def _with_derivatives(operation: str, formula: Formula) -> Callable[..., Any]:
    @jax.custom_jvp
    def core(z: Any, limits: Any, values: Any) -> Any:  # noqa: ARG001 - for the derivative
        band, keep, ratio = _ratio(operation, formula, z, limits)
        real, imag = lax.real(z), lax.imag(z)
        zero = real.dtype.type(0)
        if ratio is None:
            shrunk = z
        else:
            shrunk = lax.complex(
                jnp.where(keep, real, real * ratio), jnp.where(keep, imag, imag * ratio)
            )
        return jnp.where(band, lax.complex(zero, zero), shrunk)

    def rule(primals: Any, tangents: Any) -> tuple[Any, Any]:
        return core(*primals), _tangent(operation, formula, primals, tangents)

    core.defjvp(rule, symbolic_zeros=True)
    return core


def _ratio(operation: str, formula: Formula, z: Any, limits: Any) -> tuple[Any, Any, Any]:
    """Return where z is zeroed, where it is kept, and by what the rest is multiplied."""
    form = float_format(_COMPONENT[z.dtype.name])
    parts = [bits_of(part) for part in (lax.real(z), lax.imag(z))]
    parts = [part & part.dtype.type(form.magnitude_mask) for part in parts]
    limit = limits[0]
    none = limit.dtype.type(0)
    infinite = limit > form.max_bits
    nan = (parts[0] > form.top_bits) | (parts[1] > form.top_bits)
    special = (parts[0] > form.max_bits) | (parts[1] > form.max_bits)
    one_bits = parts[0].dtype.type(form.bias << (form.precision - 1))
    parts = [jnp.where(special, one_bits, part) for part in parts]
    exponent = jnp.maximum(*(split(part, form, _wide(form))[1] for part in parts))
    real, imag = (_scaled(part, form, exponent) for part in parts)
    terms = [*_square(real), *_square(imag)]
    t = _scaled(jnp.clip(limit, none, limit.dtype.type(form.max_bits)), form, exponent)
    excess = _sum(terms + [-term for term in _square(t)])
    band = (((excess <= 0) & ~special) | infinite) & (limit >= 0) & ~nan
    keep = special | (limit < limit.dtype.type(1 if formula.null else 0))
    rule = _RATIOS[operation]
    if rule is None:
        return band, keep, None
    gain: Any = None
    if formula.above is not None:
        upper = limits[formula.above]
        u = _scaled(jnp.clip(upper, none, upper.dtype.type(form.max_bits)), form, exponent)
        beyond = _sum(terms + [-term for term in _square(u)]) >= 0
        keep = keep | (beyond & (upper <= form.max_bits))

        # Not of the scaled numbers: a μ far above z is cut there.
        gain = firm_gain(*working_values(formula, limits, (None, None), form))
    moved = ~(band | keep)
    one = t.dtype.type(1)
    size = jnp.sqrt(jnp.where(moved, _sum(terms), one))
    square = [jnp.where(moved, term, one) for term in terms]
    by_t = _product(t, size)
    ratio = rule(jnp.where(moved, excess, one), square, by_t, gain)
    return band, keep, jnp.minimum(ratio, one)


def _wide(form: FloatFormat) -> Any:
    return np.uint64 if form.width == 64 else np.uint32


def _scaled(magnitude: Any, form: FloatFormat, exponent: Any) -> Any:
    """Return a magnitude over ``2**exponent``, as a normal number of the component type.

    What is too small to count beside the larger part is cut at a power of two that is
    too small as well; what is too large to be below it, likewise.
    """
    work = np.dtype(f"float{form.width}")
    significand, own = split(magnitude, form, _wide(form))
    power = jnp.clip(own - exponent, -2 * form.precision - 10, 20)
    field = _convert(power + form.bias, magnitude.dtype) << (form.precision - 1)
    return _convert(significand, work) * lax.bitcast_convert_type(field, work)


def _square(number: Any) -> list[Any]:
    """Return three exact products that add up to the square of a number."""
    high, low = _halves(number)
    return [high * high, (high + high) * low, low * low]


def _product(a: Any, b: Any) -> list[Any]:
    """Return four exact products that add up to the product of two numbers."""
    return [one * other for one in _halves(a) for other in _halves(b)]


def _halves(number: Any) -> tuple[Any, Any]:
    """Split a significand into two that have half of its bits."""
    bits = bits_of(number)
    half = {4: 12, 8: 27}[bits.dtype.itemsize]
    high = lax.bitcast_convert_type(bits & bits.dtype.type(-(1 << half)), number.dtype)
    return high, number - high


def _sum(terms: list[Any]) -> Any:
    """Add numbers together with the rounding errors of doing so."""
    total, *rest = terms
    error = jnp.zeros_like(total)
    for term in rest:
        new = total + term
        back = new - total
        error = error + ((total - (new - back)) + (term - back))
        total = new
    return total + error


def _tangent(operation: str, formula: Formula, primals: Any, tangents: Any) -> Any:
    z, limits, values = primals
    along_z, _, along = tangents
    form = float_format(_COMPONENT[z.dtype.name])
    band, keep, ratio = _ratio(operation, formula, lax.stop_gradient(z), limits)
    nothing = jnp.zeros_like(z)
    if isinstance(along_z, SymbolicZero):
        along_z = nothing
    if ratio is None:
        return jnp.where(band, nothing, along_z)
    moved = ~(band | keep)
    safe = jnp.where(moved, z, jnp.ones_like(z))
    size = lax.abs(safe)
    direction = safe / _convert(size, z.dtype)
    numbers = working_values(formula, limits, values, form)
    part = formula.value(size, *numbers) / size if formula.value else jnp.ones_like(size)
    slope = formula.slope(size, *numbers) if formula.slope else jnp.ones_like(size)
    outward = (slope - part) * lax.real(lax.conj(direction) * along_z)
    for partial, tangent in zip(formula.partials, along, strict=True):
        if partial is not None and tangent is not None and not isinstance(tangent, SymbolicZero):
            outward = outward + partial(size, *numbers) * _convert(tangent, size.dtype)
    total = _convert(part, z.dtype) * along_z + direction * _convert(outward, z.dtype)
    return jnp.where(band, nothing, jnp.where(keep, along_z, jnp.where(moved, total, nothing)))
