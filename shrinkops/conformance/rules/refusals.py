"""What is refused, kept or told apart, under every kind of threshold: out, subclasses, threads.

Invariants
----------
- Each check asks under numbers and arrays alike: a guard that looks at one of them alone is
  found out by the other.
- What is refused leaves what it was given as it was.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import numpy as np

from shrinkops.adapter import numpy_dtype
from shrinkops.conformance._collect import Collector
from shrinkops.conformance._context import Call, Context, Shown
from shrinkops.conformance._model import NotApplicable
from shrinkops.conformance._numbers import NUMBERS
from shrinkops.conformance._script import lambda_source, made

from .calls import levels_of_kind
from .parameters import SCALARS, refusal, scalar, scalar_given, value_at

__all__ = ["CHECKS"]

check = Collector()
CHECKS = check.checks

_ALL = ("float", "integer", "complex")
_SHAPE = (3, 4)


def _elements(context: Context) -> Any:
    """Return elements in the band and kept, none of them near the threshold."""
    values = (0, 3, 5, 0, 7, 0, 2, 4) if context.number.kind == "integer" else (
        0.25, -1.5, 0.125, 3, -0.25, 2, 0.0, -4)  # fmt: skip
    return np.resize(np.array(values).astype(numpy_dtype(context.dtype)), _SHAPE)


def _thresholds(context: Context) -> Iterator[Any]:
    """Yield thresholds of every kind that the operation and the backend take."""
    parameters = context.operation.parameters
    one: Any = 1 if context.number.kind == "integer" else 0.5
    yield one
    yield np.int64(one) if context.number.kind == "integer" else np.float64(one)
    if parameters[0].negative != "refused":
        yield -one
    if len(parameters) == 1:
        yield math.inf
    if context.declares("array_lambd"):
        real = _elements(context).real.dtype
        for shape in (_SHAPE, _SHAPE[-1:]):
            yield np.full(shape, one).astype(real)


@check(
    "ARR-4/refused", "a wrong out is refused and stays as it was, under every kind of threshold",
    kinds=_ALL, needs=("out",), since="1.1",
)  # fmt: skip
def refused(context: Context) -> None:
    from shrinkops.conformance.hardshrink import behaviours

    data = _elements(context)
    others = sorted({"float32", "float64", "int32"} & context.backend.dtypes - {context.dtype})
    for lambd in _thresholds(context):
        call = Call(data, lambd)
        for shape in (_SHAPE[::-1], (12,), (2, *_SHAPE), (3, 1)):
            held = np.full(shape, 1).astype(data.dtype)
            behaviours.out_refused(context, call, held, ValueError, f"out of shape {shape}")
        for name in others:
            held = np.ones(data.shape, name)
            behaviours.out_refused(context, call, held, TypeError, f"out of dtype {name}")
        if context.adapter.is_numpy:
            _read_only(context, call)


def _read_only(context: Context, call: Call) -> None:
    x, arguments, _ = context.arrange(call)
    out = context.make(np.full_like(call.x, 1))
    out.flags.writeable = False
    lines = [*made(context, "x", call.x), "out = np.ones_like(x)", "out.flags.writeable = False"]
    text = lambda_source(call.lambd) if not isinstance(call.lambd, np.ndarray) else "lambd"
    if text == "lambd":
        lines += made(context, "lambd", call.lambd)
    context.refuses(
        Exception, lambda: context.function(x, *arguments, out=out), what="out that is read-only",
        lines=lines, expression=f"f(x, {text}, out=out)",
    )  # fmt: skip


@check(
    "ARR-6/paths", "a subclass is kept or refused, under every kind of threshold",
    kinds=("float", "integer"), tries="subclasses", since="1.1",
)  # fmt: skip
def subclasses(context: Context) -> None:
    from shrinkops.conformance.hardshrink import behaviours

    for lambd in _thresholds(context):
        behaviours.subclasses(context, Call(_elements(context), lambd))


_NO_NUMBERS = ("'0.5'", "None", "1j", "True", "np.bool_(True)", "[0.5]", "(1,)", "np.complex64(1)")
_NO_REALS = ("np.ones((3, 4), bool)", "np.ones(4, np.complex64)")


@check(
    "LAM-5/no-number", "no parameter takes what is no real number, whatever x's shape is",
    kinds=_ALL, since="1.1",
)  # fmt: skip
def no_number(context: Context) -> None:
    whole = _elements(context)
    for data in (whole, whole.reshape(-1)[:1].reshape(()), whole[:0]):
        for parameter in context.operation.parameters:
            for text in (*_NO_NUMBERS, *(_NO_REALS if context.declares("array_lambd") else ())):
                value = eval(text, {"np": np})
                source = text
                if isinstance(value, np.ndarray):
                    if data is not whole:
                        continue
                    try:
                        value = context.adapter.from_numpy(value, context.device)
                    except Exception:  # the library has no such type
                        continue
                    source = f"backend.adapter().from_numpy({text})"
                context.refuses(
                    TypeError,
                    lambda d=data, n=parameter.name, v=value:  # type: ignore[misc]
                        context.function(context.make(d), **{n: v}),
                    what=f"{parameter.name} = {text}, x of shape {data.shape}",
                    lines=made(context, "x", data),
                    expression=f"f(x, {parameter.name}={source})",
                )  # fmt: skip


@check(
    "LAM-5/everywhere", "what is refused is refused as every kind of number, for x of every shape",
    kinds=_ALL, since="1.1",
)  # fmt: skip
def everywhere(context: Context) -> None:
    """Cross kinds of numbers, values that must be refused, shapes of x, and an out."""
    whole = np.resize(_elements(context), 70)
    usual = context.thorough or context.dtype in ("float32", "float64", "int32", "complex64")
    shapes = ((), (7,), (0,), (3, 5), (2, 3, 4)) if usual else ()
    arrays = [whole, *(np.resize(whole, shape) for shape in shapes)]
    xs = [context.make(a) for a in arrays]
    outs: list[Any] = [None] * len(xs)
    if context.declares("out"):
        outs = [context.make(np.full_like(a, 1)) for a in arrays]
    before = [None if out is None else context.read(out).tobytes() for out in outs]
    for parameter, value in _refused(context):
        for data, x, out in zip(arrays, xs, outs, strict=True):
            for more in ({}, {"out": out}) if out is not None else ({},):
                try:
                    context.kernel(x, **{parameter: value}, **more)
                except ValueError:
                    continue
                except Exception:  # the same call is convicted below
                    pass
                text = lambda_source(value)
                lines = [*made(context, "x", data), *(["out = x * 0"] if more else [])]
                context.refuses(
                    ValueError, lambda x=x, p=parameter, v=value, m=more:  # type: ignore[misc]
                        context.kernel(x, **{p: v}, **m),
                    what=f"{parameter} = {text}, x of shape {data.shape}, "
                    f"{'an' if more else 'no'} out", lines=lines,
                    expression=f"f(x, {parameter}={text}{', out=out' if more else ''})",
                )  # fmt: skip
    for data, out, held in zip(arrays, outs, before, strict=True):
        context.demand(
            out is None or context.read(out).tobytes() == held,
            f"x of shape {data.shape}: a call was refused after out was written",
            value="out was written", shown=Shown("False"),
        )  # fmt: skip


def _refused(context: Context) -> Iterator[tuple[str, Any]]:
    """Yield numbers of every kind that a parameter must refuse, the others at their defaults."""
    operation, number = context.operation, context.number
    usual = [scalar_given(p.default) for p in operation.parameters]
    for position, parameter in enumerate(operation.parameters):
        for kind in SCALARS:
            for level, again in product(levels_of_kind(number), range(2)):
                value = scalar(kind, value_at(level, number, random.Random(f"{level} {again}")))
                if value is None:
                    continue
                given = [*usual[:position], scalar_given(value), *usual[position + 1 :]]
                if refusal(operation, number, given):
                    yield parameter.name, value


@check(
    "LAM-6/no-larger", "an array of thresholds never enlarges x, of one element too",
    kinds=_ALL, needs=("array_lambd",), since="1.1",
)  # fmt: skip
def no_larger(context: Context) -> None:
    whole = _elements(context)
    one = 1 if context.number.kind == "integer" else 0.5
    for shape, larger in (((1,), (4,)), ((), (2,)), ((1, 4), (3, 4)), ((3, 1), (3, 4)),
                          ((4,), (1, 4)), ((1,), (0,))):  # fmt: skip
        x = np.resize(whole, shape)
        call = Call(x, np.full(larger, one).astype(whole.real.dtype))
        made_x, arguments, _ = context.arrange(call)
        context.refuses(
            ValueError, lambda v=made_x, a=arguments: context.function(v, *a),  # type: ignore[misc]
            what=f"λ of shape {larger} for x of shape {shape}", call=call,
        )  # fmt: skip


@check("TYP-4/refused", "a dtype not declared, or of another kind, raises TypeError", kinds=(),
       since="1.1")  # fmt: skip
def types(context: Context) -> None:
    tried = 0
    for name in ("bool", *NUMBERS):
        form = context.backend.format(name)
        kind = form.kind if form is not None else ""
        if name in context.backend.dtypes and kind in context.operation.kinds:
            continue
        try:
            array = np.zeros(3, numpy_dtype(name))
            x = context.adapter.from_numpy(array, context.device)
        except Exception:  # neither NumPy nor the library has it
            continue
        own = context.backend.dtype_name(x)
        if own != name:
            continue
        tried += 1
        context.refuses(
            TypeError, lambda v=x: context.function(v, 1), own, what=f"x of dtype {name}",  # type: ignore[misc]
            lines=["from shrinkops.adapter import numpy_dtype",
                   f"a = np.zeros(3, numpy_dtype({name!r}))",
                   "x = backend.adapter().from_numpy(a)"],
            expression="f(x, 1)",
        )  # fmt: skip
    if not tried:
        raise NotApplicable("the library has no further dtype")


@check(
    "VAL-6/in-threads", "threads with thresholds of their own, numbers and arrays, do not meet",
    dtypes=("float32",), since="1.1",
)  # fmt: skip
def threads(context: Context) -> None:
    _crossed_in_a_thread(context)
    data = np.linspace(-4, 4, 600, dtype=np.float32)
    limits = [0.125 * i for i in range(1, 9)]
    kinds = ["t"]
    if context.declares("array_lambd"):
        made_of = "backend.adapter().from_numpy(np.full({}, t, np.float32))"
        kinds += [made_of.format(600), made_of.format(1)]
    for kind in kinds:
        names = {"np": np, "backend": context.backend}
        given = [eval(kind, {**names, "t": t}) for t in limits]
        x = context.make(data)

        def call(lambd: Any, x: Any = x) -> Any:
            return context.read(context.kernel(x, lambd)).tobytes()

        alone = [call(lambd) for lambd in given]
        with ThreadPoolExecutor(8) as pool:
            both = list(pool.map(call, given * 4))
        context.demand(
            both == alone * 4, f"eight threads, λ = {kind}: not what each gives alone",
            value="another result",
            shown=Shown("both == alone * 4", [
                *made(context, "x", data), "import concurrent.futures",
                f"given = [{kind} for t in {limits}]",
                "alone = [read(f(x, v)).tobytes() for v in given]",
                "with concurrent.futures.ThreadPoolExecutor(8) as pool:",
                "    both = list(pool.map(lambda v: read(f(x, v)).tobytes(), given * 4))",
            ]),
        )  # fmt: skip


def _crossed_in_a_thread(context: Context) -> None:
    """Cross kinds and values of numbers, outs, shapes and layouts: a thread gives the same."""
    layouts = [
        name for name, rules in context.adapter.layouts().items()
        if rules.fits(2, "float") and rules.writable and rules.as_out and not rules.repeats
        and "," not in name and not rules.no_out and _can_be_made(context, name)
    ][:4]  # fmt: skip
    data = np.resize(_elements(context), 70)
    ways = [((70,), ""), ((), ""), *(((5, 9), name) for name in ("", *layouts))]
    outs = ("", "x itself", "new") if context.declares("out") else ("",)

    def call(way: tuple[tuple[int, ...], str], out: str, value: Any) -> Any:
        x = context.make(np.resize(data, way[0]), way[1])
        given = x if out == "x itself" else context.make(np.resize(data, way[0]), way[1])
        try:
            y = context.kernel(x, value, **({"out": given} if out else {}))
        except Exception as error:  # what is refused is refused in both
            return type(error).__name__
        return context.read(y).tobytes()

    numbers = [
        scalar(kind, value_at(level, context.number, random.Random(level)))
        for kind, level in product(_KINDS_IN_THREADS, levels_of_kind(context.number))
    ]  # fmt: skip
    calls = [c for c in product(ways, outs, numbers) if c[2] is not None]
    alone = [call(*c) for c in calls]
    with ThreadPoolExecutor(1) as pool:
        both = list(pool.map(lambda c: call(*c), calls))
    for (way, out, value), here, there in zip(calls, alone, both, strict=True):
        text = lambda_source(value)
        more = {"": "", "x itself": ", out=x", "new": ", out=x * 0"}[out]
        context.demand(
            here == there,
            f"λ = {text}, x of shape {way[0]}, layout {way[1] or 'dense'}, "
            f"out {out or 'none'}: another result in a thread",
            value="another result",
            shown=Shown("alone == there", [
                *made(context, "x", np.resize(data, way[0])), "import concurrent.futures",
                f"call = lambda x: read(f(x, {text}{more})).tobytes()",
                "alone = call(backend.adapter().from_numpy(read(x).copy()))",
                "with concurrent.futures.ThreadPoolExecutor(1) as pool:",
                "    there = pool.submit(call, x).result()",
            ]),
        )  # fmt: skip


def _can_be_made(context: Context, layout: str) -> bool:
    try:
        context.make(np.ones((5, 9), np.float32), layout)
    except NotApplicable:
        return False
    return True


_KINDS_IN_THREADS = ("float", "int", "np.float32", "np.float64", "Fraction", "Decimal")
