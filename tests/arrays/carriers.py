"""Types that hold arrays as the kits see them: TARGETs such as ``carriers:Pandas``.

    cd tests/arrays && python -m shrinkops conformance carriers:Xarray
    cd tests/arrays && python -m shrinkops conformance carriers:Pandas --ledger pandas.toml

Invariants
----------
- Each is the backend that serves the type, with an adapter that makes and reads it; nothing of
  how it computes is replaced.
- Element types that a library does not have are left out of what is declared.
"""

from __future__ import annotations

import functools
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


class _Astropy(_Masked):
    imports = ("import astropy.units",)

    def __init__(self, backend: Any) -> None:
        super().__init__(backend)
        self.from_source = "astropy.units.Quantity(a, '', dtype=a.dtype)"

    def from_numpy(self, array: np.ndarray[Any, Any], device: Any = None) -> Any:
        import astropy.units

        return astropy.units.Quantity(array.copy(), "", dtype=array.dtype)

    def to_numpy(self, x: Any) -> np.ndarray[Any, Any]:
        return np.asarray(x.value)


class Astropy(NumpyBackend):
    """`astropy.units.Quantity`, dimensionless."""

    dtypes = _REAL | {"complex64", "complex128", "float16"}

    def adapter(self) -> Any:
        return _Astropy(self)


@functools.cache
def _series() -> Any:
    """Return a Series that tells the shape that its elements had; pandas has one axis."""
    import pandas as pd

    class Elements(pd.Series):  # type: ignore[misc]
        @property
        def _constructor(self) -> Any:
            return Elements

        @property
        def shape(self) -> Any:
            return self.attrs.get("shape", (len(self),))

        @property
        def ndim(self) -> int:
            return 1

    return Elements


class _Pandas(_Holder):
    """A Series of the elements in order, whose attributes hold the shape that they had."""

    imports = ("import pandas as pd",)

    def from_numpy(self, array: np.ndarray[Any, Any], device: Any = None) -> Any:
        x = _series()(array.copy().ravel())
        x.attrs["shape"] = array.shape
        return x

    def to_numpy(self, x: Any) -> np.ndarray[Any, Any]:
        return np.asarray(x.to_numpy()).reshape(x.attrs["shape"])


class Pandas(UfuncBackend):
    """`pandas.Series`; its parameters are matched by label, so none broadcasts by its place."""

    dtypes = _REAL
    features = frozenset()

    def adapter(self) -> Any:
        return _Pandas(self)


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
