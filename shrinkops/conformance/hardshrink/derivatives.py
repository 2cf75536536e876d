"""HS-DER: reverse and forward mode, by selection; λ and second order are constant zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from shrinkops.conformance._collect import Collector
from shrinkops.conformance._context import Call, Context, Shown
from shrinkops.conformance._model import Deviation
from shrinkops.conformance._script import bits_claim, made

from .definition import kept, threshold
from .inputs import around, mixture

__all__ = ["CHECKS", "DTYPES", "verify_derivative", "verify_lambda", "verify_second"]

check = Collector()
CHECKS = check.checks

DTYPES = ("bfloat16", "float16", "float32", "float64")
"""Types that libraries differentiate; the 8-bit ones have no arithmetic."""

_Array = np.ndarray[Any, Any]


def verify_derivative(context: Context, call: Call, given: _Array, want: _Array, mode: str) -> None:
    """Convict a derivative that is not the cotangent, or tangent, by selection."""
    got = _derivative(context, call, given, mode)
    wrong = context.differing(call.x, got, want)
    if wrong is None:
        return
    one = slice(wrong, wrong + 1)
    alone = Call(call.x[one], call.lambd)
    try:
        reduced = context.differing(
            alone.x, _derivative(context, alone, given[one], mode), want[one]
        )
    except Deviation:
        reduced = None
    if reduced is None:  # it takes its neighbours to show
        alone, one = call, slice(None)
    values = [context.bits(a.reshape(-1)[wrong : wrong + 1])[0] for a in (call.x, given, want, got)]
    shown = [f"0x{v:0{context.number.width // 4}x}" for v in values]
    claim = bits_claim(context, want[one], 0 if reduced is not None else wrong, None)
    context.demand(
        False,
        f"{mode}, λ = {call.lambd}: at x = {shown[0]}, given {shown[1]}, "
        f"expected {shown[2]}, got {shown[3]}",
        value=shown[3].removeprefix("0x"),
        shown=Shown(claim, _source(context, alone, given[one], mode)),
    )


def _derivative(context: Context, call: Call, given: _Array, mode: str) -> _Array:
    x, arguments, _ = context.arrange(call)
    try:
        got = getattr(context.adapter, mode)(
            lambda v: context.kernel(v, *arguments), x, context.make(given)
        )
    except Exception as error:
        raise context.raised(error, mode, _source(context, call, given, mode)) from error
    result = context.read(got)
    context.demand(
        (result.dtype, result.shape) == (call.x.dtype, call.x.shape),
        f"{mode}: a {result.dtype} of shape {result.shape} for a {call.x.dtype} of {call.x.shape}",
        shown=Shown(
            "(read(y).dtype, read(y).shape) == (read(x).dtype, read(x).shape)",
            _source(context, call, given, mode),
        ),
    )
    return result


_BY_LIBRARY = {
    ("torch", "vjp"): "torch.autograd.grad(f(x.requires_grad_(), {0}), x, g)[0]",
    ("torch", "jvp"): "torch.func.jvp(lambda v: f(v, {0}), (x,), (g,))[1]",
    ("jax", "vjp"): "jax.vjp(lambda v: f(v, {0}), x)[1](g)[0]",
    ("jax", "jvp"): "jax.jvp(lambda v: f(v, {0}), (x,), (g,))[1]",
}


def _source(context: Context, call: Call, given: _Array, mode: str) -> list[str]:
    """Return the lines that differentiate: x, the (co)tangent g, the derivative y."""
    known = _BY_LIBRARY.get((context.backend.framework, mode))
    expression = known or f"backend.adapter().{mode}(lambda v: f(v, {{0}}), x, g)"
    return [
        *made(context, "x", call.x), *made(context, "g", given),
        f"y = {expression.format(call.lambd)}",
    ]  # fmt: skip


def _selected(x: _Array, lambd: Any, given: _Array, context: Context) -> _Array:
    want = given.copy()
    want[~kept(x, lambd, context.number)] = np.zeros((), given.dtype)
    return want


def _points(context: Context) -> _Array:
    number = context.number
    near = around(threshold(0.5, number) or 0, number)
    # NaN through whole vectors and a tail: one library treats the two apart.
    nans = [number.quiet_nan] * 37
    return np.concatenate([context.array(nans), context.array(near), mixture(context, 50)])


def verify_second(context: Context, call: Call) -> None:
    """Convict a second derivative that is not zero."""
    x, arguments, _ = context.arrange(call)
    ones = context.make(np.ones(call.x.shape, call.x.dtype))

    def first(v: Any) -> Any:
        return context.adapter.vjp(lambda w: context.kernel(w, *arguments), v, ones)

    source = [
        *made(context, "x", call.x), *made(context, "g", np.ones(call.x.shape, call.x.dtype)),
        "vjp = backend.adapter().vjp",
        f"y = vjp(lambda v: vjp(lambda w: f(w, {call.lambd}), v, g), x, g)",
    ]  # fmt: skip
    try:
        got = context.read_like(context.adapter.vjp(first, x, ones), call.x)
    except Exception as error:
        raise context.raised(error, "the second derivative", source) from error
    context.match(
        call.x, got, np.zeros_like(call.x), "the second derivative", value="second derivative",
        before=source,
    )  # fmt: skip


def verify_lambda(context: Context, call: Call) -> None:
    """Convict a derivative with respect to λ that is not zero."""
    if not context.declares("array_lambd"):
        return  # a number has no derivative
    x, _, _ = context.arrange(call)
    lambd = np.full(call.x.shape, call.lambd).astype(call.x.dtype)
    ones = context.make(np.ones(call.x.shape, call.x.dtype))
    source = [
        *made(context, "x", call.x), *made(context, "lambd", lambd),
        *made(context, "g", np.ones(call.x.shape, call.x.dtype)),
        "y = backend.adapter().vjp(lambda v: f(x, v), lambd, g)",
    ]  # fmt: skip
    try:
        gradient = context.adapter.vjp(lambda v: context.kernel(x, v), context.make(lambd), ones)
        got = context.read_like(gradient, lambd)
    except Exception as error:
        raise context.raised(error, "d/dλ", source) from error
    context.match(
        lambd, got, np.zeros_like(lambd), "d/dλ", value="d/dlambda", before=source
    )  # fmt: skip


@check(
    "HS-DER-1/reverse",
    "reverse mode at and around ±t, NaN and infinity included",
    dtypes=DTYPES,
    needs=("autodiff",),
)
def reverse(context: Context) -> None:
    x = _points(context)
    ones = np.ones(x.shape, x.dtype)
    for lambd in (0.5, 0.0, 0.1, -1.0):
        verify_derivative(context, Call(x, lambd), ones, _selected(x, lambd, ones, context), "vjp")


@check(
    "HS-DER-1/edge",
    "reverse mode at ±t and its neighbours alone",
    dtypes=DTYPES,
    needs=("autodiff",),
)
def edge(context: Context) -> None:
    x = context.array(around(threshold(0.5, context.number) or 0, context.number) * 6)
    ones = np.ones(x.shape, x.dtype)
    verify_derivative(context, Call(x, 0.5), ones, _selected(x, 0.5, ones, context), "vjp")


@check(
    "HS-DER-1/forward",
    "forward mode at and around ±t, NaN and infinity included",
    dtypes=DTYPES,
    needs=("autodiff",),
)
def forward(context: Context) -> None:
    x = _points(context)
    ones = np.ones(x.shape, x.dtype)
    for lambd in (0.5, 0.0, 0.1, -1.0):
        verify_derivative(context, Call(x, lambd), ones, _selected(x, lambd, ones, context), "jvp")


@check(
    "HS-DER-2/nan-cotangent",
    "NaN and infinite cotangents in the band give exactly 0",
    dtypes=DTYPES,
    needs=("autodiff",),
)
def nan_cotangent(context: Context) -> None:
    number = context.number
    x = _points(context)
    for bits in (number.quiet_nan, number.infinity or 0, (number.infinity or 0) | number.sign):
        given = context.array([bits] * x.size)
        want = _selected(x, 0.5, given, context)
        verify_derivative(context, Call(x, 0.5), given, want, "vjp")


@check(
    "HS-DER-2/in-band",
    "a NaN cotangent on elements of the band, and finite ones outside",
    dtypes=DTYPES,
    needs=("autodiff",),
)
def in_band(context: Context) -> None:
    number = context.number
    x = context.array([threshold(v, number) or 0 for v in (0.25, 0.5, 0.0, 0.125)] * 6)
    given = context.array([number.quiet_nan] * x.size)
    want = _selected(x, 0.5, given, context)
    verify_derivative(context, Call(x, 0.5), given, want, "vjp")


@check(
    "HS-DER-2/nan-tangent",
    "NaN and infinite tangents in the band give exactly 0",
    dtypes=DTYPES,
    needs=("autodiff",),
)
def nan_tangent(context: Context) -> None:
    number = context.number
    x = _points(context)
    for bits in (number.quiet_nan, number.infinity or 0):
        given = context.array([bits] * x.size)
        want = _selected(x, 0.5, given, context)
        verify_derivative(context, Call(x, 0.5), given, want, "jvp")


@check(
    "HS-DER-2/kept-whole",
    "cotangents of kept elements pass bit for bit",
    dtypes=DTYPES,
    needs=("autodiff",),
)
def kept_whole(context: Context) -> None:
    x = _points(context)
    given = mixture(context, x.size)
    verify_derivative(context, Call(x, 0.5), given, _selected(x, 0.5, given, context), "vjp")


@check("HS-DER-3/lambda", "d/dλ is 0 everywhere", dtypes=DTYPES, needs=("autodiff", "array_lambd"))
def lambda_gradient(context: Context) -> None:
    verify_lambda(context, Call(_points(context), 0.5))
    verify_lambda(context, Call(_points(context), 1.0))


@check("HS-DER-3/second", "second derivatives are 0", dtypes=DTYPES, needs=("autodiff",))
def second(context: Context) -> None:
    whole = np.array([1, 2, 3, -2, 0, -1, 4, 8]).astype(_points(context).dtype)
    verify_second(context, Call(_points(context), 0.5))
    verify_second(context, Call(whole, 0.5))


@check("HS-DER-3/agreement", "forward and reverse mode agree", dtypes=DTYPES, needs=("autodiff",))
def agreement(context: Context) -> None:
    x = _points(context)
    given = mixture(context, x.size)
    call = Call(x, 0.5)
    reverse, forward = (_derivative(context, call, given, mode) for mode in ("vjp", "jvp"))
    wrong = context.differing(x, reverse, forward)
    context.demand(
        wrong is None, f"forward and reverse mode differ at element {wrong}", value="modes differ",
        shown=Shown(f"bits(reverse, {wrong}) == bits(y, {wrong})", [
            *_source(context, call, given, "vjp"), "reverse = y",
            *_source(context, call, given, "jvp"),
        ]),
    )  # fmt: skip
