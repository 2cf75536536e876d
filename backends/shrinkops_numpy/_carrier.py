"""An array class that NumPy knows by ``__array_ufunc__`` alone, for the kits.

Invariants
----------
- Only the kits' adapter makes one. It stands for every library that the ``ufunc`` backend
  serves and adds nothing of its own, so what the kits find is the backend's doing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from shrinkops.adapter import Adapter

__all__ = ["Carrier", "CarrierAdapter"]


class Carrier:
    """Holds an ndarray and takes ufuncs; nothing else works on it."""

    __slots__ = ("array",)

    def __init__(self, array: Any) -> None:
        self.array = np.asarray(array)

    def __repr__(self) -> str:
        return f"Carrier({self.array!r})"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Element type."""
        return self.array.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.array.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.array.ndim

    @property
    def mT(self) -> Carrier:  # noqa: N802 - the Array API's name
        """The array with its last two axes exchanged."""
        return Carrier(self.array.mT)

    def __getitem__(self, index: Any) -> Carrier:
        return Carrier(self.array[index])

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            return NotImplemented
        return Carrier(ufunc(*(x.array if isinstance(x, Carrier) else x for x in inputs)))


class CarrierAdapter(Adapter):
    """Lets the kits see the ``ufunc`` backend through the least that it asks for."""

    imports = ("from shrinkops_numpy._carrier import Carrier",)
    from_source = "Carrier(a.copy())"

    @property
    def is_numpy(self) -> bool:
        """Its arrays are not NumPy's."""
        return False

    def from_numpy(self, array: np.ndarray[Any, Any], device: Any = None) -> Carrier:
        """Return a carrier of a copy."""
        return Carrier(array.copy())

    def to_numpy(self, x: Any) -> np.ndarray[Any, Any]:
        """Return the array that a carrier holds."""
        array: np.ndarray[Any, Any] = x.array
        return array
