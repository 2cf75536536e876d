"""The operations on integer tensors: exact over the real numbers, for every width and sign.

Invariants
----------
- uint16, uint32 and uint64 have no arithmetic in PyTorch: the first two are widened, the
  last is seen as int64, whose order is put right.
- Nothing overflows: a result lies between 0 and x.
- What is kept is computed from x first: PyTorch gives a result the order of axes that the
  first argument has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from shrinkops.spec import FORMATS, IntegerFormat, Operation, Threshold, threshold_bounds

__all__ = ["value"]

_WIDER = {torch.uint16: torch.int32, torch.uint32: torch.int64}
_LOWEST = -(2**63)


def value(operation: Operation, x: Any, parameters: Sequence[Any]) -> Any:
    """Return the operation of x, a new tensor of x's dtype."""
    (lambd,) = parameters
    source = x.to(_WIDER.get(x.dtype, x.dtype))
    if source.dtype is torch.uint64:
        source = source.view(torch.int64)
    if isinstance(lambd, Threshold):
        keep, t = _of_number(lambd, x.dtype, source)
        empty = None
    else:
        keep, t, empty = _of_array(lambd, x.dtype, source)
    result = source
    if operation.accuracy != "exact":
        # As int64 a large uint64 looks negative.
        wraps = x.dtype is torch.uint64
        result = source - t if wraps else operation.outside(torch, source, t)
        if empty is not None:
            result = torch.where(empty, source, result)
    result = torch.where(keep, result, torch.zeros((), dtype=result.dtype, device=x.device))
    return result.view(x.dtype) if x.dtype is torch.uint64 else result.to(x.dtype)


def _of_number(lambd: Threshold, dtype: torch.dtype, source: Any) -> tuple[Any, Any]:
    """Return where x is kept, and λ as a tensor of the dtype that is computed in."""
    form = FORMATS[str(dtype).removeprefix("torch.")]
    assert isinstance(form, IntegerFormat)
    low, high = threshold_bounds(lambd, form)
    if dtype is torch.uint64 and lambd.bits >= 0:
        keep = (source ^ _LOWEST) > high + _LOWEST
        high = high if high < 2**63 else high - 2**64
    else:
        keep = (source < low) | (source > high)
    return keep, torch.full((), high, dtype=source.dtype, device=source.device)


def _of_array(lambd: Any, dtype: torch.dtype, source: Any) -> tuple[Any, Any, Any]:
    """Return where x is kept, λ clipped to the type, and where λ is negative or NaN."""
    lambd = lambd.detach()
    if lambd.dtype is torch.uint64:
        bits = lambd.view(torch.int64)
        empty = torch.zeros_like(bits, dtype=torch.bool)
        beyond = bits < 0
        over = bits ^ _LOWEST
    elif lambd.dtype.is_floating_point:
        floor = torch.floor(lambd.to(torch.float64))
        empty = ~(floor >= 0)
        beyond = floor >= 2.0**63
        # Converted only where it fits, for a conversion that overflows means nothing.
        bits = torch.where(empty | beyond, 0.0, floor).to(torch.int64)
        over = torch.where(beyond & (floor < 2.0**64), floor - 2.0**63, 0.0).to(torch.int64)
        over = torch.where(floor >= 2.0**64, torch.iinfo(torch.int64).max, over)
    else:
        bits = lambd.to(torch.int64)
        empty = bits < 0
        beyond = torch.zeros_like(empty)
        over = torch.zeros_like(bits)
    whole = source.to(torch.int64)
    if dtype is torch.uint64:
        far = ((whole ^ _LOWEST) > over) & (whole < 0) & beyond
        keep = far | (((whole < 0) | (whole > bits)) & ~beyond)
        return keep | empty, torch.where(beyond, over ^ _LOWEST, bits), empty
    size = whole.abs()  # of the lowest number: itself, negative
    keep = ((size > bits) | (size < 0)) & ~beyond
    largest = torch.iinfo(source.dtype).max
    return keep | empty, bits.clamp(0, largest).to(source.dtype), empty
