"""Real floating arrays: one body for every operation, on bit patterns.

Invariants
----------
- Whether an element is zeroed, kept or computed is decided by magnitude bits.
- Arithmetic happens on magnitudes in the working format (float32 for narrower types).
  What comes in and what goes out passes through integers, so that no simplification of
  XLA reaches over the border of an operation: neither "excess precision" between bfloat16
  and float32, nor a product of the caller's contracted with a sum of ours.
- Derivatives are a rule of their own, by selection, made of differentiable operations:
  so it serves forward and reverse mode, vmap, and every order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.custom_derivatives import SymbolicZero

from shrinkops.spec import FloatFormat, float_format

from ._bits import (
    bits_of,
    carrier,
    from_bits,
    limit_of,
    narrow,
    put,
    signed_value,
    upper_carrier,
    upper_of,
    widen,
)
from ._formulas import Formula

__all__ = ["parameter_values", "real_body", "working_values"]

_convert = lax.convert_element_type


def _working(form: FloatFormat) -> np.dtype[Any]:
    """Return the dtype in which an operation on this format computes."""
    return np.dtype(np.float64) if form.width == 64 else np.dtype(np.float32)


def real_body(formula: Formula, numbers: tuple[bool, ...]) -> Callable[..., Any]:
    """Return ``body(x, *parameters)``.

    ``numbers`` tells which parameters are numbers: those arrive as the bits of the
    rounded value, a signed one as its value; all others as arrays, not yet rounded.
    """
    core = _with_derivatives(formula)

    def body(x: Any, *parameters: Any) -> Any:
        form = float_format(x.dtype.name)
        limits, values = parameter_values(formula, numbers, parameters, form)
        return core(x, limits, values)

    return body


def parameter_values(
    formula: Formula, numbers: tuple[bool, ...], parameters: tuple[Any, ...], form: FloatFormat
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return each parameter's limit and its differentiable value.

    A signed parameter has no limit, and a value of None is the limit's own.
    """
    limits: list[Any] = []
    values: list[Any] = []
    for position, (number, parameter) in enumerate(zip(numbers, parameters, strict=True)):
        signed = position in formula.signed
        upper = position == formula.above
        if number and signed:
            limits.append(None)
            values.append(_convert(parameter, _working(form)))
        elif number:
            limits.append(_convert(parameter, upper_carrier(form) if upper else carrier(form)))
            values.append(None)
        else:
            fixed = lax.stop_gradient(parameter)
            differentiable = jnp.issubdtype(parameter.dtype, jnp.floating)
            rounded = upper_of if upper else limit_of
            limits.append(None if signed else rounded(fixed, form))
            values.append(
                _rounded_value(signed, form)(parameter)
                if differentiable
                else signed_value(fixed, form, _working(form))
                if signed
                else None
            )
    return tuple(limits), tuple(values)


def _rounded_value(signed: bool, form: FloatFormat) -> Callable[[Any], Any]:
    """Return the rounding of an array parameter; its derivative is 1."""
    work = _working(form)

    @jax.custom_jvp
    def value(parameter: Any) -> Any:
        if signed:
            return signed_value(parameter, form, work)
        return _number(limit_of(parameter, form), form)

    @value.defjvp
    def _(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Any, Any]:
        return value(*primals), _convert(tangents[0], work)

    return value


def _number(limit: Any, form: FloatFormat) -> Any:
    """Return a limit as a finite number; where it is infinite or empty nothing is computed."""
    low, high = limit.dtype.type(0), limit.dtype.type(form.max_bits)
    finite = _convert(jnp.clip(limit, low, high), carrier(form))
    return widen(finite, form, _working(form))


class _Parts(NamedTuple):
    """What a call does to each element, as masks of its bits: all ones or none."""

    bits: Any
    magnitude: Any
    outside: Any
    keep: Any

    @property
    def moved(self) -> Any:
        """Elements that are computed, as booleans."""
        return (self.outside & ~self.keep) != self.bits.dtype.type(0)


def _parts(formula: Formula, x: Any, limits: Any, null: bool) -> _Parts:
    """Tell what happens to each element, by differences of magnitude bits.

    With ``null``, λ = 0 moves nothing, subnormal or not; its derivatives are asked all the same.
    """
    form = float_format(x.dtype.name)
    bits = bits_of(x)
    magnitude = bits & bits.dtype.type(form.magnitude_mask)
    limit = limits[0]
    last = bits.dtype.type(8 * bits.dtype.itemsize - 1)

    def below(a: Any, b: Any) -> Any:
        return (a - b) >> last

    outside = below(limit, magnitude)
    if formula.value is None and not form.nan_is_negative_zero:
        return _Parts(bits, magnitude, outside, outside)
    nothing = bits.dtype.type(1 if null else 0)
    keep = below(limit, nothing) | below(bits.dtype.type(form.max_bits), magnitude)
    if form.nan_is_negative_zero:
        nan = -_convert((magnitude == 0) & (bits != magnitude), bits.dtype)
        outside, keep = outside | nan, keep | nan
    if formula.above is not None:
        # An upper threshold below λ counts as λ: then nothing is left between.
        upper = limits[formula.above]
        distance = _convert(magnitude, upper.dtype) - upper
        under = distance >> upper.dtype.type(8 * upper.dtype.itemsize - 1)
        keep = keep | ~_convert(under, bits.dtype)
    return _Parts(bits, magnitude, outside, keep)


def working_values(
    formula: Formula, limits: Any, values: Any, form: FloatFormat
) -> tuple[Any, ...]:
    """Return every parameter in the working format: finite, but for an infinite μ."""
    numbers = [
        _number(limit, form) if value is None else value
        for limit, value in zip(limits, values, strict=True)
    ]
    if formula.above is not None:
        number = numbers[formula.above]
        infinite = limits[formula.above] > form.max_bits
        marked = put(lax.stop_gradient(number), infinite, np.inf)
        numbers[formula.above] = jnp.where(infinite, marked, number)
    return tuple(numbers)


def _with_derivatives(formula: Formula) -> Callable[..., Any]:
    """Return ``core(x, limits, values)`` with its rule of differentiation."""

    @jax.custom_jvp
    def core(x: Any, limits: Any, values: Any) -> Any:
        form = float_format(x.dtype.name)
        part = _parts(formula, x, limits, formula.null)
        bits = part.bits
        value = formula.value_for(form.name)
        if value is not None:
            one = bits.dtype.type(form.bias << (form.precision - 1))
            a = widen(jnp.where(part.moved, part.magnitude, one), form, _working(form))
            result = value(a, *working_values(formula, limits, values, form))
            magnitude = narrow(jnp.abs(result), form)
            sign = bits ^ part.magnitude
            if formula.signed:
                flipped = bits.dtype.type(_sign(form))
                sign = jnp.where(result < 0, sign ^ flipped, sign)
            zero = bits.dtype.type(0)
            computed = jnp.where(magnitude == 0, zero, magnitude | sign)
            bits = (bits & part.keep) | (computed & ~part.keep)
        return from_bits(_zeroed(bits, part.outside, form), x.dtype, form)

    def rule(primals: Any, tangents: Any) -> tuple[Any, Any]:
        x = primals[0]
        return core(*primals), _tangent(formula, primals, tangents).astype(x.dtype)

    core.defjvp(rule, symbolic_zeros=True)
    return core


def _zeroed(bits: Any, outside: Any, form: FloatFormat) -> Any:
    """Clear the elements in the band."""
    if form.name != "bfloat16":
        return bits & outside
    # LLVM makes a selection of numbers of a masked pattern that comes from and goes to
    # bfloat16, and processors that narrow float32 to it flush subnormals on the way. It makes
    # none of a shift.
    away = _convert(~outside, np.int32) & 16
    return _convert(_convert(bits, np.int32) << away, np.int16)


def _sign(form: FloatFormat) -> int:
    """Return the sign bit as a number of the signed carrier."""
    return -form.sign_bit if form.width >= 8 else form.sign_bit


def _tangent(formula: Formula, primals: Any, tangents: Any) -> Any:
    x, limits, values = primals
    along_x, _, along = tangents
    form = float_format(x.dtype.name)
    work = _working(form)
    part = _parts(formula, lax.stop_gradient(x), limits, null=False)
    numbers = working_values(formula, limits, values, form)
    moved, band = part.moved, part.outside == part.bits.dtype.type(0)
    negative = part.bits != part.magnitude
    sign = jnp.where(negative, work.type(-1), work.type(1))
    a = jnp.where(moved, _convert(x, work) * sign, work.type(1))
    partials = [
        (partial, tangent)
        for partial, tangent in zip(formula.partials, along, strict=True)
        if partial is not None and tangent is not None and not isinstance(tangent, SymbolicZero)
    ]
    if isinstance(along_x, SymbolicZero):
        total = jnp.zeros(x.shape, work if partials else x.dtype)
    elif formula.slope is None and not partials:
        total = jnp.where(band, along_x.dtype.type(0), along_x)
    else:
        total = _convert(along_x, work)
        if formula.slope is not None:
            total = jnp.where(moved, formula.slope(a, *numbers) * total, total)
        total = jnp.where(band, work.type(0), total)
    for partial, tangent in partials:
        share = sign * partial(a, *numbers) * _convert(tangent, work)
        total = total + jnp.where(moved, share, work.type(0))
    return total
