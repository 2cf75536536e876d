"""Transformed calls on every path: mapped, compiled, composed; thresholds traced with every value.

Invariants
----------
- A transformed call gives the elements of the plain one. A traced threshold is an element, not a
  number: nothing is refused, and one that is negative or NaN leaves x as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shrinkops.conformance._collect import Collector
from shrinkops.conformance._context import Context
from shrinkops.conformance._model import NotApplicable, Spared

from .calls import Case, Unavailable, arguments, build, made
from .dimensions import COMPILED
from .oracle import Want
from .parameters import ARRAYS
from .paths import Paths

__all__ = ["CHECKS"]

check = Collector()
CHECKS = check.checks

_Array = np.ndarray[Any, Any]

KINDS: Mapping[str, str] = {
    "vmap": "y = vmap(lambda v: f(v{0}))(x)",
    "vmap of both": "y = vmap(f)(x{0})",
    "vmap by thresholds": "y = vmap(lambda t: f(x, t))(lambd)",
    "vmap of vmap": "y = vmap(vmap(lambda v: f(v{0})))(x)",
    "jit": "y = jit(lambda v: f(v{0}))(x)",
    "jit, traced thresholds": "y = jit(f)(x{0})",
    "jit of vmap": "y = jit(vmap(lambda v: f(v{0})))(x)",
    "vmap of jit": "y = vmap(jit(lambda v: f(v{0})))(x)",
    "jit of vmap of both": "y = jit(vmap(f))(x{0})",
}
"""Statements that transform; {0} are the parameters."""

_TRACED_TYPES = frozenset({"float32", "bfloat16", "int32"})
_TRACED = ("jit, traced thresholds",)
_LARGE = {
    "beyond", "largest", "whole, large", "whole, beside a tie", "huge", "just beyond",
    "negative, large",
}  # fmt: skip
_TRACEABLE = ("float", "int", "np.float64", "np.float32")


class Transformations(Paths):
    """The transformed calls of one item: those whose names begin as ``part`` does."""

    def __init__(self, context: Context, part: str) -> None:
        super().__init__(context, part)
        self.claims = [c for c in self.claims if "order(" not in c.text]
        if part == "jit, closed" and context.adapter.compiles:
            self.strength = 1  # every number is a compilation of its own
        if part == "jit" and not context.adapter.compiles:
            if context.dtype not in _TRACED_TYPES:
                raise Spared(
                    f"tracing takes its time here: {', '.join(sorted(_TRACED_TYPES))} are tried"
                )
            self.strength = 1

    @property
    def traceable(self) -> tuple[str, ...]:
        """Kinds of scalars that become elements: whole ones where an array must be whole."""
        whole = self.dimensions.kind == "integer" and self.context.operation.whole
        return ("int",) if whole else _TRACEABLE

    def _kinds(self) -> list[str]:
        compiles = self.part.startswith("jit")
        other = "vmap" if compiles else "jit"
        names = [k for k in KINDS if ("jit" in k) is compiles]
        if self.context.adapter.compiles and compiles:
            traced = [k for k in names if k in _TRACED or "both" in k]
            names = [k for k in names if k not in traced] if "closed" in self.part else traced
        if not self.context.adapter.compiles:
            names = [k for k in names if k != "vmap of jit"]
        if not self.context.declares(other):
            names = [k for k in names if other not in k]
        if len(self.dimensions.parameters) > 1:
            names = [k for k in names if k != "vmap by thresholds"]
        return names if self.dimensions.arrays else [
            k for k in names if k not in (*_TRACED, "vmap by thresholds") and "both" not in k
        ]  # fmt: skip

    def _dimensions(self) -> dict[str, Sequence[str]]:
        d = self.dimensions
        found: dict[str, Sequence[str]] = {}
        part = "out" if d.arrays else "plain"
        for name in d.parameters:
            found |= d.parameter(name, part)
        shapes = d.of("plain")["shape"]
        found["shape"] = [s for s in shapes if s in ("1-d", "2-d", "3-d", "square")]
        whole = [n for n, rules in d.layouts.items() if not rules.repeats]
        found["layout"] = ["dense", *(whole if not self.part.startswith("jit") else whole[2:4])]
        found["transformation"] = self._kinds()
        for name, level in (("out", "none"), ("mode", "usual"), ("repetition", "once"),
                            ("form", "by position")):  # fmt: skip
            found[name] = [level]
        return found

    def _forbidden(self, levels: Mapping[str, str]) -> bool:
        name = levels.get("transformation", "")
        kinds = [levels.get(f"{n} kind") for n in self.dimensions.parameters]
        known = [k for k in kinds if k is not None]
        shape = levels.get("shape")
        if name in ("vmap", "jit of vmap", "vmap of jit", "vmap of vmap"):
            if any(k in ARRAYS and k != "0-d array" for k in known):
                return True
            if name == "vmap of vmap" and shape == "1-d":
                return True
        if "both" in name and (shape == "1-d" or any(k != "leading array" for k in known)):
            return True
        if name == "vmap by thresholds" and any(k != "trailing array" for k in known):
            return True
        values = [levels.get(f"{n} value") for n in self.dimensions.parameters]
        if name in _TRACED and "int" in known and set(values) & _LARGE:
            return True  # a graph has no integers of more than 64 bits
        if name in _TRACED and any(k not in (*ARRAYS, *self.traceable) for k in known):
            return True
        return self.dimensions.forbidden(levels)

    def case(self, row: Mapping[str, str], position: int) -> Case:
        """Draw the values of a row and write its lines."""
        context, name = self.context, row["transformation"]
        shape = self._shape(row, position)
        case = build(context, self.oracle, row, shape=shape, seed=str(position))
        traced = name in _TRACED or "both" in name
        if case.refused and not traced:
            raise Unavailable("a threshold that is refused")
        if traced:
            self._as_elements(case)
        case.perhaps, case.refused = not traced, False
        if "both" in name:  # each row has a 0-d threshold of its own
            for one in case.given:
                one.array.shape = one.array.shape[:1]
        if name == "vmap by thresholds":
            self._by_thresholds(case)
        lines, text = arguments(context, case)
        case.setup.lines = [*lines, *made(context, "x", row["layout"], case.x.shape)]
        case.call = KINDS[name].format(text)
        return case

    def _shape(self, row: Mapping[str, str], position: int) -> tuple[int, ...]:
        from .dimensions import shape_of

        few = self.context.adapter.compiles or self.part.startswith("jit")
        level = row["shape"] if row["shape"] != "square" else "2-d"
        return shape_of(level, position, few)

    def _as_elements(self, case: Case) -> None:
        """Take scalars for elements: what would be refused has a result when it is traced."""
        if any(v != v for v in case.combinations[0][1:]):
            raise Unavailable("a parameter that has no meaning")
        if not case.refused:
            return
        for parameter, one in zip(self.oracle.operation.parameters, case.given, strict=True):
            value = one.exact[0]
            if one.array is None and abs(value) == float("inf") and not parameter.infinite:
                raise Unavailable("a parameter that has no meaning")
        from .calls import _want

        case.want = _want(
            self.oracle, case.blocks, case.combinations, case.keys, case.select, case.index,
            case.x.shape,
        )  # fmt: skip

    def _by_thresholds(self, case: Case) -> None:
        """Let the last axis run over thresholds, for one array x."""
        one = case.given[0]
        blocks, x = case.blocks, case.x.reshape(-1)[:24]
        index = case.index.reshape(-1)[:24]
        rows = [
            [self.oracle.row(block, (one.exact[j],), (one.keys[j],)) for block in blocks]
            for j in one.index.reshape(-1)
        ]
        values = [np.concatenate([w.values for w in row])[index] for row in rows]
        case.x = x
        case.setup.names["data_x"] = x
        rest = [
            np.stack([np.concatenate([getattr(w, name) for w in row])[index] for row in rows])
            for name in ("either", "open", "within")
        ]
        case.want = Want(np.stack(values), *rest)

    def fault(self, case: Case) -> Any:
        """Execute a case; its result may have another shape than x."""
        if case.row["transformation"] == "vmap by thresholds":
            self.claims = [c for c in self.claims if "shape" not in c.says]
        if "jit" in case.row["transformation"] and not self.context.adapter.compiles:
            self.context.adapter.forget()
        return super().fault(case)


@check(
    "TRF-1/vmap-paths", "mapped over x, thresholds and both, crossed with every value",
    kinds=("float", "integer", "complex"), needs=("vmap",), since="1.1",
)  # fmt: skip
def mapped(context: Context) -> None:
    Transformations(context, "vmap").run()


@check(
    "TRF-1/jit-paths", "compiled, composed, thresholds traced, crossed with every value",
    kinds=("float", "integer", "complex"), needs=("jit",), since="1.1",
)  # fmt: skip
def compiled(context: Context) -> None:
    if not context.adapter.compiles:
        Transformations(context, "jit").run()
        return
    if context.dtype not in COMPILED and not context.thorough:
        raise NotApplicable(
            f"every call compiles here: {', '.join(sorted(COMPILED))} are tried, or --thorough"
        )
    Transformations(context, "jit, closed").run()
    if context.declares("array_lambd"):
        Transformations(context, "jit, traced").run()
