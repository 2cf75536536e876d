"""HS-ARR: shapes, layouts, purity, out, residency, subclasses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from shrinkops._errors import type_name
from shrinkops.conformance._collect import Collector
from shrinkops.conformance._context import Call, Context, Shown
from shrinkops.conformance._model import NotApplicable
from shrinkops.conformance._script import made

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
            call, public = Call(data, lambd), function is context.public
            context.demand(
                type(y) is type(x),
                f"{name}: a {type_name(type(x))} of shape {shape} gives a {type_name(type(y))}",
                value=type_name(type(y)), call=call, public=public,
                shown=Shown("type(y) is type(x)"),
            )  # fmt: skip
            before, after = context.backend.dtype_name(x), context.backend.dtype_name(y)
            context.demand(
                before == after, f"{name}: {before} becomes {after}", value=after, call=call,
                public=public,
                shown=Shown("backend.dtype_name(y) == backend.dtype_name(x)"),
            )  # fmt: skip
            here, there = context.backend.device_of(x), context.backend.device_of(y)
            context.demand(
                here == there, f"{name}: x is on {here}, the result on {there}", value=str(there),
                call=call, public=public,
                shown=Shown("backend.device_of(y) == backend.device_of(x)"),
            )  # fmt: skip


@check("HS-ARR-1/scalar", "a scalar that the library tells from a 0-d array stays one", kinds=_ALL)
def scalar(context: Context) -> None:
    data = mixture(context, 4)
    whole = context.make(data)
    if not hasattr(type(whole), "__getitem__"):
        raise NotApplicable(f"{type_name(type(whole))} gives no single elements")
    x = whole[1]
    if type(x) is type(whole) or not context.backend.handles(type(x)):
        raise NotApplicable(f"{context.backend.framework} has no scalars of its own")
    lambd = _lambda(context)
    y = context.function(x, lambd)
    context.demand(
        type(y) is type(x), f"a {type_name(type(x))} gives a {type_name(type(y))}",
        value=type_name(type(y)),
        shown=Shown(
            "type(y) is type(x)", [*made(context, "x", data), "x = x[1]", f"y = f(x, {lambd})"]
        ),
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
            taken = f"x[{index.start}:{index.stop}:{step}]"
            context.match(
                pool[index], got, want[index], taken, either=part, value="wrong for a stride",
                before=[*made(context, "x", pool), f"y = f({taken}, {lambd})"],
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
    if type(wide) is not type(x):  # as NumPy does with its subclasses
        raise NotApplicable(f"{context.backend.framework} broadcasts to {type_name(type(wide))}")
    lambd = _lambda(context)
    got = context.read_like(context.function(wide, lambd), np.broadcast_to(row, (5, 40)))
    full = np.broadcast_to(row, (5, 40)).copy()
    want, either = context.suite.expected(full, lambd, context.number)
    source = [*made(context, "x", row), "x = backend.namespace().broadcast_to(x, (5, 40))"]
    context.match(
        full, got, want, "broadcast x", either=either, value="wrong for a stride",
        before=[*source, f"y = f(x, {lambd})"],
    )  # fmt: skip


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
                shown=Shown("read(x).tobytes() == before", ["before = read(x).tobytes()"]),
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
            names = ("x", "y") if forward else ("y", "x")
            context.match(
                before, context.read_like(out, before), want,
                f"out {'after' if forward else 'before'} x by {shift} elements", value="garbage",
                before=[
                    *made(context, "base", np.resize(data, 300)),
                    f"{names[0]}, {names[1]} = base[:{300 - shift}], base[{shift}:]",
                    "try:", f"    f(x, {lambd}, out=y)",
                    "except (ValueError, RuntimeError, TypeError):",
                    "    sys.exit()  # a refusal is right, too",
                ],
            )  # fmt: skip


@check("HS-ARR-4/strided", "an out with steps", kinds=_ALL, needs=("out",))
def strided(context: Context) -> None:
    data = _plain(context)
    ones = np.resize(np.ones(1, data.dtype), 2 * data.size)
    out = context.make(ones)[::2]
    y = context.function(context.make(data), _lambda(context), out=out)
    source = [
        *made(context, "x", data), *made(context, "out", ones),
        "out = out[::2]", f"y = f(x, {_lambda(context)}, out=out)",
    ]  # fmt: skip
    context.demand(
        y is out, "the call with a strided out returned another object", value="not out",
        shown=Shown("y is out", source),
    )  # fmt: skip
    want = context.suite.expected(data, _lambda(context), context.number)[0]
    context.match(
        data, context.read_like(out, data), want, "a strided out", value="out not filled",
        before=[*source, "y = out"],
    )  # fmt: skip


@check(
    "HS-ARR-4/wrong-shape",
    "an out of another shape raises ValueError, untouched",
    kinds=_ALL,
    needs=("out",),
)
def wrong_shape(context: Context) -> None:
    data = np.resize(_plain(context), (3, 4))
    for shape in ((4, 3), (12,), (1, 3, 4), (3, 1), (0,), ()):
        held = np.full(shape, 1).astype(data.dtype)
        behaviours.out_refused(
            context, Call(data, _lambda(context)), held, ValueError,
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
        behaviours.out_refused(
            context, Call(data, _lambda(context)), np.ones(data.shape, name), TypeError,
            f"out of dtype {name}",
        )  # fmt: skip


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
            lines=made(context, "x", data), expression=f"f(x, {_lambda(context)}, out={out!r})",
        )  # fmt: skip


@check(
    "HS-ARR-4/undeclared",
    "without the capability out= raises TypeError that says why",
    kinds=_ALL,
    lacks=("out",),
)
def undeclared(context: Context) -> None:
    call = Call(mixture(context, 5), _lambda(context))
    for out in ("new", "x"):
        given = replace(call, out=out)
        x, arguments, keywords = context.arrange(given)
        context.refuses(
            TypeError, lambda x=x, a=arguments, k=keywords: context.function(x, *a, **k),  # type: ignore[misc]
            context.backend.name, context.backend.no_out, what="out= that is not declared",
            call=given,
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
    context.demand(
        evaluate is not None,
        "the backend declares lazy, but its adapter has no evaluations() to count them",
        value="adapter", shown=Shown("hasattr(backend.adapter(), 'evaluations')"),
    )  # fmt: skip
    assert evaluate is not None
    data = mixture(context, 33)
    x = context.make(data)
    before = evaluate()
    context.function(x, 0.5)
    context.demand(
        evaluate() == before, "the call computed x", value="evaluated", call=Call(data, 0.5),
        shown=Shown("evaluated() == before", [
            "evaluated = backend.adapter().evaluations", "before = evaluated()",
        ]),
    )  # fmt: skip


@check(
    "HS-ARR-6/subclasses",
    "a subclass is kept or refused, never stripped",
    kinds=("float", "integer"),
    tries="subclasses",
)
def subclasses(context: Context) -> None:
    behaviours.subclasses(context, Call(np.resize(mixture(context, 24), (4, 6)), _lambda(context)))


@check(
    "HS-ARR-6/values", "a subclass that is kept holds the right elements", kinds=("float",),
    tries="subclasses",
)  # fmt: skip
def subclass_values(context: Context) -> None:
    tried = 0
    data = mixture(context, 33)
    for index, subclass in enumerate(context.adapter.subclasses()):
        x = subclass.make(context.make(data))
        try:
            y = context.function(x, 0.5)
        except TypeError:
            continue
        tried += 1
        got = np.asarray(y) if isinstance(y, np.ndarray) else context.read(y)
        want, either = context.suite.expected(data, 0.5, context.number)
        masked = isinstance(x, np.ma.MaskedArray)
        shown = ~np.ma.getmaskarray(x) if masked else np.ones(data.shape, bool)
        context.match(
            data[shown], got[shown], want[shown], subclass.name,
            either=None if either is None else either[shown], value="subclass",
            before=[
                *behaviours.subclass_source(context, index, data),
                "y = f(x, 0.5)" + (".compressed()" if masked else ""),
            ],
        )  # fmt: skip
    if not tried:
        raise NotApplicable("no subclass is named, or all are refused")
