"""What the conformance and benchmark kits need of a backend, and nothing else does.

Invariants
----------
- Only the kits import this module; a backend's ``adapter()`` is called by them alone.
- NumPy arrays are the kits' exchange format. A dtype that NumPy lacks travels as
  its ``ml_dtypes`` type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ._backend import Backend

__all__ = ["Adapter", "numpy_dtype"]


def numpy_dtype(name: str) -> np.dtype[Any]:
    """Return NumPy's dtype of a canonical name, from ml_dtypes where NumPy has none."""
    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, name))


class Adapter:
    """Makes arrays of a backend's library for the kits, and reads them back.

    The defaults serve a library with an Array API namespace on one device.
    Subclass it and return it from ``Backend.adapter()`` for more.

    Parameters
    ----------
    backend : Backend
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def from_numpy(self, array: np.ndarray[Any, Any], device: Any = None) -> Any:
        """Return a new array of the library with the same shape, dtype and bits."""
        xp = self.backend.namespace()
        return xp.asarray(array, dtype=getattr(xp, array.dtype.name), copy=True)

    def to_numpy(self, x: Any) -> np.ndarray[Any, Any]:
        """Return the array as NumPy's, with the same shape, dtype and bits."""
        return np.asarray(x)

    def devices(self) -> Sequence[Any]:
        """Return the devices to test; None is the library's default."""
        return (None,)

    def synchronize(self, x: Any) -> None:
        """Return when the computation of ``x`` has finished."""

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function compiled by the library; for backends with ``"jit"``."""
        raise NotImplementedError(f"backend {self.backend.name!r} declares no jit")
