"""What each type that holds arrays gives back, found by running it.

    python tests/tools/wrapped.py --write docs/wrapped-arrays.md

Invariants
----------
- A cell says what was seen in this run: nothing is copied from a declaration.
- Operations that agree in every cell share a row; one that does not has its own.
- The page's prose stays; what stands between the two marks is replaced.
"""

from __future__ import annotations

import datetime
import functools
import importlib
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

import shrinkops

VALUES = np.array([-2.0, -0.25, 0.0, 0.3, 0.75, 3.0], np.float32)
PARAMETERS = {
    "hardshrink": (0.5,),
    "softshrink": (0.5,),
    "shrink": (0.5, 0.25),
    "firmshrink": (0.5, 1.0),
    "garrote": (0.5,),
}
BEGIN, END = "<!-- made by tests/tools/wrapped.py -->", "<!-- end -->"


class Kind(NamedTuple):
    """A type, how one is made of an ndarray, its element type, and an array of λ for it."""

    name: str
    library: str
    make: Callable[[Any, Any], Any]
    dtype: Callable[[Any], Any] = lambda x: x.dtype
    lambd: Callable[[Any, Any], Any] | None = None
    lazy: Callable[[Any], bool] | None = None
    unit: str = ""
    distribution: str = ""


def _is_dask(inner: Callable[[Any], Any]) -> Callable[[Any], bool]:
    return lambda y: type(inner(y)).__module__.startswith("dask.")


def _pint(pint: Any, a: Any) -> Any:
    return pint.get_application_registry().Quantity(a, "mV")


def _arrow(pd: Any, a: Any) -> Any:
    import pyarrow

    return pd.Series(pd.arrays.ArrowExtensionArray(pyarrow.array(a)))


def _frame(dd: Any, a: Any) -> Any:
    import pandas as pd

    return dd.from_pandas(pd.Series(a), npartitions=2)


def _frames(dd: Any, a: Any) -> Any:
    import pandas as pd

    return dd.from_pandas(pd.DataFrame({"a": a, "b": a.astype("f8")}), npartitions=2)


def _per_column() -> Any:
    import pandas as pd

    return pd.Series({"a": 0.5, "b": 1.0})


def _masked(u: Any, a: Any) -> Any:
    from astropy.utils.masked import Masked

    return Masked(u.Quantity(a, "mV", dtype=a.dtype), mask=a > 2.5)


def _pint_column(pint_pandas: Any, a: Any) -> Any:
    import pandas as pd

    held = pd.arrays.FloatingArray(a, np.zeros(a.shape, bool))
    return pd.Series(pint_pandas.PintArray(held, "pint[mV]"))


@functools.cache
def _namespace(marray: Any) -> Any:
    return marray.masked_namespace(np)


def _masked_namespace(marray: Any, a: Any) -> Any:
    return _namespace(marray).asarray(a, mask=a > 2.5)


def _astropy_chunks(da: Any, a: Any) -> Any:
    import astropy.units as u

    def with_unit(block: Any) -> Any:
        return u.Quantity(block, "mV", dtype=block.dtype)

    return _chunks(da, a).map_blocks(with_unit, dtype=a.dtype, meta=with_unit(a[:0]))


def _chunks(da: Any, a: Any) -> Any:
    return da.from_array(a, chunks=2)


def _sparse_chunks(da: Any, a: Any) -> Any:
    import sparse

    return _chunks(da, a).map_blocks(sparse.COO.from_numpy)


def _xarray_dask(xr: Any, a: Any) -> Any:
    import dask.array as da

    return xr.DataArray(_chunks(da, a), dims="x")


def _pint_dask(pint: Any, a: Any) -> Any:
    import dask.array as da

    return _pint(pint, _chunks(da, a))


def _selected(x: Any) -> Any:
    import polars as pl

    return pl.select(x).dtypes


def _columns(x: Any) -> Any:
    return list(x.dtypes)


KINDS = (
    Kind("pandas Series", "pandas", lambda pd, a: pd.Series(a)),
    Kind("pandas Series, nullable", "pandas",
         lambda pd, a: pd.Series(pd.arrays.FloatingArray(a, a == 3))),
    Kind("pandas Series, Arrow", "pandas", _arrow),
    Kind("pandas Series, sparse", "pandas",
         lambda pd, a: pd.Series(pd.arrays.SparseArray(a, fill_value=np.float32(0)))),
    Kind("pandas Series, pint", "pint_pandas", _pint_column, unit="mV",
         distribution="pint-pandas"),
    Kind("pandas Index", "pandas", lambda pd, a: pd.Index(a)),
    Kind("pandas DataFrame", "pandas", lambda pd, a: pd.DataFrame({"a": a, "b": a.astype("f8")}),
         _columns, lambda pd, _: pd.Series({"a": 0.5, "b": 1.0})),
    Kind("xarray DataArray", "xarray", lambda xr, a: xr.DataArray(a, dims="x")),
    Kind("xarray Dataset", "xarray", lambda xr, a: xr.Dataset({"v": ("x", a)}),
         lambda x: x["v"].dtype),
    Kind("xarray DataArray over dask", "xarray", _xarray_dask, lazy=_is_dask(lambda y: y.data)),
    Kind("polars Series", "polars", lambda pl, a: pl.Series("n", a)),
    Kind("polars Expr", "polars", lambda pl, a: pl.lit(pl.Series("n", a)), _selected,
         lazy=lambda y: type(y).__name__ == "Expr"),
    Kind("sparse COO", "sparse", lambda s, a: s.COO.from_numpy(a)),
    Kind("sparse GCXS", "sparse", lambda s, a: s.GCXS.from_numpy(a)),
    Kind("sparse DOK", "sparse", lambda s, a: s.DOK.from_numpy(a)),
    Kind("scipy.sparse csr_array", "scipy.sparse", lambda s, a: s.csr_array(a[None]),
         distribution="scipy"),
    Kind("awkward Array", "awkward", lambda ak, a: ak.Array(a), lambda x: str(x.type.content)),
    Kind("numpy.ma MaskedArray", "numpy", lambda np, a: np.ma.masked_greater(a, 2.5)),
    Kind("numpy matrix", "numpy", lambda np, a: np.asarray(a[None]).view(np.matrix)),
    Kind("numpy recarray", "numpy", lambda np, a: np.rec.array(a)),
    Kind("astropy Masked Quantity", "astropy.units", _masked, unit="mV", distribution="astropy"),
    Kind("astropy Quantity", "astropy.units", lambda u, a: u.Quantity(a, "mV", dtype=a.dtype),
         unit="mV", distribution="astropy"),
    Kind("astropy Column", "astropy.table", lambda t, a: t.Column(a, unit="mV"),
         distribution="astropy"),
    Kind("pint Quantity", "pint", _pint, unit="mV"),
    Kind("pint Quantity over dask", "pint", _pint_dask, unit="mV",
         lazy=_is_dask(lambda y: y.magnitude)),
    Kind("unyt unyt_array", "unyt", lambda u, a: u.unyt_array(a, "mV"), unit="mV"),
    Kind("quantities Quantity", "quantities", lambda q, a: q.Quantity(a, "mV"), unit="mV"),
    Kind("dask Array", "dask.array", _chunks, lazy=_is_dask(lambda y: y), distribution="dask"),
    Kind("dask Array of sparse chunks", "dask.array", _sparse_chunks, lazy=_is_dask(lambda y: y),
         distribution="dask"),
    Kind("dask Array of masked chunks", "dask.array",
         lambda da, a: da.ma.masked_greater(_chunks(da, a), 2.5), lazy=_is_dask(lambda y: y),
         distribution="dask"),
    Kind("dask Array of astropy chunks", "dask.array", _astropy_chunks,
         lazy=_is_dask(lambda y: y), unit="mV", distribution="dask"),
    Kind("dask Index", "dask.dataframe",
         lambda dd, a: _frame(dd, a).to_frame("a").set_index("a").index, lazy=_is_dask(lambda y: y),
         distribution="dask"),
    Kind("dask Series", "dask.dataframe", _frame, lazy=_is_dask(lambda y: y),
         distribution="dask"),
    Kind("dask DataFrame", "dask.dataframe", _frames, _columns, lambda _, __: _per_column(),
         lazy=_is_dask(lambda y: y), distribution="dask"),
    Kind("array_api_strict", "array_api_strict", lambda xp, a: xp.asarray(a)),
    Kind("marray over NumPy", "marray", _masked_namespace),
    Kind("ragged", "ragged", lambda r, a: r.array([a[:2].tolist(), a[2:].tolist()])),
    Kind("ndonnx", "ndonnx", lambda xp, a: xp.asarray(a)),
    Kind("MLX", "mlx.core", lambda xp, a: xp.array(a), distribution="mlx"),
)  # fmt: skip


def _millivolts(number: float, library: str) -> Any:
    module = importlib.import_module(library)
    if library == "pint":
        return module.get_application_registry().Quantity(number, "mV")
    if library == "pint_pandas":
        return module.PintType.ureg.Quantity(number, "mV")
    return number * module.mV


def _scaled(kind: Kind, parameters: tuple[float, ...]) -> list[Any]:
    """Return numbers in the unit of a kind."""
    if not kind.unit:
        return list(parameters)
    library = "astropy.units" if kind.library == "dask.array" else kind.library
    return [_millivolts(number, library) for number in parameters]


def _seen(action: Callable[[], bool]) -> str:
    try:
        return "yes" if action() else "**no**"
    except (TypeError, ValueError):
        return "refused"


def cells(kind: Kind, operation: str) -> tuple[str, ...]:
    """Run an operation on a type; return backend, type, dtype, lazy, λ array and out."""
    module = importlib.import_module(kind.library)
    function = getattr(shrinkops, operation)

    def fresh() -> Any:
        return kind.make(module, VALUES.copy())

    x, numbers = fresh(), _scaled(kind, PARAMETERS[operation])
    y = function(x, *numbers)
    if kind.lambd is not None:
        lambd = kind.lambd(module, VALUES)
    else:
        lambd = kind.make(module, np.full(len(VALUES), 0.5, np.float32))

    def by_array() -> bool:
        return type(function(fresh(), lambd, *numbers[1:])) is type(x)

    def by_out() -> bool:
        target = fresh()
        return function(fresh(), *numbers, out=target) is target

    return (
        shrinkops.explain(x).backend or "none",
        "yes" if type(y) is type(x) else f"**{type(y).__name__}**",
        "yes" if kind.dtype(y) == kind.dtype(x) else "**no**",
        "" if kind.lazy is None else ("yes" if kind.lazy(y) else "**no**"),
        _seen(by_array),
        _seen(by_out),
    )


def rows() -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| type | operations | backend | type kept | dtype kept | lazy | λ array | out |"
    yield "|---|---|---|---|---|---|---|---|"
    for kind in KINDS:
        found: dict[tuple[str, ...], list[str]] = {}
        for operation in PARAMETERS:
            found.setdefault(cells(kind, operation), []).append(operation)
        for seen, operations in found.items():
            which = "all five" if len(operations) == len(PARAMETERS) else ", ".join(operations)
            yield f"| {kind.name} | {which} | {' | '.join(seen)} |"


def table() -> str:
    """Return the table, and what it was made with."""
    names = sorted({k.distribution or k.library for k in KINDS})
    versions = ", ".join(f"{name} {version(name.replace('_', '-'))}" for name in names)
    made = f"Made {datetime.date.today().isoformat()} by `python tests/tools/wrapped.py`, with"
    return "\n".join([BEGIN, "", *rows(), "", f"{made} {versions}.", "", END])


@click.command(help=__doc__)
@click.option("--write", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(write: Path | None) -> None:
    """Print the table, or put it into a page."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries; the suite makes them errors
        made = table()
    if write is None:
        click.echo(made)
        return
    text = write.read_text(encoding="utf-8")
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    write.write_text(head + made + tail, encoding="utf-8")


if __name__ == "__main__":
    main()
