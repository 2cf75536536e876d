"""The plain call on every path: which rows belong to which clause."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from shrinkops.conformance._bits import array_of
from shrinkops.conformance._collect import Collector
from shrinkops.conformance._context import Context
from shrinkops.conformance._model import Deviation, Spared

from . import printing
from .calls import Case, Program, execute, made
from .oracle import FIELDS, Want, part_of, rounded_bits
from .paths import Paths, judge

__all__ = ["CHECKS", "PARTS"]

check = Collector()
CHECKS = check.checks

_ALL = ("float", "integer", "complex")
PARTS = {
    "ARR-2/paths": "plain", "ARR-1/paths": "few elements", "LAM-6/paths": "arrays",
    "ARR-4/paths": "out",
}  # fmt: skip
"""Which part of the plain calls a check makes."""


@check(
    "ARR-2/paths", "scalars, layouts, shapes, modes and repetitions in pairs: every invariant",
    kinds=_ALL, since="1.1",
)  # fmt: skip
def plain(context: Context) -> None:
    Paths(context, "plain").run()


@check(
    "ARR-1/paths", "0-d, empty and one-element arrays, and scalars, in pairs: every invariant",
    kinds=_ALL, since="1.1",
)  # fmt: skip
def few(context: Context) -> None:
    Paths(context, "few elements").run()


@check(
    "LAM-6/paths", "arrays of thresholds crossed with every other dimension: every invariant",
    kinds=_ALL, needs=("array_lambd",), since="1.1",
)  # fmt: skip
def arrays(context: Context) -> None:
    Paths(context, "arrays").run()


@check(
    "ARR-4/paths", "out crossed with every other dimension: every invariant",
    kinds=_ALL, needs=("out",), since="1.1",
)  # fmt: skip
def outs(context: Context) -> None:
    Paths(context, "out").run()


_LOOP = """\
y = []
for n in {lengths}:
{lines}
    y.append(read({call}))
y = np.concatenate(y)"""

_FEW_LENGTHS = (1, 2, 3, 7, 15, 16, 17, 31, 33, 37, 63, 65)


@check(
    "VAL-6/lengths", "every length up to 192, whose last element is in the band, kept or NaN",
    kinds=_ALL, since="1.1",
)  # fmt: skip
def lengths(context: Context) -> None:
    """Sweep lengths plainly, in layouts, with an array of thresholds and with an out."""
    few = context.adapter.compiles
    if few and context.dtype not in ("float32", "int8"):
        raise Spared("each length costs a compilation: one type of a kind is tried")
    sweep = _FEW_LENGTHS if few else range(193)
    plain = Paths(context, "plain")
    for swapped in (False, True):
        data, want = _alternating(context, plain, swapped)
        for layout in ("dense", "step", "reversed", "misaligned", "offset"):
            if layout == "dense" or layout in context.adapter.layouts():
                # No part of nothing can be taken: the standard leaves x[1:] open there.
                some = sweep if layout == "dense" or few else range(1, 193)
                _sweep(context, plain, data, want, some, "lambd", layout)
        if context.declares("array_lambd"):
            _sweep(context, plain, data, want, sweep, "make(data_lambd[:n])", "dense")
        if context.declares("out"):
            _sweep(context, plain, data, want, sweep, "lambd, out=make(data_out[:n])", "dense")
    if context.dtype in ("float32", "int8"):
        _large(context, plain)
        long = ((1 << 20) + 3,)
        data, want = _alternating(context, plain, False, long[0])
        _sweep(context, plain, data, want, long, "lambd", "dense")
        if context.operation.parameters[0].negative != "refused":
            nothing = np.zeros(data.shape, bool)
            kept = Want(data, nothing, nothing, np.zeros(data.shape))
            _sweep(context, plain, data, kept, long, "-lambd", "dense")
        if context.declares("out"):
            _sweep(context, plain, data, want, long, "lambd, out=make(data_out[:n])", "dense")
        if context.declares("array_lambd"):
            _sweep(context, plain, data, want, long, "make(data_lambd[:n])", "dense")


def _large(context: Context, paths: Paths) -> None:
    """Call with more elements than 2**16 in several axes, with a row and all of thresholds."""
    lambd = 2 if context.number.kind == "integer" else 0.5
    shapes = ((259, 257),) if context.adapter.compiles else ((259, 257), (5, 131, 103))
    for shape in shapes:
        size = math.prod(shape)
        data, want = _alternating(context, paths, False, size)
        want = Want(*(np.asarray(getattr(want, name)).reshape(shape) for name in FIELDS))
        full = np.resize(np.array([lambd]).astype(data.dtype), shape)
        names = {"data_x": data.reshape(shape), "lambd": lambd, "data_lambd": full,
                 "data_row": full[(0,) * (len(shape) - 1)]}  # fmt: skip
        texts = ["lambd"]
        if context.declares("array_lambd"):
            texts += ["make(data_row)", "make(data_lambd)"]
        outs = ["", ", out=make(np.ones_like(data_x))"][: 1 + context.declares("out")]
        for text, out, order in product(texts, outs, ("data_x", "data_x.copy('F')")):
            call = f"y = read(f(make({order}), {text}{out}))"
            judge(context, paths, f"shape {shape}, {call}", names, call, want)


@check(
    "ARR-4/over-thresholds", "an out over an array of thresholds is right or refused",
    kinds=("float", "integer"), needs=("out", "array_lambd"), since="1.1",
)  # fmt: skip
def over_thresholds(context: Context) -> None:
    paths = Paths(context, "out")
    number, whole = context.number, context.number.kind == "integer"
    given = [Fraction(v) for v in ((1, 2, 0) if whole else (0.5, 1.5, 0))]
    others = _given(context)[1:]
    others = tuple(max(other, *given) for other in others) if len(others) else ()
    block = tuple(v if whole else rounded_bits(Fraction(v), number) for v in (1, 2, 3, 0))
    rows = [paths.oracle.row(block, (g, *others), ("over", g)) for g in given]
    thresholds = array_of([rounded_bits(g, number) if not whole else int(g) for g in given], number)
    for name, overlap in {"itself": None, **context.adapter.overlaps()}.items():
        shape = (6, 7) if "row" in name else (37,)
        place = np.arange(math.prod(shape))
        data = thresholds[place % 3].reshape(shape)
        lines = (["x = make(data_x)", "out = x"] if overlap is None
                 else paths.overlapping("dense", overlap, shape))  # fmt: skip
        closed = "".join(f", {float(o)}" for o in others)
        text = "\n".join([*(line.replace("data_x", "data_t") for line in lines), "lambd = x",
                          f"y = read(f(make(data_x), lambd{closed}, out=out))"])  # fmt: skip
        names = {"data_x": array_of(list(block), number)[place % 4].reshape(shape), "data_t": data}
        want = Want(*(
            np.stack([getattr(row, field) for row in rows])[place % 3, place % 4].reshape(shape)
            for field in FIELDS
        ))  # fmt: skip
        judge(context, paths, f"out over lambd, {name}", names, text, want, refused=True)


def _alternating(
    context: Context, paths: Paths, swapped: bool, length: int = 192
) -> tuple[Any, Want]:
    """Return elements that are in the band, kept and sometimes NaN, and their results."""
    number, real = context.number, part_of(context.number)
    values = (-1, 3, 1, -3) if number.kind == "integer" else (-0.25, 1.5, 0.25, -1.5)
    if number.kind == "integer" and not number.signed:
        values = (1, 3, 2, 4)
    bits = [
        int(v) & ((1 << number.width) - 1) if number.kind == "integer"
        else rounded_bits(Fraction(v), real)
        for v in values
    ]  # fmt: skip
    block = (*bits, bits[0] if number.kind == "integer" else real.quiet_nan)
    index = (np.arange(length) + swapped) % 4
    index[np.arange(length) % 7 == 3 + swapped] = 4
    want = paths.oracle.row(block, _given(context), ("lengths",))
    return array_of(list(block), number)[index], Want(
        *(np.asarray(getattr(want, name)[index]) for name in FIELDS)
    )


def _given(context: Context) -> tuple[Any, ...]:
    """Return a threshold, and the defaults of the other parameters."""
    first = Fraction(2) if context.number.kind == "integer" else Fraction(1, 2)
    return (first, *(Fraction(p.default) for p in context.operation.parameters[1:]))


def _sweep(
    context: Context, paths: Paths, data: Any, want: Want, sweep: Sequence[int], text: str,
    layout: str,
) -> None:  # fmt: skip
    """Call for every length, and compare all results at once."""
    lambd = 2 if context.number.kind == "integer" else 0.5
    # A slice of what the layout is prepared of: the lines of `made` for each length.
    lines = made(context, "x", layout, (1,))
    try:
        execute("\n".join(lines), {**paths.base, "data_x": data[:1]})
    except Exception:  # the library has no such strides
        return
    loop = [line.replace("data_x", "data_x[:n]").replace("N, M = 1, 1", "N = M = n")
            for line in lines]  # fmt: skip
    body = _LOOP.format(
        lengths=sweep if isinstance(sweep, range) else tuple(sweep),
        lines="\n".join(f"    {line}" for line in loop), call=f"f(x, {text})",
    )  # fmt: skip
    index = np.concatenate([np.arange(n) for n in sweep])
    names: dict[str, Any] = {"data_x": data, "lambd": lambd}
    if "data_lambd" in text:
        one = np.array([lambd]).astype(data.real.dtype if data.dtype.kind == "c" else data.dtype)
        names["data_lambd"] = np.resize(one, data.shape)
    if "data_out" in text:
        names["data_out"] = np.resize(np.ones(1, data.dtype), data.shape)
    expected = Want(*(np.asarray(getattr(want, name)[index]) for name in FIELDS))
    row = {**dict.fromkeys(("layout",), layout), "out": "none"}
    case = Case(row, Program([], names), body, data[index], [], expected, False, False,
                index, index, [], [], [])  # fmt: skip
    fault = paths.swept(case)
    if fault is not None:
        what = f"{context.dtype}, lengths, layout {layout}, f(x, {text})"
        raise Deviation(
            f"{what}: {fault.says}", value=fault.value, raised=fault.raised,
            script=printing.script(context, case, [], fault),
        )  # fmt: skip
