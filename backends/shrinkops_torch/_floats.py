"""The operations on real floating tensors: what they are, without their derivatives.

Invariants
----------
- NumPy's loops serve where nobody records and memory is at hand. ``torch.hardshrink`` and
  ``torch.clamp`` serve elsewhere, where they follow the specification: a threshold that is a
  normal number, rounded beforehand. Everything else, tensors of
  thresholds included, is the declaration's own definition between two selections.
- Narrow types are computed in float32 and rounded once.
- No operation is contracted: each is one call of PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.autograd import forward_ad

from shrinkops.spec import Operation, Threshold

from . import _host
from ._bits import form_of, kept, limit_of, narrowed, opaque, rounded, working

__all__ = ["asked_of", "is_short", "numbers_of", "select", "value", "zero_like"]

NATIVE_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""Those that have arithmetic."""


def value(
    operation: Operation,
    x: Any,
    parameters: Sequence[Any],
    *,
    out: Any = None,
    natural: bool = False,
) -> Any:
    """Return the operation of x, a new tensor of x's dtype or ``out``.

    Only hardshrink's derivative is what autograd makes of it, and only where it is
    ``natural``, that is, a selection.
    """
    values = opaque(x)
    if not values and not natural:
        for way in (_host.value, _short):
            result = way(operation.name, x, parameters, out)
            if result is not None:
                return result
    x = x.resolve_neg()
    limit = limit_of(parameters[0], x.dtype, values)
    keep = kept(x, limit, values)
    if operation.accuracy == "exact":
        return select(keep, x, parameters[0], out)
    wide = working(x.dtype)
    source = x.to(wide)
    numbers = numbers_of(operation, parameters, x)
    asked = asked_of(keep, source, limit)
    result = operation.outside(torch, torch.where(asked, source, _harmless(numbers[0])), *numbers)
    result = narrowed(torch.where(asked, result, source), x.dtype)
    return select(keep, result, out=out)


def select(keep: Any, x: Any, lambd: Any = None, out: Any = None) -> Any:
    """Return x where it is kept, else +0; derivatives by selection, 0 by λ."""
    if out is not None:
        if x.dtype.itemsize == 1 or torch.compiler.is_dynamo_compiling():
            return out.copy_(select(keep, x, lambd))
        return torch.where(keep, x, zero_like(x), out=out)
    depends = isinstance(lambd, torch.Tensor) and lambd.requires_grad
    if x.dtype.itemsize > 1:
        return torch.where(keep, x, _constant(lambd, x) if depends else zero_like(x))
    if depends or x.requires_grad or forward_ad._current_level >= 0:
        # float8 has casts that are differentiable, and little else.
        wide = x.to(torch.float32)
        zero = _constant(lambd, wide) if depends else zero_like(wide)
        return torch.where(keep, wide, zero).to(x.dtype)
    bits = x.view(torch.int8)
    return torch.where(keep, bits, torch.zeros((), dtype=torch.int8, device=x.device)).view(x.dtype)


def _constant(lambd: Any, x: Any) -> Any:
    """Return a zero that depends on λ for autograd, with derivative 0."""
    never = torch.zeros((), dtype=torch.bool, device=x.device)
    return torch.where(never, lambd.to(x.dtype), zero_like(x))


def zero_like(x: Any) -> Any:
    """Return a 0-d zero of x's dtype and device."""
    return torch.zeros((), dtype=x.dtype, device=x.device)


def asked_of(keep: Any, source: Any, limit: Any) -> Any:
    """Return where the formula is asked: outside the band, finite, under a threshold."""
    asked = keep & source.detach().isfinite()
    if isinstance(limit, torch.Tensor):
        return asked & (limit >= 0)
    return asked if limit >= 0 else torch.zeros_like(asked)


def numbers_of(operation: Operation, parameters: Sequence[Any], x: Any) -> list[Any]:
    """Return the parameters as tensors of the working format, fit for the formulas.

    An infinite, negative or NaN threshold is never asked, and is 0 here; a parameter below
    the one that it may not be below counts as equal to it.
    """
    wide = working(x.dtype)
    numbers: list[Any] = []
    for declared, parameter in zip(operation.parameters, parameters, strict=True):
        if isinstance(parameter, Threshold):
            number = torch.full((), parameter.value, dtype=wide, device=x.device)
        else:
            number = rounded(parameter, x.dtype)
        if not numbers:
            usable = (number >= 0) & (number < math.inf)
            number = torch.where(usable, number, torch.zeros_like(number))
        if declared.at_least:
            least = numbers[operation.parameter_names.index(declared.at_least)]
            number = torch.where(number >= least, number, least)
        numbers.append(number)
    return numbers


def _harmless(t: Any) -> Any:
    """Return an argument that every formula takes."""
    return torch.where(t > 0, t, torch.ones_like(t)).detach()


# The short ways: for numbers, in as few passes over memory as PyTorch's calls allow. In the
# band x - clamp(x) is +0, outside it is the one subtraction of the formula.


def _hardshrink(x: Any, t: Threshold) -> Any:
    return torch.hardshrink(x, t.value)


def _softshrink(x: Any, t: Threshold) -> Any:
    return x - x.clamp(-t.value, t.value)


def _shrink(x: Any, t: Threshold, b: Threshold) -> Any:
    kept_part = torch.hardshrink(x, t.value)
    return kept_part - kept_part.sign() * b.value if b.value else kept_part


def _firmshrink(x: Any, t: Threshold, u: Threshold) -> Any:
    if u.bits == t.bits:
        return torch.hardshrink(x, t.value)
    moved = _softshrink(x, t)
    if u.value == math.inf:
        return moved
    size = x.abs()
    moved *= _slope(t.value, u.value, x.dtype.itemsize)
    return torch.where((moved.abs() > size) | (size >= u.value), x, moved)


def _slope(t: float, u: float, itemsize: int) -> float:
    """Return ``u / (u - t)``, each operation rounded to the working format."""
    kind = np.dtype(f"f{itemsize}").type
    with np.errstate(all="ignore"):
        return float(kind(u) / (kind(u) - kind(t)))


def _garrote(x: Any, t: Threshold) -> Any:
    size = x.abs()
    # Not t.value / size, which PyTorch computes as a product with the reciprocal.
    factor = torch.full((), t.value, dtype=x.dtype, device=x.device) / size.clamp(min=t.value)
    factor += 1
    moved = _softshrink(x, t)
    moved *= factor
    return torch.where(moved.abs() > size, x, moved)


_SHORT: dict[str, Callable[..., Any]] = {
    "hardshrink": _hardshrink,
    "softshrink": _softshrink,
    "shrink": _shrink,
    "firmshrink": _firmshrink,
    "garrote": _garrote,
}


def is_short(dtype: torch.dtype, lambd: Any) -> bool:
    """Tell whether λ is a number that float comparisons are right for, in any flush mode."""
    return (
        isinstance(lambd, Threshold)
        and dtype in NATIVE_DTYPES
        and lambd.bits >= form_of(dtype).smallest_normal_bits
    )


def _short(operation: str, x: Any, parameters: Sequence[Any], out: Any) -> Any:
    """Return the short way's result, or None where it would depart from the specification."""
    way = _SHORT.get(operation)
    lambd = parameters[0]
    if way is None or not is_short(x.dtype, lambd):
        return None
    if not all(isinstance(p, Threshold) for p in parameters):
        return None
    if way is _hardshrink or lambd.value == math.inf:
        return _hardshrink(x, lambd) if out is None else torch.hardshrink(x, lambd.value, out=out)
    result = way(x.to(working(x.dtype)), *parameters).to(x.dtype)
    return result if out is None else out.copy_(result)
