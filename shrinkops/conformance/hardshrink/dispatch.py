"""HS-DSP: who computes, and what is refused."""

from __future__ import annotations

import numpy as np

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


@check(
    "HS-DSP-1/provenance",
    "the interpreter's record shows no other library and no conversion",
    kinds=_ALL,
)
def provenance(context: Context) -> None:
    lambd = 2 if context.number.kind == "integer" else 0.5
    for shape in ((33,), (2, 3), ()):
        behaviours.computes(context, Call(np.resize(mixture(context, 33), shape), lambd))


@check("HS-DSP-1/registered", "the public function's kernel is this backend's", kinds=())
def registered(context: Context) -> None:
    public = context.public
    if public is None:
        raise NotApplicable("not registered: judged on its own")
    from shrinkops._call.dispatcher import dispatchers

    x = context.adapter.from_numpy(np.ones(3, np.float32), context.device)
    public(x)
    dispatcher = next(d for d in dispatchers if d.operation is context.operation)
    winner = dispatcher.winner(type(x))
    context.demand(
        winner is not None and winner.backend is context.backend,
        f"the table's kernel for {type(x).__name__} is not that of {context.backend.name!r}",
        value="another kernel",
        shown=Shown(
            f"shrinkops.explain(x).backend == {context.backend.name!r}",
            made(context, "x", np.ones(3, np.float32)),
        ),
    )


@check("HS-DSP-1/selective", "the backend leaves other libraries' classes alone", kinds=())
def selective(context: Context) -> None:
    for cls in (behaviours.Foreign, list, float, dict, type(None), str):
        context.demand(
            not context.backend.handles(cls),
            f"handles({cls.__name__}) is true: it would take what is not its own",
            value=cls.__name__,
            shown=Shown(
                f"not backend.handles({cls.__name__})",
                ["class Foreign:", "    pass", "NoneType = type(None)"],
            ),
        )
    if not context.adapter.is_numpy:
        context.demand(
            not context.backend.handles(np.ndarray), "handles(numpy.ndarray) is true",
            value="numpy.ndarray", shown=Shown("not backend.handles(np.ndarray)"),
        )  # fmt: skip


@check(
    "HS-DSP-2/mixed",
    "arrays of two libraries in one call raise TypeError naming every type",
    kinds=_ALL,
)
def mixed(context: Context) -> None:
    lambd = 2 if context.number.kind == "integer" else 0.5
    behaviours.mixed(context, Call(mixture(context, 6), lambd))


@check(
    "HS-DSP-3/remedy",
    "what no backend takes is refused with the types, the ready and the remedy",
    kinds=(),
)
def remedy(context: Context) -> None:
    behaviours.unknown_types(context)
