"""Tensors that are not one strided block: sparse, nested, distributed.

Invariants
----------
- Every operation maps 0 to +0, so what a sparse tensor does not store stays as it is.
- The layout, the pattern and the placements are kept; the operation is computed on the
  stored values of this process alone, with no communication.
- What cannot be kept is refused, with the way to say what is wanted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import torch

__all__ = ["apply", "nested", "special"]

_COMPRESSED = {
    torch.sparse_csr: ("crow_indices", "col_indices"),
    torch.sparse_csc: ("ccol_indices", "row_indices"),
    torch.sparse_bsr: ("crow_indices", "col_indices"),
    torch.sparse_bsc: ("ccol_indices", "row_indices"),
}


def special(x: Any) -> bool:
    """Tell whether x is more than one strided block of this process."""
    return (
        x.layout is not torch.strided
        or x.is_nested
        or (type(x) is not torch.Tensor and (_is_distributed(x) or _is_masked(x)))
    )


def _is_masked(x: Any) -> bool:
    module = sys.modules.get("torch.masked.maskedtensor.core")
    return module is not None and isinstance(x, module.MaskedTensor)


def _is_distributed(x: Any) -> bool:
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(x, module.DTensor)


def apply(
    operation: str, x: Any, parameters: Sequence[Any], out: Any, dense: Callable[..., Any]
) -> Any:
    """Compute an operation on the stored values of x.

    Parameters
    ----------
    operation : str
    x : torch.Tensor
        Of a layout that `special` tells.
    parameters : sequence of Threshold or torch.Tensor
    out : torch.Tensor or None
    dense : callable
        ``dense(values, *parameters)``: the operation of a strided tensor.

    Raises
    ------
    TypeError
        The layout has no values to compute on, or a parameter or ``out`` has no place in it.
    """
    refuse = _Refusal(operation, x)
    if out is not None:
        raise refuse("out= is not filled", "use the returned tensor")
    if _is_masked(x):
        if any(_is_masked(p) for p in parameters):
            raise refuse("parameters have no mask", "pass parameter.get_data()")
        return torch.masked.masked_tensor(dense(x.get_data(), *parameters), x.get_mask().clone())
    if _is_distributed(x):
        return _distributed(x, parameters, dense, refuse)
    if x.layout is torch.jagged:
        return _jagged(x, parameters, dense, refuse)
    if any(isinstance(p, torch.Tensor) and p.ndim for p in parameters):
        raise refuse(
            "parameters are numbers", f"call {operation}(x.values(), ...) with what belongs to them"
        )
    numbers = list(parameters)
    if x.layout is torch.sparse_coo:
        try:
            x = x.coalesce()
        except NotImplementedError:  # float8, and unsigned integers
            raise refuse(
                "PyTorch adds up nothing of this dtype that is stored twice",
                "pass is_coalesced=True where nothing is",
            ) from None
        values = dense(x.values(), *numbers)
        return torch.sparse_coo_tensor(
            x.indices().clone(), values, x.shape, is_coalesced=True, check_invariants=False
        )
    names = _COMPRESSED.get(x.layout)
    if names is None:
        raise refuse("it has no values to compute on", "call x.to_dense() first")
    rows, columns = (getattr(x, name)().clone() for name in names)
    values = x.values()
    if values.is_complex():
        values = values.clone()  # its parts would be views of x, which has no strides
    values = dense(values, *numbers)
    return torch.sparse_compressed_tensor(
        rows, columns, values, x.shape, layout=x.layout, check_invariants=False
    )


def nested(operation: str, x: Any, arguments: Sequence[Any], call: Callable[..., Any]) -> Any:
    """Call an operation on each tensor that a nested one of strided layout holds.

    Such a tensor has no shape, so it is taken apart before anything is checked.
    """
    *parameters, out = arguments
    if out is not None:
        raise _Refusal(operation, x)("out= is not filled", "use the returned tensor")
    return torch.nested.as_nested_tensor([call(part, *parameters, None) for part in x.unbind()])


class _Refusal:
    def __init__(self, operation: str, x: Any) -> None:
        layout = "nested" if x.is_nested else str(x.layout)
        what = type(x).__name__ if _is_distributed(x) or _is_masked(x) else f"layout {layout}"
        self.opening = f"{operation}: x is a tensor of {what}"

    def __call__(self, why: str, remedy: str) -> TypeError:
        return TypeError(f"{self.opening}, for which {why}; {remedy}")


def _jagged(x: Any, parameters: Sequence[Any], dense: Callable[..., Any], refuse: _Refusal) -> Any:
    own = []
    for parameter in parameters:
        if isinstance(parameter, torch.Tensor) and parameter.is_nested:
            if parameter.layout is not torch.jagged or parameter.shape != x.shape:
                raise refuse("a nested parameter has x's own structure", "make one from x")
            parameter = parameter.values()
        elif isinstance(parameter, torch.Tensor) and parameter.ndim:
            ragged = x._ragged_idx
            shape = parameter.shape
            batch = shape[: max(0, parameter.ndim - x.ndim + ragged + 1)]
            if any(n != 1 for n in batch):
                raise refuse(
                    "a parameter has length 1 along the batch and the ragged axis",
                    "use x.values() with one number for each of its rows",
                )
            parameter = parameter.reshape(shape[len(batch) :]) if batch else parameter
        own.append(parameter)
    values = dense(x.values(), *own)
    lengths = x.lengths()
    return torch.nested.nested_tensor_from_jagged(
        values,
        offsets=x.offsets(),
        lengths=lengths,
        jagged_dim=x._ragged_idx,
        min_seqlen=x._maybe_min_seqlen,
        max_seqlen=x._maybe_max_seqlen,
    )


def _distributed(
    x: Any, parameters: Sequence[Any], dense: Callable[..., Any], refuse: _Refusal
) -> Any:
    from torch.distributed.tensor import DTensor

    if any(placement.is_partial() for placement in x.placements):
        raise refuse("a sum is pending (a Partial placement)", "call x.redistribute(...) first")
    own = []
    for parameter in parameters:
        if isinstance(parameter, DTensor):
            if any(not p.is_replicate() for p in parameter.placements) and (
                parameter.placements != x.placements or parameter.shape != x.shape
            ):
                raise refuse(
                    "a parameter is replicated, or has x's shape and placements",
                    "redistribute it",
                )
            parameter = parameter.to_local()
        if isinstance(parameter, torch.Tensor) and parameter.ndim:
            parameter = _aligned(parameter, x, refuse)
        own.append(parameter)
    local = dense(x.to_local(), *own)
    return DTensor.from_local(
        local, x.device_mesh, x.placements, run_check=False, shape=x.shape, stride=x.stride()
    )


def _aligned(parameter: Any, x: Any, refuse: _Refusal) -> Any:
    """Return a whole parameter where no axis that it has is sharded, or one like the shard."""
    local = x.to_local()
    for own, there, here in zip(
        reversed(parameter.shape), reversed(x.shape), reversed(local.shape), strict=False
    ):
        if own != 1 and own not in (there, here):
            raise refuse("a parameter broadcasts to x", "reshape it")
        if own == there and there != here:
            raise refuse(
                "a parameter varies along no sharded axis",
                "distribute it as x is, with x's shape",
            )
    return parameter
