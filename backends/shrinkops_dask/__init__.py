"""The dask backend: a declaration that imports nothing but shrinkops.

Invariants
----------
- Nothing is computed: the result is a collection of the kind that came in, with one task per
  chunk or partition, which dask fuses with its neighbours.
- What a chunk is decides who computes it: NumPy, CuPy, sparse, pandas, each by its own backend.
- What can be refused is refused when the graph is made, from dtypes and numbers alone.
"""

from __future__ import annotations

import sys
from typing import Any

from shrinkops_numpy import NumpyTypes

from shrinkops import Backend, hookimpl

__all__ = ["DaskBackend", "shrinkops_backends"]


_COLLECTIONS = {"dask.array": ("Array",), "dask.dataframe": ("DataFrame", "Series", "Index")}


class DaskBackend(NumpyTypes):
    """`dask.array.Array`, and DataFrame, Series and Index of `dask.dataframe`."""

    name = "dask"
    framework = "dask"
    install = "pip install 'shrinkops[dask]'"
    features = frozenset({"array_lambd", "lazy"})
    no_out = "a dask array is a plan, and has no memory to be filled"

    def handles(self, cls: type) -> bool:
        # Another thread may be in the middle of importing either.
        return any(
            issubclass(cls, kind)
            for module, names in _COLLECTIONS.items()
            for name in names
            if (kind := getattr(sys.modules.get(module), name, None)) is not None
        )

    def kernel(self, operation: Any) -> Any:
        from . import _frames

        return _frames.kernel(self, operation, super().kernel(operation))

    def native(self, operation: str, dtype: str) -> Any:
        from . import _arrays

        return _arrays.native(operation, self.format(dtype))

    def kernel_in_use(self) -> str:
        """Name what a task calls."""
        return "one task per chunk, by the chunk's own backend"

    def unavailable(self) -> str | None:
        """Import what arrays need; dask itself installs without NumPy."""
        __import__("dask.array")
        return None

    def inside(self, x: Any) -> Any:
        """Return what stands for a chunk or a partition; nothing is computed."""
        return [x._meta]

    def array_types(self) -> tuple[str, ...]:
        return ("dask.array.Array", "dask.dataframe.DataFrame, Series, Index")

    def adapter(self) -> Any:
        from ._adapter import DaskAdapter

        return DaskAdapter(self)


@hookimpl
def shrinkops_backends() -> list[Backend]:
    """Return the one backend for dask."""
    return [DaskBackend()]
