"""awkward: nested and ragged arrays; the numbers at the leaves are computed.

Invariants
----------
- Lists, options and records stay as they are; a missing element stays missing.
- A parameter that is an array is broadcast by awkward, and never enlarges x.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import awkward as ak
import numpy as np

from ._wrapper import Inner, Part, Wrapper, check_numbers, is_array

__all__ = ["wrappers"]


class _Awkward(Wrapper):
    def apply(self, x: Any, parameters: Sequence[Any], out: Any, inner: Inner) -> Any:
        if out is not None:
            self.target(x, out, inner)
        for value, name in zip(parameters, inner.parameters, strict=True):
            if is_array(value) and not isinstance(value, ak.Array):
                raise inner.mixed(x, value, name, f"pass a Python float as {name}")
        arrays = [value for value in parameters if is_array(value)]
        numbers = [None if is_array(value) else value for value in parameters]
        seen: list[bool] = []

        def compute(leaves: Any) -> Any:
            x_leaf, *others = leaves
            rest = iter(np.asarray(leaf.data) for leaf in others)
            taken = [next(rest) if value is None else value for value in numbers]
            seen.append(True)
            part = Part(np.asarray(x_leaf.data), ak.type(x_leaf).content.primitive)
            result = inner.compute(part, taken, None)
            return ak.contents.NumpyArray(result, parameters=x_leaf.parameters)

        def visit(layouts: Any, **_: Any) -> Any:
            several = layouts if isinstance(layouts, (list, tuple)) else [layouts]
            if any(layout.parameter("__array__") in ("string", "bytestring") for layout in several):
                raise inner.refuse(str(ak.type(several[0]).content))
            if all(layout.is_numpy for layout in several):
                return compute(several)
            if several[0].is_unknown:
                return several[0]
            return None

        result = ak.transform(visit, x, *arrays)
        if isinstance(result, tuple):
            (result,) = result
        if not seen:  # an array without leaves: the numbers are checked all the same
            check_numbers(np.dtype(np.float64), "", parameters, inner)
        if arrays and ak.type(result) != ak.type(x):
            raise ValueError(
                f"{inner.name}: a parameter changes x of type {ak.type(x)} to {ak.type(result)}; "
                f"give it x's structure, or lengths of 1"
            )
        return result


def wrappers(_library: str) -> dict[type, Wrapper]:
    """Return the wrappers by class."""
    return {ak.Array: _Awkward()}
