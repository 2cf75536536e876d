"""dask: lazy collections, one task per chunk, computed wherever dask computes."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import shrinkops

da: Any = pytest.importorskip("dask.array", reason="optional library")

OPERATIONS = {
    "hardshrink": (0.5,),
    "softshrink": (0.5,),
    "shrink": (0.5, 0.25),
    "firmshrink": (0.5, 1.0),
    "garrote": (0.5,),
}
VALUES = np.linspace(-2, 2, 12).reshape(3, 4)


def _compute(x: Any) -> Any:
    return x.compute(scheduler="synchronous")


class TestArray:
    @pytest.mark.parametrize("operation", OPERATIONS)
    @pytest.mark.parametrize("chunks", [(3, 4), (2, 3), (1, 1), ((1, 2), (3, 1))])
    def test_bits_and_chunks(self, operation: str, chunks: Any) -> None:
        function, parameters = getattr(shrinkops, operation), OPERATIONS[operation]
        x = da.from_array(VALUES, chunks=chunks)
        y = function(x, *parameters)
        assert type(y) is type(x)
        assert (y.dtype, y.chunks) == (x.dtype, x.chunks)
        assert _compute(y).tobytes() == function(VALUES, *parameters).tobytes()

    def test_nothing_is_computed(self) -> None:
        def burst(block: Any) -> Any:
            raise AssertionError("computed")

        x = da.map_blocks(burst, da.ones((4, 4), chunks=2), dtype="f4", meta=np.empty((0, 0), "f4"))
        y = shrinkops.firmshrink(x, da.abs(x).mean(), 9.0)
        assert y.dtype == np.float32
        with pytest.raises(AssertionError, match="computed"):
            _compute(y)

    def test_one_task_per_chunk_fused_with_its_neighbours(self) -> None:
        x = da.ones((4, 6), chunks=(2, 3)) + 1
        y = shrinkops.hardshrink(x) * 2
        assert len(shrinkops.hardshrink(x).dask.layers[shrinkops.hardshrink(x).name]) == 4
        (optimized,) = __import__("dask").optimize(y)
        assert len(dict(optimized.dask)) == 4

    def test_the_same_call_has_the_same_name(self) -> None:
        x = da.ones(4, chunks=2)
        assert shrinkops.hardshrink(x, 0.5).name == shrinkops.hardshrink(x, np.float64(0.5)).name
        assert shrinkops.hardshrink(x, 0.5).name != shrinkops.hardshrink(x, 0.25).name

    @pytest.mark.parametrize("chunks", [1, 2, 4])
    def test_an_array_of_thresholds(self, chunks: int) -> None:
        x = da.from_array(VALUES, chunks=(2, 3))
        for lambd in (np.array([0.1, -1.0, np.nan, 3.0]), np.array([[0.5], [1.0], [2.0]])):
            y = shrinkops.softshrink(x, da.from_array(lambd, chunks=chunks))
            np.testing.assert_array_equal(_compute(y), shrinkops.softshrink(VALUES, lambd))
        lazy = shrinkops.softshrink(x, -abs(x).max())  # an element, of no axes: an empty band
        np.testing.assert_array_equal(_compute(lazy), VALUES)
        nothing = shrinkops.softshrink(abs(x).max(), abs(x).min())
        assert _compute(nothing) == shrinkops.softshrink(2.0 * np.ones(1), abs(VALUES).min())[0]

    def test_unknown_lengths(self) -> None:
        x = da.from_array(VALUES.ravel(), chunks=5)
        some = x[x > 0]
        y = shrinkops.hardshrink(some, 1.0)
        assert np.isnan(y.shape[0])
        want = VALUES[VALUES > 0]
        np.testing.assert_array_equal(_compute(y), shrinkops.hardshrink(want, 1.0))
        own = shrinkops.hardshrink(some, some / 2)
        np.testing.assert_array_equal(_compute(own), want)

    def test_chunks_keep_their_type(self) -> None:
        sparse = pytest.importorskip("sparse", reason="optional library")
        x = da.from_array(VALUES, chunks=2).map_blocks(sparse.COO.from_numpy)
        y = shrinkops.hardshrink(x, 1.0)
        assert isinstance(_compute(y), sparse.COO)
        masked = da.ma.masked_greater(da.from_array(VALUES, chunks=2), 1.5)
        got = _compute(shrinkops.garrote(masked))
        assert got.mask.sum() == (VALUES > 1.5).sum()

    def test_numbers_that_are_known_later_suit_every_chunk(self) -> None:
        sparse = pytest.importorskip("sparse", reason="optional library")
        x = da.from_array(VALUES, chunks=2)
        stored = x.map_blocks(sparse.COO.from_numpy)
        mean = shrinkops.hardshrink(VALUES, np.abs(VALUES).mean())
        for lambd in (abs(x).mean(), abs(stored).mean()):
            np.testing.assert_array_equal(_compute(shrinkops.hardshrink(x, lambd)), mean)
            y = _compute(shrinkops.hardshrink(stored, lambd))
            np.testing.assert_array_equal(y.todense(), mean)
            y = _compute(shrinkops.softshrink(stored, -lambd))  # an element: an empty band
            np.testing.assert_array_equal(y.todense(), VALUES)
        for one, other in ((x, stored), (stored, x)):
            with pytest.raises(TypeError, match="one library"):
                shrinkops.hardshrink(one, other)

    @pytest.mark.parametrize("library", ["astropy", "pint"])
    def test_chunks_with_units(self, library: str) -> None:
        pytest.importorskip(library, reason="optional library")
        if library == "astropy":
            from astropy.units import Quantity
        else:
            import pint

            Quantity = pint.get_application_registry().Quantity  # noqa: N806
        x = da.from_array(VALUES, chunks=(2, 2)).map_blocks(
            Quantity, "mV", dtype="f8", meta=Quantity(np.empty((0, 0)), "mV")
        )
        y = shrinkops.firmshrink(x, Quantity(5e-4, "V"), Quantity(1, "mV"))
        corner = y.to_delayed()[0, 0].compute(scheduler="synchronous")
        assert type(corner) is type(x._meta)
        got = np.asarray(getattr(corner, "magnitude", corner))
        np.testing.assert_array_equal(got, shrinkops.firmshrink(VALUES, 0.5, 1.0)[:2, :2])
        for wrong in (0.5, None, Quantity(1, "m")):
            with pytest.raises((TypeError, ValueError)):
                shrinkops.hardshrink(x, wrong)
        with pytest.raises(TypeError, match="out="):
            shrinkops.hardshrink(x, Quantity(1, "mV"), out=x)

    def test_refused_when_the_graph_is_made(self) -> None:
        x = da.ones(4, chunks=2)
        for call, error, words in (
            (lambda: shrinkops.hardshrink(x, np.nan), ValueError, "nan"),
            (lambda: shrinkops.softshrink(x, -1), ValueError, "negative"),
            (lambda: shrinkops.hardshrink(x, np.ones(4)), TypeError, "one library"),
            (lambda: shrinkops.hardshrink(x, out=x), TypeError, "out="),
            (lambda: shrinkops.hardshrink(x > 0), TypeError, "bool"),
            (lambda: shrinkops.hardshrink(x, da.ones((2, 4))), ValueError, "broadcast"),
        ):
            with pytest.raises(error, match=words):
                call()

    def test_exact_numbers_reach_the_chunks(self) -> None:
        big = da.from_array(np.array([2**60 + 1, 2**60], np.int64), chunks=1)
        assert _compute(shrinkops.hardshrink(big, 2**60)).tolist() == [2**60 + 1, 0]
        wide = np.longdouble(1) + np.finfo(np.longdouble).eps
        x = da.from_array(np.array([wide, np.longdouble(1)]), chunks=1)
        assert (_compute(shrinkops.hardshrink(x, wide)) == [0, 0]).all()

    def test_numbers_that_something_holds(self) -> None:
        units = pytest.importorskip("astropy.units", reason="optional library")
        pint = pytest.importorskip("pint", reason="optional library")
        x = da.from_array(VALUES, chunks=2)
        half = pint.get_application_registry().Quantity(50, "percent")
        for lambd in (np.array(0.5), np.float32(0.5), 50 * units.percent, half):
            y = _compute(shrinkops.hardshrink(x, lambd))
            assert y.tobytes() == shrinkops.hardshrink(VALUES, 0.5).tobytes()
        with pytest.raises(TypeError, match="x has no unit"):
            shrinkops.hardshrink(x, 0.5 * units.mV)

    def test_a_subclass_is_refused(self) -> None:
        class Sub(da.Array):  # type: ignore[misc]
            __slots__ = ()

        x = da.ones(3, chunks=2)
        with pytest.raises(TypeError, match="expected its own type"):
            shrinkops.hardshrink(Sub(x.dask, x.name, x.chunks, dtype=x.dtype))

    def test_it_is_the_backend_of_the_type(self) -> None:
        told = shrinkops.explain(da.ones(3))
        assert (told.backend, told.distribution) == ("dask", "shrinkops")

    def test_a_module_that_is_being_imported(self, monkeypatch: Any) -> None:
        import sys
        import types

        from shrinkops_dask import DaskBackend

        monkeypatch.setitem(sys.modules, "dask.array", types.ModuleType("dask.array"))
        assert not DaskBackend().handles(np.ndarray)


class TestFrames:
    dd: Any = pytest.importorskip("dask.dataframe", reason="optional library")
    pd: Any = pytest.importorskip("pandas", reason="optional library")

    def test_frame_series_and_index(self) -> None:  # dask/dask#11785, #580
        frame = self.pd.DataFrame({"a": [1.0, 0.2, 3.0], "b": [0.1, 2.0, 3.0]})
        x = self.dd.from_pandas(frame, npartitions=2)
        for lazy, plain in ((x, frame), (x["a"], frame["a"]), (x.index, frame.index)):
            for operation in ("hardshrink", "softshrink"):
                function = getattr(shrinkops, operation)
                y = function(lazy, 1)
                assert type(y) is type(lazy)
                assert y.npartitions == lazy.npartitions
                want = function(plain, 1)
                getattr(self.pd.testing, f"assert_{_kind(plain)}_equal")(_compute(y), want)

    def test_thresholds(self) -> None:
        frame = self.pd.DataFrame({"a": [1.0, -8.0, 3.0], "b": [0.1, 0.4, 0.2]})
        x = self.dd.from_pandas(frame, npartitions=2)
        want = shrinkops.hardshrink(frame, frame.std())
        for lambd in (x.std(), frame.std(), frame.std().to_dict()):
            self.pd.testing.assert_frame_equal(_compute(shrinkops.hardshrink(x, lambd)), want)
        rows = _compute(shrinkops.hardshrink(x["a"], (x["b"] * 10).repartition(npartitions=1)))
        assert rows.tolist() == shrinkops.hardshrink(frame["a"], frame["b"] * 10).tolist()
        one = _compute(shrinkops.hardshrink(x["a"], x["a"].max()))
        assert one.tolist() == [0.0, -8.0, 0.0]
        later = self.dd.from_pandas(frame["b"].set_axis([5, 6, 7]), npartitions=2)
        with pytest.raises(ValueError, match="has labels from 5 to 7, expected x's 0 to 2"):
            shrinkops.hardshrink(x["a"], later)
        with pytest.raises(TypeError, match="one library"):
            shrinkops.hardshrink(x, np.ones(2))
        with pytest.raises(ValueError, match="nan"):
            shrinkops.hardshrink(x, np.nan)
        with pytest.raises(TypeError, match="dtype"):
            shrinkops.hardshrink(x["a"] > 1)

    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_a_number_that_is_known_later_is_an_element(self, operation: str) -> None:
        function, others = getattr(shrinkops, operation), OPERATIONS[operation][1:]
        frame = self.pd.DataFrame({"a": [1.0, -8.0, 3.0], "b": [0.1, 0.4, 0.2]})
        x = self.dd.from_pandas(frame, npartitions=2)
        for lazy, plain in ((x, frame), (x["a"], frame["a"])):
            for lambd in (-x["a"].max(), x["b"].max()):
                y = _compute(function(lazy, lambd, *others))
                value = lambd.compute(scheduler="synchronous")
                want = plain if value < 0 else function(plain, float(value), *others)
                assert (y == want).all(axis=None)
        index = _compute(shrinkops.hardshrink(x.index, x.index.max() - 1))
        assert index.tolist() == [0, 0, 2]

    def test_integers_that_are_known_later(self) -> None:
        pd = self.pd
        frame = pd.DataFrame({"i": [1, 2, 30], "b": pd.array([3, None, 5], dtype="Int64")})
        x = self.dd.from_pandas(frame, npartitions=2)
        assert _compute(shrinkops.softshrink(x["i"], x["i"].min())).tolist() == [0, 1, 29]
        assert _compute(shrinkops.softshrink(x, x["b"].max()))["i"].tolist() == [0, 0, 25]
        with pytest.raises(TypeError, match="must hold integers"):
            shrinkops.softshrink(x["i"], x["i"].mean())

    def test_arrays_of_other_kinds_are_refused_at_once(self) -> None:
        frame = self.pd.DataFrame({"a": [1.0, -8.0], "b": [0.1, 0.4]})
        x, array = self.dd.from_pandas(frame, npartitions=2), da.ones(2)
        for lambd in (frame, array, array.mean(), np.ones(2), frame["a"]):
            with pytest.raises(TypeError, match="one library"):
                shrinkops.hardshrink(x["a"], lambd)
        for lambd in (x["a"], x["a"].max(), frame["a"]):
            with pytest.raises(TypeError, match="one library"):
                shrinkops.hardshrink(array, lambd)


def _kind(plain: Any) -> str:
    return {"DataFrame": "frame", "Series": "series"}.get(type(plain).__name__, "index")


def test_tasks_pickle() -> None:
    x = shrinkops.shrink(da.from_array(VALUES, chunks=2), 0.5, 0.25)
    again = pickle.loads(pickle.dumps(x))
    assert _compute(again).tobytes() == _compute(x).tobytes()


def test_worker_processes_of_a_cluster() -> None:
    distributed = pytest.importorskip("distributed", reason="optional library")
    dd = pytest.importorskip("dask.dataframe", reason="optional library")
    pd = pytest.importorskip("pandas", reason="optional library")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        for operation, parameters in OPERATIONS.items():
            function = getattr(shrinkops, operation)
            for dtype in ("f2", "f4", "f8", "c8"):
                if dtype == "c8" and operation == "shrink":
                    continue
                values = VALUES.astype(dtype)
                y = function(da.from_array(values, chunks=2), *parameters)
                assert y.compute().tobytes() == function(values, *parameters).tobytes()
        frame = dd.from_pandas(pd.DataFrame({"a": VALUES.ravel()}), npartitions=2)
        got = shrinkops.garrote(frame, 0.5).compute()["a"]
        assert got.tolist() == shrinkops.garrote(VALUES.ravel(), 0.5).tolist()
