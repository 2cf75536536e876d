"""Arrays of other libraries: their own type comes back, masks and sparsity and all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import shrinkops

hardshrink = shrinkops.hardshrink
VALUES = np.array([-2.0, -0.5, -0.0, 0.3, 0.5, 0.6, np.nan, np.inf], np.float32)
WANT = hardshrink(VALUES, 0.5)


def same(a: Any, b: Any) -> bool:
    return np.asarray(a).tobytes() == np.asarray(b).tobytes()


class TestPandas:
    pd: Any = pytest.importorskip("pandas", reason="optional library")

    def test_series(self) -> None:
        x = self.pd.Series(VALUES, index=list("abcdefgh"), name="n")
        got = hardshrink(x, np.float64(0.5))
        assert type(got) is self.pd.Series
        assert got.dtype == np.float32
        assert same(got, WANT)
        assert list(got.index) == list("abcdefgh")
        assert got.name == "n"

    def test_frame_keeps_each_column(self) -> None:
        x = self.pd.DataFrame(
            {"a": VALUES, "b": VALUES.astype("f8"), "c": np.arange(8, dtype="i1")}
        )
        x["d"] = self.pd.array([1, 2, None, 4, 0, 0, 0, 0], dtype="Int8")
        before = x.copy()
        got = hardshrink(x, 2.5)
        assert type(got) is self.pd.DataFrame
        assert list(got.dtypes) == list(x.dtypes)
        assert got["c"].tolist() == [0, 0, 0, 3, 4, 5, 6, 7]
        assert got["d"].isna().tolist() == [False, False, True] + [False] * 5
        assert same(got["b"], hardshrink(VALUES.astype("f8"), 2.5))
        self.pd.testing.assert_frame_equal(x, before)
        one = hardshrink(x[["a"]], 0.5)
        assert one["a"].dtype == np.float32
        assert same(one["a"], WANT)

    def test_index_and_nullable(self) -> None:
        assert type(hardshrink(self.pd.Index(VALUES), 0.5)) is self.pd.Index
        nullable = self.pd.array([1.0, 0.2, None], dtype="Float32")
        got = hardshrink(nullable, 0.5)
        assert got.dtype == nullable.dtype
        assert got[0] == 1.0
        assert got[1] == 0.0
        assert got[2] is self.pd.NA

    def test_lambda_per_row(self) -> None:
        x = self.pd.Series(VALUES)
        got = hardshrink(x, self.pd.Series(np.full(8, 0.5)))
        assert got.dtype == np.float32
        assert same(got, WANT)

    def test_refused(self) -> None:
        with pytest.raises(TypeError, match="'ufunc' backend"):
            hardshrink(self.pd.Series(["a"]), 0.5)
        with pytest.raises(TypeError, match="dtype bool"):
            hardshrink(self.pd.DataFrame({"a": [1.0], "b": [True]}), 0.5)
        with pytest.raises(ValueError, match="float16"):
            hardshrink(self.pd.DataFrame({"a": [1.0], "b": np.float16([1])}), 1e5)
        with pytest.raises(TypeError, match="out"):
            hardshrink(self.pd.Series(VALUES), 0.5, out=np.empty(8))


class TestXarray:
    xr: Any = pytest.importorskip("xarray", reason="optional library")

    def test_array_and_dataset(self) -> None:
        x = self.xr.DataArray(VALUES.reshape(2, 4), dims=("c", "t"), coords={"c": [3, 4]})
        got = hardshrink(x, 0.5)
        assert type(got) is self.xr.DataArray
        assert got.dims == ("c", "t")
        assert got.dtype == np.float32
        assert same(got, WANT)
        assert list(got.coords["c"]) == [3, 4]
        both = hardshrink(self.xr.Dataset({"q": x, "i": ("t", np.arange(4))}), 1.5)
        assert both["q"].dtype == np.float32
        assert both["i"].values.tolist() == [0, 0, 2, 3]

    def test_lambda_by_name(self) -> None:
        x = self.xr.DataArray(VALUES.reshape(2, 4), dims=("c", "t"))
        got = hardshrink(x, self.xr.DataArray([0.5, 0.5], dims="c"))
        assert got.dtype == np.float32
        assert same(got, WANT)
        with pytest.raises(ValueError, match="lambd changes x"):
            hardshrink(x, self.xr.DataArray([0.5, 0.5], dims="other"))


class TestSparse:
    sparse: Any = pytest.importorskip("sparse", reason="optional library")

    def test_stays_sparse(self) -> None:
        dense = np.zeros((4, 8), np.float32)
        dense[1] = VALUES
        x = self.sparse.COO.from_numpy(dense)
        got = hardshrink(x, 0.5)
        assert isinstance(got, self.sparse.COO)
        assert got.dtype == np.float32
        assert got.nnz == 4
        assert got.fill_value == 0
        assert same(got.todense()[1], WANT)


class TestDask:
    da: Any = pytest.importorskip("dask.array", reason="optional library")

    def test_stays_lazy(self) -> None:
        from shrinkops_numpy import UfuncBackend

        x = self.da.from_array(VALUES, chunks=3)
        assert UfuncBackend().handles(type(x))
        got = UfuncBackend().kernel(shrinkops_operation())(x, 0.5, None)
        assert isinstance(got, self.da.Array)
        assert got.dtype == np.float32
        assert got.chunks == x.chunks
        assert same(got.compute(), WANT)


def shrinkops_operation() -> Any:
    from shrinkops._call.dispatcher import dispatchers

    return next(d.operation for d in dispatchers if d.operation.name == "hardshrink")


class TestSubclasses:
    def test_masked(self) -> None:
        x = np.ma.array(VALUES, mask=[True, False] * 4)
        got = hardshrink(x, 0.5)
        assert type(got) is np.ma.MaskedArray
        assert got.mask.tolist() == [True, False] * 4
        assert got.dtype == np.float32
        assert same(got.data[1::2], WANT[1::2])
        assert not np.shares_memory(got.data, x.data)

    def test_matrix_and_memmap(self, tmp_path: Any) -> None:
        with pytest.warns(PendingDeprecationWarning):
            matrix = np.matrix(VALUES)
        assert type(hardshrink(matrix, 0.5)) is np.matrix
        mapped = np.memmap(tmp_path / "x", np.float32, "w+", shape=8)
        mapped[:] = VALUES
        assert same(hardshrink(mapped, 0.5), WANT)
        assert hardshrink(mapped, 0.5, out=mapped) is mapped
        assert same(mapped, WANT)

    def test_own_class(self) -> None:
        class Mine(np.ndarray[Any, Any]):
            pass

        got = hardshrink(VALUES.view(Mine), 0.5)
        assert type(got) is Mine
        assert same(got, WANT)
        swapped = VALUES.astype(VALUES.dtype.newbyteorder()).view(Mine)
        got = hardshrink(swapped, 0.5)
        assert type(got) is Mine
        assert got.dtype == swapped.dtype
        assert same(np.asarray(got).astype(np.float32), WANT)
        whole = np.arange(-40000, 40000, dtype=np.int32).view(Mine)
        assert np.count_nonzero(hardshrink(whole[::-1], 9.5)) == 80000 - 19


class TestUnits:
    def test_astropy(self) -> None:
        units = pytest.importorskip("astropy.units", reason="optional library")
        x = VALUES * units.m
        got = hardshrink(x, 50 * units.cm)
        assert type(got) is type(x)
        assert got.unit == units.m
        assert same(got.value, WANT)
        with pytest.raises(units.UnitConversionError, match="dimensionless"):
            hardshrink(x, 0.5)

    def test_pint(self) -> None:
        pint = pytest.importorskip("pint", reason="optional library")
        registry = pint.UnitRegistry()
        x = VALUES * registry.m
        got = hardshrink(x, 50 * registry.cm)
        assert type(got) is type(x)
        assert got.units == registry.m
        assert same(got.magnitude, WANT)
        with pytest.raises(TypeError, match="dimensionless"):
            hardshrink(x, 0.5)


def test_lambda_of_another_library_is_refused() -> None:
    pd = pytest.importorskip("pandas", reason="optional library")
    xr = pytest.importorskip("xarray", reason="optional library")
    x = pd.Series(VALUES)
    for lambd in (np.full(8, 0.5), xr.DataArray(np.full(8, 0.5))):
        with pytest.raises(TypeError, match="one library") as caught:
            hardshrink(x, lambd)
        assert type(lambd).__name__ in str(caught.value)
        assert "Series" in str(caught.value)
        with pytest.raises(TypeError):
            hardshrink(VALUES, x)
    with pytest.raises(TypeError, match="real numbers"):
        hardshrink(x, pd.Series([True] * 8))
    assert same(hardshrink(x, np.array(0.5)), WANT)


def test_the_kits_carrier() -> None:
    from shrinkops_numpy import UfuncBackend

    adapter = UfuncBackend().adapter()
    x = adapter.from_numpy(VALUES)
    assert shrinkops.explain(x).backend == "ufunc"
    assert same(adapter.to_numpy(hardshrink(x, 0.5)), WANT)
    lambd = adapter.from_numpy(np.full(8, 0.5))
    assert same(adapter.to_numpy(hardshrink(x, lambd)), WANT)
    beyond = adapter.to_numpy(hardshrink(x, adapter.from_numpy(np.full(8, 1e300))))
    assert beyond[:6].tolist() == [0.0] * 6
    assert np.isnan(beyond[6])


def test_a_class_that_knows_no_other_ufunc_is_refused() -> None:
    class Stubborn:
        dtype = np.dtype(np.float32)
        shape = (1,)

        def __array_ufunc__(self, *args: Any, **options: Any) -> Any:
            return NotImplemented

    with pytest.raises(TypeError, match=r"Stubborn refuses NumPy functions"):
        hardshrink(Stubborn(), 0.5)


def test_a_class_that_comes_back_as_ndarray_is_refused() -> None:
    class Lossy:
        dtype = np.dtype(np.float32)
        shape = (8,)

        def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **options: Any) -> Any:
            return function(VALUES, *inputs[1:])

    with pytest.raises(TypeError, match="came back as"):
        hardshrink(Lossy(), 0.5)


def test_an_operation_without_a_ufunc_is_refused_for_unknown_classes() -> None:
    from dataclasses import replace

    from shrinkops_numpy._carrier import Carrier

    from shrinkops._plugins.registry import registry
    from shrinkops.operations.hardshrink import OPERATION

    entry = registry.find("ufunc")
    assert entry is not None
    kernel = entry.backend.kernel(replace(OPERATION, name="pinch"))
    with pytest.raises(TypeError, match="no ufunc of that name"):
        kernel(Carrier(VALUES), 0.5, None)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
def test_a_second_parameter_of_a_class_of_the_protocol_has_its_sign(dtype: str) -> None:
    from shrinkops_numpy._carrier import Carrier

    x = VALUES.astype(dtype)
    for bias in (-0.75, -1e-60, 1e-60, 0.25):
        got = shrinkops.shrink(Carrier(x), 0.5, bias).array
        assert same(got, shrinkops.shrink(x, 0.5, bias)), bias
    got = shrinkops.firmshrink(Carrier(x), 0.5, np.inf).array
    assert same(got, shrinkops.firmshrink(x, 0.5, np.inf))


@pytest.mark.parametrize("kind", [np.int64, np.uint64])
def test_large_integers_of_an_array_are_rounded_once(kind: type[np.integer[Any]]) -> None:
    from shrinkops_numpy._protocol import _to_odd

    from shrinkops.spec import FORMATS, round_threshold

    rng = np.random.default_rng(11)
    ties = (1 << 62) + (np.arange(64) << 38) + np.tile([-1, 1], 32)
    integers = np.concatenate([rng.integers(0, 1 << 63, 500) >> rng.integers(0, 62, 500), ties])
    once = _to_odd(integers.astype(kind)).astype(np.float64).astype(np.float32)
    wanted = [round_threshold(int(n), FORMATS["float32"], "f").value for n in integers]
    assert once.tolist() == wanted
