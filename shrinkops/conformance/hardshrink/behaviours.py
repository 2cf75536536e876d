"""What arrays must go through, whatever their elements: shared by vectors and properties.

Each function takes the context and a call, and raises `Deviation`.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from shrinkops._errors import type_name
from shrinkops.conformance._context import Call, Context, Shown
from shrinkops.conformance._model import NotApplicable
from shrinkops.conformance._provenance import ForeignCall, foreign_calls
from shrinkops.conformance._script import arranged, lambda_source, made

__all__ = [
    "computes",
    "in_every_layout",
    "in_place",
    "into_out",
    "mixed",
    "out_refused",
    "pure",
    "quiet",
    "resident",
    "subclasses",
    "unknown_types",
]


class Foreign:
    """An array of no library at all: what a backend must not take for its own."""

    def __init__(self, array: Any) -> None:
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("an array of another library was converted")


def in_every_layout(context: Context, call: Call) -> None:
    """HS-ARR-2: the same elements, however they lie; a dense layout is kept."""
    context.demand_layouts()
    tried = 0
    for name, layout in context.adapter.layouts().items():
        if call.x.ndim < layout.dimensions:
            continue
        try:
            x = context.make(call.x, name)
        except NotApplicable:
            continue
        tried += 1
        context.verify(replace(call, layout=name))
        if layout.dense:
            y = context.function(x, call.lambd)
            before, after = (_order(a) for a in (x, y))
            context.demand(
                before == after,
                f"layout {name!r}: x has its axes in memory order {before}, the result {after}",
                value=str(after),
                call=replace(call, layout=name),
                shown=Shown("order(x) == order(y)", after=[_ORDER_SOURCE]),
            )
    if not tried:
        raise NotApplicable(f"{context.backend.framework} has one layout")


def _order(x: Any) -> list[int] | None:
    """Return the axes from the widest stride to the narrowest, where strides can be seen."""
    strides = getattr(x, "strides", None) or (x.stride() if hasattr(x, "stride") else None)
    if strides is None:
        return None
    return sorted(range(len(strides)), key=lambda i: -strides[i])


_ORDER_SOURCE = """\
def order(v):  # its axes, from the widest stride to the narrowest
    strides = v.stride() if hasattr(v, 'stride') else v.strides
    return sorted(range(len(strides)), key=lambda i: -strides[i])"""


def pure(context: Context, call: Call) -> None:
    """HS-ARR-3: x is not written, and the result shares no memory with it."""
    x, arguments, keywords = context.arrange(call)
    before = context.bits(call.x)
    y = context.function(x, *arguments, **keywords)
    after = context.bits(context.read(x))
    what = f"{context.dtype}, λ = {call.lambd}"
    context.demand(
        before == after, f"{what}: x was written", value="x was written", call=call,
        shown=Shown("read(x).tobytes() == before", [_BEFORE]),
    )  # fmt: skip
    context.demand(
        y is not x, f"{what}: the result is x itself", value="the result is x", call=call,
        shown=Shown("y is not x"),
    )  # fmt: skip
    shared, shown = _shared(context, x, y)
    context.demand(
        not shared, f"{what}: the result shares memory with x", value="shared memory", call=call,
        shown=shown,
    )  # fmt: skip


_BEFORE = "before = read(x).tobytes()"


def _shared(context: Context, x: Any, y: Any) -> tuple[bool, Shown]:
    """Tell whether two arrays share memory, and how a script tells it."""
    if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
        return bool(np.shares_memory(x, y)), Shown("not np.shares_memory(x, y)")
    for name in ("data_ptr", "unsafe_buffer_pointer"):
        if hasattr(x, name) and hasattr(y, name) and x.shape and 0 not in x.shape:
            same = getattr(x, name)() == getattr(y, name)()
            return bool(same), Shown(f"x.{name}() != y.{name}()")
    return _written_through(context, x, y), Shown(
        "read(x).tobytes() == before", [_BEFORE], ["y[...] = y * 0"]
    )


def _written_through(context: Context, x: Any, y: Any) -> bool:
    """Write into the result, where the library lets us, and look at x."""
    before = context.bits(context.read(x))
    try:
        y[...] = y * 0
    except Exception:  # each library refuses in its own way
        return False  # what cannot be written cannot be written through
    return context.bits(context.read(x)) != before


def quiet(context: Context, call: Call) -> None:
    """HS-VAL-7: no warning, and no floating-point flag that NumPy could raise on."""
    x, arguments, keywords = context.arrange(call)
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error", RuntimeWarning)
        try:
            context.function(x, *arguments, **keywords)
        except (FloatingPointError, Warning) as error:
            strict = ["warnings.simplefilter('error', RuntimeWarning)", "np.seterr(all='raise')"]
            raise context.unexpected(call, error, before=strict) from error


def into_out(context: Context, call: Call) -> None:
    """HS-ARR-4: out is filled, whatever it held, and it is what comes back."""
    _filled(context, replace(call, out="new"))


def in_place(context: Context, call: Call) -> None:
    """HS-ARR-4: out may be x itself."""
    _filled(context, replace(call, out="x"))


def _filled(context: Context, call: Call) -> None:
    x, arguments, keywords = context.arrange(call)
    out = keywords["out"]
    y = context.function(x, *arguments, **keywords)
    name = "out=x" if out is x else "out="
    context.demand(
        y is out, f"the call with {name} returned another object", value="not out", call=call,
        shown=Shown("y is x" if out is x else "y is out"),
    )  # fmt: skip
    want = context.suite.expected(call.x, call.lambd, context.number)[0]
    context.match(
        call.x, context.read_like(out, call.x), want, f"after the call with {name}",
        value="out not filled", call=call,
    )  # fmt: skip
    if out is not x:
        context.demand(
            context.bits(context.read(x)) == context.bits(call.x),
            "x was written, out was given", value="x was written", call=call,
            shown=Shown("read(x).tobytes() == before", [_BEFORE]),
        )  # fmt: skip


def out_refused(
    context: Context, call: Call, held: Any, exception: type[Exception], what: str
) -> None:
    """HS-ARR-4: an out like ``held``, which is all ones, raises and stays as it was."""
    out = context.adapter.from_numpy(held, context.device)
    before = context.adapter.to_numpy(out).tobytes()
    x, arguments, _ = context.arrange(call)
    setup, expression = arranged(context, call)
    setup += made(context, "out", held)
    expression = expression.removesuffix(")") + ", out=out)"
    try:
        context.refuses(
            exception, lambda: context.function(x, *arguments, out=out), what=what,
            lines=setup, expression=expression,
        )  # fmt: skip
    finally:
        after = context.adapter.to_numpy(out).tobytes()
    context.demand(
        before == after, f"{what}: it was written all the same", value="out was written",
        shown=Shown("read(out).tobytes() == before", [
            *setup, "before = read(out).tobytes()",
            "try:", f"    {expression}", f"except {exception.__name__}:", "    pass",
        ]),
    )  # fmt: skip


def resident(context: Context, call: Call) -> None:
    """HS-ARR-5: nothing is converted or copied to the host; the device stays."""
    x, arguments, keywords = context.arrange(call)
    context.function(x, *arguments, **keywords)
    try:
        with context.adapter.forbid_transfers():
            y, found = foreign_calls(
                context.backend, lambda: context.function(x, *arguments, **keywords)
            )
    except Exception as error:
        guard = ["guard = backend.adapter().forbid_transfers()", "guard.__enter__()"]
        raise context.unexpected(call, error, before=guard) from error
    if context.adapter.is_numpy:  # its arrays are the host's, in whatever way they are read
        found = [foreign for foreign in found if foreign.module not in ("numpy", "")]
    _only_own(context, call, found, "during the call", "converted")
    here, there = (context.backend.device_of(a) for a in (x, y))
    context.demand(
        here == there, f"x is on device {here}, the result on {there}", value=str(there), call=call,
        shown=Shown("backend.device_of(x) == backend.device_of(y)"),
    )  # fmt: skip


def _only_own(
    context: Context, call: Call, found: list[ForeignCall], what: str, value: str,
    public: bool = False,
) -> None:  # fmt: skip
    """Convict a call of the first foreign function that it called."""
    if not found:
        return
    setup, expression = arranged(context, call)
    watch, claim = found[0].shown(expression)
    context.demand(
        False, f"{what}: {found[0].text}", value=value, public=public,
        shown=Shown(claim, [*setup, *watch]),
    )  # fmt: skip


def subclasses(context: Context, call: Call) -> None:
    """HS-ARR-6: an instance of a subclass comes back as it was, or is refused."""
    tried = context.adapter.subclasses()
    if not tried:
        raise NotApplicable(f"the adapter of {context.backend.name!r} names no subclasses")
    _, arguments, _ = context.arrange(call)
    array = isinstance(call.lambd, np.ndarray)
    lines = made(context, "lambd", call.lambd) if array else []
    text = "lambd" if array else lambda_source(call.lambd)
    for index, subclass in enumerate(tried):
        x = subclass.make(context.make(call.x))
        try:
            y = context.function(x, *arguments)
        except TypeError:
            continue
        context.demand(
            subclass.kept(x, y),
            f"{subclass.name}: came back as {type_name(type(y))}, stripped of what it was",
            value="stripped",
            shown=Shown("subclass.kept(x, y)", [
                *lines, *subclass_source(context, index, call.x), f"y = f(x, {text})",
            ]),
        )  # fmt: skip


def subclass_source(context: Context, index: int, array: Any) -> list[str]:
    """Return the lines that make x an instance of one of the adapter's subclasses."""
    return [
        *made(context, "x", array),
        f"subclass = backend.adapter().subclasses()[{index}]",
        "x = subclass.make(x)",
    ]


def computes(context: Context, call: Call) -> None:
    """HS-DSP-1: this backend computes, in its own type, and no other library is called."""
    x, arguments, keywords = context.arrange(call)
    context.demand(
        context.backend.handles(type(x)),
        f"the adapter's arrays, {type_name(type(x))}, are not the backend's own",
        shown=Shown("backend.handles(type(x))", made(context, "x", call.x)),
    )
    for name, function in context.functions.items():
        public = function is context.public
        function(x, *arguments, **keywords)
        y, found = foreign_calls(context.backend, lambda f=function: f(x, *arguments, **keywords))  # type: ignore[misc]
        if context.adapter.is_numpy:  # it may read its own arrays in any way
            found = [foreign for foreign in found if foreign.module]
        _only_own(context, call, found, name, "fallback", public)
        context.demand(
            context.backend.handles(type(y)),
            f"{name}: the result is a {type_name(type(y))}, not the backend's own type",
            value=type_name(type(y)), call=call, public=public,
            shown=Shown("backend.handles(type(y))"),
        )  # fmt: skip
    if context.target.registered:
        from shrinkops._public import explain

        answer = explain(x)
        context.demand(
            answer.backend == context.backend.name,
            f"arrays of {type_name(type(x))} go to backend {answer.backend!r}: {answer.reason}",
            value=str(answer.backend),
            shown=Shown(
                f"shrinkops.explain(x).backend == {context.backend.name!r}",
                made(context, "x", call.x),
            ),
        )


_FOREIGN_SOURCE = """\
class Foreign:  # an array of no library
    def __init__(self, x):
        self.shape, self.dtype, self.ndim = x.shape, x.dtype, x.ndim
    def __array__(self, *_, **__):
        raise AssertionError('an array of another library was converted')"""


def mixed(context: Context, call: Call) -> None:
    """HS-DSP-2: x, λ and out of two libraries: the error names every type."""
    x, _, _ = context.arrange(call)
    other = Foreign(call.x)
    name = type_name(Foreign)
    own = type_name(type(x))
    setup = [*made(context, "x", call.x), _FOREIGN_SOURCE]
    context.refuses(
        TypeError, lambda: context.function(x, other), name, own, what="λ of another library",
        lines=setup, expression="f(x, Foreign(x))",
    )  # fmt: skip
    if context.declares("out"):
        context.refuses(
            TypeError, lambda: context.function(x, call.lambd, out=other), name, own,
            what="out of another library",
            lines=setup, expression=f"f(x, {call.lambd}, out=Foreign(x))",
        )  # fmt: skip
    if not context.adapter.is_numpy:
        host = np.zeros(1, np.float32)
        context.refuses(
            TypeError, lambda: context.function(x, host), "numpy.ndarray", own,
            what="λ a NumPy array",
            lines=made(context, "x", call.x), expression="f(x, np.zeros(1, np.float32))",
        )  # fmt: skip


def unknown_types(context: Context) -> None:
    """HS-DSP-3: what no backend takes is refused with the remedy, by the public function."""
    public = context.public
    if public is None:
        raise NotApplicable("not registered: the public function does not dispatch to it")

    class Unknown:
        """Nobody's array."""

    for value, source, words in (
        (Unknown(), "Unknown()", (type_name(Unknown), context.backend.name)),
        ([1.0, 2.0], "[1.0, 2.0]", ("list", "asarray", context.backend.name)),
        (0.25, "0.25", ("float", "asarray")),
        (None, "None", ("NoneType",)),
    ):
        context.refuses(
            TypeError,
            lambda v=value: public(v),  # type: ignore[misc]
            *words,
            what=f"x a {type(value).__name__}",
            lines=["class Unknown:", "    pass"],
            expression=f"f({source})",
            public=True,
        )
