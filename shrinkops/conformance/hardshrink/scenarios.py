"""Runs the vectors: one check for each clause, whose cases come from the data file.

Invariants
----------
- The table `SCENARIOS` has a function for every scenario of the file, and no other.
- A check runs all cases of its clause and element type. Calls go through the backend's
  kernel and, where it is registered, through the public function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from shrinkops.conformance._collect import Collector
from shrinkops.conformance._context import Call, Context
from shrinkops.conformance._model import Form, NotApplicable
from shrinkops.conformance._numbers import NUMBERS
from shrinkops.conformance._script import lambda_source

from . import behaviours
from .vectors import Case, cases, parse, value_of

__all__ = ["CHECKS", "SCENARIOS"]


def _call(context: Context, case: Case) -> tuple[Call, Any, Any]:
    """Return a case's call, expected result, and mask of choices."""
    number = context.number
    x, _ = parse(case["x"], [], number)
    shape = tuple(case.get("shape", [len(x)]))
    array = context.array(x, shape)
    lambd: Any = Call.DEFAULT
    if "lambda_array" in case:
        given = case["lambda_array"]
        lambd = context.array(parse(given["bits"], [], number)[0], tuple(given["shape"]))
    elif "lambda" in case and case["scenario"] != "default":
        lambd = value_of(case["lambda"])
    want, either = parse(case.get("expect", ""), x, number)
    if len(want) != len(x):
        return Call(array, lambd), array, None
    return Call(array, lambd), context.array(want, shape), np.array(either, bool).reshape(shape)


def _plain(context: Context, case: Case) -> None:
    call, want, either = _call(context, case)
    for function in context.functions.values():
        context.verify_against(call, want, either, function)


def _error(context: Context, case: Case) -> None:
    call, _, _ = _call(context, case)
    x, arguments, _ = context.arrange(call)
    exception = {"ValueError": ValueError, "TypeError": TypeError}[case["error"]]
    for name, function in context.functions.items():
        context.refuses(
            exception, lambda f=function: f(x, *arguments),  # type: ignore[misc]
            what=f"{name}, λ = {lambda_source(call.lambd)}", call=call,
            public=function is context.public,
        )  # fmt: skip


def _refused_dtype(context: Context, case: Case) -> None:
    array = np.array([word != "00" for word in case["x"].split()])
    try:
        x = context.adapter.from_numpy(array, context.device)
    except Exception as error:
        raise NotApplicable(f"the adapter makes no array of bool: {error}") from error
    context.refuses(
        TypeError, lambda: context.function(x, value_of(case["lambda"])),
        "bool", context.backend.name, what="x of dtype bool",
        lines=[f"x = backend.adapter().from_numpy(np.array({array.tolist()}))"],
        expression=f"f(x, {lambda_source(value_of(case['lambda']))})",
    )  # fmt: skip


def _lanes(context: Context, case: Case) -> None:
    number = context.number
    fill, special, want_fill, want_special = (
        parse(case[key], [0], number)[0][0] for key in ("fill", "special", "expect_fill", "expect")
    )
    lambd = value_of(case["lambda"])
    for length in case["lengths"]:
        # All positions of one length in one call per row would change the length: loop.
        positions = (
            range(length) if length <= 33 else {*range(0, length, 7), length - 1, length - 2}
        )
        for position in positions:
            bits = [fill] * length
            bits[position] = special
            want = [want_fill] * length
            want[position] = want_special
            context.verify_against(Call(context.array(bits), lambd), context.array(want))


def _behaviour(function: Callable[[Context, Call], None]) -> Callable[[Context, Case], None]:
    def run(context: Context, case: Case) -> None:
        function(context, _call(context, case)[0])

    return run


def _out_shape(context: Context, case: Case) -> None:
    call = _call(context, case)[0]
    held = np.full((1, *call.x.shape), 1, call.x.dtype)
    behaviours.out_refused(context, call, held, ValueError, "out of one more axis")


def _out_dtype(context: Context, case: Case) -> None:
    call = _call(context, case)[0]
    other = "float64" if context.dtype == "float32" else "float32"
    held = np.ones(call.x.shape, other)
    behaviours.out_refused(context, call, held, TypeError, f"out of dtype {other}")


def _derivative(mode: str) -> Callable[[Context, Case], None]:
    def run(context: Context, case: Case) -> None:
        from .derivatives import verify_derivative

        call, want, _ = _call(context, case)
        given, _ = parse(case["cotangent"], [], context.number)
        verify_derivative(context, call, context.array(given), want, mode)

    return run


def _second(context: Context, case: Case) -> None:
    from .derivatives import verify_second

    verify_second(context, _call(context, case)[0])


def _vjp_lambda(context: Context, case: Case) -> None:
    from .derivatives import verify_lambda

    verify_lambda(context, _call(context, case)[0])


def _transformed(context: Context, case: Case) -> None:
    from dataclasses import replace

    call, want, either = _call(context, case)
    context.verify_against(replace(call, transformation=context.item.transformation), want, either)


def _retrace(context: Context, case: Case) -> None:
    from .transformations import verify_no_retrace

    call = _call(context, case)[0]
    verify_no_retrace(context, call.x, [float(value_of(text)) for text in case["lambdas"]])


SCENARIOS: dict[str, Callable[[Context, Case], None]] = {
    "call": _plain,
    "default": _plain,
    "error": _error,
    "refused dtype": _refused_dtype,
    "lanes": _lanes,
    "quiet": _behaviour(behaviours.quiet),
    "layout": _behaviour(behaviours.in_every_layout),
    "pure": _behaviour(behaviours.pure),
    "out": _behaviour(behaviours.into_out),
    "in place": _behaviour(behaviours.in_place),
    "out shape": _out_shape,
    "out dtype": _out_dtype,
    "resident": _behaviour(behaviours.resident),
    "subclass": _behaviour(behaviours.subclasses),
    "vjp": _derivative("vjp"),
    "jvp": _derivative("jvp"),
    "vjp lambda": _vjp_lambda,
    "second": _second,
    "transformed": _transformed,
    "retrace": _retrace,
    "computes": _behaviour(behaviours.computes),
    "mixed": _behaviour(behaviours.mixed),
    "no backend": lambda context, _: behaviours.unknown_types(context),
}

_NEEDS = {
    "HS-LAM-6": {"array_lambd"},
    "HS-ARR-4": {"out"},
    "HS-DER-1": {"autodiff"},
    "HS-DER-2": {"autodiff"},
    "HS-DER-3": {"autodiff"},
}
_ONCE = {"HS-TYP-4"}
_TRANSFORMED = {"HS-TRF-1", "HS-TRF-2"}

check = Collector()
CHECKS = check.checks


def _enter(clause: str) -> None:
    """Enter the check that runs the vectors of one clause."""
    names = {d for c, d in cases() if c == clause}
    kinds = {NUMBERS[name].kind for name in names if name in NUMBERS}
    if clause.startswith("HS-DER"):
        dtypes = names
    elif clause.startswith("HS-TRF"):
        # Compiling takes seconds a type; the property checks take the others.
        dtypes = names - {"float8_e3m4", "float8_e4m3"}
    else:
        dtypes = set()

    @check(
        f"{clause}/vectors",
        "the cases of the data file",
        kinds=() if clause in _ONCE else kinds,
        dtypes=dtypes,
        needs=_NEEDS.get(clause, ()),
        transformed=clause in _TRANSFORMED,
        form=Form.VECTORS,
    )
    def run(context: Context) -> None:
        name = context.number.name if context.dtype else "bool"
        reasons = []
        own = cases().get((clause, name), [])
        for case in own:
            try:
                SCENARIOS[case["scenario"]](context, case)
            except NotApplicable as reason:
                reasons.append(str(reason))
        if reasons and len(reasons) == len(own):
            raise NotApplicable(reasons[0])


for _clause in sorted({clause for clause, _ in cases()}):
    _enter(_clause)
