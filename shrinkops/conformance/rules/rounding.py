"""Every kind of number as a parameter, rounded once: beside every tie, at every size.

Invariants
----------
- What a call must give follows from the rounded number alone, so results are worked out once
  for each of those, whatever kind of number rounds to it.
- A tie is left by less than a float32, a double, a longdouble on the way can tell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from shrinkops.conformance._bits import array_of
from shrinkops.conformance._collect import Collector
from shrinkops.conformance._context import Context
from shrinkops.conformance._model import Deviation, Spared
from shrinkops.conformance._numbers import Number, decode
from shrinkops.operations._declaration import Parameter

from . import printing
from .calls import Case, Program
from .oracle import real_of, rounded_bits
from .parameters import SCALARS, scalar
from .paths import Paths

__all__ = ["CHECKS"]

check = Collector()
CHECKS = check.checks

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
        x = array_of(list(block), number)
        passed = dict(zip(names, (*map(_plain, others[:position]), value,
                                  *map(_plain, others[position + 1 :])), strict=True))  # fmt: skip
        nowhere = np.zeros(len(block), int)
        case = Case({"layout": "dense", "out": "none"}, Program([], {"data_x": x, **passed}), text,
                    x, [], want, False, False, nowhere, nowhere, [], [], [])  # fmt: skip
        fault = paths.swept(case)
        if fault is not None:
            raise Deviation(
                f"{context.dtype}, {parameter.name} a {kind}, {value!r}: {fault.says}",
                value=fault.value, raised=fault.raised,
                script=printing.script(context, case, [], fault),
            )  # fmt: skip


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


def _plain(value: Any) -> Any:
    return float(value)


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
