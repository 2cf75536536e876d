"""The CuPy backend: a declaration that imports nothing but shrinkops.

The kernels are in ``_kernels``, loaded when the first array arrives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shrinkops import Backend, hookimpl

if TYPE_CHECKING:
    from ._adapter import CupyAdapter

__all__ = ["CupyBackend", "shrinkops_backends"]


class CupyBackend(Backend):
    """`cupy.ndarray` on any CUDA device."""

    name = "cupy"
    framework = "cupy"
    framework_distribution = "cupy-cuda12x"
    install = "pip install 'shrinkops[cupy]'"
    dtypes = frozenset(
        {
            "float16",
            "float32",
            "float64",
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
    features = frozenset({"array_lambd", "out", "devices"})

    def handles(self, cls: type) -> bool:
        import cupy

        return cls is cupy.ndarray

    def native(self, operation: str, dtype: str) -> Any:
        from . import _kernels

        return _kernels.NATIVE.get(operation)

    def namespace(self) -> Any:
        import cupy

        return cupy

    def astype(self, x: Any, dtype: Any) -> Any:
        return x.astype(dtype)

    def unavailable(self) -> str | None:
        import cupy

        try:
            count = cupy.cuda.runtime.getDeviceCount()
        except cupy.cuda.runtime.CUDARuntimeError as error:
            return f"CuPy {cupy.__version__} finds no CUDA device: {error}"
        return None if count else f"CuPy {cupy.__version__} finds no CUDA device"

    def kernel_in_use(self) -> str:
        return "fused elementwise kernel on magnitude bits"

    def array_types(self) -> tuple[str, ...]:
        return ("cupy.ndarray",)

    def adapter(self) -> CupyAdapter:
        from ._adapter import CupyAdapter

        return CupyAdapter(self)


@hookimpl
def shrinkops_backends() -> list[Backend]:
    """Return the CuPy backend."""
    return [CupyBackend()]
