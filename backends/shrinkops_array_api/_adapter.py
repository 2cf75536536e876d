"""Arrays of a namespace for the kits."""

from __future__ import annotations

from typing import Any

import numpy as np

from shrinkops.adapter import Adapter, numpy_dtype

__all__ = ["NamespaceAdapter"]


class NamespaceAdapter(Adapter):
    """Makes arrays by ``asarray``; reads them through DLPack, the buffer or NumPy's protocol."""

    @property
    def is_numpy(self) -> bool:
        """Its arrays are not NumPy's own."""
        return False

    def from_numpy(self, array: np.ndarray[Any, Any], device: Any = None) -> Any:
        """Return an array with the same elements."""
        xp = self.backend.namespace()
        plain = array.astype(np.float32) if array.dtype.name == "bfloat16" else array.copy()
        return xp.asarray(plain, dtype=getattr(xp, array.dtype.name))

    def to_numpy(self, x: Any) -> np.ndarray[Any, Any]:
        """Return an ndarray with the same elements."""
        if hasattr(x, "unwrap_numpy"):  # ndonnx
            return np.asarray(x.unwrap_numpy())
        if self.backend.dtype_name(x) == "bfloat16":
            wide = np.asarray(self.backend.astype(x, self.backend.namespace().float32))
            return wide.astype(numpy_dtype("bfloat16"))
        return np.asarray(x)
