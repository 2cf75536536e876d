"""Derivatives on every path: reverse, forward, second, through the cotangent, by parameters.

Invariants
----------
- What a derivative must be follows from the pieces: the slope, by selection, and the partial
  derivatives, summed to the parameter's shape.
- Elements of the band give exactly 0 under any cotangent; where the slope is 1 the cotangent
  passes bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shrinkops.conformance._bits import array_of
from shrinkops.conformance._collect import Collector
from shrinkops.conformance._context import Context
from shrinkops.conformance._model import NotApplicable, Spared
from shrinkops.conformance._numbers import decode

from .calls import Case, Unavailable, arguments, build, made
from .claims import Claim
from .dimensions import SHAPES, shape_of
from .flushed import further, further_slopes, tiny
from .oracle import Want, part_of
from .parameters import ARRAYS
from .paths import Paths

__all__ = ["CHECKS", "DTYPES"]

check = Collector()
CHECKS = check.checks

DTYPES = ("bfloat16", "float16", "float32", "float64")
"""Types that libraries differentiate; the 8-bit ones have no arithmetic."""

_Array = np.ndarray[Any, Any]

KINDS: Mapping[str, str] = {
    "reverse": "y = vjp(lambda v: f(v{0}), x, g)",
    "forward": "y = jvp(lambda v: f(v{0}), x, g)",
    "through the cotangent": "y = vjp(lambda k: vjp(lambda v: f(v{0}), x, k), g, h)",
    "second": "y = vjp(lambda v: vjp(lambda w: f(w{0}), v, g), x, h)",
    "reverse of vmap": "y = vjp(vmap(lambda v: f(v{0})), x, g)",
    "reverse of jit": "y = vjp(jit(lambda v: f(v{0})), x, g)",
    "jit of reverse": "y = jit(lambda v, c: vjp(lambda w: f(w{0}), v, c))(x, g)",
    "reverse by": "y = vjp(lambda v: f(x{1}), {2}, g)",
    "forward by": "y = jvp(lambda v: f(x{1}), {2}, d)",
}
"""Statements that differentiate; {0} are the parameters, {1} those with ``v`` for one, {2} it."""

_COTANGENTS = ("ones", "random", "NaN in the band", "infinite", "NaN", "expanded")


class Derivatives(Paths):
    """The derivatives of one item."""

    def __init__(self, context: Context, part: str) -> None:
        super().__init__(context, part)
        # A derivative may be the cotangent itself: of the results, only the values are asked.
        self.claims = [c for c in self.claims if "written" in c.says or "setting" in c.says]
        self.claims.append(
            Claim("the cotangent was written", "read(g).tobytes() == g_before",
                  "g_before = read(g).tobytes()")
        )  # fmt: skip
        self.late = []
        if context.adapter.compiles and context.number.kind == "complex":
            self.strength = 1

    def _dimensions(self) -> dict[str, Sequence[str]]:
        d, context = self.dimensions, self.context
        out = d.of("out" if context.declares("out") else "arrays" if d.arrays else "plain")
        found: dict[str, Sequence[str]] = {}
        for name in d.parameters:
            for what in ("kind", "value", "dtype", "layout"):
                found[f"{name} {what}"] = d.parameter(name, "out")[f"{name} {what}"]
        found["shape"] = [s for s in out["shape"] if s in ("1-d", "2-d", "3-d", "tall", "square")]
        found["layout"] = d.of("plain")["layout"]
        kinds = [k for k in KINDS if "vmap" not in k or context.declares("vmap")]
        jits = context.declares("jit") and context.adapter.compiles
        kinds = [k for k in kinds if "jit" not in k or jits]
        if not self._flat():
            kinds.remove("second")
        names = d.parameters if d.arrays else []
        by = [f"{k} {name}" for k in kinds if k.endswith("by") for name in names]
        found["derivative"] = [k for k in kinds if not k.endswith("by")] + by
        found["cotangent"] = _COTANGENTS
        laid = [n for n in d.plain if not d.layouts[n].repeats and "grad" not in n]
        found["cotangent layout"] = ["dense", *laid]
        for name in ("out", "mode", "repetition", "form"):
            found[name] = [{"out": "none", "mode": "usual", "repetition": "once",
                            "form": "by position"}[name]]  # fmt: skip
        return found

    def _flat(self) -> bool:
        """Whether no slope depends on x: second derivatives are then 0."""
        given = [2 + i for i, _ in enumerate(self.dimensions.parameters)]
        return all(p.slope(5, *given) == p.slope(7, *given) for p in self.oracle.operation.pieces)

    def _forbidden(self, levels: Mapping[str, str]) -> bool:
        derivative, cotangent = levels.get("derivative", ""), levels.get("cotangent")
        by = derivative.partition(" by ")[2]
        kind = levels.get(f"{by} kind") if by else None
        if kind is not None and kind not in ARRAYS:
            return True
        if by and cotangent in ("infinite", "NaN"):
            return True
        scalars = all(levels.get(f"{n} kind") not in ARRAYS for n in self.dimensions.parameters)
        if derivative == "reverse of vmap" and not scalars:
            return True
        rules = self.dimensions.layouts.get(levels.get("layout", ""))
        if derivative == "forward" and rules is not None and rules.repeats:
            return True  # forward mode writes into the tangent's memory
        if "by " in derivative and "int" in levels.get(f"{by} dtype", ""):
            return True
        laid = levels.get("cotangent layout", "dense")
        if laid != "dense":
            if cotangent == "expanded" or derivative == "forward by":
                return True
            axes = SHAPES.get(levels.get("shape", ""))
            if axes is not None and not self.dimensions.layouts[laid].fits(axes, "float"):
                return True
        return self.dimensions.forbidden(levels)

    def case(self, row: Mapping[str, str], position: int) -> Case:
        """Draw the values of a row and write its lines."""
        context = self.context
        shape = shape_of(row["shape"], position, context.adapter.compiles)
        rules = self.dimensions.layouts.get(row["layout"])
        case = build(
            context, self.oracle, row, shape=shape, seed=str(position),
            repeats=rules.repeats if rules else "",
        )  # fmt: skip
        if case.refused:
            raise Unavailable("a threshold that is refused")
        case.perhaps = True
        lines, text = arguments(context, case)
        case.setup.lines = [*lines, *made(context, "x", row["layout"], shape)]
        slopes, others = self._slopes(case), self._further(case)
        derivative, _, by = row["derivative"].partition(" by ")
        self._tangents(case, row["cotangent"], slopes[0], np.random.default_rng(position))
        with np.errstate(all="ignore"):
            if by:
                place = 1 + self.dimensions.parameters.index(by)
                of_it = slopes[place], others[place]
                self._by_parameter(case, text, derivative + " by", by, *of_it)
            else:
                self._by_x(case, text, derivative, slopes[0], others[0])
        return case

    def _slopes(self, case: Case) -> list[_Array]:
        rows = [
            [self.oracle.slopes(block, c, key) for block in case.blocks]
            for c, key in zip(case.combinations, case.keys, strict=True)
        ]
        length = sum(len(block) for block in case.blocks)
        place = case.select * length + case.index
        return [
            np.concatenate([one[i] for row in rows for one in row])[place].reshape(case.x.shape)
            for i in range(1 + len(self.dimensions.parameters))
        ]

    def _further(self, case: Case) -> list[_Array]:
        """Return the slopes that a library which flushes subnormals may give, choices first."""
        count = 1 + len(self.dimensions.parameters)
        if not tiny(self.oracle):
            return [np.empty((0, *case.x.shape))] * count
        rows = [
            [further_slopes(self.oracle, block, c) for block in case.blocks]
            for c in case.combinations
        ]
        place = case.select * sum(len(block) for block in case.blocks) + case.index
        tables = [
            np.concatenate([one[i] for row in rows for one in row], axis=1) for i in range(count)
        ]
        return [table[:, place].reshape(-1, *case.x.shape) for table in tables]

    def _tangents(self, case: Case, kind: str, slope: _Array, draw: np.random.Generator) -> None:
        dtype, number = case.x.dtype, self.context.number
        if number.kind == "complex":
            number = part_of(number)
        nan, inf = (array_of([b], number)[0] for b in (number.quiet_nan, number.infinity or 0))
        g = (draw.integers(-8, 9, case.x.shape) / 4).astype(dtype)
        if dtype.kind == "c":
            g += 1j * draw.integers(-8, 9, case.x.shape)
        if kind in ("ones", "expanded"):
            g = np.ones_like(g)
        elif kind == "NaN in the band":
            g = np.where(slope == 0, nan, g)
        elif kind in ("infinite", "NaN"):
            g = np.full_like(g, inf if kind == "infinite" else nan)
        names = case.setup.names
        names["data_g"] = np.asarray(g, dtype)
        lines = made(self.context, "g", case.row["cotangent layout"], case.x.shape)
        if kind == "expanded" and "requires" not in case.row["layout"]:
            text = self.context.adapter.expand
            if text:
                names["data_one"] = np.ones((1,) * case.x.ndim, dtype)
                lines = [f"g = {text.format('make(data_one)', case.x.shape)}"]
        case.setup.lines = [*lines, *case.setup.lines]  # first: what makes g takes the name x
        if case.row["derivative"] in ("through the cotangent", "second"):
            names["data_h"] = (draw.integers(-8, 9, case.x.shape) / 4).astype(dtype)
            case.setup.lines.append("h = make(data_h)")

    def _by_x(self, case: Case, text: str, derivative: str, slope: _Array, others: _Array) -> None:
        case.call = KINDS[derivative].format(text)
        given = case.setup.names["data_h" if derivative == "through the cotangent" else "data_g"]
        if derivative == "second":
            zeros = np.zeros_like(case.x)
            case.want = Want(zeros, zeros != 0, np.zeros(zeros.shape, bool), np.zeros(zeros.shape))
            return
        wide = np.clongdouble if case.x.dtype.kind == "c" else np.longdouble
        product = (slope * given.astype(wide)).astype(case.x.dtype)
        values = np.where(slope == 0, case.x.dtype.type(0), np.where(slope == 1, given, product))
        inexact = (slope != 0) & (slope != 1) & np.isfinite(values.astype(wide))
        size = np.abs(values.astype(wide)) + np.longdouble(self._tiny())
        case.want = Want(
            np.asarray(values, case.x.dtype), np.zeros(slope.shape, bool),
            np.asarray(slope != slope), np.where(inexact, 8 * self._epsilon() * size, 0),
            others=self._off(further(slope, others, given, tiny(self.oracle)), 8),
        )  # fmt: skip

    def _off(self, found: list[_Array], units: int) -> list[tuple[_Array, _Array]]:
        """Give further results the accuracy of the others."""
        return [(one, units * self._epsilon() * np.abs(one)) for one in found]

    def _by_parameter(
        self, case: Case, text: str, derivative: str, by: str, partial: _Array, others: _Array
    ) -> None:
        position = self.dimensions.parameters.index(by)
        array = case.given[position].array
        names = case.setup.names
        ordinary = np.isfinite(case.x if case.x.dtype.kind == "c" else case.x.astype(np.float64))
        never = not any(by in piece.partials for piece in self.oracle.operation.pieces)
        other = text.replace(f"{by}={by}", f"{by}=v") if f"{by}=" in text else ", ".join(
            "v" if word == by else word for word in text.split(", "))  # fmt: skip
        case.call = KINDS[derivative].format("", other, by)
        epsilon = 16 * self._epsilon()
        if derivative == "forward by":
            d = np.random.default_rng(position).integers(-8, 9, array.shape) / 4
            names["data_d"] = np.asarray(d, array.dtype)
            case.setup.lines.append("d = make(data_d)")
            product = np.broadcast_to(d, case.x.shape) * partial
            values = product.astype(case.x.dtype)
            free = ~ordinary & (not never)
            within = epsilon * np.abs(product) + 32 * self._tiny()
            along = np.broadcast_to(d, case.x.shape).astype(np.longdouble)
            found = further(partial, others, along, tiny(self.oracle))
            case.want = Want(values, free & False, free, within, others=self._off(found, 16))
            return
        given = names["data_g"].real.astype(np.longdouble)
        terms = np.where(partial == 0, 0, given * partial)
        axes = tuple(
            i for i, n in enumerate(case.x.shape)
            if i < case.x.ndim - array.ndim or array.shape[i - case.x.ndim + array.ndim] != n
        )  # fmt: skip
        total = terms.sum(axis=axes).reshape(array.shape)
        loose = np.where(partial == 0, 0, np.abs(terms)).sum(axis=axes).reshape(array.shape)
        free = (~ordinary & (not never)).any(axis=axes).reshape(array.shape)
        count = max(terms.size // max(total.size, 1), 1)
        big = ~np.isfinite(loose.astype(np.float32)) | (loose > 1e30)
        within = epsilon * count * loose + 32 * self._tiny()  # the sign of a zero is not specified
        found = further(partial, others, given, tiny(self.oracle))
        case.want = Want(
            total.astype(array.dtype), free & False, free | big, within,
            others=self._sums(terms, found, axes, within) if found else (),
        )  # fmt: skip
        case.number = self._number_of(array)

    def _sums(
        self, terms: _Array, found: list[_Array], axes: tuple[int, ...], within: _Array
    ) -> list[tuple[_Array, _Array]]:
        """Return what a sum may be besides: each term, where there is one; else all between."""
        whole = [np.where(np.isnan(one), terms, one) for one in found]
        if terms.size == within.size:
            sums = [one.sum(axis=axes).reshape(within.shape) for one in whole]
            return [(one, 16 * self._epsilon() * np.abs(one)) for one in sums]
        low = np.minimum.reduce([terms, *whole]).sum(axis=axes).reshape(within.shape)
        high = np.maximum.reduce([terms, *whole]).sum(axis=axes).reshape(within.shape)
        return [((low + high) / 2, (high - low) / 2 + within)]

    def _number_of(self, array: _Array) -> Any:
        from shrinkops.conformance._numbers import NUMBERS

        return NUMBERS[array.dtype.name]

    def _epsilon(self) -> float:
        number = self.context.number
        return float(2.0 ** -min(number.fraction_bits, 23 if number.width < 64 else 52))

    def _tiny(self) -> float:
        value: Any = decode(1, part_of(self.context.number))
        return float(value)


@check(
    "DER-1/paths", "derivatives by x and by each parameter, crossed with thresholds and layouts",
    kinds=("float", "complex"), dtypes=(*DTYPES, "complex64", "complex128"), needs=("autodiff",),
    since="1.1",
)  # fmt: skip
def derivatives(context: Context) -> None:
    if context.number.kind == "complex":
        if context.operation.accuracy != "exact":
            raise NotApplicable("of complex elements no derivative is specified but by selection")
        if context.adapter.compiles and context.dtype != "complex64" and not context.thorough:
            raise Spared("everything compiles anew: complex64 is tried")
    Derivatives(context, "derivatives").run()
