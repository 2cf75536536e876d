"""Kinds of failure that types that hold arrays invite, crossed: each row a call and what holds."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import shrinkops
from shrinkops import hardshrink, softshrink

OPERATIONS = {
    "hardshrink": (0.5,),
    "softshrink": (0.5,),
    "shrink": (0.5, 0.25),
    "firmshrink": (0.5, 1.0),
    "garrote": (0.5,),
}
BIG = 2**60 + 1


def _pandas(dtype: str) -> Callable[[list[Any]], Any]:
    return lambda values: pytest.importorskip("pandas").Series(values, dtype=dtype)


def _polars(values: list[Any]) -> Any:
    return pytest.importorskip("polars").Series(values)


def _awkward(values: list[Any]) -> Any:
    return pytest.importorskip("awkward").Array(values)


def _masked(values: list[Any]) -> Any:
    return np.ma.array([v or 0 for v in values], mask=[v is None for v in values])


def _astropy(values: list[Any]) -> Any:
    utils = pytest.importorskip("astropy.utils.masked")
    return utils.Masked(np.array([v or 0 for v in values]), mask=[v is None for v in values])


def _arrow(values: list[Any]) -> Any:
    pytest.importorskip("pyarrow")
    return _pandas("int64[pyarrow]")(values)


MISSING: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "pandas, nullable": (_pandas("Int64"), _pandas("Int64")),
    "pandas, NumPy x": (_pandas("int64"), _pandas("Int64")),
    "pandas, Arrow": (_arrow, _arrow),
    "polars": (_polars, _polars),
    "awkward": (_awkward, _awkward),
    "numpy.ma": (np.array, _masked),
    "astropy": (np.array, _astropy),
}
"""How x, and a parameter in which an element is missing, are made."""


@pytest.mark.parametrize("kind", MISSING)
def test_a_missing_threshold_costs_no_bit_of_the_others(kind: str) -> None:
    make_x, make = MISSING[kind]
    y = hardshrink(make_x([BIG, BIG + 1]), make([BIG, None]))
    assert list(y) == [0, BIG + 1]
    y = softshrink(make_x([BIG, BIG + 1]), make([1, None]))
    assert list(y) == [BIG - 1, BIG + 1]
    y = hardshrink(make_x([5, 6]), make([None, 6]))
    assert list(y) == [5, 0]


@pytest.mark.parametrize("kind", MISSING)
def test_a_missing_bias_is_none(kind: str) -> None:
    make_x, make = MISSING[kind]
    make_x = (
        _pandas({"pandas, NumPy x": "float64"}.get(kind, "Float64")) if "pandas" in kind else make_x
    )
    x = make_x([3.0, 3.0, 0.25])
    assert list(shrinkops.shrink(x, 0.5, make([1, None, None]))) == [2.0, 3.0, 0.0]
    y = shrinkops.firmshrink(x, 0.5, make([4, None, None]))  # a missing μ counts as λ
    assert 2.5 < y[0] < 3
    assert list(y[1:]) == [3.0, 0.0]


def test_what_no_integer_could_say_is_refused() -> None:
    x, lambd = np.array([5], np.uint64), np.ma.array([2**63 + 1, 1], np.uint64, mask=[0, 1])
    with pytest.raises(ValueError, match="fill in what is missing"):
        hardshrink(np.repeat(x, 2), lambd)


@pytest.mark.parametrize(
    ("library", "make"),
    [
        ("awkward", lambda ak: ak.Array([[1.0], []])),
        ("sparse", lambda s: s.COO.from_numpy(np.eye(2))),
        ("polars", lambda pl: pl.col("a")),
        ("polars", lambda pl: pl.Series([1.0])),
        ("pandas", lambda pd: pd.Series([1.0])),
        ("pint", lambda pint: pint.get_application_registry().Quantity(np.ones(2), "")),
        ("dask.array", lambda da: da.ones(2)),
    ],
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_no_number_is_told_by_its_name(operation: str, library: str, make: Any) -> None:
    x = make(pytest.importorskip(library, reason="optional library"))
    for wrong in (None, "a", True, 1j, [0.5]):
        for place, name in enumerate(getattr(shrinkops, operation).operation.parameter_names):
            given = [0] * place + [wrong]
            with pytest.raises(TypeError, match=f"{operation}: {name} must be a real number"):
                getattr(shrinkops, operation)(x, *given)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_regular_awkward_arrays(operation: str) -> None:
    ak = pytest.importorskip("awkward", reason="optional library")
    function, parameters = getattr(shrinkops, operation), OPERATIONS[operation]
    values = np.array([[1.0, 0.2], [3.0, 0.7]])
    y = function(ak.Array(values), *parameters)
    assert np.asarray(y).tobytes() == function(values, *parameters).tobytes()
    planned = function(ak.to_backend(ak.Array([[1.0, 0.2], [3.0]]), "typetracer"), *parameters)
    assert str(planned.type) == "2 * var * float64"
    missing = function(ak.Array([1.0, 0.2, None]), ak.Array([None, 0.5, 1.0]), *parameters[1:])
    assert missing.tolist()[2] is None
    assert missing.tolist()[0] is not None
    with pytest.raises(TypeError, match="lambd must hold real numbers"):
        function(ak.Array([1.0, 0.2]), ak.Array(["a", "b"]), *parameters[1:])
    with pytest.raises(TypeError, match="one element"):
        function(ak.Array([{"x": 1.0}])[0])


class TestXarray:
    xr: Any = pytest.importorskip("xarray", reason="optional library")

    def test_subclasses_stay(self) -> None:
        class Field(self.xr.DataArray):  # type: ignore[misc, name-defined]
            __slots__ = ()

        class Fields(self.xr.Dataset):  # type: ignore[misc, name-defined]
            __slots__ = ()

        x = Field([0.25, 1.0], dims="x", name="n", attrs={"u": "m"})
        y = hardshrink(x)
        assert (type(y), y.name, y.attrs, y.values.tolist()) == (Field, "n", {"u": "m"}, [0.0, 1.0])
        assert type(hardshrink(Fields({"a": x}))) is Fields

    def test_coordinates_of_no_variable_stay(self) -> None:
        x = self.xr.Dataset({"b": ("t", [1.0, 0.1])}, coords={"q": [1, 2], "s": 5})
        assert set(hardshrink(x).coords) == {"q", "s"}

    def test_inherited_coordinates_stay_the_parents(self) -> None:
        xr = self.xr
        x = xr.DataTree.from_dict(
            {
                "/": xr.Dataset(coords={"x": ["a", "b"]}, attrs={"k": 1}),
                "/b": xr.Dataset({"c": ("x", [1.0, 0.1])}),
            }
        )
        y = hardshrink(x)
        assert y.attrs == {"k": 1}
        assert list(y.to_dataset(inherit=False).coords) == ["x"]
        assert not y["b"].to_dataset(inherit=False).coords
        assert y["b"]["c"].values.tolist() == [1.0, 0.0]

    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_a_lazy_quantity_and_thresholds_in_memory(self, operation: str) -> None:
        pint = pytest.importorskip("pint", reason="optional library")
        da = pytest.importorskip("dask.array", reason="optional library")
        function, parameters = getattr(shrinkops, operation), OPERATIONS[operation]
        unit = pint.get_application_registry()
        values = np.array([0.2, -0.75, 3.0])
        x = unit.Quantity(da.from_array(values, chunks=2), "mV")
        lambd = unit.Quantity(np.full(3, 0.5e-3), "V")
        others = [unit.Quantity(p, "mV") for p in parameters[1:]]
        y = function(x, lambd, *others)
        both = function(self.xr.DataArray(x, dims="x"), self.xr.DataArray(lambd, dims="x"), *others)
        for lazy in (y.magnitude, both.data.magnitude):
            assert isinstance(lazy, da.Array)
            assert lazy.compute().tolist() == function(values, *parameters).tolist()


@pytest.mark.parametrize("kind", ["Decimal", "Fraction"])
def test_registries_of_exact_numbers(kind: str) -> None:
    pint = pytest.importorskip("pint", reason="optional library")
    import decimal
    import fractions

    number = {"Decimal": decimal.Decimal, "Fraction": fractions.Fraction}[kind]
    unit = pint.UnitRegistry(non_int_type=number)
    x = unit.Quantity(np.array([0.25, 1.0]), "mV")
    for lambd in (
        unit.Quantity(number("0.0005"), "V"),
        unit.Quantity(np.array([0.0005, 0.0001]), "V"),
    ):
        assert hardshrink(x, lambd).magnitude.tolist() == [0.0, 1.0]
    with pytest.raises(pint.DimensionalityError) as caught:
        hardshrink(x, 0.5)
    assert "give lambd as a quantity" in caught.value.__notes__[0]


def test_integers_beyond_every_float_with_units() -> None:
    units = pytest.importorskip("astropy.units", reason="optional library")
    for x in (units.Quantity([1.0], ""), units.Quantity([1.0], "percent")):
        with pytest.raises(ValueError, match="hardshrink: lambd"):
            hardshrink(x, 10**400)


def test_two_registries_of_pint() -> None:
    pint = pytest.importorskip("pint", reason="optional library")
    x = pint.UnitRegistry().Quantity(np.array([0.25, 1.0]), "mV")
    other = pint.UnitRegistry()
    for lambd in (other.Quantity(0.5, "mV"), other.Quantity(np.ones(2), "mV")):
        with pytest.raises(ValueError, match="different registries") as caught:
            hardshrink(x, lambd)
        assert caught.value.__notes__[0].startswith("hardshrink: lambd in millivolt")


class TestSubclasses:
    @pytest.mark.parametrize("operation", OPERATIONS)
    @pytest.mark.parametrize("signature", ["array", "array, context=None", "*arguments"])
    def test_older_forms_of_wrapping(self, signature: str, operation: str) -> None:
        names: dict[str, Any] = {"np": np}
        first = "arguments[0]" if signature.startswith("*") else "array"
        exec(
            "class Old(np.ndarray):\n"
            f"    def __array_wrap__(self, {signature}):\n"
            f"        return np.asarray({first}).view(Old)\n",
            names,
        )
        x = np.array([0.25, 1.0]).view(names["Old"])
        y = getattr(shrinkops, operation)(x, *OPERATIONS[operation])
        assert type(y) is names["Old"]

    def test_a_class_that_declines(self) -> None:
        class Refuses(np.ndarray[Any, Any]):
            def __array_ufunc__(self, *_: Any, **__: Any) -> Any:
                return NotImplemented

        with pytest.raises(TypeError, match="refuses NumPy functions"):
            hardshrink(np.ones(2).view(Refuses))

    def test_element_types_under_the_names_that_numpy_prints(self) -> None:
        for x in (np.array(["a"]), np.zeros(2, "f8,f8"), np.zeros(1, "S3"), np.zeros(1, bool)):
            for given in (x, np.ma.array(x)):
                with pytest.raises(TypeError) as caught:
                    hardshrink(given)
                assert f"dtype {x.dtype} " in str(caught.value)


class _Speaks(np.lib.mixins.NDArrayOperatorsMixin):
    """A class that shows nothing of what it holds."""

    answer: Any = None

    def __init__(self, array: Any) -> None:
        self.array = array

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **_: Any) -> Any:
        arrays = [x.array if isinstance(x, _Speaks) else x for x in inputs]
        return (self.answer or type(self))(getattr(ufunc, method)(*arrays))


def test_classes_that_only_speak_the_protocol() -> None:
    assert hardshrink(_Speaks(np.array([0.25, 1.0]))).array.tolist() == [0.0, 1.0]
    with pytest.raises(TypeError, match="dtype int64 is not supported"):
        shrinkops.garrote(_Speaks(np.array([1, 2])))

    class Other(_Speaks):
        answer = _Speaks

    with pytest.raises(TypeError, match="came back as"):
        hardshrink(Other(np.ones(2)))


def test_frames_of_polars_name_the_way() -> None:
    pl = pytest.importorskip("polars", reason="optional library")
    frame = pl.DataFrame({"a": [0.25, 1.0]})
    for x in (frame, frame.lazy()):
        with pytest.raises(TypeError, match=r"with_columns\(hardshrink"):
            hardshrink(x)


class TestNamespaces:
    def test_what_names_one_and_is_no_array_of_it(self) -> None:
        class Nothing:
            def __array_namespace__(self, api_version: Any = None) -> Any:
                return np

        with pytest.raises(shrinkops.UnsupportedArrayError, match=r"x\.dtype, x\.shape"):
            hardshrink(Nothing())

    @pytest.mark.parametrize("name", ["abs", "astype", "full", "zeros_like", "real"])
    def test_what_lacks_a_function_of_the_standard(self, name: str) -> None:
        xp = pytest.importorskip("array_api_strict", reason="optional library")

        class Lacking(types.ModuleType):
            def __getattr__(self, wanted: str) -> Any:
                if wanted == name:
                    raise AttributeError(wanted)
                return getattr(xp, wanted)

        class Array:
            dtype = xp.float64 if name != "real" else xp.complex128
            shape = (2,)
            space = Lacking("lacking")

            def __array_namespace__(self, api_version: Any = None) -> Any:
                return self.space

        with pytest.raises(TypeError, match=name if name != "real" else "dtype complex128"):
            hardshrink(Array())

    def test_integers_of_mlx(self) -> None:
        mx = pytest.importorskip("mlx.core", reason="optional library")
        x = mx.array([3, -5])
        assert softshrink(x, 2).tolist() == [1, -3]
        assert softshrink(x, mx.array([2, -1])).tolist() == [1, -5]


class TestExplained:
    """`shrinkops.explain` tells the library of a type, and who computes what it holds."""

    @pytest.mark.parametrize(
        ("library", "make", "backends"),
        [
            ("array_api_strict", lambda xp: xp.ones(1), "array_api"),
            ("ndonnx", lambda xp: xp.ones(1), "array_api"),
            ("mlx.core", lambda xp: xp.ones(1), "array_api"),
            ("pandas", lambda pd: pd.DataFrame({"a": [1], "b": [2.0]}), "ufunc ufunc ufunc numpy"),
            ("pandas", lambda pd: pd.Series([1], dtype="Int64"), "ufunc ufunc numpy"),
            ("polars", lambda pl: pl.col("a"), "ufunc ufunc"),
            ("sparse", lambda s: s.DOK((2,)), "ufunc numpy"),
            ("scipy.sparse", lambda sp: sp.csr_array(np.eye(2)), "ufunc numpy"),
            ("awkward", lambda ak: ak.Array([[1.0], []]), "ufunc numpy"),
            ("astropy.units", lambda u: [1.0] * u.mV, "numpy numpy"),
            ("numpy", lambda np: np.ma.array([1.0]), "numpy numpy"),
            ("numpy", lambda np: np.ones(1), "numpy"),
            ("dask.array", lambda da: da.ones(2), "dask numpy"),
        ],
    )
    def test_the_library_and_what_is_inside(self, library: str, make: Any, backends: str) -> None:
        x = make(pytest.importorskip(library, reason="optional library"))
        told = shrinkops.explain(x)
        name = library.partition(".")[0]
        assert told.library.partition(" ")[0] == name
        assert told.library.partition(" ")[2]
        assert repr(told).startswith(f"{told.type}: {told.backend!r} (library {told.library}, ")
        chain = []
        while True:
            chain.append(told.backend)
            assert told.library.partition(" ")[2], told
            if not told.inside:
                break
            told = told.inside[0]
        assert chain == backends.split()
        assert shrinkops.explain(type(x)).inside == ()

    def test_each_kind_of_column_once(self) -> None:
        pd = pytest.importorskip("pandas", reason="optional library")
        frame = pd.DataFrame({"a": [1.0], "b": pd.array([1]), "c": [2.0], "d": pd.array([2])})
        columns = [told.inside[0].type for told in shrinkops.explain(frame).inside]
        assert columns == ["pandas.arrays.NumpyExtensionArray", "pandas.arrays.IntegerArray"]

    def test_lazy_inside_lazy(self) -> None:
        pint = pytest.importorskip("pint", reason="optional library")
        da = pytest.importorskip("dask.array", reason="optional library")
        xr = pytest.importorskip("xarray", reason="optional library")
        x = xr.DataArray(pint.get_application_registry().Quantity(da.ones(2), "mV"), dims="x")
        lines = repr(shrinkops.explain(x)).splitlines()
        assert [line.split(":")[0] for line in lines[1:4]] == [
            "  holds pint.Quantity",
            "    holds dask.array.core.Array",
            "      holds numpy.ndarray",
        ]

    def test_what_cannot_be_opened_is_told_all_the_same(self) -> None:
        pd = pytest.importorskip("pandas", reason="optional library")
        told = shrinkops.explain(pd.Series(["a"], dtype="category"))
        assert (told.backend, told.inside[0].inside) == ("ufunc", ())
