"""Tensors in this machine's memory, computed by NumPy's compiled loops over the same buffer.

What PyTorch needs several passes for, or its own operator gives other bits for, is one pass
there: softshrink, shrink, firmshrink and garrote, narrow types and tensors of thresholds too.

Invariants
----------
- Nobody records: no derivative, no transformation, no tracer, no mode that watches calls. Who
  records is shown PyTorch's own operations.
- A written ``out`` counts as written for autograd, as after an operation of PyTorch.
- What NumPy cannot look at is left to PyTorch, before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from shrinkops_numpy import NumpyBackend
from torch.autograd import forward_ad
from torch.autograd.graph import increment_version

from shrinkops.spec import Operation

__all__ = ["at_once", "value"]

_VIEWED: dict[torch.dtype, tuple[torch.dtype, str]] = {torch.bfloat16: (torch.int16, "bfloat16")}
_VIEWED |= {
    dtype: (torch.int8, name)
    for name in ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz")
    if (dtype := getattr(torch, name, None)) is not None
}
"""Types that NumPy knows by ml_dtypes alone, and the integers that carry their bits."""

_PLAIN = frozenset({torch.float16, torch.float32, torch.float64})
_NUMBERS = frozenset({int, float, np.float16, np.float32, np.float64})
_CPU = torch.device("cpu")
_tracing = torch._C._is_tracing
_repeats_itself = torch._debug_has_internal_overlap
"""0 where no element of a tensor is another's, and 1 or 2 where that is so, or not known."""
_transformed = torch._C._functorch.peek_interpreter_stack
_dispatch_modes = torch._C._len_torch_dispatch_stack
_function_modes = torch._C._len_torch_function_stack


@cache
def _loop(operation: str, dtype: torch.dtype) -> Callable[..., Any] | None:
    """Return NumPy's loop of an operation and an element type, where it is compiled."""
    backend = NumpyBackend()
    name = str(dtype).removeprefix("torch.")
    if backend.kernel_in_use() == "pure NumPy" or name not in backend.dtypes:
        return None
    found: Callable[..., Any] | None = backend.native(operation, name)
    return found


def value(operation: str, x: Any, parameters: Sequence[Any], out: Any) -> Any:
    """Return the result, ``out`` where one is given; None where NumPy may not compute it."""
    if torch.compiler.is_dynamo_compiling():
        return None
    run = _loop(operation, x.dtype)
    tensors = [a for a in (x, *parameters, out) if isinstance(a, torch.Tensor)]
    if run is None or _is_recorded() or not all(map(_is_seen, tensors)):
        return None
    if out is not None and _repeats_itself(out):
        return None
    result = torch.empty_like(x) if out is None else out
    try:
        arrays = [_array(a) if isinstance(a, torch.Tensor) else a for a in (x, *parameters)]
        target = _array(result)
    except (RuntimeError, TypeError):  # of a kind that has no buffer to show
        return None
    run(*arrays, target)
    if out is not None:
        increment_version(out)
    return result


def at_once(operation: Operation, careful: Callable[..., Any]) -> Callable[..., Any]:
    """Return a kernel that hands plain tensors and numbers to NumPy's own, checks and all.

    What that one refuses is refused by ``careful``, in the words of the user's types.
    """
    if NumpyBackend().kernel_in_use() == "pure NumPy":
        return careful
    run = NumpyBackend().kernel(operation)
    tensor, numbers = torch.Tensor, _NUMBERS

    def kernel(x: Any, *arguments: Any) -> Any:
        *parameters, out = arguments
        if (
            type(x) is tensor
            and x.dtype in _PLAIN
            and not (x.requires_grad or _is_recorded())
            and all(type(p) in numbers for p in parameters)
            and (out is None or (type(out) is tensor and out.is_contiguous()))
        ):
            result = torch.empty_like(x) if out is None else out
            try:
                run(x.numpy(), *parameters, result.numpy())
            except (RuntimeError, TypeError, ValueError):  # no buffer, or a wrong argument
                return careful(x, *arguments)
            if out is not None:
                increment_version(out)
            return result
        return careful(x, *arguments)

    return kernel


def _is_recorded() -> bool:
    return (
        forward_ad._current_level >= 0
        or _transformed() is not None
        or _tracing()
        or _dispatch_modes() > 0
        or _function_modes() > 0
    )


def _is_seen(tensor: Any) -> bool:
    return type(tensor) is torch.Tensor and tensor.device == _CPU and not tensor.is_neg()


def _array(tensor: Any) -> Any:
    """Return the buffer of a tensor as an array."""
    if tensor.requires_grad:
        tensor = tensor.detach()
    if tensor.dtype not in _VIEWED:
        return tensor.numpy()
    bits, name = _VIEWED[tensor.dtype]
    import ml_dtypes

    return tensor.view(bits).numpy().view(getattr(ml_dtypes, name))
