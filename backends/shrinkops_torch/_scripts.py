"""Bits of tensors in scripts that ``torch.jit.trace`` records.

Invariants
----------
- A script has no way to write that a tensor is seen as another dtype, so an operator does it.
- The operator gives a tensor of its own, as its schema says, and has no derivative: only
  patterns pass through it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

__all__ = ["BitsInScripts", "not_recorded"]

_DTYPES = tuple(
    getattr(torch, name)
    for name in (
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2"),
        *("float8_e4m3fnuz", "float8_e5m2fnuz", "complex64", "complex128"),
    )
)

_get_state: Callable[[], Any] = getattr(torch._C, "_get_tracing_state")  # noqa: B009 - no stub
_set_state: Callable[[Any], None] = getattr(torch._C, "_set_tracing_state")  # noqa: B009 - no stub


def _seen_as(x: Any, dtype: int) -> Any:
    return x.detach().view(_DTYPES[dtype]).clone()


def _define() -> None:
    """Define the operator once a process; a package imported afresh finds the first one's."""
    namespace: Any = torch.ops.shrinkops
    if not hasattr(namespace, "seen_as"):
        library: Any = vars(torch.library)["Library"]("shrinkops", "FRAGMENT")  # it has no types
        library.define("seen_as(Tensor x, int dtype) -> Tensor")
        library.impl("seen_as", _seen_as, "CompositeExplicitAutograd")
        namespace.library = library  # which takes its operators along when it is collected


_define()


class BitsInScripts(TorchFunctionMode):
    """Records the operator for every ``view`` as another dtype."""

    def __torch_function__(
        self, func: Any, types: Sequence[Any], args: Any = (), kwargs: Any = None
    ) -> Any:
        if func is torch.Tensor.view and len(args) == 2 and isinstance(args[1], torch.dtype):
            return torch.ops.shrinkops.seen_as(args[0], _DTYPES.index(args[1]))
        return func(*args, **(kwargs or {}))


@contextmanager
def not_recorded() -> Iterator[None]:
    """Leave the script that is being recorded for a while: what is asked here is no part of it."""
    state = _get_state()
    _set_state(None)
    try:
        yield
    finally:
        _set_state(state)
