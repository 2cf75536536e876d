"""The CuPy backend: a declaration that imports nothing but shrinkops.

The kernels are in ``_kernels``, loaded when the first array arrives.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING, Any

from shrinkops import Backend, hookimpl

if TYPE_CHECKING:
    from ._adapter import CupyAdapter

__all__ = ["CupyBackend", "shrinkops_backends"]

_DISTRIBUTIONS = (
    "cupy-cuda12x",
    "cupy-cuda13x",
    "cupy-cuda11x",
    "cupy-rocm-7-0",
    "cupy-rocm-5-0",
    "cupy-rocm-4-3",
    "cupy",
)
"""CuPy's wheels by CUDA or ROCm version, and what is built from its source."""


class CupyBackend(Backend):
    """`cupy.ndarray` on any CUDA or ROCm device. No GPU has run it yet."""

    name = "cupy"
    framework = "cupy"
    install = "pip install 'shrinkops[cupy-cuda12x]' or, for CUDA 13, 'shrinkops[cupy-cuda13x]'"
    dtypes = frozenset(
        {
            "float16",
            "bfloat16",
            "float32",
            "float64",
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
    features = frozenset({"array_lambd", "out", "devices"})

    def handles(self, cls: type) -> bool:
        import cupy

        return cls is cupy.ndarray

    @property
    def framework_distribution(self) -> str:  # type: ignore[override]
        """The one of CuPy's distributions that is installed; they share one import name."""
        for name in _DISTRIBUTIONS:
            try:
                distribution(name)
            except PackageNotFoundError:
                continue
            return name
        return _DISTRIBUTIONS[0]

    def native(self, operation: str, dtype: str) -> Any:
        from . import _kernels

        return _kernels.native(operation, dtype)

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
        return "one CUDA kernel per operation, 16 bytes at a time; never run on a GPU"

    def array_types(self) -> tuple[str, ...]:
        return ("cupy.ndarray",)

    def adapter(self) -> CupyAdapter:
        from ._adapter import CupyAdapter

        return CupyAdapter(self)


@hookimpl
def shrinkops_backends() -> list[Backend]:
    """Return the CuPy backend."""
    return [CupyBackend()]
