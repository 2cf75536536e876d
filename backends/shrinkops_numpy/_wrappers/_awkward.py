"""awkward: nested and ragged arrays; the numbers at the leaves are computed.

Invariants
----------
- Lists, options and records stay as they are; a missing element stays missing.
- A parameter that is an array is broadcast by awkward, and never enlarges x; what is missing in
  it is no threshold, and nothing of x goes missing by it.
- Leaves go to the backend of their own library; those of virtual arrays are read first, as by
  every function of awkward. Of leaves without data (typetracer, by which dask-awkward plans) only
  the types are checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import awkward as ak
import numpy as np

from shrinkops.spec import type_name

from ._wrapper import Inner, Part, Wrapper, check_numbers, is_array, without_missing

__all__ = ["wrappers"]


class _Awkward(Wrapper):
    def apply(self, x: Any, parameters: Sequence[Any], out: Any, inner: Inner) -> Any:
        if out is not None:
            self.target(x, out, inner)
        for value, name in zip(parameters, inner.parameters, strict=True):
            if is_array(value) and not isinstance(value, ak.Array):
                raise inner.mixed(x, value, name, f"pass a Python float as {name}")
        named = list(zip(parameters, inner.parameters, strict=True))
        arrays = [_numbers(value, name, inner) for value, name in named if is_array(value)]
        names = [name for value, name in named if is_array(value)]
        several = [is_array(value) for value in parameters]
        seen: list[bool] = []

        def compute(leaves: Any) -> Any:
            x_leaf, *others = leaves
            seen.append(True)
            if x_leaf.backend.name == "typetracer":
                check_numbers(x_leaf.dtype, "", [] if any(several) else parameters, inner)
                return tuple(leaves) if others else x_leaf
            rest = iter(_numbers_of(leaf) for leaf in others)
            taken = [
                next(rest) if array else value
                for array, value in zip(several, parameters, strict=True)
            ]
            result = inner.compute(Part(_numbers_of(x_leaf)), taken, None)
            computed = ak.contents.NumpyArray(result, parameters=x_leaf.parameters)
            return (computed, *others) if others else computed

        def visit(layouts: Any, **_: Any) -> Any:
            all_of = layouts if isinstance(layouts, (list, tuple)) else [layouts]
            for layout, name in zip(all_of, ("", *names), strict=True):
                if layout.parameter("__array__") not in ("string", "bytestring"):
                    continue
                kind = str(ak.type(layout).content)
                if not name:
                    raise inner.refuse(kind)
                raise TypeError(
                    f"{inner.name}: {name} must hold real numbers, got an array of dtype {kind}; "
                    f"convert it, or pass a float"
                )
            if all(layout.is_numpy for layout in all_of):
                return compute(all_of)
            if all_of[0].is_unknown:
                return tuple(all_of) if arrays else all_of[0]
            return None

        # As many results as arguments: so x's has the parameters of x's lists and records.
        result = ak.transform(visit, x, *arrays, broadcast_parameters_rule="one_to_one")
        if isinstance(result, tuple):
            result, *_ = result
        if not seen:  # an array without leaves: the numbers are checked all the same
            check_numbers(np.dtype(np.float64), "", parameters, inner)
        if arrays and ak.type(result) != ak.type(x):
            raise ValueError(
                f"{inner.name}: a parameter changes x of type {ak.type(x)} to {ak.type(result)}; "
                f"give it x's structure, or lengths of 1"
            )
        return result

    def inside(self, x: Any, inner: Inner) -> Sequence[Any]:
        leaves: list[Any] = []

        def visit(layout: Any, **_: Any) -> Any:
            if layout.is_numpy:
                leaves.append(np.ndarray if _is_virtual(layout) else layout.data)
                return layout
            return None

        ak.transform(visit, x)
        return leaves


def _is_virtual(leaf: Any) -> bool:
    return hasattr(leaf.data, "materialize")


def _numbers_of(leaf: Any) -> Any:
    """Return the numbers of a leaf, which are read now where awkward had put that off."""
    return leaf.data.materialize() if _is_virtual(leaf) else leaf.data


def _numbers(value: Any, name: str, inner: Inner) -> Any:
    """Return a parameter without attributes and behaviors, in which nothing is missing."""
    value = ak.Array(value.layout)
    if "?" not in str(value.type) and "option[" not in str(value.type):
        return value

    def visit(layout: Any, **_: Any) -> Any:
        if layout.is_option and layout.content.is_unknown:  # nothing but missing elements
            return ak.contents.NumpyArray(np.full(len(layout), np.nan))
        if not (layout.is_option and layout.content.is_numpy):
            return None
        filled = layout.to_ByteMaskedArray(True)
        missing = ~filled.mask.data.astype(bool)
        plain = np.array(filled.content.data[: len(missing)])
        return ak.contents.NumpyArray(without_missing(plain, missing, name, inner))

    return ak.transform(visit, value)


class _Record(Wrapper):
    """One element of an array of records."""

    def apply(self, x: Any, parameters: Sequence[Any], out: Any, inner: Inner) -> Any:
        raise TypeError(
            f"{inner.name}: {type_name(type(x))} is one element of an array, expected an "
            f"awkward.Array; apply {inner.name} to the array, and take the element of the result"
        )

    def inside(self, x: Any, inner: Inner) -> Sequence[Any]:
        return ()


def wrappers(_library: str) -> dict[type, Wrapper]:
    """Return the wrappers by class."""
    return {ak.Array: _Awkward(), ak.Record: _Record()}
