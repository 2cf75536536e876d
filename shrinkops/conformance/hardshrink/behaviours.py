"""What arrays must go through, whatever their elements: shared by vectors and properties.

Each function takes the context and a call, and raises `Deviation`.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from ..._errors import type_name
from .._context import Call, Context
from .._model import NotApplicable
from .._provenance import foreign_calls

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
            )
    if not tried:
        raise NotApplicable(f"{context.backend.framework} has one layout")


def _order(x: Any) -> list[int] | None:
    """Return the axes from the widest stride to the narrowest, where strides can be seen."""
    strides = getattr(x, "strides", None) or (x.stride() if hasattr(x, "stride") else None)
    if strides is None:
        return None
    return sorted(range(len(strides)), key=lambda i: -strides[i])


def pure(context: Context, call: Call) -> None:
    """HS-ARR-3: x is not written, and the result shares no memory with it."""
    x, arguments, keywords = context.arrange(call)
    before = context.bits(call.x)
    y = context.function(x, *arguments, **keywords)
    after = context.bits(context.read(x))
    context.demand(
        before == after,
        f"{context.dtype}, λ = {call.lambd}: x was written",
        value="x was written",
        call=call,
    )
    context.demand(
        y is not x,
        f"{context.dtype}, λ = {call.lambd}: the result is x itself",
        value="the result is x",
        call=call,
    )
    if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
        shared = np.shares_memory(x, y)
    else:
        shared = _written_through(context, x, y)
    context.demand(
        not shared,
        f"{context.dtype}, λ = {call.lambd}: the result shares memory with x",
        value="shared memory",
        call=call,
    )


def _written_through(context: Context, x: Any, y: Any) -> bool:
    """Write into the result, where the library lets us, and look at x."""
    pointer = [
        getattr(a, name)()
        for a in (x, y)
        for name in ("data_ptr", "unsafe_buffer_pointer")
        if hasattr(a, name)
    ]
    if len(pointer) == 2 and x.shape and 0 not in x.shape:
        return bool(pointer[0] == pointer[1])
    before = context.bits(context.read(x))
    try:
        y[...] = (
            y[...] * 0
            if not getattr(y, "shape", ())
            else context.make(np.zeros_like(context.read(y)))
        )
    except (TypeError, ValueError, AttributeError, NotImplementedError, RuntimeError):
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
            raise context.unexpected(call, error) from error


def into_out(context: Context, call: Call) -> None:
    """HS-ARR-4: out is filled, whatever it held, and it is what comes back."""
    x, arguments, _ = context.arrange(call)
    out = context.make(np.full_like(call.x, 1))
    y = context.function(x, *arguments, out=out)
    context.demand(
        y is out, "the call with out= returned another object", value="not out",
        call=replace(call, out="new"),
    )  # fmt: skip
    want = context.suite.expected(call.x, call.lambd, context.number)[0]
    wrong = context.differing(call.x, context.read_like(out, call.x), want)
    context.demand(
        wrong is None, f"element {wrong} of out is not the result", value="out not filled",
        call=replace(call, out="new"),
    )  # fmt: skip
    context.demand(
        context.bits(context.read(x)) == context.bits(call.x), "x was written, out was given",
        value="x was written", call=replace(call, out="new"),
    )  # fmt: skip


def in_place(context: Context, call: Call) -> None:
    """HS-ARR-4: out may be x itself."""
    x, arguments, _ = context.arrange(call)
    y = context.function(x, *arguments, out=x)
    context.demand(
        y is x, "the call with out=x returned another object", value="not out", call=call
    )
    want = context.suite.expected(call.x, call.lambd, context.number)[0]
    wrong = context.differing(call.x, context.read_like(x, call.x), want)
    context.demand(
        wrong is None, f"element {wrong} of x, given as out, is not the result",
        value="out not filled", call=replace(call, out="x"),
    )  # fmt: skip


def out_refused(
    context: Context, call: Call, out: Any, exception: type[Exception], what: str
) -> None:
    """HS-ARR-4: a wrong out raises, and stays as it was."""
    before = context.adapter.to_numpy(out).tobytes()
    x, arguments, _ = context.arrange(call)
    try:
        context.refuses(
            exception, lambda: context.function(x, *arguments, out=out), what=what, call=call
        )
    finally:
        after = context.adapter.to_numpy(out).tobytes()
    context.demand(before == after, f"{what}: it was written all the same", value="out was written")


def resident(context: Context, call: Call) -> None:
    """HS-ARR-5: nothing is converted or copied to the host; the device stays."""
    x, arguments, keywords = context.arrange(call)
    context.function(x, *arguments, **keywords)
    with context.adapter.forbid_transfers():
        y, found = foreign_calls(
            context.backend, lambda: context.function(x, *arguments, **keywords)
        )
    found = (
        [line for line in found if not line.startswith("numpy.")]
        if context.adapter.is_numpy
        else found
    )
    context.demand(
        not found, f"during the call: {found[0] if found else ''}", value="converted", call=call
    )
    here, there = (context.backend.device_of(a) for a in (x, y))
    context.demand(
        here == there, f"x is on device {here}, the result on {there}", value=str(there), call=call
    )


def subclasses(context: Context, call: Call) -> None:
    """HS-ARR-6: an instance of a subclass comes back as it was, or is refused."""
    tried = context.adapter.subclasses()
    if not tried:
        raise NotApplicable(f"the adapter of {context.backend.name!r} names no subclasses")
    for subclass in tried:
        x = subclass.make(context.make(call.x))
        try:
            y = context.function(x, call.lambd)
        except TypeError:
            continue
        context.demand(
            subclass.kept(x, y),
            f"{subclass.name}: came back as {type_name(type(y))}, stripped of what it was",
            value="stripped",
        )


def computes(context: Context, call: Call) -> None:
    """HS-DSP-1: this backend computes, in its own type, and no other library is called."""
    x, arguments, keywords = context.arrange(call)
    context.demand(
        context.backend.handles(type(x)),
        f"the adapter's arrays, {type_name(type(x))}, are not the backend's own",
    )
    for name, function in context.functions.items():
        function(x, *arguments, **keywords)
        y, found = foreign_calls(context.backend, lambda f=function: f(x, *arguments, **keywords))  # type: ignore[misc]
        context.demand(
            not found, f"{name}: {found[0] if found else ''}", value="fallback", call=call
        )
        context.demand(
            context.backend.handles(type(y)),
            f"{name}: the result is a {type_name(type(y))}, not the backend's own type",
            value=type_name(type(y)),
            call=call,
        )
    if context.target.registered:
        from ..._public import explain

        answer = explain(x)
        context.demand(
            answer.backend == context.backend.name,
            f"arrays of {type_name(type(x))} go to backend {answer.backend!r}: {answer.reason}",
            value=str(answer.backend),
        )


def mixed(context: Context, call: Call) -> None:
    """HS-DSP-2: x, λ and out of two libraries: the error names every type."""
    x, _, _ = context.arrange(call)
    other = Foreign(call.x)
    name = type_name(Foreign)
    own = type_name(type(x))
    context.refuses(
        TypeError, lambda: context.function(x, other), name, own, what="λ of another library"
    )
    if context.declares("out"):
        context.refuses(
            TypeError, lambda: context.function(x, call.lambd, out=other), name, own,
            what="out of another library",
        )  # fmt: skip
    if not context.adapter.is_numpy:
        host = np.zeros(1, np.float32)
        context.refuses(
            TypeError, lambda: context.function(x, host), "numpy.ndarray", own,
            what="λ a NumPy array",
        )  # fmt: skip


def unknown_types(context: Context) -> None:
    """HS-DSP-3: what no backend takes is refused with the remedy, by the public function."""
    public = context.public
    if public is None:
        raise NotApplicable("not registered: the public function does not dispatch to it")

    class Unknown:
        """Nobody's array."""

    for value, words in (
        (Unknown(), (type_name(Unknown), context.backend.name)),
        ([1.0, 2.0], ("list", "asarray", context.backend.name)),
        (0.25, ("float", "asarray")),
        (None, ("NoneType",)),
    ):
        context.refuses(
            TypeError,
            lambda v=value: public(v),  # type: ignore[misc]
            *words,
            what=f"x a {type(value).__name__}",
        )
