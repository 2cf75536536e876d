"""xarray: arrays with named axes, over whatever library lies inside.

Invariants
----------
- The result is a copy of x that holds other numbers, so class, name and coordinates are x's.
  Attributes are kept or dropped as xarray's own option says; the encoding goes, as with every
  function of xarray.
- Of a parameter only the numbers count, put into x's order of axes: a coordinate, an attribute or
  a name of it never reaches the result. Its index must be x's along the axes that both have.
- What lies inside stays what it is: dask stays lazy, sparse sparse.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from shrinkops.spec import type_name

from ._wrapper import Inner, Part, Wrapper, like_content

__all__ = ["wrappers"]


class _Array(Wrapper):
    """A DataArray or a Variable."""

    def parts(self, x: Any, plain: bool, inner: Inner) -> Sequence[Part]:
        return [Part(x.data)]

    def parameter(self, x: Any, value: Any, part: Part, name: str, inner: Inner) -> Any:
        if not isinstance(value, (xr.DataArray, xr.Variable)):
            raise inner.mixed(x, value, name, f"pass a float as {name}, or a DataArray")
        extra = [axis for axis in value.dims if axis not in x.dims]
        if extra:
            raise ValueError(
                f"{inner.name}: {name} changes x of axes {x.dims}: it has {extra} too; "
                f"give {name} only axes that x has, of the same length and labels"
            )
        if isinstance(value, xr.DataArray) and isinstance(x, xr.DataArray):
            value = _aligned(x, value, name, inner)
        variable = value.variable if isinstance(value, xr.DataArray) else value
        wrong = [axis for axis in variable.dims if variable.sizes[axis] not in (1, x.sizes[axis])]
        if wrong:
            raise ValueError(
                f"{inner.name}: {name} changes x of sizes {dict(x.sizes)} along {wrong}; "
                f"give each axis the length that x has"
            )
        ordered = variable.transpose(*(axis for axis in x.dims if axis in variable.dims))
        data = ordered.data
        index = tuple(slice(None) if axis in ordered.dims else None for axis in x.dims)
        first = next((i for i, place in enumerate(index) if place is not None), len(index))
        data = data[index[first:]] if first < len(index) else data
        if hasattr(data, "dask") and isinstance(part.content, np.ndarray):
            raise TypeError(
                f"{inner.name}: x holds {type_name(type(part.content))}, and {name} a "
                f"{type_name(type(data))} that is lazy; pass {name}.compute(), or x.chunk()"
            )
        return like_content(part.content, data)

    def rebuild(self, x: Any, results: Sequence[Any], inner: Inner) -> Any:
        if isinstance(x, xr.IndexVariable):  # numbers that changed are no index
            x = x.to_base_variable()
        y = x.copy(deep=False, data=results[0])
        y.encoding = {}
        if not _keep():
            y.attrs = {}
        return y


class _Set(Wrapper):
    """A Dataset: a part per variable; a parameter may be a Dataset, a DataArray or a dict."""

    def parts(self, x: Any, plain: bool, inner: Inner) -> Sequence[Part]:
        return [Part(array, key=name) for name, array in x.data_vars.items()]

    def parameter(self, x: Any, value: Any, part: Part, name: str, inner: Inner) -> Any:
        if isinstance(value, (xr.DataArray, xr.Variable)):
            return value
        if not isinstance(value, (xr.Dataset, dict)):
            raise inner.mixed(x, value, name, f"pass a float as {name}, or a Dataset or dict")
        if part.key not in value:
            raise ValueError(
                f"{inner.name}: {name} has no value for the variable {part.key!r}; "
                f"give one for each of {list(x.data_vars)}"
            )
        return value[part.key]

    def rebuild(self, x: Any, results: Sequence[Any], inner: Inner) -> Any:
        y = x.assign(dict(zip(x.data_vars, results, strict=True)))
        y.encoding = {}
        if not _keep():
            y.attrs = {}
        return y


class _Tree(Wrapper):
    """A DataTree: a part per node."""

    def parts(self, x: Any, plain: bool, inner: Inner) -> Sequence[Part]:
        # Coordinates that a node has from its parent stay the parent's.
        return [Part(node.to_dataset(inherit=False), key=node.path) for node in x.subtree]

    def parameter(self, x: Any, value: Any, part: Part, name: str, inner: Inner) -> Any:
        if isinstance(value, (xr.DataArray, xr.Variable)):
            return value
        raise inner.mixed(x, value, name, f"pass a float as {name}, or a DataArray")

    def rebuild(self, x: Any, results: Sequence[Any], inner: Inner) -> Any:
        nodes = dict(zip((node.path for node in x.subtree), results, strict=True))
        return type(x).from_dict(nodes, name=x.name)


class _Groups(Wrapper):
    """A GroupBy stands for several arrays, and no result is of its type."""

    def parts(self, x: Any, plain: bool, inner: Inner) -> Sequence[Part]:
        raise TypeError(
            f"{inner.name}: {type_name(type(x))} is no array, expected a DataArray or a Dataset; "
            f"apply {inner.name} in each group: x.map({inner.name}), or to the whole array"
        )


def _aligned(x: Any, value: Any, name: str, inner: Inner) -> Any:
    """Put a parameter into the order of x's labels."""
    for axis in value.dims:
        if axis not in value.indexes or axis not in x.indexes:
            continue
        mine, its = x.indexes[axis], value.indexes[axis]
        if its.equals(mine):
            continue
        if not its.is_unique or len(its) != len(mine) or not mine.isin(its).all():
            raise ValueError(
                f"{inner.name}: {name} changes x: along {axis!r} it has other labels than x; "
                f"give it x's labels, or leave them out"
            )
        value = value.sel({axis: mine})
    return value


def _keep() -> bool:
    """Return whether attributes are kept, as for NumPy's own functions on xarray's arrays."""
    option = xr.get_options()["keep_attrs"]  # type: ignore[no-untyped-call]
    return True if option == "default" else bool(option)


def wrappers(_library: str) -> dict[type, Wrapper]:
    """Return the wrappers by class."""
    from xarray.core.groupby import GroupBy

    table: dict[type, Wrapper] = {
        xr.DataArray: _Array(),
        xr.Variable: _Array(),
        xr.Dataset: _Set(),
        GroupBy: _Groups(),
    }
    if hasattr(xr, "DataTree"):
        table[xr.DataTree] = _Tree()
    return table
