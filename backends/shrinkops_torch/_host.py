"""Tensors in this machine's memory, computed in one pass by the compiled loops of NumPy's backend.

What PyTorch needs several passes for, or its own operator gives other bits for, is one pass
there: softshrink, shrink, firmshrink, garrote, and types without arithmetic in PyTorch. The loops
work where the tensor lies; nothing is converted or copied.

Invariants
----------
- Nobody records: no derivative, no transformation, no tracer, no mode that watches calls. Who
  records is shown PyTorch's own operations.
- A written ``out`` counts as written for autograd, as after an operation of PyTorch.
- What a loop declines, or is not one dense block, is left to PyTorch, with nothing written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from shrinkops_numpy import memory
from torch.autograd import forward_ad
from torch.utils import _python_dispatch

from shrinkops.spec import Operation, Threshold

__all__ = ["at_once", "value"]

_tracing = torch._C._is_tracing
_function_modes = torch._C._len_torch_function_stack
_count_as_written = torch._C._increment_version


class _Loops(dict[torch.dtype, "Callable[..., bool] | None"]):
    """The loops of one operation, found when a type first comes."""

    def __init__(self, operation: str) -> None:
        super().__init__()
        self.operation = operation

    def __missing__(self, dtype: torch.dtype) -> Callable[..., bool] | None:
        self[dtype] = found = _loop(self.operation, dtype)
        return found


def at_once(operation: Operation, careful: Callable[..., Any]) -> Callable[..., Any]:
    """Return a kernel that computes plain tensors and numbers itself, checks and all.

    Everything else, errors included, goes to ``careful``.
    """
    loops, tensor = _Loops(operation.name), torch.Tensor

    def one(x: Any, lambd: Any, out: Any) -> Any:
        if type(x) is tensor and (run := loops[x.dtype]) is not None:
            try:
                result = _target(x, out)
                number = _number(lambd) if type(lambd) is tensor else lambd
                if result is not None and run(x.data_ptr(), result.data_ptr(), x.numel(), number):
                    if out is not None:
                        _count_as_written((out,))
                    return result
            except RuntimeError:  # nothing is stored, or not where one can look
                pass
        return careful(x, lambd, out)

    def several(x: Any, *arguments: Any) -> Any:
        *parameters, out = arguments
        if type(x) is tensor and (run := loops[x.dtype]) is not None:
            try:
                result = _target(x, out)
                numbers = [_number(p) if type(p) is tensor else p for p in parameters]
                if result is not None and run(x.data_ptr(), result.data_ptr(), x.numel(), *numbers):
                    if out is not None:
                        _count_as_written((out,))
                    return result
            except RuntimeError:
                pass
        return careful(x, *arguments)

    return one if len(operation.parameters) == 1 else several


def _target(x: Any, out: Any) -> Any:
    """Return where a result of x may be written: ``out``, or a new tensor; else None.

    A transformation need not be asked for: what it wraps has no memory to show.
    """
    if (
        x.requires_grad
        or forward_ad._current_level >= 0
        or _tracing()
        or _python_dispatch._is_in_torch_dispatch_mode
        or _function_modes()
        or not x.is_cpu
        or not x.is_contiguous()
        or x.is_neg()
    ):
        return None
    if out is None:
        return torch.empty_like(x)
    return out if out is x or _fits(out, x) else None


def _number(tensor: Any) -> Any:
    """Return what a 0-d tensor holds, where it may be looked at and nobody differentiates by it.

    A loop takes no number that means another thing as an element (NaN, one below zero).
    """
    if (
        tensor.ndim == 0
        and tensor.is_cpu
        and tensor.dtype.is_floating_point
        and not tensor.requires_grad
        and tensor.data_ptr()  # what a transformation wraps has none
    ):
        number = tensor.item()
        return tensor if number == 0 else number  # a flush mode takes a subnormal for 0
    return tensor


def value(operation: str, x: Any, parameters: Sequence[Any], out: Any) -> Any:
    """Return the result for checked parameters, ``out`` where it is given; or None."""
    if torch.compiler.is_dynamo_compiling() or type(x) is not torch.Tensor:
        return None
    run = _loop(operation, x.dtype)
    if run is None or not all(isinstance(p, Threshold) for p in parameters):
        return None
    numbers = [p.value for p in parameters]
    try:
        result = _target(x, out)
        if result is None or not run(x.data_ptr(), result.data_ptr(), x.numel(), *numbers):
            return None
    except RuntimeError:
        return None
    if out is not None:
        _count_as_written((out,))
    return result


@cache
def _loop(operation: str, dtype: torch.dtype) -> Callable[..., bool] | None:
    if not dtype.is_floating_point:
        return None
    return memory.loop(operation, str(dtype).removeprefix("torch."))


def _fits(out: Any, x: Any) -> bool:
    return (
        type(out) is torch.Tensor
        and out.dtype is x.dtype
        and out.shape == x.shape
        and out.is_cpu
        and out.is_contiguous()
        and not (out.is_neg() or out.requires_grad)
    )
