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
from torch.autograd.graph import increment_version

from shrinkops.spec import Operation, Threshold

__all__ = ["at_once", "value"]

_tracing = torch._C._is_tracing
_transformed = torch._C._functorch.peek_interpreter_stack
_dispatch_modes = torch._C._len_torch_dispatch_stack
_function_modes = torch._C._len_torch_function_stack


def at_once(operation: Operation, careful: Callable[..., Any]) -> Callable[..., Any]:
    """Return a kernel that computes plain tensors and numbers itself, checks and all.

    Everything else, errors included, goes to ``careful``.
    """
    name, loops = operation.name, dict[torch.dtype, Callable[..., bool] | None]()
    tensor = torch.Tensor

    def kernel(x: Any, *arguments: Any) -> Any:
        *parameters, out = arguments
        if type(x) is tensor and not x.requires_grad:
            if x.dtype not in loops:
                loops[x.dtype] = _loop(name, x.dtype)
            run = loops[x.dtype]
            if run is not None and _is_open(x) and not _is_recorded():
                if out is None:
                    result = torch.empty_like(x)
                    if run(x.data_ptr(), result.data_ptr(), x.numel(), *parameters):
                        return result
                elif _fits(out, x) and run(x.data_ptr(), out.data_ptr(), x.numel(), *parameters):
                    increment_version(out)
                    return out
        return careful(x, *arguments)

    return kernel


def value(operation: str, x: Any, parameters: Sequence[Any], out: Any) -> Any:
    """Return the result for checked parameters, ``out`` where it is given; or None."""
    if torch.compiler.is_dynamo_compiling() or type(x) is not torch.Tensor:
        return None
    run = _loop(operation, x.dtype)
    if run is None or not _is_open(x) or _is_recorded():
        return None
    if out is not None and not _fits(out, x):
        return None
    if not all(isinstance(p, Threshold) for p in parameters):
        return None
    result = torch.empty_like(x) if out is None else out
    numbers = [p.value for p in parameters]
    if not run(x.data_ptr(), result.data_ptr(), x.numel(), *numbers):
        return None
    if out is not None:
        increment_version(out)
    return result


@cache
def _loop(operation: str, dtype: torch.dtype) -> Callable[..., bool] | None:
    if not dtype.is_floating_point:
        return None
    return memory.loop(operation, str(dtype).removeprefix("torch."))


def _is_open(x: Any) -> bool:
    """Tell whether a tensor's elements lie in a row in this machine's memory, as they are."""
    return (
        x.is_cpu
        and x.layout is torch.strided
        and x.is_contiguous()
        and not x.is_neg()
        and not x.is_nested
    )


def _fits(out: Any, x: Any) -> bool:
    return out is x or (
        type(out) is torch.Tensor
        and out.dtype is x.dtype
        and out.shape == x.shape
        and _is_open(out)
        and not out.requires_grad
    )


def _is_recorded() -> bool:
    return (
        forward_ad._current_level >= 0
        or _transformed() is not None
        or _tracing()
        or _dispatch_modes() > 0
        or _function_modes() > 0
    )
