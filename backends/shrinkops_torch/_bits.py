"""Magnitude bits of tensors, and thresholds rounded to an element type.

Invariants
----------
- A band is decided on magnitude bits, which no flush mode touches, wherever bits can be
  seen; where they cannot (graphs that leave PyTorch, wrapper classes), on values.
- A parameter is rounded once, whatever its own type.
- No branch looks at a tensor's value, so that every tracer passes.
"""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from shrinkops.spec import FORMATS, FloatFormat, Threshold, float_format, limit_bits, round_once

__all__ = [
    "INTEGER_OF_WIDTH",
    "comparable",
    "exact_if_tiny",
    "form_of",
    "is_negative",
    "kept",
    "limit_of",
    "narrowed",
    "opaque",
    "rounded",
    "widened",
    "working",
]

INTEGER_OF_WIDTH = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}

_is_exporting = getattr(torch.compiler, "is_exporting", lambda: False)  # since 2.7
_is_tracing = torch._C._is_tracing
_PLAIN_DISPATCH = torch.Tensor.__torch_dispatch__


_FORMS = {
    getattr(torch, name): form
    for name, form in FORMATS.items()
    if isinstance(form, FloatFormat) and hasattr(torch, name)
}


def form_of(dtype: torch.dtype) -> FloatFormat:
    """Return the rules of a floating dtype."""
    return _FORMS[dtype]


def working(dtype: torch.dtype) -> torch.dtype:
    """Return the working format: float32 for narrower types."""
    return torch.float32 if dtype.itemsize < 4 else dtype


def opaque(x: Any) -> bool:
    """Tell whether bits of x may not be looked at.

    ONNX has no operator that reinterprets bits, and classes that wrap tensors need not
    have one; nor does a TorchScript graph keep the derivative of ``torch.hardshrink``.
    """
    if torch.compiler.is_dynamo_compiling():
        return bool(_is_exporting())
    return (
        type(x).__torch_dispatch__ is not _PLAIN_DISPATCH or bool(_is_exporting()) or _is_tracing()
    )


def limit_of(parameter: Any, dtype: torch.dtype, values: bool) -> Any:
    """Return the largest zeroed magnitude: its bits, or its value; -1 where nothing is zeroed."""
    if isinstance(parameter, Threshold):
        if values:
            return parameter.value if parameter.bits >= 0 else -1.0
        return parameter.bits
    parameter = comparable(parameter.detach(), dtype)
    form = form_of(dtype)
    empty = parameter.isnan() | is_negative(parameter, values)
    if not values:
        integer = INTEGER_OF_WIDTH[dtype.itemsize]
        bits = limit_bits(torch, torch.Tensor.to, parameter, dtype, integer, form)
        if parameter.dtype is torch.float64 and form.bias == 127:
            # A thread may flush what float32 and bfloat16 have below their normal numbers.
            steps = torch.round(parameter.abs() * 2.0 ** (125 + form.precision))
            bits = torch.where(parameter.abs() < 2.0**-126, steps.to(integer), bits)
        return torch.where(empty, torch.full_like(bits, -1), bits)
    value = _saturated(round_once(torch, torch.Tensor.to, parameter, dtype), parameter, form)
    wide = value.to(working(dtype))
    return torch.where(empty, torch.full_like(wide, -1.0), wide)


def is_negative(parameter: Any, values: bool) -> Any:
    """Return where a number is negative, a subnormal one too."""
    if values:
        return parameter < 0
    bits = parameter.view(INTEGER_OF_WIDTH[parameter.dtype.itemsize])
    return (bits < 0) & (bits != torch.iinfo(bits.dtype).min)


def rounded(parameter: Any, dtype: torch.dtype) -> Any:
    """Return a tensor of parameters rounded once to a dtype, in its working format.

    The derivative by the tensor is that of the identity.
    """
    wide = working(dtype)
    source = comparable(parameter, dtype)
    value = _saturated(
        round_once(torch, torch.Tensor.to, source.detach(), dtype), source.detach(), form_of(dtype)
    ).to(wide)
    if not parameter.dtype.is_floating_point:
        return value
    moved = source.to(wide)
    still = torch.zeros((), dtype=wide, device=value.device)
    return value + torch.where(moved.detach().isfinite(), moved - moved.detach(), still)


def widened(part: Any) -> Any:
    """Return a tensor as float64, its subnormals too where a thread flushes them."""
    if part.dtype is not torch.float32:
        return part.double()
    bits = part.view(torch.int32)
    size = bits & 0x7FFFFFFF
    tiny = torch.where(bits < 0, -1.0, 1.0).double() * size.double() * 2.0**-149
    return torch.where(size < 0x00800000, tiny, part.double())


def comparable(parameter: Any, dtype: torch.dtype) -> Any:
    """Return a tensor of real numbers as floating ones, to be rounded once to a dtype."""
    parameter = parameter.resolve_neg()
    if parameter.dtype.is_floating_point:
        # float8 has no comparisons
        if parameter.dtype is torch.float32 and dtype is torch.float64:
            return widened(parameter)
        return parameter.to(torch.float32) if parameter.dtype.itemsize == 1 else parameter
    wide = parameter.to(torch.float64)
    if parameter.dtype is not torch.int64 or dtype is torch.float64:
        return wide
    # To odd, so that rounding it to a narrower type is the only rounding that counts.
    back = wide.to(torch.int64)
    exact = (back == parameter) | (wide.abs() >= 2.0**63)
    bits = wide.view(torch.int64)
    bits = torch.where(~exact & (back.abs() > parameter.abs()), bits - 1, bits)
    return torch.where(exact, bits, bits | 1).view(torch.float64)


def _saturated(value: Any, source: Any, form: FloatFormat) -> Any:
    """Return the largest number, or infinity, for the NaN that a format without infinity makes."""
    if form.top_bits != form.max_bits:
        return value
    wide = value.to(torch.float32)
    significand, exponent = form.value_of(form.max_bits)
    bound = torch.full_like(wide, significand * 2.0**exponent)
    bound = torch.where(source.isinf(), torch.full_like(wide, math.inf), bound)
    beyond = (wide.isnan() & ~source.isnan()) | source.isinf()
    return torch.where(beyond, torch.copysign(bound, source.to(torch.float32)), wide)


def narrowed(result: Any, dtype: torch.dtype) -> Any:
    """Return a result of the working format in x's dtype, rounded once.

    Where the format has no infinity what is beyond it becomes its largest number; the
    casts of PyTorch differ there.
    """
    if dtype.itemsize == 1:
        form = form_of(dtype)
        if form.top_bits == form.max_bits:
            significand, exponent = form.value_of(form.max_bits)
            result = result.clamp(-significand * 2.0**exponent, significand * 2.0**exponent)
    return result.to(dtype)


def kept(x: Any, limit: Any, values: bool) -> Any:
    """Return where the magnitude of x lies above a limit, or is NaN."""
    if values:
        return ~(x.detach().to(working(x.dtype)).abs() <= limit)
    integer = INTEGER_OF_WIDTH[x.dtype.itemsize]
    bits = x.detach().view(integer)
    largest = torch.iinfo(integer).max
    keep = (bits & largest) > limit
    if form_of(x.dtype).nan_is_negative_zero:
        keep = keep | (bits == -largest - 1)
    return keep


def exact_if_tiny(value: Any) -> Any:
    """Return a scalar as it is, but one that a flush mode takes for 0 as a fraction.

    Under ``torch.set_flush_denormal`` a subnormal Python float equals 0.0, in dictionaries
    too; integers have no such mode.
    """
    if value != 0 or not isinstance(value, (float, np.floating)):
        return value
    if isinstance(value, float):
        bits, form = struct.unpack("<q", struct.pack("<d", value))[0], "float64"
    elif value.dtype.name in ("float16", "float32"):
        bits = int(np.asarray(value).view(f"i{value.dtype.itemsize}"))
        form = value.dtype.name
    else:
        return value
    rules = float_format(form)
    magnitude = bits & rules.magnitude_mask
    if not magnitude:
        return value
    significand, exponent = rules.value_of(magnitude)
    return (-1 if bits < 0 else 1) * significand * Fraction(2) ** exponent
