"""Every kind of number as a parameter, rounded once: beside every tie, at every size.

Invariants
----------
- What a call must give follows from the rounded number alone, so results are worked out once
  for each of those, whatever kind of number rounds to it.
- A tie is left by less than a float32, a double, a longdouble on the way can tell.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from shrinkops.conformance._bits import array_of
from shrinkops.conformance._collect import Collector
from shrinkops.conformance._context import Context
from shrinkops.conformance._model import Spared
from shrinkops.conformance._numbers import Number, decode, is_nan, number_of
from shrinkops.operations._declaration import Parameter

from .calls import levels_of_kind
from .oracle import FIELDS, Exact, Want, part_of, real_of, rounded_bits
from .parameters import SCALARS, element_of, scalar, value_at
from .paths import Paths, judge

__all__ = ["CHECKS"]

check = Collector()
CHECKS = check.checks

_TRACED = frozenset({"float32", "bfloat16", "int32", "complex64"})
_SIZES = 12
"""Magnitudes, spread over a type's exponents."""
_COMMON = tuple(map(Fraction, ("0.3", "0.7", "1.3", "2.9", "11.7", "1001")))
_WIDTHS = (24, 53, 64)
"""Digits of the floats that a number may pass on its way."""


@check(
    "LAM-2/kinds", "every kind of number is rounded once, beside every tie and at every size",
    since="1.1",
)  # fmt: skip
def kinds(context: Context) -> None:
    if context.adapter.compiles and context.dtype != "float32":
        raise Spared("each number is a constant to compile: float32 is tried")
    paths = Paths(context)
    wanted = list(dict.fromkeys(_numbers(context.number)))
    for position, parameter in enumerate(context.operation.parameters):
        for kind in SCALARS:
            _try(context, paths, position, parameter, kind, wanted)


def _try(
    context: Context, paths: Paths, position: int, parameter: Parameter, kind: str,
    wanted: list[Fraction],
) -> None:  # fmt: skip
    number = context.number
    names = context.operation.parameter_names
    text = f"y = read(f(make(data_x), {', '.join(names)}))"
    seen = set()
    for asked in wanted:
        value = scalar(kind, asked)
        exact = None if value is None else real_of(value)
        if not isinstance(exact, Fraction) or exact in seen or exact <= 0:
            continue
        seen.add(exact)
        bits = rounded_bits(exact, number)
        if not 0 < bits < number.largest:
            continue
        rounded = decode(bits, number)
        others = _beside(context, position, Fraction(rounded))
        given = (*others[:position], rounded, *others[position + 1 :])
        key = "kinds", position, bits
        block = paths.oracle.near(key, (rounded,))
        want = paths.oracle.row(block, given, key)
        passed = [*map(float, others)]
        passed[position] = value
        shape, statement = _turn(context, paths, len(seen), len(block), text)
        index = np.arange(math.prod(shape)).reshape(shape) % len(block)
        want = Want(*(np.asarray(getattr(want, name)[index]) for name in FIELDS))
        arguments = {
            "data_x": array_of(list(block), number)[index],
            **dict(zip(names, passed, strict=True)),
        }
        judge(context, paths, f"{parameter.name} a {kind}, {value!r}", arguments, statement, want)


@check(
    "TRF-1/traced-kinds", "a traced parameter of every type has every value, and is rounded once",
    kinds=("float", "integer", "complex"), needs=("jit", "array_lambd"), since="1.1",
)  # fmt: skip
def traced(context: Context) -> None:
    """Compile once for an array of thresholds, once for a 0-d one, and pass every value."""
    if not context.adapter.compiles and context.dtype not in _TRACED:
        raise Spared(f"tracing takes its time here: {', '.join(sorted(_TRACED))} are tried")
    real = part_of(context.number)
    whole = real.kind == "integer"
    names = ("int32",) if whole else ("float32", "float64")
    wide = next((n for n in names if n != real.name and n in context.backend.dtypes), real.name)
    held = number_of(context.backend.format(wide), wide)
    assert held is not None
    other = [
        math.inf if parameter.at_least else real_of(parameter.default)
        for parameter in context.operation.parameters[1:]
    ]
    _traced(context, held, other, False)
    _traced(context, real, other, True)


def _traced(context: Context, held: Number, other: Sequence[Exact], single: bool) -> None:
    """Pass thresholds of one type, each beside the elements that tell it from its neighbours."""
    paths = Paths(context)
    bits = _every_value(context.number, held)
    blocks, rows = [], []
    for b in bits:
        given = (math.nan if is_nan(b, held) else decode(b, held), *other)
        key = "traced", held.name, b
        blocks.append(paths.oracle.near(key, given[:1]))
        rows.append(paths.oracle.row(blocks[-1], given, key))
    sizes = [len(block) for block in blocks]
    closed = "".join(f", float('{float(value)}')" for value in other)
    function = f"jit(lambda v, t: f(v, t{closed}))"
    if single:  # all of one length, which is compiled once
        starts = np.cumsum([0, *sizes[:-1]])
        index = starts[:, None] + np.arange(max(sizes)) % np.array(sizes)[:, None]
        thresholds = array_of(bits, held)
        text = (f"h = {function}\n"
                "y = [read(h(make(v), make(np.array(t)))) for v, t in zip(data_x, data_t)]\n"
                "y = np.stack(y)")  # fmt: skip
    else:
        index = np.arange(sum(sizes))
        thresholds = array_of(bits, held)[np.repeat(np.arange(len(bits)), sizes)]
        text = f"y = read({function}(make(data_x), make(data_t)))"
    x = array_of([b for block in blocks for b in block], context.number)[index]
    want = Want(*(np.concatenate([getattr(w, name) for w in rows])[index] for name in FIELDS))
    what = f"traced thresholds of {held.name}, {'0-d' if single else 'an array'}"
    judge(context, paths, what, {"data_x": x, "data_t": thresholds}, text, want)


def _every_value(number: Number, held: Number) -> list[int]:
    """Return the bits of thresholds of every level, and of those beside ties, in their type."""
    wanted = [
        value_at(level, number, random.Random(f"{level} {i}"))
        for level in levels_of_kind(number) for i in range(2)
    ]  # fmt: skip
    if number.kind == "float":
        wanted += _numbers(number)
    found = [element_of(value, held) for value in wanted]
    return list(dict.fromkeys(b for b in found if b is not None))


def _turn(
    context: Context, paths: Paths, turn: int, count: int, text: str
) -> tuple[tuple[int, ...], str]:
    """Return the shape, and the statement in the caller's mode, whose turn it is."""
    if context.adapter.compiles:
        return (count,), text
    shapes = ((count,), (count + 1 - count % 2,), (71,), (4, 5), (2, 3, 5))
    modes = ["usual", *(name for name in paths.dimensions.modes() if "errstate" in name)]
    mode = modes[turn % len(modes)]
    shape = shapes[turn % len(shapes)]
    if mode == "usual":
        return shape, text
    rules = context.adapter.modes()[mode]
    return shape, f"{rules.enter}\ntry:\n    {text}\nfinally:\n    {rules.leave}"


def _beside(context: Context, position: int, value: Fraction) -> list[Any]:
    """Return parameters that let the one at a position show: the first one's half before it."""
    found: list[Any] = [
        math.inf if parameter.at_least else real_of(parameter.default)
        for parameter in context.operation.parameters
    ]
    if position:
        power = value.numerator.bit_length() - value.denominator.bit_length() - 2
        number = context.number
        half = rounded_bits(Fraction(2) ** power, number)
        found[0] = Fraction(decode(half, number))
    return found


def _numbers(number: Number) -> Iterator[Fraction]:
    """Yield what lies at ties and beside them, and whole numbers that do."""
    digits = number.fraction_bits + (not number.explicit)
    widths = [max(w, digits + 5) for w in _WIDTHS if w > digits] or [digits + 5]
    for low in _magnitudes(number):
        below, above = (Fraction(decode(b, number)) for b in (low, low + 1))
        middle, step = (below + above) / 2, above - below
        yield middle
        for width in widths:
            off = step / 2 ** (width + 3 - digits)
            yield from (middle - off, middle + off)
        if step >= 4:
            yield from (middle - 1, middle + 1)


def _magnitudes(number: Number) -> list[int]:
    """Return numbers of every size, odd and even ones, none beside the largest."""
    if number.explicit:
        return [rounded_bits(value, number) for value in _COMMON]
    top = number.largest
    spread = [top * i // _SIZES + i % 2 for i in range(_SIZES)]
    usual = [rounded_bits(v, number) for v in _COMMON]
    whole = [rounded_bits(Fraction(1 << p), number) + p % 2 for p in (14, 30, 55, 58, 61)]
    return [b for b in dict.fromkeys((*spread, *usual, *whole)) if b < top - 2]
