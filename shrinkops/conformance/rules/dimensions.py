"""The dimensions of a call, and which levels cannot meet.

Invariants
----------
- A level is a name; what it does is text in `calls`, in `paths` or in the backend's adapter.
- A level is left out of a dimension only where the backend declares no such thing; two levels
  that cannot meet are named by `forbidden`, which depends on names alone.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from shrinkops.conformance._context import Context
from shrinkops.conformance._numbers import number_of

from .calls import levels_of_kind
from .parameters import ARRAYS, MIXED, SCALARS, array_shape, scalar, value_at

__all__ = ["COMPILED", "SHAPES", "Dimensions", "dimensions_of", "shape_of"]

SHAPES: Mapping[str, int] = {
    "1-d": 1, "2-d": 2, "3-d": 3, "0-d": 0, "scalar": 0, "one element": 1, "empty": 1,
    "short": 1, "empty 3-d": 3, "axes of one": 3, "4-d": 4, "tall": 2, "square": 2,
}  # fmt: skip
"""Names of shapes, the plainest first, and how many axes they have."""

_X_ALONE = frozenset(
    {"offset", "first axis stepped", "middle rows", "row of a table", "overlapping windows"}
)
"""Layouts that only x is tried in: another one does the same to a second array."""
_SMALL = frozenset({"0-d", "scalar", "one element", "empty", "empty 3-d"})
_SOME_KINDS = frozenset(
    {"float", "left out", "np.float64", "np.float32", "int", "Fraction", "Decimal"}
)
_SOME_VALUES = frozenset(
    {"ordinary", "not representable", "tie", "near a tie", "zero", "minus zero", "subnormal",
     "rounds into the subnormals", "whole, large", "whole, beside a tie", "infinity",
     "negative", "negative, tiny", "negative, large",
     "minus infinity", "beyond", "NaN", "fraction", "largest", "just beyond"}
)  # fmt: skip
_WHOLE = frozenset({"float32", "float64", "int8", "complex128"})
COMPILED = frozenset({"float32", "int32", "complex64"})
"""Where each call costs a compilation: types that get every call, and those in the modes."""
_FEW = ("1-d", "2-d", "0-d", "empty", "3-d")
"""Where each new shape costs a compilation."""


def shape_of(level: str, position: int, compiles: bool) -> tuple[int, ...]:
    """Return a shape; lengths go through every residue from row to row."""
    if compiles:
        return {"1-d": (37,), "2-d": (6, 9), "0-d": (), "empty": (0, 3), "3-d": (3, 4, 5)}[level]
    step = position * 7
    return {
        "1-d": (34 + step % 159,),
        "2-d": (3 + position % 4, 9 + step % 64),
        "3-d": (2 + position % 3, 4, 5 + step % 16),
        "0-d": (), "scalar": (), "one element": (1,), "empty": (0,),
        "short": (2 + step % 32,),
        "empty 3-d": ((3, 0, 2), (0, 3, 2), (2, 3, 0))[position % 3],
        "axes of one": ((1, 9 + step % 9, 1), (1, 1, 17), (16, 1, 1))[position % 3],
        "4-d": (2, 3, 2, 3 + position % 5),
        "tall": (17 + step % 48, 2),
        "square": ((5 + position % 5,) * 2),
    }[level]  # fmt: skip


class Dimensions:
    """The dimensions of calls for one backend, operation and kind of element type."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.kind = context.number.kind
        self.layouts = {
            name: layout for name, layout in context.adapter.layouts().items()
            if self.kind in layout.kinds
        }  # fmt: skip
        # Of out and of a threshold, the layouts that are no two at once.
        self.plain = [name for name in self.layouts if "," not in name and name not in _X_ALONE]
        self.parameters = [parameter.name for parameter in context.operation.parameters]
        self.arrays = context.declares("array_lambd")
        self._parts: dict[str, dict[str, Sequence[str]]] = {}
        self._held: dict[tuple[str, str], bool] = {}

    @property
    def share(self) -> tuple[int, int]:
        """Return in how many parts the rows go to element types alike, and whose turn it is.

        The types that are most used get every row; of the others each gets a part in which it
        still meets every level.
        """
        context = self.context
        alike = sorted(
            name for name in context.backend.dtypes
            if getattr(number_of(context.backend.format(name), name), "kind", "") == self.kind
        )  # fmt: skip
        whole = COMPILED if context.adapter.compiles else _WHOLE
        if context.thorough or context.dtype in whole:
            return 1, 0
        rest = [name for name in alike if name not in whole]
        parts = min(len(rest), 3) if not context.adapter.compiles else len(rest)
        return parts, rest.index(context.dtype) % parts

    @property
    def variant(self) -> int:
        """Return which of two arrays the element type gets, so that more of three levels meet."""
        return int(self.context.dtype in ("float64", "float16"))

    def of(self, part: str) -> dict[str, Sequence[str]]:
        """Return the dimensions of a part of the calls, the plainest level of each first.

        Parameters
        ----------
        part : {"plain", "arrays", "out", "few elements"}
            Scalars and no ``out``; arrays of thresholds and no ``out``; an ``out``; shapes
            with one element or none, which show little of the other dimensions.
        """
        if part not in self._parts:
            self._parts[part] = self._of(part)
        return self._parts[part]

    def _of(self, part: str) -> dict[str, Sequence[str]]:
        context = self.context
        found: dict[str, Sequence[str]] = {}
        for name in self.parameters:
            found |= self.parameter(name, part)
        shapes = [s for s in SHAPES if not context.adapter.compiles or s in _FEW]
        if not context.scalars:
            shapes = [s for s in shapes if s != "scalar"]
        small = part == "few elements"
        found["shape"] = [s for s in shapes if (s in _SMALL) is small]
        laid = self.layouts if not small else self._of_one_element()
        found["layout"] = ["dense", *laid]
        outs = self.outs() if part == "out" or small else []
        found["out"] = outs if part == "out" else ["none", *outs[:2]]
        found["mode"] = ["usual", *self.modes()]
        found["repetition"] = [
            "once", "again", "another threshold before", "another call after",
            "other elements before", "in a thread",
        ]  # fmt: skip
        found["form"] = ["by position", "by keyword"]
        return found

    def _of_one_element(self) -> list[str]:
        """Return the layouts that an array without axes has."""
        return [n for n, rules in self.layouts.items() if rules.fits(0, self.kind)]

    def parameter(self, name: str, part: str) -> dict[str, Sequence[str]]:
        """Return the dimensions of one parameter in a part of the calls."""
        first = name == self.parameters[0]
        scalars = ["float", "left out", *(k for k in SCALARS if k != "float")]
        some = [k for k in scalars if k in _SOME_KINDS]
        arrays = ARRAYS if first else ("0-d array", "full array", "trailing array")
        kinds = {
            "plain": scalars if first else some,
            "arrays": [*(() if first else ("float",)), *arrays],
            "out": [*some, *(arrays if self.arrays else ())],
            "few elements": [
                *some,
                *(arrays[: 1 if self.context.adapter.compiles else None] if self.arrays else ()),
            ],
        }[part]
        values = list(levels_of_kind(self.context.number))
        compiles = self.context.adapter.compiles
        if compiles and part == "arrays" and not self.context.thorough:
            values = [MIXED]
        elif part != "plain":
            values = [v for v in values if v in _SOME_VALUES]
        dtypes = ["own"]
        if self.arrays and part != "plain":
            others: tuple[str, ...] = ("float64", "float32", "float16", "int32", "int64", "uint8")
            if self.kind == "integer" and self.context.operation.whole:
                others = ("int32", "int64", "uint8")
            if self.context.adapter.compiles or part != "arrays":
                others = ("float64", "int32")
            whole = self.kind == "integer" and self.context.operation.whole
            held = [o for o in others if not (whole and "float" in o)]
            dtypes += [o for o in held if self.declared(o) or (part == "arrays" and not compiles)]
        layouts = ["dense", *(self.plain if first and part == "arrays" else ())]
        return {f"{name} kind": kinds, f"{name} value": values, f"{name} dtype": dtypes,
                f"{name} layout": layouts}  # fmt: skip

    def declared(self, dtype: str) -> bool:
        """Tell whether x may be of an element type; a threshold of another may be refused."""
        return dtype == "own" or dtype in self.context.backend.dtypes

    def outs(self) -> list[str]:
        """Return the levels of out but none."""
        if not self.context.declares("out"):
            return []
        rules = self.layouts
        laid = [n for n in self.plain if rules[n].writable and rules[n].as_out]
        return ["fresh", "x itself", *self.context.adapter.overlaps(), *laid]

    def fresh(self, layout: str) -> str:
        """Return how a new out lies beside x: dense, or as x does where the library asks that."""
        rules = self.layouts.get(layout)
        return layout if rules is not None and not rules.as_out else "dense"

    @property
    def narrow(self) -> bool:
        """Whether an element has fewer than 64 bits."""
        return self.context.number.width * self.context.number.parts < 64

    def modes(self) -> list[str]:
        """Return the levels of the caller's modes but the usual."""
        narrow, context = self.narrow, self.context
        seldom = context.adapter.compiles and not context.thorough
        if seldom and context.dtype not in COMPILED:
            return []  # everything compiles anew
        return [
            name for name, mode in self.context.adapter.modes().items()
            if self.kind in mode.kinds and (narrow or not mode.narrow)
            and (mode.arithmetic or self.context.operation.accuracy == "exact")
        ]  # fmt: skip

    def rare(self, name: str, level: str) -> bool:
        """Tell whether a level costs much: a thread, a mode in which everything compiles anew."""
        if level == "in a thread":
            return True
        return name == "mode" and self.context.adapter.compiles and level != "usual"

    # What cannot meet

    def forbidden(self, levels: Mapping[str, str]) -> bool:
        """Tell whether some levels cannot meet in a call."""
        return any(
            self._parameter(name, levels) for name in self.parameters
        ) or self._array_of_x(levels)  # fmt: skip

    def _parameter(self, name: str, levels: Mapping[str, str]) -> bool:
        kind = levels.get(f"{name} kind")
        dtype, layout = levels.get(f"{name} dtype"), levels.get(f"{name} layout")
        array = kind in ARRAYS
        if kind is not None and not array and {dtype, layout} - {None, "own", "dense"}:
            return True
        value = levels.get(f"{name} value")
        if kind == "left out" and value not in (None, "ordinary"):
            return True
        scalar_kind = kind is not None and not array and kind != "left out"
        if scalar_kind and value is not None and not self._can_hold(str(kind), value):
            return True
        shape = levels.get("shape")
        if layout is not None and layout != "dense":
            axes = _axes_of(kind, shape)
            if axes is not None and not self.layouts[layout].fits(axes, self.kind):
                return True
        if array and shape is not None:
            sizes = (2,) * SHAPES[shape]
            if array_shape(str(kind), sizes) is None:
                return True
        return False

    def _can_hold(self, kind: str, value: str) -> bool:
        """Tell whether a kind holds a value, of this element type, that is no worse than finite."""
        if (kind, value) not in self._held:
            rng = random.Random(1)
            try:
                found = [scalar(kind, value_at(value, self.context.number, rng)) for _ in range(6)]
            except (OverflowError, ValueError):
                found = [None]
            self._held[kind, value] = any(one is not None for one in found)
        return self._held[kind, value]

    def _array_of_x(self, levels: Mapping[str, str]) -> bool:
        shape, layout, out = (levels.get(n) for n in ("shape", "layout", "out"))
        rules = self.layouts.get(str(layout))
        if shape is not None and rules is not None and not self._lies(rules, shape):
            return True
        overlaps = out in self.context.adapter.overlaps()
        if out is not None and shape is not None:
            if out in self.layouts and not self._lies(self.layouts[out], shape):
                return True
            if out != "none" and shape == "scalar":
                return True
            if overlaps and (SHAPES[shape] == 0 or shape.startswith("empty")):
                return True
        if rules is not None and not rules.as_out and out not in (
            None, "none", "x itself", "fresh"
        ):  # fmt: skip
            return True
        laid = (str(layout), *(levels.get(f"{name} layout", "") for name in self.parameters))
        if out not in (None, "none") and any(
            name in self.layouts and self.layouts[name].no_out for name in laid
        ):
            return True
        fixed = rules is not None and (rules.repeats or not rules.writable)
        if fixed and (overlaps or out == "x itself"):
            return True
        if (self._narrow(levels.get("mode")) and self._wide(levels)) or self._flushed(levels):
            return True
        repetition = levels.get("repetition")
        if repetition == "other elements before":
            if overlaps or out == "x itself" or shape == "scalar":
                return True
            if (rules is not None and not rules.writable) or not self.context.declares("out"):
                return True
        return False

    def _flushed(self, levels: Mapping[str, str]) -> bool:
        """NumPy itself takes a narrow subnormal scalar for zero where those are flushed."""
        rules = self.context.adapter.modes().get(levels.get("mode", ""))
        if rules is None or rules.arithmetic:
            return False
        kinds = {levels.get(f"{name} kind") for name in self.parameters}
        return bool(kinds & {"np.float32", "np.float16", "bfloat16"})

    def _narrow(self, mode: str | None) -> bool:
        rules = self.context.adapter.modes().get(str(mode))
        return rules is not None and rules.narrow

    def _wide(self, levels: Mapping[str, str]) -> bool:
        """Tell whether a parameter holds 64-bit elements."""
        return any("64" in levels.get(f"{name} dtype", "") for name in self.parameters)

    def _lies(self, rules: Any, shape: str) -> bool:
        return (
            shape != "scalar"
            and bool(rules.fits(SHAPES[shape], self.kind))
            and not (shape.startswith("empty") and rules.repeats)
        )


def _axes_of(kind: str | None, shape: str | None) -> int | None:
    """Return how many axes an array parameter has, where that is known."""
    if kind is None or kind not in ARRAYS:
        return None
    if kind in ("0-d array", "trailing array"):
        return 0 if kind == "0-d array" else 1
    if kind == "middle array":
        return 2
    return None if shape is None else SHAPES[shape]


def dimensions_of(context: Context) -> Dimensions:
    """Return the dimensions of calls for an item, shared by those of its element type."""
    kept = context.environment.kept
    key = "dimensions", context.operation.name, context.dtype
    if key not in kept:
        kept[key] = Dimensions(context)
    found: Dimensions = kept[key]
    found.context = context
    return found
