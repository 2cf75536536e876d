"""dask.dataframe: partition by partition, as pandas does it; and what both kinds check first.

Invariants
----------
- What a partition of no rows refuses is refused when the graph is made.
- A number that is known only when the graph is computed is an element, not a number: a negative or
  NaN one leaves x as it is.
- A threshold per column may be a pandas Series, a dict, or what dask reduces a frame to; one
  per row is a collection with x's partitions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from shrinkops_numpy._foreign import Call
from shrinkops_numpy._wrappers._units import has_unit, is_one, to_plain

from shrinkops import Backend
from shrinkops.spec import Operation, public_function, type_name

from ._tasks import partition_task

__all__ = ["kernel"]


def kernel(
    backend: Backend, operation: Operation, arrays: Callable[..., Any]
) -> Callable[..., Any]:
    """Return ``kernel(x, *parameters, out)`` for frames around the one for arrays."""
    import dask.array as da

    from ._arrays import with_units

    inner = Call(backend, operation)

    def either(x: Any, *arguments: Any) -> Any:
        *parameters, out = arguments
        named = zip(parameters, operation.parameter_names, strict=True)
        if isinstance(x, da.Array) and has_unit(x._meta):
            if out is not None:
                raise _no_out(operation, x)
            return with_units(operation.name, x, parameters)
        plain = [_number(value, name, inner) for value, name in named]
        if not isinstance(x, da.Array):
            return _frame(operation, x, plain, out)
        if type(x) is not da.Array:
            raise TypeError(
                f"{operation.name}: dask makes its own Array of a {type_name(type(x))}, expected "
                f"its own type; pass dask.array.Array(x.dask, x.name, x.chunks, meta=x._meta)"
            )
        for value, name in zip(plain, operation.parameter_names, strict=True):
            if hasattr(value, "_meta") and not isinstance(value, da.Array):
                raise _mixed(operation.name, x, value, name, "a dask array like x")
        return arrays(x, *plain, out)

    return either


def _number(value: Any, name: str, inner: Call) -> Any:
    """Return the number of a 0-d ndarray or a dimensionless quantity; anything else as it is."""
    if type(value) is np.ndarray and value.ndim == 0:
        return value[()]
    return to_plain(value, name, inner) if is_one(value) else value


def _mixed(operation: str, x: Any, value: Any, name: str, other: str) -> TypeError:
    return TypeError(
        f"{operation}: all arrays must be of one library, the one of x ('dask' backend), got x "
        f"is {type_name(type(x))}, {name} is {type_name(type(value))}; pass a Python float as "
        f"{name}, or {other}"
    )


def _no_out(operation: Operation, x: Any) -> TypeError:
    return TypeError(
        f"{operation.name}: the 'dask' backend has no out= for {type_name(type(x))}: a "
        f"collection is a plan, and has no memory to be filled; use the returned value"
    )


def _frame(operation: Operation, x: Any, parameters: Sequence[Any], out: Any) -> Any:
    if out is not None:
        raise _no_out(operation, x)
    function = public_function(operation.name)
    named = list(zip(parameters, operation.parameter_names, strict=True))
    lazy = {name: _aligned(operation.name, x, value, name) for value, name in named if _lazy(value)}
    for value, name in named:
        if name not in lazy:
            _check(operation.name, x, value, name)
    meta = function(x._meta, *(_sample(x, v) if name in lazy else v for v, name in named))
    numbers = [None if name in lazy else value for value, name in named]
    return x.map_partitions(
        partition_task(function, numbers), *lazy.values(), meta=meta, enforce_metadata=False
    )


def _lazy(value: Any) -> bool:
    import dask.array as da

    return isinstance(value, da.Array) or (
        hasattr(value, "npartitions") and hasattr(value, "_meta")
    )


def _check(operation: str, x: Any, value: Any, name: str) -> None:
    """Refuse arrays of another library; numbers are checked where the meta is computed."""
    import dask.dataframe as dd
    import pandas as pd

    per_column = isinstance(value, (pd.Series, Mapping)) and isinstance(x, dd.DataFrame)
    several = hasattr(value, "shape") and value.shape != () and hasattr(value, "ndim")
    if several and not per_column:
        raise _mixed(operation, x, value, name, "a collection like x")


def _aligned(operation: str, x: Any, value: Any, name: str) -> Any:
    """Return a parameter whose partitions go with x's, or the single one that serves them all."""
    import dask.array as da
    import dask.dataframe as dd

    kinds = {
        dd.DataFrame: (dd.DataFrame, dd.Series),
        dd.Series: (dd.Series,),
        dd.Index: (dd.Index,),
    }
    fitting = next(taken for kind, taken in kinds.items() if isinstance(x, kind))
    if isinstance(value, da.Array):
        raise _mixed(operation, x, value, name, "a collection like x")
    if value.ndim == 0:
        return value
    if not isinstance(value, fitting):
        raise _mixed(operation, x, value, name, "a collection like x")
    if isinstance(x, dd.DataFrame) and isinstance(value, dd.Series):
        if value.npartitions == 1:
            return value  # one threshold per column, such as x.std()
        wrong = f"has {value.npartitions} partitions, expected one value for each column, in one"
    elif value.known_divisions and x.known_divisions:
        mine, its = x.divisions, value.divisions
        if mine[0] <= its[0] and its[-1] <= mine[-1]:
            return value if its == mine else value.repartition(divisions=mine, force=True)
        wrong = (
            f"has labels from {its[0]!r} to {its[-1]!r}, expected x's {mine[0]!r} to {mine[-1]!r}"
        )
    elif value.npartitions == x.npartitions:
        return value
    else:
        wrong = f"has {value.npartitions} partitions, expected x's {x.npartitions}"
    raise ValueError(f"{operation}: {name} {wrong}; repartition it like x, or pass a float")


def _sample(x: Any, value: Any) -> Any:
    """Return a parameter without rows that stands for a lazy one."""
    import dask.dataframe as dd
    import pandas as pd

    if value.ndim and not (isinstance(x, dd.DataFrame) and value.ndim == 1):
        return value._meta
    dtype = getattr(value._meta, "dtype", "object")
    if isinstance(x, dd.DataFrame):
        some = 0 if pd.api.types.is_numeric_dtype(dtype) else None
        return pd.Series(some, dtype=dtype, index=x.columns)
    if isinstance(x, dd.Index):  # which is a Series, too
        return pd.Index([], dtype=dtype)
    return pd.Series([], dtype=dtype, index=x._meta.index[:0])
