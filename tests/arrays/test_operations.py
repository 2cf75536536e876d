"""Every operation of the family on every type that holds arrays: NumPy's bits, x's own type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import shrinkops

OPERATIONS = {
    "hardshrink": (0.5,),
    "softshrink": (0.5,),
    "shrink": (0.5, 0.25),
    "firmshrink": (0.5, 1.0),
    "garrote": (0.5,),
}
VALUES = np.array([-2.0, -0.5, -0.0, 0.3, 0.5, 0.75, np.nan, np.inf], np.float32)


class Kind(NamedTuple):
    """How a type is made of an ndarray, read back, and given an array of parameters."""

    library: str
    make: Callable[[Any, Any], Any]
    read: Callable[[Any], Any]


KINDS = {
    "pandas.Series": Kind("pandas", lambda pd, a: pd.Series(a), np.asarray),
    "pandas.Series, nullable": Kind(
        "pandas",
        lambda pd, a: pd.Series(pd.arrays.FloatingArray(a, np.zeros(len(a), bool))),
        lambda y: y.array._data,
    ),
    "pandas.Series, Arrow": Kind(
        "pandas",
        lambda pd, a: pd.Series(
            pd.arrays.ArrowExtensionArray(pytest.importorskip("pyarrow").array(a))
        ),
        lambda y: y.array.__arrow_array__().combine_chunks().to_numpy(),
    ),
    "pandas.Series, sparse": Kind(
        "pandas",
        lambda pd, a: pd.Series(pd.arrays.SparseArray(a, fill_value=np.float32(0))),
        lambda y: np.asarray(y.array, np.float32),
    ),
    "xarray.DataArray": Kind("xarray", lambda xr, a: xr.DataArray(a, dims="x"), np.asarray),
    "polars.Series": Kind("polars", lambda pl, a: pl.Series("n", a), lambda y: y.to_numpy()),
    "sparse.COO": Kind("sparse", lambda s, a: s.COO.from_numpy(a), lambda y: y.todense()),
    "awkward.Array": Kind("awkward", lambda ak, a: ak.Array(a), np.asarray),
    "numpy.ma": Kind("numpy", lambda np, a: np.ma.array(a), lambda y: y.data),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_numbers_and_arrays(operation: str, kind: str) -> None:
    library, make, read = KINDS[kind]
    module = pytest.importorskip(library, reason="optional library")
    function, parameters = getattr(shrinkops, operation), OPERATIONS[operation]
    x = make(module, VALUES.copy())
    before = read(x).tobytes()
    for given in (parameters, (np.float64(0.5), *parameters[1:])):
        y = function(x, *given)
        assert type(y) is type(x)
        assert y.dtype == x.dtype if hasattr(x, "dtype") else True
        assert read(y).tobytes() == function(VALUES, *parameters).tobytes()
    lambd = np.array([0.5, -1.0, 0.25, np.nan, 2.0, 0.5, 0.5, 0.5])
    y = function(x, make(module, lambd), *parameters[1:])
    assert type(y) is type(x)
    want = function(VALUES, lambd, *parameters[1:])
    np.testing.assert_array_equal(read(y), want)
    assert read(x).tobytes() == before


@pytest.mark.parametrize("operation", OPERATIONS)
def test_units_of_every_parameter(operation: str) -> None:
    units = pytest.importorskip("astropy.units", reason="optional library")
    pint = pytest.importorskip("pint", reason="optional library")
    function, parameters = getattr(shrinkops, operation), OPERATIONS[operation]
    want = function(VALUES, *parameters)
    x = units.Quantity(VALUES, units.mV, dtype=np.float32)
    y = function(x, *(p * 1e-3 * units.V for p in parameters))
    assert type(y) is type(x)
    assert y.value.tobytes() == want.tobytes()
    mine = pint.UnitRegistry()
    z = function(mine.Quantity(VALUES, "mV"), *(mine.Quantity(p * 1e-3, "V") for p in parameters))
    assert z.magnitude.tobytes() == want.tobytes()
    with pytest.raises((TypeError, ValueError)):
        function(x, *parameters)


@pytest.mark.parametrize("kind", ["pandas.Series", "xarray.DataArray", "polars.Series"])
def test_refusals_are_the_familys(kind: str) -> None:
    library, make, _ = KINDS[kind]
    module = pytest.importorskip(library, reason="optional library")
    x, whole = make(module, VALUES), make(module, np.arange(4))
    with pytest.raises(ValueError, match="lambd=-1 is negative"):
        shrinkops.softshrink(x, -1)
    with pytest.raises(ValueError, match=r"mu=0\.25 must not be below lambd=0\.5"):
        shrinkops.firmshrink(x, 0.5, 0.25)
    with pytest.raises(ValueError, match="not whole"):
        shrinkops.softshrink(whole, 0.5)
    with pytest.raises(TypeError, match="defined for"):
        shrinkops.garrote(whole)
    with pytest.raises(TypeError, match="out"):
        shrinkops.garrote(x, out=x)
    with pytest.raises(TypeError, match="bias must be a real number"):
        shrinkops.shrink(x, 0.5, "a")
