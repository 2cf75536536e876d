"""hardshrink on PyTorch tensors.

Invariants
----------
- ``torch.hardshrink`` serves wherever it follows the spec: float16, bfloat16, float32
  and float64 with a threshold that is a normal number of the dtype. It is handed
  a threshold already rounded, because it rounds twice for the 16-bit dtypes.
- Below the smallest normal number (λ = 0 included) the comparison is of magnitude
  bits: under ``torch.set_flush_denormal`` a float comparison takes subnormals for 0.
- Inside a compiled graph λ stays symbolic: no branch looks at its value, so one
  graph serves every λ.
- Derivatives come from ``torch.where``, which selects (HS-DER-2). The derivative of
  ``torch.hardshrink`` itself loses a NaN of x in its vector part, so it is never used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd import forward_ad

from shrinkops.spec import float_format, limit_bits

__all__ = ["NATIVE", "traceable"]

_Kernel = Callable[[Any, Any, Any], Any]

_NATIVE_OP = {
    getattr(torch, name): float_format(name).smallest_normal_bits
    for name in ("float16", "bfloat16", "float32", "float64")
}
"""Dtypes that torch.hardshrink takes, and the magnitude from which it follows the spec."""
_INTEGER_OF_WIDTH = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
_FLOAT32_SMALLEST = float(torch.finfo(torch.float32).tiny)
_FLOAT32_LARGEST = float(torch.finfo(torch.float32).max)


def hardshrink(x: Any, threshold: Any, out: Any) -> Any:
    """Native kernel, see `shrinkops.Backend.native`."""
    if not x.dtype.is_floating_point:
        return NotImplemented
    if isinstance(threshold, torch.Tensor):
        return _select(x, _limit(threshold, x.dtype), _zero(threshold, x), out)
    normal = _NATIVE_OP.get(x.dtype)
    if normal is not None and threshold.bits >= normal:
        if out is not None:
            return torch.hardshrink(x, threshold.value, out=out)
        if _differentiates(x):
            return _Differentiable.apply(x, threshold.value)  # type: ignore[no-untyped-call]
        return torch.hardshrink(x, threshold.value)
    return _select(x, threshold.bits, x.new_zeros(()) if normal is not None else None, out)


def _differentiates(x: Any) -> bool:
    """Tell whether a derivative, reverse or forward, may be asked for."""
    return x.requires_grad or forward_ad._current_level >= 0


class _Differentiable(torch.autograd.Function):
    """``torch.hardshrink`` with the derivative of the specification.

    Above a positive threshold every kept element is nonzero or NaN, so the
    result says which they were.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Any, value: float) -> Any:
        return torch.hardshrink(x, value)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    def backward(ctx: Any, cotangent: Any) -> Any:
        (result,) = ctx.saved_tensors
        return torch.where(result != 0, cotangent, cotangent.new_zeros(())), None

    @staticmethod
    def jvp(ctx: Any, tangent: Any, _: None) -> Any:
        (result,) = ctx.saved_tensors
        return torch.where(result != 0, tangent, tangent.new_zeros(()))


def _select(x: Any, limit: Any, zero: Any, out: Any) -> Any:
    """Keep what lies above a limit of magnitude bits."""
    integer = _INTEGER_OF_WIDTH[x.dtype.itemsize]
    bits = x.detach().view(integer)
    keep = (bits & torch.iinfo(integer).max) > limit
    if x.dtype in _NATIVE_OP:
        return (
            torch.where(keep, x, zero, out=out) if out is not None else torch.where(keep, x, zero)
        )
    # float8 has no arithmetic and no autograd, so its bits are selected instead.
    none = bits.new_zeros(())
    if out is not None:
        torch.where(keep, bits, none, out=out.view(integer))
        return out
    return torch.where(keep, bits, none).view(x.dtype)


def _limit(lambd: Any, dtype: torch.dtype) -> Any:
    """Magnitude bits of an array λ, rounded once."""
    lambd = lambd.detach()
    if not lambd.dtype.is_floating_point:
        lambd = lambd.to(torch.float64)
    elif lambd.dtype.itemsize == 1:  # float8 has no comparisons
        lambd = lambd.to(torch.float32)
    integer = _INTEGER_OF_WIDTH[dtype.itemsize]
    form = float_format(str(dtype).removeprefix("torch."))
    return limit_bits(torch, torch.Tensor.to, lambd, dtype, integer, form)


def _zero(lambd: Any, x: Any) -> Any:
    """Return a zero that depends on λ for autograd, with derivative 0 (HS-DER-3)."""
    if x.dtype not in _NATIVE_OP:
        return None
    zeros = x.new_zeros(())
    if not lambd.requires_grad:
        return zeros
    return torch.where(torch.zeros((), dtype=torch.bool, device=x.device), lambd.to(x.dtype), zeros)


NATIVE: dict[str, _Kernel] = {"hardshrink": hardshrink}


def traceable(operation: str, checked: _Kernel) -> _Kernel:
    """Put the two paths that may skip the general checks in front of them."""
    if operation not in NATIVE:
        return checked
    native = NATIVE[operation]
    native_op = torch.hardshrink
    float32, float64 = torch.float32, torch.float64
    tracing = torch.compiler.is_dynamo_compiling

    def kernel(x: Any, lambd: Any, out: Any) -> Any:
        if tracing():
            return _traced(native, checked, x, lambd, out)
        # torch.hardshrink rounds a Python float once to these dtypes.
        if (
            type(lambd) is float
            and _FLOAT32_SMALLEST <= lambd <= _FLOAT32_LARGEST
            and ((dtype := x.dtype) is float32 or dtype is float64)
            and not x.requires_grad
            and forward_ad._current_level < 0
        ):
            if out is None:
                return native_op(x, lambd)
            if (
                isinstance(out, torch.Tensor)
                and out.dtype is dtype
                and out.shape == x.shape
                and out.device == x.device
            ):
                return native_op(x, lambd, out=out)
        return checked(x, lambd, out)

    return kernel


def _traced(native: _Kernel, checked: _Kernel, x: Any, lambd: Any, out: Any) -> Any:
    """Compute inside a graph: λ becomes a 0-d tensor, so a symbolic number stays symbolic."""
    if not isinstance(lambd, (int, float)) or isinstance(lambd, bool):
        return checked(x, lambd, out)
    floating = x.dtype.is_floating_point
    # An int is exact as int64 and compared as such; torch.compile has no larger ones.
    kind = torch.int64 if isinstance(lambd, int) and not floating else torch.float64
    # Addition is one of the operations that take a symbolic float without specialising it.
    scalar = torch.zeros((), dtype=kind, device=x.device) + lambd
    if not floating:
        return checked(x, scalar, out)
    result = native(x, scalar, None)
    if out is None:
        return result
    return out.copy_(result)
