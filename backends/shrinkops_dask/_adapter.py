"""Makes dask arrays for the kits, of a few uneven chunks."""

from __future__ import annotations

from typing import Any

import numpy as np

from shrinkops.adapter import Adapter

__all__ = ["DaskAdapter"]


class DaskAdapter(Adapter):
    """Arrays cut into at most ``pieces`` chunks along each axis, the last one shorter."""

    imports = ("import dask.array as da",)
    pieces = 3

    def from_numpy(self, array: np.ndarray[Any, Any], device: Any = None) -> Any:
        """Return a dask array of a copy."""
        import dask.array as da

        chunks = tuple(max(1, -(-n // self.pieces)) for n in array.shape)
        return da.from_array(array.copy(), chunks=chunks, name=False)

    def to_numpy(self, x: Any) -> np.ndarray[Any, Any]:
        """Compute an array."""
        return np.asarray(x.compute(scheduler="synchronous"))
