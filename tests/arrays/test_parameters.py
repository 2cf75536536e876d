"""Of a parameter the numbers count: in x's unit, where they are not missing, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shrinkops import explain, hardshrink, shrink, softshrink

VALUES = np.array([0.25, 1.0, -3.0])


class TestAwkward:
    ak: Any = pytest.importorskip("awkward", reason="optional library")

    def test_attributes_and_behaviors_are_those_of_x(self) -> None:
        class Mine(self.ak.Array):  # type: ignore[misc, name-defined]
            pass

        x = self.ak.Array([1.0, 0.2], attrs={"of": "x"}, behavior={"X": Mine})
        y = hardshrink(x, self.ak.Array([1.0, 0.1], attrs={"of": "λ"}, behavior={"L": Mine}))
        assert dict(y.attrs) == {"of": "x"}
        assert y.behavior == {"X": Mine}
        plain = self.ak.Array([1.0, 0.2])
        y = hardshrink(plain, x)
        assert not dict(y.attrs)
        assert y.behavior is None

    @pytest.mark.parametrize("named", [None, "Other"])
    def test_names_of_records_and_lists_stay(self, named: str | None) -> None:
        ak = self.ak
        x = ak.Array([{"a": 1.0, "b": [0.2]}], with_name="Point")
        y = hardshrink(x, ak.Array([{"a": 2.0, "b": [0.1]}], with_name=named))
        assert ak.type(y) == ak.type(x)
        assert y.tolist() == [{"a": 0.0, "b": [0.2]}]
        x = ak.with_parameter(ak.Array([[1.0, 0.2]]), "__list__", "Signal")
        for lambd in (ak.Array([[2.0, 0.1]]), ak.Array([0.5])):
            assert ak.type(hardshrink(x, lambd)) == ak.type(x)

    def test_virtual_arrays_are_read(self) -> None:
        read: list[str] = []

        def numbers() -> Any:
            read.append("x")
            return VALUES

        form = {"class": "NumpyArray", "primitive": "float64", "form_key": "a"}
        x = self.ak.from_buffers(form, len(VALUES), {"a-data": numbers})
        assert explain(x).inside[0].type == "numpy.ndarray"
        assert not read
        assert hardshrink(x).tolist() == [0.0, 1.0, -3.0]
        assert hardshrink(x, x).tolist() == [0.0, 0.0, -3.0]  # a negative λ is an empty band
        assert read == ["x"]

    def test_nothing_but_missing_thresholds(self) -> None:
        for x, none in (([1.0, 0.2], [None, None]), ([[1.0], [0.2]], [[None], [None]])):
            assert hardshrink(self.ak.Array(x), self.ak.Array(none)).tolist() == x


class TestPandas:
    pd: Any = pytest.importorskip("pandas", reason="optional library")

    def test_columns_with_units(self) -> None:  # pint-pandas
        pd, pint = self.pd, pytest.importorskip("pint", reason="optional library")
        pytest.importorskip("pint_pandas", reason="optional library")
        x = pd.Series(VALUES, dtype="pint[mV]")
        volts = pd.Series([1e-4, 2.0, 1e-3], dtype="pint[V]")
        for lambd in (volts, volts.iloc[[2, 1, 0]]):
            y = hardshrink(x, lambd)
            assert y.dtype == x.dtype
            assert y.array.quantity.magnitude.tolist() == [0.25, 0.0, -3.0]
        frame = pd.DataFrame({"a": x, "b": x})
        per_column = pd.Series([5e-4, 2e-3], index=["a", "b"], dtype="pint[V]")
        y = hardshrink(frame, per_column)
        assert y["b"].array.quantity.magnitude.tolist() == [0.0, 0.0, -3.0]
        for wrong in (pd.Series([1.0] * 3, dtype="pint[m]"), pd.Series([1.0] * 3)):
            with pytest.raises(pint.DimensionalityError):
                hardshrink(x, wrong)

    @pytest.mark.parametrize("dtype", ["float64", "Float64", "double[pyarrow]"])
    def test_thresholds_with_units_for_columns_without(self, dtype: str) -> None:
        pd = self.pd
        pytest.importorskip("pint_pandas", reason="optional library")
        pytest.importorskip("pyarrow", reason="optional library")
        x = pd.Series(VALUES, dtype=dtype)
        percent = pd.Series([50.0, 200.0, 1.0], dtype="pint[percent]")
        assert hardshrink(x, percent).tolist() == [0.0, 0.0, -3.0]
        with pytest.raises(TypeError, match="x has no unit and lambd is in volt"):
            hardshrink(x, pd.Series(VALUES, dtype="pint[V]"))

    @pytest.mark.parametrize("dtype", ["Int64", "UInt8", "int64[pyarrow]"])
    def test_the_users_name_of_an_integer_type(self, dtype: str) -> None:
        pytest.importorskip("pyarrow", reason="optional library")
        x = self.pd.Series([1, 2], dtype=dtype)
        with pytest.raises(ValueError, match="not whole") as caught:
            softshrink(x, 0.5)
        assert f"dtype {dtype}," in str(caught.value)
        with pytest.raises(TypeError, match="must hold integers") as wrong:
            softshrink(x, self.pd.Series([0.5, 1.0]))
        assert f"dtype {dtype};" in str(wrong.value)

    def test_groups_are_refused_with_the_remedy(self) -> None:
        index = self.pd.date_range("2020", periods=2)
        x = self.pd.DataFrame({"a": [1.0, 0.2], "b": [1, 1]}, index=index)
        for groups in (x.groupby("b"), x.groupby("b")["a"], x["a"].resample("D")):
            with pytest.raises(TypeError, match=r"x\.transform\(hardshrink\)"):
                hardshrink(groups)
        assert x.groupby("b").transform(hardshrink)["a"].tolist() == [1.0, 0.0]


def test_polars_names_its_integers() -> None:
    pl = pytest.importorskip("polars", reason="optional library")
    with pytest.raises(ValueError, match="x has dtype Int64"):
        softshrink(pl.Series([1, 2]), 0.5)
    with pytest.raises(TypeError, match="x has dtype Int64"):
        softshrink(pl.Series([1, 2]), pl.Series([0.5, 1.0]))


class TestSparse:
    def test_the_axes_that_x_compresses(self) -> None:
        sparse = pytest.importorskip("sparse", reason="optional library")
        values = np.array([[0.0, 0.25, 2.0], [-3.0, 0.0, 0.1]])
        x = sparse.GCXS.from_numpy(values, compressed_axes=[1])
        for lambd in (
            sparse.GCXS.from_numpy(np.full((2, 3), 0.5), compressed_axes=[0]),
            sparse.COO.from_numpy(np.full(3, 0.5)),
        ):
            y = hardshrink(x, lambd)
            assert (type(y), y.compressed_axes) == (type(x), x.compressed_axes)
            assert (y.todense() == hardshrink(values)).all()

    def test_what_scipy_stores_stays_where_nothing_changes(self) -> None:
        sp = pytest.importorskip("scipy.sparse", reason="optional library")
        x = sp.csr_array(([0.0, -0.0, 1.0], ([0, 0, 0], [0, 1, 2])), shape=(1, 4))
        for y in (hardshrink(x, -1), shrink(x, -1, 5.0)):
            assert y.data.tobytes() == x.data.tobytes()
        assert hardshrink(x, 0).data.tolist() == [1.0]


class TestMasked:
    def test_the_masked_constant(self) -> None:
        assert hardshrink(np.ma.masked) is np.ma.masked
        with pytest.raises(ValueError, match="negative"):
            softshrink(np.ma.masked, -1)

    def test_a_number_that_is_masked_is_none(self) -> None:
        missing: list[Any] = [np.ma.masked, np.ma.array(0.5, mask=True)]
        for x in (VALUES, np.ma.array(VALUES), np.float64(1)):
            for lambd in missing:
                with pytest.raises(TypeError, match=r"lambd must be a real number .* is masked"):
                    hardshrink(x, lambd)
        units = pytest.importorskip("astropy.units", reason="optional library")
        masked = pytest.importorskip("astropy.utils.masked").Masked
        with pytest.raises(TypeError, match="is masked"):
            hardshrink(VALUES * units.mV, masked(0.5 * units.mV, mask=True))


class TestUnits:
    @pytest.mark.parametrize("kind", ["Column", "MaskedColumn"])
    def test_columns_of_astropy_tables(self, kind: str) -> None:
        table = pytest.importorskip("astropy.table", reason="optional library")
        units = pytest.importorskip("astropy.units", reason="optional library")
        x = getattr(table, kind)(VALUES, name="c", unit="mV")
        for lambd in (0.5, 5e-4 * units.V, [5e-4, 5e-4, 1e-4] * units.V):
            y = hardshrink(x, lambd)
            assert (type(y), y.name, str(y.unit)) == (type(x), "c", "mV")
            assert y.tolist() == [0.0, 1.0, -3.0]
        with pytest.raises(units.UnitConversionError):
            hardshrink(x, 1 * units.m)
        with pytest.raises(TypeError, match="x has no unit"):
            hardshrink(getattr(table, kind)(VALUES), 1 * units.m)
        lambd = getattr(table, kind)([1e-4, 2.0, 0.0], unit="V")
        assert hardshrink(VALUES * units.mV, lambd).value.tolist() == [0.25, 0.0, -3.0]

    def test_conversions_by_the_inverse(self) -> None:
        pint = pytest.importorskip("pint", reason="optional library")
        unit = pint.UnitRegistry()
        with unit.context("spectroscopy"), pytest.raises(TypeError, match="moves zero to inf"):
            hardshrink(unit.Quantity(VALUES, "nm"), unit.Quantity(1, "eV"))

    def test_jax_without_double_precision(self) -> None:
        pint = pytest.importorskip("pint", reason="optional library")
        jnp = pytest.importorskip("jax.numpy", reason="optional library")
        unit = pint.UnitRegistry()
        x = unit.Quantity(jnp.asarray(np.float32(VALUES)), "mV")
        lambd = unit.Quantity(jnp.asarray(np.float32([5e-4, 2.0, 0.0])), "V")
        y = hardshrink(x, lambd).magnitude  # a warning would be an error here
        assert type(y) is type(x.magnitude)
        assert y.tolist() == [0.0, 0.0, -3.0]


def test_xarray_says_which_is_lazy() -> None:
    xr = pytest.importorskip("xarray", reason="optional library")
    pytest.importorskip("dask.array", reason="optional library")
    x = xr.DataArray(VALUES, dims="x")
    for lambd in (x.chunk(), x.chunk().mean()):
        with pytest.raises(TypeError, match=r"lambd\.compute\(\), or x\.chunk\(\)"):
            hardshrink(x, lambd)
