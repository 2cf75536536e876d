"""Types that hold arrays as the kits see them: TARGETs such as ``carriers:Pandas``.

    cd tests/arrays && python -m shrinkops conformance carriers:Pandas

Invariants
----------
- Each is the backend that serves the type, with an adapter that makes and reads it; nothing of
  how it computes is replaced.
- Element types that a library does not have are left out of what is declared.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from shrinkops_dask import DaskBackend
from shrinkops_dask._adapter import DaskAdapter
from shrinkops_numpy import NumpyBackend, UfuncBackend

from shrinkops.adapter import Adapter, Layout

_REAL = frozenset({"float32", "float64"}) | frozenset(
    f"{sign}int{width}" for sign in ("", "u") for width in (8, 16, 32, 64)
)
_NO_LAYOUTS: dict[str, Layout] = {}


class _Holder(Adapter):
    @property
    def is_numpy(self) -> bool:
        return False

    def layouts(self) -> dict[str, Layout]:
        return _NO_LAYOUTS


class _Xarray(_Holder):
    imports = ("import xarray as xr",)

    def from_numpy(self, array: np.ndarray[Any, Any], device: Any = None) -> Any:
        import xarray as xr

        # Axes have the names that broadcasting from the right gives them.
        return xr.DataArray(array.copy(), dims=[f"d{n}" for n in range(array.ndim)][::-1])

    def to_numpy(self, x: Any) -> np.ndarray[Any, Any]:
        return np.asarray(x.values)


class Xarray(UfuncBackend):
    """`xarray.DataArray`."""

    def adapter(self) -> Any:
        return _Xarray(self)


class _Pint(_Holder):
    imports = ("import pint",)

    def from_numpy(self, array: np.ndarray[Any, Any], device: Any = None) -> Any:
        import pint

        return pint.get_application_registry().Quantity(array.copy(), "")

    def to_numpy(self, x: Any) -> np.ndarray[Any, Any]:
        return np.asarray(x.magnitude)


class Pint(UfuncBackend):
    """`pint.Quantity`, dimensionless."""

    def adapter(self) -> Any:
        return _Pint(self)


class _Sparse(_Holder):
    imports = ("import sparse",)

    def from_numpy(self, array: np.ndarray[Any, Any], device: Any = None) -> Any:
        import sparse

        return sparse.COO.from_numpy(array)

    def to_numpy(self, x: Any) -> np.ndarray[Any, Any]:
        return np.asarray(x.todense())


class Sparse(UfuncBackend):
    """`sparse.COO`; a -0 is not stored, and comes back as the fill value."""

    dtypes = _REAL

    def adapter(self) -> Any:
        return _Sparse(self)


class _Masked(_Holder):
    @property
    def is_numpy(self) -> bool:
        return True  # NumPy's own, beside which an ndarray is no other library

    def __init__(self, backend: Any) -> None:
        super().__init__(backend)
        self.from_source = "np.ma.array(a)"

    def from_numpy(self, array: np.ndarray[Any, Any], device: Any = None) -> Any:
        return np.ma.array(array.copy())

    def to_numpy(self, x: Any) -> np.ndarray[Any, Any]:
        return np.asarray(np.ma.getdata(x))


class Masked(NumpyBackend):
    """`numpy.ma.MaskedArray`."""

    def adapter(self) -> Any:
        return _Masked(self)


class DaskWhole(DaskBackend):
    """dask arrays of one chunk."""

    def adapter(self) -> Any:
        adapter = DaskAdapter(self)
        adapter.pieces = 1
        return adapter


class DaskMany(DaskBackend):
    """dask arrays of up to seven chunks along each axis."""

    def adapter(self) -> Any:
        adapter = DaskAdapter(self)
        adapter.pieces = 7
        return adapter
