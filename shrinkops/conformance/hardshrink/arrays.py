"""HS-ARR: shapes, layouts, purity, out, residency, subclasses."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._errors import type_name
from .._collect import Collector
from .._context import Call, Context
from .._model import Deviation, NotApplicable
from . import behaviours
from .inputs import mixture

__all__ = ["CHECKS"]

check = Collector()
CHECKS = check.checks

_ALL = ("float", "integer", "complex")


def _lambda(context: Context) -> float | int:
    return 2 if context.number.kind == "integer" else 0.5


@check("HS-ARR-1/shapes", "0-d, empty and many-dimensional arrays keep their shape", kinds=_ALL)
def shapes(context: Context) -> None:
    for shape in ((), (0,), (1,), (0, 3), (3, 0, 2), (1, 1), (2, 3), (2, 1, 3, 2), (1, 2, 1, 3, 1)):
        x = np.resize(mixture(context, 24), shape)
        context.verify(Call(x, _lambda(context)))


@check("HS-ARR-1/type", "the array type, dtype and device of x come out", kinds=_ALL)
def kind(context: Context) -> None:
    lambd = _lambda(context)
    for shape in ((), (0,), (5,), (2, 3)):
        data = np.resize(mixture(context, 12), shape)
        x = context.make(data)
        for name, function in context.functions.items():
            y = function(x, lambd)
            call = Call(data, lambd)
            context.demand(
                type(y) is type(x),
                f"{name}: a {type_name(type(x))} of shape {shape} gives a {type_name(type(y))}",
                value=type_name(type(y)), call=call,
            )  # fmt: skip
            before, after = context.backend.dtype_name(x), context.backend.dtype_name(y)
            context.demand(
                before == after, f"{name}: {before} becomes {after}", value=after, call=call
            )
            here, there = context.backend.device_of(x), context.backend.device_of(y)
            context.demand(
                here == there, f"{name}: x is on {here}, the result on {there}", value=str(there),
                call=call,
            )  # fmt: skip


@check("HS-ARR-1/scalar", "a scalar that the library tells from a 0-d array stays one", kinds=_ALL)
def scalar(context: Context) -> None:
    x = context.make(mixture(context, 4))[1]
    if type(x) is type(context.make(mixture(context, 4))) or not context.backend.handles(type(x)):
        raise NotApplicable(f"{context.backend.framework} has no scalars of its own")
    y = context.function(x, _lambda(context))
    context.demand(
        type(y) is type(x), f"a {type_name(type(x))} gives a {type_name(type(y))}",
        value=type_name(type(y)),
    )  # fmt: skip


@check(
    "HS-ARR-2/layouts",
    "offsets, steps, reversal, permuted axes and what else the library has",
    kinds=_ALL,
)
def layouts(context: Context) -> None:
    context.demand_layouts()
    for shape in ((37,), (6, 7), (3, 4, 5), (2, 3, 4, 5)):
        x = np.resize(mixture(context, 60), shape)
        behaviours.in_every_layout(context, Call(x, _lambda(context)))


@check(
    "HS-ARR-2/strides", "steps from 2 to 5 and offsets, at lengths around vector widths", kinds=_ALL
)
def strides(context: Context) -> None:
    context.demand_layouts()
    lambd = _lambda(context)
    pool = mixture(context, 700)
    base = context.make(pool)
    want, either = context.suite.expected(pool, lambd, context.number)
    for step in (2, 3, 5, -1, -2):
        for length in (1, 15, 16, 17, 33, 64, 130) if context.thorough else (1, 17, 64):
            start = 3 if step > 0 else 660
            index = slice(start, start + length * step, step)
            try:
                x = base[index]
            except (ValueError, IndexError, TypeError, NotImplementedError):
                break  # no such step in this library
            got = context.read_like(context.function(x, lambd), pool[index])
            part = None if either is None else either[index]
            wrong = context.differing(pool[index], got, want[index], part)
            context.demand(
                wrong is None, f"x[{index.start}:{index.stop}:{step}]: element {wrong} is wrong",
                value="wrong for a stride", call=Call(pool, lambd, layout="step"),
            )  # fmt: skip


@check("HS-ARR-2/repeated", "an axis of stride zero", kinds=_ALL)
def repeated(context: Context) -> None:
    row = mixture(context, 40)
    x = context.make(row)
    namespace = None
    try:
        namespace = context.backend.namespace()
        wide = namespace.broadcast_to(x, (5, 40))
    except Exception as error:
        raise NotApplicable(f"{context.backend.framework} broadcasts otherwise: {error}") from error
    lambd = _lambda(context)
    got = context.read_like(context.function(wide, lambd), np.broadcast_to(row, (5, 40)))
    full = np.broadcast_to(row, (5, 40)).copy()
    want, either = context.suite.expected(full, lambd, context.number)
    wrong = context.differing(full, got, want, either)
    context.demand(
        wrong is None, f"broadcast x: element {wrong} is wrong", value="wrong for a stride"
    )


@check("HS-ARR-3/unwritten", "x is as before, under every λ and layout", kinds=_ALL)
def unwritten(context: Context) -> None:
    data = np.resize(mixture(context, 60), (4, 15))
    for layout in ("", *context.adapter.layouts()):
        try:
            x = context.make(data, layout)
        except NotApplicable:
            continue
        before = context.bits(context.read(x))
        for lambd in (_lambda(context), 0, -1, float("inf")):
            context.function(x, lambd)
            context.demand(
                context.bits(context.read(x)) == before,
                f"λ = {lambd}, layout {layout or 'dense'}: x was written",
                value="x was written", call=Call(data, lambd, layout),
            )  # fmt: skip


@check(
    "HS-ARR-3/unshared", "the result is memory of its own, also where nothing is zeroed", kinds=_ALL
)
def unshared(context: Context) -> None:
    x = mixture(context, 20)
    large = np.full(20, 7).astype(x.dtype)
    for data, lambd in ((x, _lambda(context)), (x, -1), (large, 0.5), (large, float("-inf"))):
        behaviours.pure(context, Call(data, lambd))


@check("HS-ARR-4/filled", "out is filled and returned", kinds=_ALL, needs=("out",))
def filled(context: Context) -> None:
    for shape in ((), (0,), (33,), (3, 5)):
        x = np.resize(_plain(context), shape)
        behaviours.into_out(context, Call(x, _lambda(context)))


def _plain(context: Context) -> Any:
    """Random elements whose complex magnitudes are never within 2 ulp of λ."""
    x = mixture(context, 60)
    either = context.suite.expected(x, _lambda(context), context.number)[1]
    return x if either is None else np.resize(x[~either], 60)


@check("HS-ARR-4/in-place", "out may be x", kinds=_ALL, needs=("out",))
def in_place(context: Context) -> None:
    for length in (1, 17, 60):
        behaviours.in_place(context, Call(_plain(context)[:length], _lambda(context)))


@check("HS-ARR-4/identity", "out under a negative λ is x bit for bit", kinds=_ALL, needs=("out",))
def identity(context: Context) -> None:
    behaviours.into_out(context, Call(_plain(context), -1))


@check(
    "HS-ARR-4/overlap",
    "an out that overlaps x is right or an error, never garbage",
    kinds=_ALL,
    needs=("out",),
)
def overlap(context: Context) -> None:
    data = _plain(context)
    lambd = _lambda(context)
    for shift in (1, 3, 16):
        for forward in (True, False):
            base = context.make(np.resize(data, 300))
            low, high = base[: 300 - shift], base[shift:]
            x, out = (low, high) if forward else (high, low)
            before = context.read(x).copy()
            try:
                context.function(x, lambd, out=out)
            except (ValueError, RuntimeError, TypeError):
                continue
            want = context.suite.expected(before, lambd, context.number)[0]
            wrong = context.differing(before, context.read_like(out, before), want)
            context.demand(
                wrong is None,
                f"out {'after' if forward else 'before'} x by {shift} elements: element {wrong} "
                f"is garbage",
                value="garbage", call=Call(data, lambd),
            )  # fmt: skip


@check("HS-ARR-4/strided", "an out with steps", kinds=_ALL, needs=("out",))
def strided(context: Context) -> None:
    data = _plain(context)
    out = context.make(np.resize(np.ones(1, data.dtype), 2 * data.size))[::2]
    y = context.function(context.make(data), _lambda(context), out=out)
    context.demand(y is out, "the call with a strided out returned another object", value="not out")
    want = context.suite.expected(data, _lambda(context), context.number)[0]
    wrong = context.differing(data, context.read_like(out, data), want)
    context.demand(
        wrong is None, f"element {wrong} of a strided out is wrong", value="out not filled"
    )


@check(
    "HS-ARR-4/wrong-shape",
    "an out of another shape raises ValueError, untouched",
    kinds=_ALL,
    needs=("out",),
)
def wrong_shape(context: Context) -> None:
    data = np.resize(_plain(context), (3, 4))
    for shape in ((4, 3), (12,), (1, 3, 4), (3, 1), (0,), ()):
        out = context.make(np.full(shape, 1).astype(data.dtype))
        behaviours.out_refused(
            context, Call(data, _lambda(context)), out, ValueError,
            f"out of shape {shape} for x of shape {data.shape}",
        )  # fmt: skip


@check(
    "HS-ARR-4/wrong-dtype",
    "an out of another dtype raises TypeError, untouched",
    kinds=_ALL,
    needs=("out",),
)
def wrong_dtype(context: Context) -> None:
    data = _plain(context)
    for name in sorted({"float32", "float64", "int32"} & context.backend.dtypes - {context.dtype}):
        out = context.adapter.from_numpy(np.ones(data.shape, name), context.device)
        behaviours.out_refused(
            context, Call(data, _lambda(context)), out, TypeError, f"out of dtype {name}"
        )


@check(
    "HS-ARR-4/wrong-type",
    "an out that is no array of the library raises TypeError",
    kinds=_ALL,
    needs=("out",),
)
def wrong_type(context: Context) -> None:
    data = _plain(context)
    for out in ([0.0] * data.size, bytearray(data.nbytes), 1.0):
        context.refuses(
            TypeError, lambda o=out: context.function(context.make(data), _lambda(context), out=o),  # type: ignore[misc]
            what=f"out a {type(out).__name__}",
        )  # fmt: skip


@check(
    "HS-ARR-4/undeclared",
    "without the capability out= raises TypeError that says why",
    kinds=_ALL,
    lacks=("out",),
)
def undeclared(context: Context) -> None:
    x = context.make(mixture(context, 5))
    for out in (context.make(mixture(context, 5)), x):
        context.refuses(
            TypeError, lambda o=out: context.function(x, _lambda(context), out=o),  # type: ignore[misc]
            context.backend.name, context.backend.no_out, what="out= that is not declared",
        )  # fmt: skip


@check(
    "HS-ARR-5/resident", "no copy to the host, no synchronisation, no change of device", kinds=_ALL
)
def resident(context: Context) -> None:
    for lambd in (_lambda(context), 0, -1):
        behaviours.resident(context, Call(mixture(context, 33), lambd))


@check("HS-ARR-5/lazy", "a lazy array stays lazy", kinds=("float",), needs=("lazy",))
def lazy(context: Context) -> None:
    """Count how often what x was built from is computed."""
    evaluate = getattr(context.adapter, "evaluations", None)
    if evaluate is None:
        raise Deviation(
            "the backend declares lazy, but its adapter has no evaluations() to count them",
            value="adapter",
        )
    x = context.make(mixture(context, 33))
    before = evaluate()
    context.function(x, 0.5)
    context.demand(evaluate() == before, "the call computed x", value="evaluated")


@check(
    "HS-ARR-6/subclasses",
    "a subclass is kept or refused, never stripped",
    kinds=("float", "integer"),
)
def subclasses(context: Context) -> None:
    behaviours.subclasses(context, Call(np.resize(mixture(context, 24), (4, 6)), _lambda(context)))


@check("HS-ARR-6/values", "a subclass that is kept holds the right elements", kinds=("float",))
def subclass_values(context: Context) -> None:
    tried = 0
    data = mixture(context, 33)
    for subclass in context.adapter.subclasses():
        x = subclass.make(context.make(data))
        try:
            y = context.function(x, 0.5)
        except TypeError:
            continue
        tried += 1
        got = np.asarray(y) if isinstance(y, np.ndarray) else context.read(y)
        want, either = context.suite.expected(data, 0.5, context.number)
        shown = (
            np.ones(data.shape, bool) & ~np.ma.getmaskarray(x)
            if isinstance(x, np.ma.MaskedArray)
            else slice(None)
        )
        wrong = context.differing(
            data[shown], got[shown], want[shown], None if either is None else either[shown]
        )
        context.demand(
            wrong is None, f"{subclass.name}: element {wrong} is wrong", value="subclass"
        )
    if not tried:
        raise NotApplicable("no subclass is named, or all are refused")
