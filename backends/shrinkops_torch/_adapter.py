"""What the conformance and benchmark kits need of PyTorch; nothing else imports it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from shrinkops.adapter import Adapter, Layout, Mode, Subclass, numpy_dtype

__all__ = ["TorchAdapter"]

_CARRIER = {1: np.uint8, 2: np.int16, 4: np.int32, 8: np.int64}

_AXES = "range(x.dim())[::-1]"
_LAYOUTS = {
    "channels last": Layout(
        "a", "x.contiguous(memory_format=torch.channels_last)", 4, dense=True, axes=4
    ),
    "fortran": Layout("a", f"x.permute(*{_AXES}).contiguous().permute(*{_AXES})", 2, dense=True),
    "permuted": Layout("np.moveaxis(a, 0, -1).copy()", "x.movedim(-1, 0)", 3, dense=True),
    "expanded rows": Layout(
        "a[:1]", "x.expand(N, *x.shape[1:])", 2, writable=False,
        repeats="np.broadcast_to(a[:1], a.shape)",
    ),
    "expanded columns": Layout(
        "a[..., :1]", "x.expand(*x.shape[:-1], M)", 2, writable=False,
        repeats="np.broadcast_to(a[..., :1], a.shape)",
    ),
    "overlapping windows": Layout(
        "np.concatenate([a[:, 0], a[-1, 1:]])", "x.unfold(0, M, 1)", 2, axes=2, writable=False,
        repeats="np.lib.stride_tricks.sliding_window_view(np.resize(a, N + M - 1), M)",
    ),
    "negative bit": Layout(
        "-a", "torch._neg_view(x.neg().neg())", writable=False, as_out=False, kinds="float"
    ),
    "conjugate bit": Layout("a.conj()", "x.conj()", writable=False, as_out=False, kinds="complex"),
    "requires grad": Layout(
        "a", "x.requires_grad_()", writable=False, as_out=False, no_out=True, kinds="float complex"
    ),
    "requires grad, permuted": Layout(
        "np.swapaxes(a, 0, -1).copy()", "x.requires_grad_().transpose(0, -1)", 2,
        writable=False, as_out=False, no_out=True, kinds="float complex",
    ),
}  # fmt: skip
_MODES = {
    "no grad": Mode("mode = torch.no_grad(); mode.__enter__()", "mode.__exit__(None, None, None)"),
    "inference": Mode(
        "mode = torch.inference_mode(); mode.__enter__()", "mode.__exit__(None, None, None)"
    ),
    "subnormals flushed": Mode(
        "torch.set_flush_denormal(True)", "torch.set_flush_denormal(False)", arithmetic=False
    ),
    "default dtype float64": Mode(
        "torch.set_default_dtype(torch.float64)", "torch.set_default_dtype(torch.float32)"
    ),
    "deterministic": Mode(
        "torch.use_deterministic_algorithms(True)", "torch.use_deterministic_algorithms(False)"
    ),
}


class _Named(torch.Tensor):
    """A subclass without any behaviour of its own."""


class TorchAdapter(Adapter):
    """Tensors travel as integers of their width, for the dtypes that NumPy lacks."""

    imports = ("import torch",)
    from_source = (
        "torch.from_numpy(a.copy()) if a.dtype.kind in 'cu' else "
        "torch.from_numpy(a.view(f'i{a.itemsize}').copy()).view(getattr(torch, a.dtype.name))"
    )

    state = (
        "(torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_num_threads(), "
        "torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled())"
    )
    expand = "{0}.expand({1})"
    shared = "x.untyped_storage().data_ptr() == y.untyped_storage().data_ptr()"

    def from_numpy(self, array: np.ndarray[Any, Any], device: Any = None) -> torch.Tensor:
        if array.dtype.kind in "bcu":
            return torch.from_numpy(array.copy(order="K")).to(device or "cpu")
        carrier = array.view(_CARRIER[array.dtype.itemsize]).copy(order="K")
        return torch.from_numpy(carrier).view(getattr(torch, array.dtype.name)).to(device or "cpu")

    def to_numpy(self, x: Any) -> np.ndarray[Any, Any]:
        x = x.detach().cpu().resolve_conj().resolve_neg()
        if x.is_complex():
            return np.asarray(x.numpy())
        carrier = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
        bits = x.view(carrier[x.dtype.itemsize]).numpy()
        return bits.view(numpy_dtype(self.backend.dtype_name(x)))

    def devices(self) -> Sequence[Any]:
        found = ["cpu"]
        if torch.cuda.is_available():
            found += [f"cuda:{i}" for i in range(torch.cuda.device_count())]
        if torch.backends.mps.is_available():
            found.append("mps")
        return found

    def synchronize(self, x: Any) -> None:
        if x.device.type == "cuda":
            torch.cuda.synchronize(x.device)
        elif x.device.type == "mps":
            torch.mps.synchronize()

    def peak_bytes(self, function: Callable[[Any], Any], x: Any) -> int | None:
        if x.device.type != "cuda":
            return None
        before = torch.cuda.memory_allocated(x.device)
        torch.cuda.reset_peak_memory_stats(x.device)
        result = function(x)
        self.synchronize(result)
        return int(torch.cuda.max_memory_allocated(x.device) - before)

    def layouts(self) -> Mapping[str, Layout]:
        return {**super().layouts(), **_LAYOUTS}

    def modes(self) -> Mapping[str, Mode]:
        return _MODES

    def subclasses(self) -> Sequence[Subclass]:
        return (
            Subclass(
                "torch.Tensor subclass",
                lambda x: x.as_subclass(_Named),
                lambda _, y: type(y) is _Named,
            ),
            Subclass(
                "torch.nn.Parameter",
                lambda x: torch.nn.Parameter(x, requires_grad=x.dtype.is_floating_point),
                lambda _, y: isinstance(y, torch.Tensor),  # an operation on one gives a tensor
            ),
        )

    @contextmanager
    def forbid_transfers(self) -> Iterator[None]:
        if not torch.cuda.is_available():
            yield
            return
        before = torch.cuda.get_sync_debug_mode()
        torch.cuda.set_sync_debug_mode("error")
        try:
            yield
        finally:
            torch.cuda.set_sync_debug_mode(before)

    def transformations(self) -> tuple[str, ...]:
        return tuple(t for t in super().transformations() if t != "jit")  # "compile" is the same

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return torch.compile(function, fullgraph=True)

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return torch.compile(function, fullgraph=True)

    def trace(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return torch.compile(function, fullgraph=True, backend="aot_eager")

    def vmap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return torch.func.vmap(function)

    def vjp(self, function: Callable[[Any], Any], x: Any, cotangent: Any) -> Any:
        leaf = x if x.requires_grad else x.detach().requires_grad_()
        y = function(leaf)
        if not y.requires_grad:  # a constant
            return torch.zeros_like(leaf)
        (gradient,) = torch.autograd.grad(
            y, leaf, cotangent, create_graph=True, materialize_grads=True
        )
        return gradient

    def jvp(self, function: Callable[[Any], Any], x: Any, tangent: Any) -> Any:
        return torch.func.jvp(function, (x,), (tangent,))[1]

    def forget(self) -> None:
        torch._dynamo.reset()

    def compilations(self) -> int:
        from torch._dynamo.utils import counters

        return int(counters["stats"]["unique_graphs"]) + sum(counters["graph_break"].values())
