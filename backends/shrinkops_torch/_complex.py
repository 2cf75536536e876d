"""The operations on complex tensors: the magnitude shrinks, the phase stays.

Invariants
----------
- A magnitude over- or underflows nowhere: complex64 is computed in float64, complex128 on
  parts that are scaled by a power of two.
- ``|z| - t`` keeps its relative accuracy near the band: it is ``(|z|² - t²) / (|z| + t)``,
  whose numerator is summed without error (T. J. Dekker, "A floating-point technique for
  extending the available precision", Numerische Mathematik 18, 1971).
- Derivatives by selection: in the band a cotangent is never multiplied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from shrinkops.spec import Operation, Threshold

from ._bits import comparable, is_negative, opaque, rounded, widened
from ._derivatives import jet

__all__ = ["value"]


def value(operation: Operation, z: Any, parameters: Sequence[Any]) -> Any:
    """Return the operation of z, a new tensor of z's dtype."""
    z = z.resolve_conj().resolve_neg()
    part = z.real.dtype
    lambd = parameters[0]
    zero = torch.zeros((), dtype=z.dtype, device=z.device)
    with torch.no_grad():
        real, imaginary = (widened(p) for p in (z.detach().real, z.detach().imag))
        loose = real.isnan() | imaginary.isnan()
        size = torch.hypot(real, imaginary)
        t = _number(lambd, part, z)
        empty = ~(t >= 0)
        within = size <= t
        if part is torch.float64:  # sizes that a thread may flush, and their squares
            tiny = torch.maximum(real.abs(), imaginary.abs()) < 2.0**-400
            up, over, bound = (_up(v) for v in (real, imaginary, t))
            within = torch.where(tiny, torch.sqrt(up * up + over * over) <= bound, within)
        inside = within & ~loose & ~empty
    if operation.accuracy == "exact":
        if isinstance(lambd, torch.Tensor) and lambd.requires_grad:
            never = torch.zeros((), dtype=torch.bool, device=z.device)
            zero = torch.where(never, lambd.to(z.dtype), zero)
        return torch.where(inside, zero, z)
    asked = ~(inside | empty) & real.isfinite() & imaginary.isfinite()
    return torch.where(inside, zero, torch.where(asked, _moved(operation, z, asked, parameters), z))


def _up(values: Any) -> Any:
    """Return magnitudes of float64 times 2**600, subnormal ones from their bits."""
    size = values.view(torch.int64) & 0x7FFFFFFFFFFFFFFF
    return torch.where(size < 1 << 52, size.double() * 2.0 ** (600 - 1074), values.abs() * 2.0**600)


def _number(parameter: Any, part: torch.dtype, z: Any) -> Any:
    """Return a parameter as float64, rounded to the dtype of z's parts; NaN stays NaN."""
    if isinstance(parameter, Threshold):
        value = parameter.value if parameter.bits >= 0 else -1.0
        return torch.full((), value, dtype=torch.float64, device=z.device)
    number = rounded(parameter, part)
    number = number.double() if number.requires_grad else widened(number)
    # A negative one may have been rounded to -0.
    negative = is_negative(comparable(parameter.detach(), part), opaque(z))
    return torch.where(negative, torch.full_like(number.detach(), -1.0), number)


def _moved(operation: Operation, z: Any, asked: Any, parameters: Sequence[Any]) -> Any:
    """Return ``z * (f(|z|) / |z|)`` where it is asked for."""
    one = torch.ones((), dtype=torch.float64, device=z.device)
    real = torch.where(asked, z.real.double(), 3.0 * one)
    imaginary = torch.where(asked, z.imag.double(), 4.0 * one)
    with torch.no_grad():  # every operation is homogeneous, and a power of two rounds nothing
        largest = torch.maximum(real.abs(), imaginary.abs())
        scale = torch.where(largest > 2.0**400, 2.0**-600 * one, one)
        scale = torch.where(largest < 2.0**-400, 2.0**600 * one, scale)
    real, imaginary = real * scale, imaginary * scale
    size = torch.sqrt(real * real + imaginary * imaginary)
    numbers: list[Any] = []
    for declared, parameter in zip(operation.parameters, parameters, strict=True):
        number = torch.where(asked, _number(parameter, z.real.dtype, z), one) * scale
        if declared.at_least:
            least = numbers[operation.parameter_names.index(declared.at_least)]
            number = torch.where(number >= least, number, least)
        numbers.append(number)
    shrunk = _magnitude(operation, real, imaginary, size, numbers)
    factor = shrunk / size
    moved = torch.complex(real * factor, imaginary * factor) / scale
    return moved.to(z.dtype)


def _magnitude(
    operation: Operation, real: Any, imaginary: Any, size: Any, numbers: Sequence[Any]
) -> Any:
    """Return the shrunk magnitude: the formula's value, set right for the rounding of size."""
    at, t, *others = (v.detach() for v in (size, *numbers))
    plain = operation.outside(torch, at, t, *others)
    slope, *_ = operation.derivatives(torch, at, t, *others)
    exact = plain + slope * (_excess(real.detach(), imaginary.detach(), at, t) - (at - t))
    # What does not enlarge by the formula does not by the correction: the largest stay finite.
    plain = torch.where(plain <= at, torch.minimum(exact, at), exact)
    return plain + jet(operation, (size, *numbers))


def _excess(real: Any, imaginary: Any, size: Any, t: Any) -> Any:
    """Return ``|z| - t`` to nearly full relative accuracy."""
    total, error = torch.zeros_like(size), torch.zeros_like(size)
    for factor, sign in ((real, 1), (t, -1), (imaginary, 1)):
        high, low = _square(factor)
        total, more = _sum(total, sign * high)
        error = error + more + sign * low
    return (total + error) / (size + t)


def _square(a: Any) -> tuple[Any, Any]:
    product = a * a
    shifted = a * (2.0**27 + 1)
    high = shifted - (shifted - a)
    low = a - high
    return product, ((high * high - product) + 2 * high * low) + low * low


def _sum(a: Any, b: Any) -> tuple[Any, Any]:
    total = a + b
    other = total - a
    return total, (a - (total - other)) + (b - other)
