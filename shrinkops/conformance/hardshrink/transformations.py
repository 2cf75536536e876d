"""HS-TRF: a transformed call gives the same bits, and compiles once for all values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from shrinkops.conformance._collect import Collector
from shrinkops.conformance._context import Call, Context, Shown
from shrinkops.conformance._model import NotApplicable
from shrinkops.conformance._script import made, transformation_source

from .inputs import mixture, special

__all__ = ["CHECKS", "verify_no_retrace"]

check = Collector()
CHECKS = check.checks

_ALL = ("float", "integer", "complex")
_COMPILING = ("jit", "compile")


@check(
    "HS-TRF-1/same-bits",
    "the transformed call on special and random elements",
    kinds=_ALL,
    transformed=True,
)
def same_bits(context: Context) -> None:
    integer = context.number.kind == "integer"
    x = np.concatenate([context.array(special(context.number)), mixture(context, 100)])
    for lambd in (2,) if integer else (0.5, 0.1):
        context.verify(Call(x, lambd, transformation=context.item.transformation))


@check(
    "HS-TRF-1/lambda-argument",
    "λ as an argument of the transformed function",
    kinds=("float",),
    transformed=True,
)
def lambda_argument(context: Context) -> None:
    """λ is one that float32 holds: some libraries turn a Python float into that."""
    name = context.item.transformation
    if name not in _COMPILING:
        raise NotApplicable(f"{name} has no arguments of its own for numbers")
    x = np.concatenate([context.array(special(context.number)), mixture(context, 30)])
    transformed = context.transform(name, context.kernel)
    for lambd in (0.5, 1.5, 0.0, -1.0):
        context.verify(Call(x, lambd, transformation=name, traced=True), transformed)


def verify_no_retrace(context: Context, x: np.ndarray[Any, Any], lambdas: Sequence[float]) -> None:
    """Convict a compiled call that compiles again for other values of x or λ."""
    name = context.item.transformation
    if name not in _COMPILING:
        raise NotApplicable(f"{name} compiles nothing")
    first = lambdas[0]
    source = [
        *made(context, "x", x), "counted = backend.adapter().compilations",
        f"g = {transformation_source(context, name)}(f)",
        f"[g(x, t) for t in ({first}, {first + 0.25})]", "before = counted()",
        f"[g(x, t) for t in {list(lambdas)}]",
    ]  # fmt: skip
    try:
        again = _compiled_again(context, x, lambdas)
    except Exception as error:
        raise context.raised(error, name, source) from error
    context.demand(
        again == 0,
        f"{again} more compilations or graph breaks for {len(lambdas)} other values of λ",
        value=f"{again} compilations", shown=Shown("counted() == before", source),
    )  # fmt: skip


def _compiled_again(context: Context, x: np.ndarray[Any, Any], lambdas: Sequence[float]) -> int:
    transformed = context.transform(context.item.transformation, context.kernel)
    # Two calls to warm up: some libraries look at one value, then generalise.
    for lambd in (lambdas[0], lambdas[0] + 0.25):
        context.adapter.synchronize(transformed(context.make(x), lambd))
    before = context.adapter.compilations()
    for lambd in lambdas:
        for values in (x, x[::-1].copy()):
            context.adapter.synchronize(transformed(context.make(values), lambd))
    return context.adapter.compilations() - before


@check("HS-TRF-2/no-retrace", "compilations counted while only values change", transformed=True)
def no_retrace(context: Context) -> None:
    lambdas = [0.5, 0.75, 1.0, 0.1, 3.0, 0.0, -1.0, 0.3]
    if "float8" in context.dtype:
        lambdas = [0.5, 0.75, 1.0, 3.0]
    verify_no_retrace(context, mixture(context, 64), lambdas)


@check("HS-TRF-2/eager", "an eager call compiles nothing for another λ", needs=("jit",))
def eager(context: Context) -> None:
    data = mixture(context, 48)
    x = context.make(data)
    for lambd in (0.5, 0.25):
        context.adapter.synchronize(context.function(x, lambd))
    before = context.adapter.compilations()
    for lambd in (0.75, 1.0, 1.25, 3.0, 0.3):
        context.adapter.synchronize(context.function(x, lambd))
    again = context.adapter.compilations() - before
    context.demand(
        again == 0, f"{again} compilations for 5 values of λ", value=f"{again} compilations",
        shown=Shown("counted() == before", [
            *made(context, "x", data), "counted = backend.adapter().compilations",
            "[f(x, t) for t in (0.5, 0.25)]", "before = counted()",
            "[f(x, t) for t in (0.75, 1.0, 1.25, 3.0, 0.3)]",
        ]),
    )  # fmt: skip


@check(
    "HS-TRF-1/composed",
    "the compiled derivative, and the compiled map",
    dtypes=("float32",),
    needs=("jit", "vmap", "autodiff"),
    provisional=True,
)
def composed(context: Context) -> None:
    data = np.stack([mixture(context, 40)] * 2)
    x = context.make(data)
    want = context.suite.expected(data, 0.5, context.number)[0]
    inner, outer = (transformation_source(context, name) for name in ("vmap", "jit"))
    source = [*made(context, "x", data), f"y = {outer}({inner}(lambda v: f(v, 0.5)))(x)"]
    try:
        mapped = context.transform("vmap", lambda v: context.kernel(v, 0.5))
        got = context.read_like(context.transform("jit", mapped)(x), data)
    except Exception as error:
        raise context.raised(error, "jit of vmap", source) from error
    context.match(data, got, want, "jit of vmap", value="composed", before=source)
