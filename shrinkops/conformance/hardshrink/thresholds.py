"""HS-LAM: what λ may be, how it is rounded, and what is refused."""

from __future__ import annotations

import contextlib
import warnings
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from shrinkops.conformance._collect import Collector
from shrinkops.conformance._context import Call, Context, Shown
from shrinkops.conformance._model import Deviation, NotApplicable
from shrinkops.conformance._numbers import decode, overflows, round_bits
from shrinkops.conformance._script import lambda_source, made

from .definition import threshold
from .inputs import around, mixture, special

__all__ = ["CHECKS"]

check = Collector()
CHECKS = check.checks

_ALL = ("float", "integer", "complex")


@check("HS-LAM-1/default", "without λ the threshold is 0.5", kinds=_ALL)
def default(context: Context) -> None:
    number = context.number
    if number.kind == "float":
        limit = threshold(0.5, number) or 0
        bits = [*around(limit, number), *around(threshold(0.375, number) or 0, number)]
    else:
        bits = special(number)
    context.verify(Call(context.array(bits), Call.DEFAULT))
    if context.public is not None:
        context.verify(Call(context.array(bits), Call.DEFAULT), context.public)


@check("HS-LAM-1/signature", "λ is named lambd and is the second parameter", dtypes=("float32",))
def signature(context: Context) -> None:
    x = context.array(special(context.number))
    want = context.suite.expected(x, 1.5, context.number)[0]
    source = made(context, "x", x)
    for name, function in context.functions.items():
        for how, arguments, keywords in (
            ("lambd=1.5", (), {"lambd": 1.5}),
            ("1.5", (1.5,), {}),
        ):
            got = context.read_like(function(context.make(x), *arguments, **keywords), x)
            context.match(
                x, got, want, f"{name}, called with (x, {how})", value="signature",
                before=[*source, f"y = f(x, {how})"],
            )  # fmt: skip


@check(
    "HS-LAM-2/rounded",
    "an element equal to the rounded λ is zeroed, its neighbours are as they are",
)
def rounded(context: Context) -> None:
    number = context.number
    values: list[Any] = [0.1, 0.3, 0.7, 1 / 3, 1.1, np.float64(0.1), np.float64(0.3)]
    values += context.rng.uniform(0.01, 2, 8).tolist()
    for lambd in values:
        context.verify(Call(context.array(around(threshold(lambd, number) or 0, number)), lambd))


@check("HS-LAM-2/rounded-once", "λ near a tie: rounding through another type goes the wrong way")
def rounded_once(context: Context) -> None:
    number = context.number
    for value in (0.5, 0.8125, 1.0, 1.75):
        base = threshold(value, number) or 0
        for bits in (base, base + 1) if not number.explicit else (base,):
            below, above = (Fraction(decode(b, number)) for b in (bits, bits + 1))
            tie, step = (below + above) / 2, above - below
            for offset in (0, step / 2**24, -step / 2**24, step / 2**40, -step / 2**40):
                exact = tie + offset
                lambd = float(exact) if Fraction(float(exact)) == exact else exact
                context.verify(Call(context.array(around(bits, number)), lambd))


@check("HS-LAM-2/types", "λ of every type that holds a real number", kinds=("float", "complex"))
def types(context: Context) -> None:
    x = context.array(special(context.number))
    values: list[Any] = [
        1, True + 0, 0.5, np.float64(0.5), np.float32(0.5), np.float16(0.5), np.int8(1),
        np.uint64(1), Fraction(1, 2), Fraction(1, 3), Decimal("0.5"), Decimal("0.1"),
    ]  # fmt: skip
    try:
        import ml_dtypes

        values.append(ml_dtypes.bfloat16(0.5))
    except ImportError:  # pragma: no cover  the extra brings it
        pass
    for lambd in values:
        context.verify(Call(x, lambd))


@check(
    "HS-LAM-2/array-scalar",
    "λ a 0-d array of the library, of x's own and of other types",
    needs=("array_lambd",),
)
def array_scalar(context: Context) -> None:
    number = context.number
    x = context.array(special(number) + around(threshold(0.3, number) or 0, number))
    context.verify(Call(x, context.array([threshold(0.3, number) or 0], ())))
    for name in ("float32", "float64"):
        if name in context.backend.dtypes:
            context.verify(Call(x, np.array(0.3, name)))


@check("HS-LAM-2/dtype", "no type of λ changes the result's dtype", kinds=_ALL)
def dtype(context: Context) -> None:
    x = context.array(special(context.number))
    for lambd in (1, 0.5, np.float64(0.5), np.float32(0.5), np.int64(1)):
        y = context.function(context.make(x), lambd)
        context.demand(
            context.backend.dtype_name(y) == context.dtype,
            f"λ of type {type(lambd).__name__} turns {context.dtype} into "
            f"{context.backend.dtype_name(y)}",
            value=context.backend.dtype_name(y),
            call=Call(x, lambd),
            shown=Shown("backend.dtype_name(y) == backend.dtype_name(x)"),
        )


@check("HS-LAM-3/identity", "a negative λ, however small, gives x bit for bit", kinds=_ALL)
def identity(context: Context) -> None:
    number = context.number
    x = mixture(context, 150)
    values: list[Any] = [-1, -0.5, -5e-324, Fraction(-1, 10**60)]
    values += [-0.1] if number.kind != "integer" else [-(10**30)]
    for lambd in values:
        context.verify_against(Call(x, lambd), x)


@check("HS-LAM-4/plus-infinity", "λ = inf zeroes everything but NaN", kinds=_ALL)
def plus_infinity(context: Context) -> None:
    x = context.array(special(context.number) * 3)
    for lambd in (float("inf"), np.float32("inf")):
        context.verify(Call(x, lambd))


@check("HS-LAM-4/infinite-elements", "infinite elements are zeroed by an infinite λ alone")
def infinite_elements(context: Context) -> None:
    number = context.number
    if number.infinity is None:
        raise NotApplicable(f"{context.dtype} has no infinity")
    bits = [number.infinity, number.infinity | number.sign, number.largest, 0]
    for lambd in (float("inf"), 0.5):
        context.verify(Call(context.array(bits * 5), lambd))


@check("HS-LAM-4/minus-infinity", "λ = -inf is the identity", kinds=_ALL)
def minus_infinity(context: Context) -> None:
    x = context.array(special(context.number) * 3)
    for lambd in (float("-inf"), np.float64("-inf")):
        context.verify_against(Call(x, lambd), x)


@check(
    "HS-LAM-5/nan",
    "λ = NaN raises ValueError that names value, dtype and largest number",
    kinds=_ALL,
)
def nan(context: Context) -> None:
    call = Call(context.array(special(context.number)), float("nan"))
    for lambd in (float("nan"), np.float32("nan")):
        context.refuses(
            ValueError, lambda v=lambd: context.function(context.make(call.x), v),  # type: ignore[misc]
            "nan", context.dtype, "largest", what="λ = NaN", call=call,
        )  # fmt: skip


@check(
    "HS-LAM-5/overflow",
    "a finite λ beyond the dtype raises ValueError, the last one within does not",
)
def overflow(context: Context) -> None:
    number = context.number
    x = context.array(special(number))
    largest = Fraction(decode(number.largest, number))
    step = largest - Fraction(decode(number.largest - 1, number))
    within = [largest, largest + step / 2 - step / 2**20]
    beyond = [largest + step / 2 + step / 2**20, largest * 2]
    tie = largest + step / 2
    (within if not overflows(tie, number) else beyond).append(tie)
    for value in within:
        assert round_bits(value, number) == number.largest
        context.verify(Call(x, _shortest(value)))
    for value in (*beyond, *(-v for v in beyond)):
        lambd = _shortest(value)
        context.refuses(
            ValueError, lambda v=lambd: context.function(context.make(x), v),  # type: ignore[misc]
            context.dtype if number.width <= 64 else "", "largest", what="λ beyond the dtype",
            call=Call(x, lambd),
        )  # fmt: skip


def _shortest(value: Fraction) -> Any:
    if value.denominator == 1:
        return int(value)
    return float(value) if Fraction(float(value)) == value else value


@check("HS-LAM-5/not-a-number", "a λ that is not a real number raises TypeError", kinds=_ALL)
def not_a_number(context: Context) -> None:
    x = context.array(special(context.number))
    for lambd in ("0.5", None, 1j, True, b"1", object()):
        context.refuses(
            TypeError, lambda v=lambd: context.function(context.make(x), v),  # type: ignore[misc]
            "lambd", what=f"λ = {type(lambd).__name__}",
            call=Call(x, lambd),
        )  # fmt: skip


@check("HS-LAM-5/unwritten", "nothing is written before λ is checked", kinds=_ALL, needs=("out",))
def unwritten(context: Context) -> None:
    x = context.array(special(context.number))
    out = context.make(np.full_like(x, 1))
    for bad in (float("nan"), "0.5"):
        with contextlib.suppress(ValueError, TypeError):
            context.function(context.make(x), bad, out=out)
        context.demand(
            context.bits(context.read(out)) == context.bits(np.full_like(x, 1)),
            f"λ = {bad!r} was refused after out was written", value="out was written",
            shown=Shown("read(out).tobytes() == before", [
                *made(context, "x", x), *made(context, "out", np.full_like(x, 1)),
                "before = read(out).tobytes()",
                "try:", f"    f(x, {lambda_source(bad)}, out=out)",
                "except (TypeError, ValueError):", "    pass",
            ]),
        )  # fmt: skip


_LAMBDA_KINDS = ("float", "integer", "complex")


@check(
    "HS-LAM-6/broadcast",
    "λ per channel, per element, of one element",
    kinds=("float", "integer"),
    needs=("array_lambd",),
)
def broadcast(context: Context) -> None:
    x = np.resize(mixture(context, 120), (4, 5, 6))
    values = _values(context)
    for shape in ((), (1,), (6,), (5, 1), (4, 1, 1), (1, 1, 1), (1, 5, 6), (4, 5, 6)):
        context.verify(Call(x, np.resize(values, shape)))


@check(
    "HS-LAM-6/layouts",
    "x of any layout under λ per channel",
    kinds=("float",),
    needs=("array_lambd",),
)
def layouts(context: Context) -> None:
    context.demand_layouts()
    x = np.resize(mixture(context, 120), (4, 5, 6))
    lambd = np.resize(_values(context), (5, 1))
    for name in context.adapter.layouts():
        try:
            context.verify(Call(x, lambd, layout=name))
        except NotApplicable:
            continue


def _values(context: Context) -> Any:
    """Thresholds of x's own type, different in a row."""
    number = context.number
    if number.kind == "integer":
        return context.array([1, 0, 2, 3, 100])
    sizes = [threshold(v, number) or 0 for v in (0.5, 0, 1.5, 0.1, 1)]
    return context.array(sizes)


@check(
    "HS-LAM-6/special-elements",
    "elements of λ that are negative, infinite or NaN",
    needs=("array_lambd",),
)
def special_elements(context: Context) -> None:
    number = context.number
    column = [
        threshold(0.5, number) or 0,
        (threshold(1, number) or 0) | number.sign,
        number.quiet_nan,
    ]
    if number.infinity is not None:
        column += [number.infinity, number.infinity | number.sign]
    x = np.resize(context.array(special(number)), (len(column), len(special(number))))
    context.verify(Call(x, context.array(column, (len(column), 1))))


@check(
    "HS-LAM-6/wide",
    "λ of float64, rounded once to x's dtype, overflow giving infinity",
    needs=("array_lambd", "float64"),
)
def wide(context: Context) -> None:
    number = context.number
    if number.width > 64:
        raise NotApplicable("float64 is the narrower type")
    values = [0.1, 0.3, 1 / 3, 1e308, -1e308, -1e-300, float("nan")]
    for value in (0.5, 1.25):
        base = threshold(value, number) or 0
        tie = (Fraction(decode(base, number)) + Fraction(decode(base + 1, number))) / 2
        step = tie - Fraction(decode(base, number))
        for exact in (tie, tie + step / 2**26, tie - step / 2**26):
            if Fraction(float(exact)) == exact:
                values.append(float(exact))
    row = [
        b for v in (0.1, 0.3, 1 / 3, 0.5, 1.25) for b in around(threshold(v, number) or 0, number)
    ]
    row += special(number)
    x = np.resize(context.array(row), (len(values), len(row)))
    with warnings.catch_warnings():
        # A library may say that λ overflows; HS-VAL-7 is about x.
        warnings.simplefilter("ignore", RuntimeWarning)
        context.verify(Call(x, np.array(values, np.float64).reshape(-1, 1)))


@check(
    "HS-LAM-6/enlarging",
    "λ that would enlarge the result raises ValueError",
    kinds=_LAMBDA_KINDS,
    needs=("array_lambd",),
)
def enlarging(context: Context) -> None:
    x = np.resize(context.array(special(context.number)), (1, 4))
    if context.number.kind == "complex":
        values = np.array([0.5], np.float32)
        if "float32" not in context.backend.dtypes:
            raise NotApplicable("no float32 for λ")
    else:
        values = _values(context)
    for shape in ((3, 1), (3, 4), (2, 1, 4), (1, 1, 1), (5,)):
        lambd = context.adapter.from_numpy(np.resize(values, shape), context.device)
        context.refuses(
            ValueError, lambda v=lambd: context.function(context.make(x), v),  # type: ignore[misc]
            what=f"λ of shape {shape} for x of shape {x.shape}",
            call=Call(x, np.resize(values, shape)),
        )  # fmt: skip


@check(
    "HS-LAM-6/undeclared",
    "without the capability an array λ raises TypeError, or does what it does with it",
    kinds=("float",),
    lacks=("array_lambd",),
)
def undeclared(context: Context) -> None:
    """Ask for no more than the clause: a kernel that can more than it declares is right."""
    x = context.array(special(context.number))
    call = Call(x, context.array([threshold(0.5, context.number) or 0]))
    try:
        context.verify(call)
    except Deviation as found:
        if found.raised != "TypeError":
            raise
        context.refuses(
            TypeError, lambda: context.function(context.make(x), context.make(call.lambd)),
            context.backend.name, what="an array λ that the backend does not declare", call=call,
        )  # fmt: skip
