"""What failed for people with types that hold arrays, one test per report.

The public report that each came from is named where the test begins.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest

from shrinkops import UnsupportedArrayError, hardshrink


def _nullable(pd: Any, *values: Any) -> Any:
    return pd.Series(values, dtype="Float64")


class TestPandas:
    pd: Any = pytest.importorskip("pandas", reason="optional library")

    def test_frames_of_one_nullable_type(self) -> None:  # pandas-dev/pandas#62800, #36955, #23743
        pd = self.pd
        one = pd.DataFrame({"a": _nullable(pd, 1.0, pd.NA)})
        two = pd.DataFrame({"a": _nullable(pd, 1.0, 0.2), "b": _nullable(pd, 0.2, pd.NA)})
        mixed = pd.DataFrame({"a": one["a"], "b": pd.Series([1, pd.NA], dtype="Int64")})
        inferred = pd.DataFrame({"a": [1.5, None], "b": [0.25, 2.5]}).convert_dtypes()
        for x in (one, two, mixed, inferred):
            y = hardshrink(x)
            assert list(y.dtypes) == list(x.dtypes)
            assert (y.isna() == x.isna()).all(axis=None)

    @pytest.mark.parametrize("dtype", ["int64[pyarrow]", "Int64"])
    def test_exact_integers_with_missing_ones(self, dtype: str) -> None:  # NVIDIA/cudf#19998
        pytest.importorskip("pyarrow", reason="optional library")
        x = self.pd.Series([2**60 + 1, 2, None], dtype=dtype)
        y = hardshrink(x, 2)
        assert y.dtype == x.dtype
        assert y[0] == 2**60 + 1
        assert y[1] == 0
        assert self.pd.isna(y[2])

    def test_sparse_stays_sparse(self) -> None:  # pandas-dev/pandas#28476, #13853, #69131
        x = self.pd.arrays.SparseArray([0.0] * 97 + [0.25, 2.0, -3.0], fill_value=0.0)
        y = hardshrink(x)
        assert (y.dtype, y.npoints) == (x.dtype, 2)
        frame = self.pd.DataFrame({"a": x})
        assert list(hardshrink(frame).dtypes) == list(frame.dtypes)
        with pytest.raises(TypeError, match="fill value"):
            hardshrink(self.pd.arrays.SparseArray([0.25, 2.0], fill_value=0.25))

    def test_threshold_per_column(self) -> None:  # pandas-dev/pandas#46138, #39853
        pd = self.pd
        x = pd.DataFrame({"a": [1.0, -8.0], "b": [0.1, 0.4]})
        want = [[0.0, 0.0], [-8.0, 0.4]]
        for lambd in (
            pd.Series({"a": 2.0, "b": 0.2}),
            pd.Series({"b": 0.2, "a": 2.0}, dtype="Float64", name="q"),
            {"a": 2.0, "b": 0.2},
            pd.DataFrame({"b": [0.2, 0.2], "a": [2.0, 2.0]}),
        ):
            y = hardshrink(x, lambd)
            assert y.to_numpy().tolist() == want
            assert list(y.columns) == ["a", "b"]
        with pytest.raises(ValueError, match=r"\['b'\]"):
            hardshrink(x, {"a": 2.0})

    def test_the_message_names_the_users_dtype(self) -> None:  # pandas-dev/pandas#55802, #33492
        pd = self.pd
        for x in (
            pd.Series([1.0, 2.0], dtype="category"),
            pd.Series(pd.interval_range(0, 2)),
            pd.Series(["a"]),
            pd.Series(pd.period_range("2020", periods=2)),
            pd.Series(pd.date_range("2020", periods=2, tz="UTC")),
            pd.date_range("2020", periods=2),
        ):
            with pytest.raises(TypeError) as caught:
                hardshrink(x)
            assert f"dtype {x.dtype} " in str(caught.value)
            assert "'ufunc' backend" in str(caught.value)
        with pytest.raises(ValueError, match="dtype Float32"):
            hardshrink(pd.Series([1.0], dtype="Float32"), 1e300)

    def test_na_is_no_number(self) -> None:  # pandas-dev/pandas#30245
        for x in (self.pd.Series([0.25]), self.pd.DataFrame({"a": [0.25]})):
            with pytest.raises(TypeError, match="lambd must be a real number"):
                hardshrink(x, self.pd.NA)
        with pytest.raises(UnsupportedArrayError):
            hardshrink(self.pd.NA)

    def test_names_and_kinds_of_index(self) -> None:  # pandas-dev/pandas#23293
        pd = self.pd
        x = pd.Series([0.25, 1.0], name="x")
        assert hardshrink(x, pd.Series([0.5, 0.5], name="t")).name == "x"
        assert type(hardshrink(pd.RangeIndex(4), 1)) is pd.Index
        assert hardshrink(pd.Index([0.25, 1.0], name="n")).name == "n"

    def test_by_element_the_array_is_the_way(self) -> None:  # yt-project/unyt#141
        with pytest.raises(TypeError, match="no backend takes float"):
            self.pd.Series([0.25, 1.0]).map(hardshrink)


class TestPolars:
    pl: Any = pytest.importorskip("polars", reason="optional library")

    def test_series(self) -> None:  # pola-rs/polars#12212, #20303
        x = self.pl.Series("detail", [0.25, 1.0, None])
        y = hardshrink(x)
        assert (y.name, y.dtype, y.to_list()) == ("detail", self.pl.Float64, [0.0, 1.0, None])
        with pytest.raises(TypeError, match="dtype String "):
            hardshrink(self.pl.Series(["a"]))

    def test_expression_in_a_fresh_process(self) -> None:  # pola-rs/polars#5012
        _run("""
            import polars as pl
            from shrinkops import hardshrink
            frame = pl.DataFrame({"a": [0.25, 1.0, None], "b": [0.1, 2.0, 1.0]})
            assert frame.select(hardshrink(pl.col("a"), 0.5))["a"].to_list() == [0.0, 1.0, None]
            lazy = frame.lazy().select(hardshrink(pl.col("a"), pl.col("b")))
            assert lazy.collect_schema()["a"] == pl.Float64
            assert lazy.collect()["a"].to_list() == [0.25, 0.0, None]
        """)


class TestXarray:
    xr: Any = pytest.importorskip("xarray", reason="optional library")

    def test_nothing_of_lambda_arrives(self) -> None:  # pydata/xarray#10297, #1187
        xr = self.xr
        x = xr.DataArray(np.eye(3), dims=("y", "x"), coords={"y": [1, 2, 3]}, attrs={"u": "m"})
        y = hardshrink(x, abs(x).quantile(0.9, dim="x"))
        assert list(y.coords) == ["y"]
        assert y.attrs == {"u": "m"}
        with xr.set_options(keep_attrs=False):
            assert hardshrink(x).attrs == {}
        lambd = xr.DataArray([9.0, 0.0, 0.0], dims="y", coords={"y": [3, 2, 1]}, name="t")
        assert hardshrink(x, lambd).values.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
        with pytest.raises(ValueError, match="other labels"):
            hardshrink(x, lambd.assign_coords(y=[3, 2, 7]))

    def test_groups_are_refused_with_the_remedy(self) -> None:  # pydata/xarray#1187
        x = self.xr.DataArray([0.25, 1.0], dims="y", coords={"y": [1, 2]})
        with pytest.raises(TypeError, match=r"x\.map\(hardshrink\)"):
            hardshrink(x.groupby("y"))

    def test_kinds_of_variables(self) -> None:  # pandas-dev/pandas#23293
        assert type(hardshrink(self.xr.Variable("x", [0.25]))) is self.xr.Variable
        assert type(hardshrink(self.xr.IndexVariable("x", [0.25]))) is self.xr.Variable


class TestUnits:
    def test_pint_percent_and_parts(self) -> None:  # GalacticDynamics/unxt#732, hgrecco/pint#821
        pint = pytest.importorskip("pint", reason="optional library")
        unit = pint.UnitRegistry()
        for name, scale in (("percent", 100), ("ppm", 1e6), ("g/kg", 1000), ("degree", 57.29578)):
            x = unit.Quantity(np.array([0.1, 0.6]) * scale, name)
            assert (hardshrink(x, 0.5).magnitude != 0).tolist() == [False, True]
        plain = unit.Quantity(np.array([0.1, 0.6]), "")
        assert hardshrink(plain, 50 * unit.percent).magnitude.tolist() == [0.0, 0.6]

    def test_lambda_is_rounded_after_its_conversion(self) -> None:  # yt-project/unyt#380
        u = pytest.importorskip("astropy.units", reason="optional library")

        def single(values: Any, unit: Any) -> Any:
            return u.Quantity(np.float32(values), unit, dtype="f4")

        x = single([1, 3], u.Gpc)
        assert hardshrink(x, 6e43 * u.am).value.tolist() == [0.0, 3.0]
        assert hardshrink(single([1e-35, 3e-35], u.m), 6e-61 * u.Gpc).value[0] == 0.0
        x = single([0.1, 0.2], u.mV)
        for lambd in (0.1 * u.mV, 1e-4 * u.V):
            assert (hardshrink(x, lambd).value != 0).tolist() == [False, True]

    def test_pint_keeps_what_is_inside(self) -> None:  # xarray-contrib/xarray-spatial#1122
        pint = pytest.importorskip("pint", reason="optional library")
        da = pytest.importorskip("dask.array", reason="optional library")
        sparse = pytest.importorskip("sparse", reason="optional library")
        unit = pint.UnitRegistry()
        lazy = unit.Quantity(da.from_array(np.array([0.25, 1.0]), chunks=1), "mV")
        y = hardshrink(lazy, 0.5 * unit.mV)
        assert isinstance(y.magnitude, da.Array)
        assert y.magnitude.compute().tolist() == [0.0, 1.0]
        x = unit.Quantity(sparse.COO.from_numpy(np.array([0.0, 0.25, 1.0])), "mV")
        assert hardshrink(x, 0.5 * unit.mV).magnitude.nnz == 1
        xr = pytest.importorskip("xarray", reason="optional library")
        both = hardshrink(xr.DataArray(lazy, dims="x"), 0.5 * unit.mV)
        assert isinstance(both.data.magnitude, da.Array)

    def test_other_libraries(self) -> None:  # yt-project/unyt#101, yt-project/yt#1072
        unyt = pytest.importorskip("unyt", reason="optional library")
        x = unyt.unyt_array([0.25, 1.0], "mV")
        y = hardshrink(x, 0.5e-3 * unyt.V)
        assert (type(y), str(y.units), y.tolist()) == (type(x), "mV", [0.0, 1.0])
        assert hardshrink(unyt.unyt_array([10.0, 60.0], "percent"), 0.5).tolist() == [0.0, 60.0]
        with pytest.raises(TypeError, match="dimensionless"):
            hardshrink(x, 0.5)

    def test_zero_infinity_and_nan(self) -> None:  # astropy/astropy#3010
        u = pytest.importorskip("astropy.units", reason="optional library")
        pint = pytest.importorskip("pint", reason="optional library")
        mine = pint.UnitRegistry()
        for x, volt in (
            ([0.25, -1.0] * u.mV, u.V),
            (mine.Quantity(np.array([0.25, -1.0]), "mV"), mine.V),
        ):
            values = getattr(x, "value", getattr(x, "magnitude", None))
            for lambd, want in ((0, values), (-np.inf, values), (np.inf, [0.0, 0.0])):
                y = hardshrink(x, lambd)
                assert type(y) is type(x)
                assert getattr(y, "value", getattr(y, "magnitude", None)).tolist() == list(want)
            for lambd in (np.nan, np.nan * volt):
                with pytest.raises(ValueError, match="nan"):
                    hardshrink(x, lambd)

    def test_nothing_depends_on_history(self) -> None:
        pytest.importorskip("astropy", reason="optional library")
        _run("""
            import astropy.units as u, numpy as np
            from shrinkops import hardshrink
            def answer():
                return type(hardshrink(np.array([0.25, 1.0]), 0.5 * u.dimensionless_unscaled))
            def refused():
                try:
                    hardshrink(np.ones(2), out=u.Quantity(np.ones(2), ""))
                except TypeError as error:
                    return str(error)
            before = answer(), refused()
            assert before[0] is np.ndarray and before[1]
            hardshrink([0.25, 1.0] * u.mV, 0.5 * u.mV)
            assert (answer(), refused()) == before
        """)


class TestSubclasses:
    def test_masks_and_out(self) -> None:  # numpy/numpy#9948, #14140, #7394
        x = np.ma.masked_array([0.25, 9.0], mask=[False, True])
        plain = np.full(2, 7.0)
        with pytest.raises(TypeError, match="out is"):
            hardshrink(x, out=plain)
        assert plain.tolist() == [7.0, 7.0]
        out = np.ma.masked_array([7.0, 7.0], mask=[True, False])
        with pytest.raises(TypeError, match="out is"):
            hardshrink(np.array([0.25, 9.0]), out=out)
        assert out.mask.tolist() == [True, False]
        assert hardshrink(x, out=out) is out
        assert out.mask.tolist() == [False, True]
        hard = np.ma.masked_array(np.zeros(3), mask=[1, 0, 0], hard_mask=True)
        with pytest.raises(ValueError, match=r"out has shape \(3,\), expected \(2,\)"):
            hardshrink(x, out=hard)

    def test_masks_of_astropy_and_out(self) -> None:
        units = pytest.importorskip("astropy.units", reason="optional library")
        masked = pytest.importorskip("astropy.utils.masked").Masked
        for make, half in (
            (lambda a: masked(units.Quantity(a, "mV"), mask=[0, 0, 1]), 5e-4 * units.V),
            (lambda a: masked(np.array(a), mask=[0, 0, 1]), 0.5),
        ):
            x, out = make([0.25, 1.0, 9.0]), make([7.0, 7.0, 7.0])
            out.mask = [1, 0, 0]
            assert hardshrink(x, half, out=out) is out
            assert out.mask.tolist() == x.mask.tolist() == [False, False, True]
            assert np.asarray(out.unmasked)[:2].tolist() == [0.0, 1.0]
            out.mask[:] = True
            assert x.mask.tolist() == [False, False, True]
            assert hardshrink(x, half, out=x) is x
            assert np.asarray(x.unmasked)[:2].tolist() == [0.0, 1.0]

    def test_kept_or_refused(self) -> None:  # numpy/numpy#7406, #2932
        class Tagged(np.ndarray[Any, Any]):
            def __array_ufunc__(
                self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any
            ) -> Any:
                return getattr(ufunc, method)(*map(np.asarray, inputs), **options)

        class Wrapped(np.ndarray[Any, Any]):
            def __array_wrap__(self, array: Any, *_: Any) -> Any:
                return np.asarray(array)

        for cls in (Tagged, Wrapped):
            x: Any = np.array([0.25, 1.0]).view(cls)
            with pytest.raises(TypeError, match=r"gives back numpy\.ndarray"):
                hardshrink(x)
            assert type(hardshrink(np.array([0.25, 1.0]), x)) is np.ndarray
        coordinates = pytest.importorskip("astropy.coordinates", reason="optional library")
        units = pytest.importorskip("astropy.units", reason="optional library")
        angle = coordinates.Longitude([1.0, 20.0], units.deg)
        assert type(hardshrink(angle, 5 * units.deg)) is coordinates.Longitude

    def test_memmap_is_the_exception(self, tmp_path: Any) -> None:
        x = np.memmap(tmp_path / "x", "f8", "w+", shape=2)
        x[:] = [0.25, 1.0]
        assert type(hardshrink(x)) is np.ndarray
        assert hardshrink(np.array([0.25, 3.0]), out=x) is x
        assert x.tolist() == [0.0, 3.0]


def test_scipy_sparse() -> None:  # ing-bank/sparse_dot_topn#82
    sp = pytest.importorskip("scipy.sparse", reason="optional library")
    dense = np.float32([[0, 0.25, 2], [0, 0, -3]])
    want = np.float32([[0, 0, 2], [0, 0, -3]])
    for kind in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil"):
        for form in ("array", "matrix"):
            x = getattr(sp, f"{kind}_{form}")(dense)
            y = hardshrink(x)
            assert type(y) is type(x)
            assert y.dtype == np.float32
            assert (y.toarray() == want).all()
            assert (x.toarray() == dense).all()
    twice = sp.coo_array(([0.3, 0.3], ([0, 0], [0, 0])), shape=(1, 1))
    assert hardshrink(twice).toarray().tolist() == [[0.6]]
    with pytest.raises(TypeError, match="one number as lambd"):
        hardshrink(sp.csr_array(dense), np.ones(3))


def _run(script: str) -> None:
    """Run a script in a process of its own, where nothing was imported or called before."""
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, timeout=120)
