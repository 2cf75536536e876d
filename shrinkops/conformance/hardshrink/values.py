"""HS-VAL: which elements become zero, which are kept, and that nothing else decides."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shrinkops.conformance._collect import Collector
from shrinkops.conformance._context import Call, Context, Shown
from shrinkops.conformance._model import NotApplicable
from shrinkops.conformance._numbers import is_nan
from shrinkops.conformance._script import made

from . import behaviours
from .definition import threshold
from .inputs import LENGTHS, around, lambda_of, lambdas, mixture, signed, smallest_normal, special

__all__ = ["CHECKS"]

check = Collector()
CHECKS = check.checks

_REAL = ("float", "integer")
_ALL = ("float", "integer", "complex")


def _float_lambdas(context: Context) -> list[object]:
    return [v for v in lambdas(context) if isinstance(v, float) and 0 <= v < float("inf")]


@check("HS-VAL-1/boundary", "elements equal to ±t, and their neighbours, for many t")
def boundary(context: Context) -> None:
    number = context.number
    limits = [threshold(v, number) or 0 for v in (0.5, 0.1, 0.3, 0.75, 1, 1.5)]
    limits += [
        threshold(float(v), number) or 0 for v in context.rng.random(24 if context.thorough else 6)
    ]
    for limit in limits:
        call = Call(context.array(around(limit, number) * 9), lambda_of(limit, number))
        context.verify(call)


@check("HS-VAL-1/sides", "the band has two sides: negative elements like positive ones")
def sides(context: Context) -> None:
    number = context.number
    sizes = [threshold(v, number) or 0 for v in (0.25, 0.5, 0.75, 1, 1.5)]
    for lambd in (0.5, 1):
        context.verify(Call(context.array(signed(sizes, number)), lambd))


def _random_bits(context: Context, count: int, examples: int) -> None:
    """Let Hypothesis choose bits and λ."""
    number = context.number
    width = number.width * number.parts
    element = st.integers(0, (1 << width) - 1) | st.sampled_from(special(number))
    if number.explicit:
        element = st.sampled_from([*special(number), *context.bits(context.random(64))])

    # A few lengths only: some libraries compile for each.
    lists = st.sampled_from((0, 1, 17, count)).flatmap(
        lambda size: st.lists(element, min_size=size, max_size=size)
    )

    @settings(
        max_examples=examples, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),  # the context reduces what fails
    )  # fmt: skip
    @given(lists, st.sampled_from(lambdas(context)))
    def holds(bits: list[int], lambd: object) -> None:
        context.verify(Call(context.array(bits), lambd))

    holds()


@check("HS-VAL-2/random-bits", "random bits and special elements under many λ", kinds=_ALL)
def random_bits(context: Context) -> None:
    _random_bits(context, 40, 400 if context.thorough else 12)


@check(
    "HS-VAL-2/every-pattern",
    "every pattern of an 8- or 16-bit type, and a sweep of wider ones",
    kinds=_REAL,
)
def every_pattern(context: Context) -> None:
    number = context.number
    width = number.width
    if width <= 16:
        x = np.arange(1 << width, dtype=np.uint32).astype(f"u{width // 8}").view(_numpy(context))
    else:
        x = mixture(context, 1 << (14 if width <= 64 else 9))
    few = lambdas(context)[:3]
    for lambd in lambdas(context) if context.thorough or width == 8 else few:
        context.verify(Call(x, lambd))


def _numpy(context: Context) -> Any:
    return context.array([0]).dtype


@check("HS-VAL-2/kept-whole", "kept elements keep every bit, infinities and the largest included")
def kept_whole(context: Context) -> None:
    number = context.number
    one = threshold(1, number) or 0
    sizes = [one, one + 1, number.largest, number.largest - 1]
    if number.infinity is not None:
        sizes.append(number.infinity)
    bits = signed(sizes, number)
    bits += [b for b in context.bits(context.random(200)) if not is_nan(b, number)]
    context.verify(Call(context.array(bits), 0.5))


@check("HS-VAL-3/lanes", "a NaN at each position of arrays around vector widths")
def nan_lanes(context: Context) -> None:
    number = context.number
    one = threshold(1, number) or 0
    for length in LENGTHS[1:]:
        for fill in (one, 0):
            bits = [fill] * length
            for position in _positions(context, length):
                marked = [*bits]
                marked[position] = number.quiet_nan
                context.verify(Call(context.array(marked), 0.5))


def _positions(context: Context, length: int) -> list[int]:
    if context.thorough or length <= 17:
        return list(range(length))
    return sorted(
        {0, length // 2, length - 2, length - 1, *context.rng.integers(0, length, 6).tolist()}
    )


@check("HS-VAL-3/everywhere", "arrays of NaN with every sign and payload, under every λ")
def nan_everywhere(context: Context) -> None:
    number = context.number
    nans = [b for b in special(number) if is_nan(b, number)]
    nans += [b for b in context.bits(context.random(2000)) if is_nan(b, number)]
    for lambd in lambdas(context):
        context.verify(Call(context.array(nans * (1 + 40 // len(nans))), lambd))


@check("HS-VAL-4/plus-zero", "zeroed negatives, and -0, give +0")
def plus_zero(context: Context) -> None:
    number = context.number
    limit = threshold(0.5, number) or 0
    sizes = [1, limit, limit - 1, threshold(0.25, number) or 0, smallest_normal(number)]
    if number.nan != "negative zero":
        sizes.append(0)
    for lambd in (0.5, float("inf")):
        context.verify(Call(context.array([s | number.sign for s in sizes] * 7), lambd))
    if number.nan != "negative zero":
        context.verify(Call(context.array([number.sign] * 35), 0.0))


@check("HS-VAL-4/inside", "negative elements inside the band give +0")
def inside(context: Context) -> None:
    number = context.number
    sizes = [threshold(v, number) or 0 for v in (0.25, 0.375, 0.125)]
    context.verify(Call(context.array([s | number.sign for s in sizes] * 7), 0.5))


@check("HS-VAL-5/kept", "subnormals above t pass as what they are")
def subnormals_kept(context: Context) -> None:
    number = context.number
    tiny = _subnormals(context)
    for lambd in (0.0, lambda_of(1, number)):
        context.verify(Call(context.array(signed(tiny, number) * 5), lambd))


@check("HS-VAL-5/lambda-zero", "no subnormal is 0, so none is zeroed under λ = 0")
def lambda_zero(context: Context) -> None:
    context.verify(Call(context.array(signed(_subnormals(context), context.number) * 5), 0.0))


@check("HS-VAL-5/compared", "subnormals compare with a subnormal t as what they are")
def subnormals_compared(context: Context) -> None:
    number = context.number
    tiny = _subnormals(context)
    for limit in tiny:
        context.verify(Call(context.array(signed(tiny, number) * 5), lambda_of(limit, number)))


def _subnormals(context: Context) -> list[int]:
    number = context.number
    top = smallest_normal(number) if not number.explicit else 1 << (number.fraction_bits - 1)
    return sorted({1, 2, 3, top // 2, top - 1} - {0})


@check(
    "HS-VAL-6/lanes", "special elements at each position of arrays around vector widths", kinds=_ALL
)
def lanes(context: Context) -> None:
    number = context.number
    pool = special(number)
    rng = context.rng
    for length in LENGTHS:
        for _ in range(12 if context.thorough else 3):
            bits = [pool[i] for i in rng.integers(0, len(pool), length)]
            context.verify(Call(context.array(bits), 0.5 if number.kind != "integer" else 2))


@check(
    "HS-VAL-6/lanes-minimum",
    "the lowest integer at each position of each length",
    kinds=("integer",),
)
def lanes_minimum(context: Context) -> None:
    number = context.number
    if not number.signed:
        raise NotApplicable("unsigned")
    for length in LENGTHS[1:]:
        context.verify(Call(context.array([number.sign] * length), 3))


@check("HS-VAL-6/offsets", "arrays that begin at each element of a longer one", kinds=_ALL)
def offsets(context: Context) -> None:
    context.demand_layouts()
    whole = mixture(context, 80)
    lambd = 0.5 if context.number.kind != "integer" else 2
    base = context.make(whole)
    want = context.suite.expected(whole, lambd, context.number)
    for start in range(18) if context.thorough else (0, 1, 2, 3, 4, 7, 8, 15):
        for stop in (start + 1, start + 33, 80):
            x = whole[start:stop]
            try:
                part = base[start:stop]
            except (TypeError, IndexError, NotImplementedError) as error:
                raise NotApplicable(
                    f"{context.backend.framework} has no slices: {error}"
                ) from error
            got = context.read_like(context.function(part, lambd), x)
            either = None if want[1] is None else want[1][start:stop]
            context.match(
                x, got, want[0][start:stop], f"x[{start}:{stop}] of 80 elements", either=either,
                value="wrong at an offset",
                before=[*made(context, "x", whole), f"y = f(x[{start}:{stop}], {lambd})"],
            )  # fmt: skip


@check("HS-VAL-6/long", "lengths beyond caches, blocks and thread thresholds", kinds=_ALL)
def long(context: Context) -> None:
    number = context.number
    lambd = 0.5 if number.kind != "integer" else 2
    pool = context.array([*special(number), *special(number)])
    if number.kind == "float":
        limit = around(threshold(0.5, number) or 0, number)
        pool = context.array([*context.bits(pool), *limit, *limit])
    sizes = [4095, 4097, (1 << 15) + 1, 70_001]
    if number.width * number.parts > 64:
        sizes = [4097, 20_001]
    if context.thorough:
        sizes.append((1 << 22) + 3)
    for size in sizes:
        repeated = np.resize(pool, size)
        context.verify(Call(repeated, lambd))


@check("HS-VAL-6/chunks", "an array in two calls is the array in one call", kinds=_ALL)
def chunks(context: Context) -> None:
    x = mixture(context, 97)
    lambd = 0.5 if context.number.kind != "integer" else 2
    whole = context.run(Call(x, lambd))
    for cut in (1, 16, 31, 64, 96):
        parts = [context.run(Call(part, lambd)) for part in (x[:cut], x[cut:])]
        wrong = context.differing(x, np.concatenate(parts), whole)
        context.demand(
            wrong is None, f"cut at {cut} of 97, element {wrong} differs from the whole call's",
            value="depends on chunks",
            shown=Shown("joined.tobytes() == whole.tobytes()", [
                *made(context, "x", x), f"whole = read(f(x, {lambd}))",
                *made(context, "x", x[:cut]), f"first = read(f(x, {lambd}))",
                *made(context, "x", x[cut:]), f"second = read(f(x, {lambd}))",
                "joined = np.concatenate([first, second])",
            ]),
        )  # fmt: skip


@check("HS-VAL-6/threads", "concurrent calls from eight threads", kinds=_ALL)
def threads(context: Context) -> None:
    x = np.resize(mixture(context, 60), 20_000)
    lambdas_used = (0.5, 0.25, 1.5) if context.number.kind != "integer" else (1, 2, 3)
    for lambd in lambdas_used:  # what one thread gets wrong is not about threads
        context.verify(Call(x, lambd))
    prepared = [context.make(x) for _ in range(8)]
    found: list[str] = []
    barrier = threading.Barrier(8)

    def work(index: int) -> None:
        lambd = lambdas_used[index % 3]
        try:
            barrier.wait()
            for _ in range(4):
                got = context.read_like(context.function(prepared[index], lambd), x)
                want, either = context.suite.expected(x, lambd, context.number)
                wrong = context.differing(x, got, want, either)
                if wrong is not None:
                    found.append(f"thread {index}: element {wrong} is wrong under λ = {lambd}")
                    return
        except Exception as error:
            found.append(f"thread {index} raised {type(error).__name__}: {error}")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        workers = [threading.Thread(target=work, args=(i,)) for i in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(interval)
    context.demand(
        not found, "; ".join(sorted(found)[:2]), value="depends on threads",
        shown=Shown("not wrong", [*made(context, "x", x), _THREADS_SOURCE.format(lambdas_used)]),
    )  # fmt: skip


_THREADS_SOURCE = """\
sys.setswitchinterval(1e-5)
right = {{t: read(f(x, t)).tobytes() for t in {}}}
wrong = []
barrier = threading.Barrier(8)
def work(t):
    barrier.wait()
    for _ in range(20):
        try:
            wrong.extend([t] * (read(f(x, t)).tobytes() != right[t]))
        except Exception as error:
            wrong.append(error)
threads = [threading.Thread(target=work, args=(t,)) for t in [*right] * 3][:8]
[t.start() for t in threads]
[t.join() for t in threads]"""


@check("HS-VAL-7/quiet", "no warning, and no floating-point flag, for any element", kinds=_ALL)
def quiet(context: Context) -> None:
    number = context.number
    x = context.array(special(number) * 2)
    for lambd in (0.5, 0, float("inf"), -1.0) if number.kind != "integer" else (2, 0, 10**30, -1):
        behaviours.quiet(context, Call(x, lambd))
        behaviours.quiet(context, replace(Call(x, lambd), x=x[:5]))
