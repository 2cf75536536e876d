"""What dask holds, crossed with what a threshold may be: lazy, x's own type, NumPy's bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import shrinkops

da: Any = pytest.importorskip("dask.array", reason="optional library")

OPERATIONS = {"hardshrink": (0.5,), "firmshrink": (0.5, 1.0)}
"""One of each number of parameters; ``test_dask`` has all five on chunks of NumPy."""

VALUES = np.array([-3, -1, -0.5, -0.25, 0, 0.5, 0.75, np.inf], np.float32)
LAMBDS = np.array([0.5, 1, 0.25, -1, 0, np.nan, 2, 0.5])


def _compute(x: Any) -> Any:
    return x.compute(scheduler="synchronous")


class Kind(NamedTuple):
    """How a collection is made of an ndarray, computed to one, and shows that it is lazy."""

    make: Callable[[Any], Any]
    read: Callable[[Any], Any]
    lazy: Callable[[Any], Any] = lambda x: x
    """The collection inside."""
    unit: Callable[[Any], Any] = lambda number: number
    """A number as a parameter."""


def _lib(name: str) -> Any:
    return pytest.importorskip(name, reason="optional library")


def _chunks(a: Any) -> Any:
    return da.from_array(a, chunks=3)


def _masked(a: Any) -> Any:
    return da.ma.masked_array(_chunks(a), mask=_chunks(np.arange(a.size) == 1))


def _read_masked(y: Any) -> Any:
    got = _compute(y)
    assert got.mask.tolist() == [i == 1 for i in range(got.size)]
    return got.data


def _pint(number: Any) -> Any:
    return _lib("pint").get_application_registry().Quantity(number, "mV")


def _astropy(a: Any) -> Any:
    return _lib("astropy.units").Quantity(a, "mV", dtype=getattr(a, "dtype", None))


def _astropy_blocks(y: Any) -> Any:
    blocks = [block.compute(scheduler="synchronous") for block in y.to_delayed()]
    assert {str(block.unit) for block in blocks} == {"mV"}
    return np.concatenate([block.value for block in blocks])


def _series(a: Any, nullable: bool = False) -> Any:
    pd = _lib("pandas")
    held = pd.arrays.FloatingArray(a.copy(), np.zeros(a.shape, bool)) if nullable else a
    return _lib("dask.dataframe").from_pandas(pd.Series(held, name="n"), npartitions=3)


def _frame(a: Any) -> Any:
    frame = _lib("pandas").DataFrame({"a": a, "b": a.astype(np.float64)})
    return _lib("dask.dataframe").from_pandas(frame, npartitions=2)


KINDS = {
    "NumPy chunks": Kind(_chunks, _compute),
    "masked chunks": Kind(_masked, _read_masked),
    "sparse chunks": Kind(
        lambda a: _chunks(a).map_blocks(_lib("sparse").COO.from_numpy),
        lambda y: _compute(y).todense(),
    ),
    "astropy chunks": Kind(
        lambda a: _chunks(a).map_blocks(_astropy, dtype=a.dtype, meta=_astropy(a[:0])),
        _astropy_blocks,
        unit=_astropy,
    ),
    "pint over chunks": Kind(
        lambda a: _pint(_chunks(a)), lambda y: _compute(y.magnitude), lambda y: y.magnitude, _pint
    ),
    "xarray over chunks": Kind(
        lambda a: _lib("xarray").DataArray(_chunks(a), dims="x"),
        lambda y: _compute(y).values,
        lambda y: y.data,
    ),
    "Series": Kind(_series, lambda y: _compute(y).to_numpy()),
    "Series, nullable": Kind(
        lambda a: _series(a, nullable=True), lambda y: _compute(y).array._data
    ),
    "Series without divisions": Kind(
        lambda a: _series(a).clear_divisions(), lambda y: _compute(y).to_numpy()
    ),
    "DataFrame": Kind(_frame, lambda y: _compute(y)["a"].to_numpy()),
}


def _same(got: Any, want: Any) -> None:
    np.testing.assert_array_equal(got, want)
    assert got.dtype == want.dtype


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_parameters_of_every_kind(operation: str, kind: str) -> None:
    make, read, lazy, unit = KINDS[kind]
    function, (_, *others) = getattr(shrinkops, operation), OPERATIONS[operation]
    x, rest = make(VALUES.copy()), [unit(number) for number in others]
    numbers = [0.5, np.float32(0.75)]
    if operation == "hardshrink":
        numbers += [1, -1.0, float("inf"), np.array(0.5)]
    for lambd in numbers:
        y = function(x, unit(lambd), *rest)
        assert type(y) is type(x)
        assert type(lazy(y)) is type(lazy(x))
        assert str(getattr(y, "dtypes", None)) == str(getattr(x, "dtypes", None))
        assert getattr(lazy(y), "dtype", None) == getattr(lazy(x), "dtype", None)
        _same(read(y), function(VALUES, lambd, *others))
    y = function(x, (_chunks if make is _masked else make)(LAMBDS), *rest)
    assert type(lazy(y)) is type(lazy(x))
    _same(read(y), function(VALUES, LAMBDS, *others))
    _same(read(x), VALUES)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_refused_is_refused_at_once(kind: str) -> None:
    make, _, _, unit = KINDS[kind]
    x = make(VALUES.copy())
    for lambd in (None, "a", True, 1j, [0.5]):
        with pytest.raises(TypeError, match="hardshrink: lambd must be a real number"):
            shrinkops.hardshrink(x, lambd)
    for function, given in (
        (shrinkops.hardshrink, [float("nan")]),
        (shrinkops.softshrink, [-1.0]),
        (shrinkops.firmshrink, [0.5, 0.25]),
        (shrinkops.shrink, [0.5, float("inf")]),
        (shrinkops.hardshrink, [1e60]),
    ):
        with pytest.raises(ValueError, match=f"{function.__name__}: "):
            function(x, *(unit(number) for number in given))
    with pytest.raises(TypeError, match="out"):
        shrinkops.hardshrink(x, unit(0.5), out=make(VALUES.copy()))
