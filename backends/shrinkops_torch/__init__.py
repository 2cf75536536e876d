"""The PyTorch backend: a declaration that imports nothing but shrinkops.

The kernels are in ``_kernels``, loaded when the first tensor arrives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shrinkops import Backend, hookimpl

if TYPE_CHECKING:
    from ._adapter import TorchAdapter

__all__ = ["TorchBackend", "shrinkops_backends"]


class TorchBackend(Backend):
    """`torch.Tensor`, its subclasses, and torch.fx's stand-ins, on every device of PyTorch."""

    name = "torch"
    framework = "torch"
    install = "pip install 'shrinkops[torch]'"
    dtypes = frozenset(
        {
            "float16",
            "bfloat16",
            "float32",
            "float64",
            "float8_e4m3fn",
            "float8_e5m2",
            "float8_e4m3fnuz",
            "float8_e5m2fnuz",
            "complex64",
            "complex128",
            "int8",
            "int16",
            "int32",
            "int64",
            "uint8",
            "uint16",
            "uint32",
            "uint64",
        }
    )
    features = frozenset({"array_lambd", "out", "autodiff", "jit", "vmap", "compile", "devices"})

    def handles(self, cls: type) -> bool:
        import torch

        # A graph of torch.fx is traced by calling with stand-ins; the call is recorded.
        return issubclass(cls, (torch.Tensor, torch.fx.Proxy))

    def native(self, operation: str, dtype: str) -> Any:
        from . import _kernels

        return _kernels.native(operation, dtype)

    def kernel(self, operation: Any) -> Any:
        from . import _kernels

        return _kernels.traceable(operation, super().kernel(operation))

    def namespace(self) -> Any:
        import torch

        return torch

    def astype(self, x: Any, dtype: Any) -> Any:
        return x.to(dtype)

    def kernel_in_use(self) -> str:
        return "native op, magnitude bits where it departs from the spec"

    def array_types(self) -> tuple[str, ...]:
        return ("torch.Tensor and subclasses",)

    def adapter(self) -> TorchAdapter:
        from ._adapter import TorchAdapter

        return TorchAdapter(self)


@hookimpl
def shrinkops_backends() -> list[Backend]:
    """Return the PyTorch backend."""
    return [TorchBackend()]
