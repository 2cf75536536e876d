"""Writes the vectors: the specification as data, for any language.

Run ``python tests/tools/vectors.py`` to write the file anew, with
``--check`` to compare instead. Results come from `definition.exact`, fractions and
integers only; no array library has a part in them.

Invariants
----------
- The file is a function of this module and `definition`: the same bytes on every machine.
- Every clause has at least one case. What no data can show (who computes, how often
  something compiles) is a scenario with the data that it needs.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from shrinkops.conformance._bits import hex_of
from shrinkops.conformance._numbers import NUMBERS, Number, decode, is_nan, round_bits
from shrinkops.conformance.hardshrink.definition import KEPT_OR_ZERO, exact, threshold
from shrinkops.conformance.hardshrink.inputs import (
    LENGTHS,
    NUMBERS_OF_PARTS,
    around,
    signed,
    smallest_normal,
    special,
)
from shrinkops.conformance.hardshrink.vectors import PATH

__all__ = ["generate"]

ABOUT = """
Each case has an id, the clause of the specification that it shows, a scenario, an element
type (dtype), a threshold (lambda) and elements. Elements are hexadecimal bit patterns, most
significant digit first, separated by blanks: x[i] must become expect[i], bit for bit. In
expect, nan is any NaN and * is either x[i] or zero. A complex element is real+imaginaryj. x87
elements have 80 bits, the leading significand bit among them. A shape is given where the
array is not one-dimensional, in C order. lambda is a decimal integer, or a C99 hexadecimal
floating constant, or inf, -inf, nan: the exact value before rounding; t is its rounded
magnitude, absent where the band is empty or the type is an integer or complex. lambda_array
holds thresholds of the same type that broadcast to x.
"""

SCENARIOS = {
    "call": "The result of the operation on x.",
    "default": "The same without a lambda given.",
    "error": "The call raises the named error and computes nothing.",
    "refused dtype": "An array of this type, which no backend declares, raises the error.",
    "lanes": "For each length n and position p: n elements `fill`, one `special` at p.",
    "quiet": "No floating-point exception flag is raised, no warning given.",
    "layout": "Any strides, any alignment, any byte order of x give the same elements.",
    "pure": "x is the same afterwards, and the result shares no memory with it.",
    "out": "The result goes into an array given for it, whatever it held, and that is returned.",
    "in place": "x itself is the array given for the result.",
    "out shape": "An output of one more axis raises the error and stays untouched.",
    "out dtype": "An output of another element type raises the error and stays untouched.",
    "resident": "Nothing is copied to the host and nothing waits for a device.",
    "subclass": "A subclass of the array class comes back as it was, or is refused.",
    "vjp": "Reverse mode: expect is the derivative times the cotangent, by selection.",
    "jvp": "Forward mode: the same.",
    "vjp lambda": "The derivative with respect to lambda is zero.",
    "second": "Second derivatives are zero.",
    "transformed": "The result under each transformation that the library has.",
    "retrace": "Under a compiling transformation, other values compile nothing again.",
    "computes": "The library under test computes, and no other.",
    "mixed": "x of this library with a lambda or output of another one raises the error.",
    "no backend": "Objects that are no array of a known library raise the error.",
}


def generate() -> str:
    """Return the file's text."""
    document = {
        "about": " ".join(ABOUT.split()),
        "operation": "hardshrink",
        "specification": "1.0",
        "formats": {n.name: _format(n) for n in NUMBERS.values()},
        "scenarios": SCENARIOS,
    }
    head = json.dumps(document, indent=1, ensure_ascii=False)[:-2]
    lines = [json.dumps(case, ensure_ascii=False) for case in _numbered(_cases())]
    return head + ',\n "cases": [\n  ' + ",\n  ".join(lines) + "\n ]\n}\n"


def _format(number: Number) -> dict[str, Any]:
    if number.kind == "integer":
        return {"kind": "integer", "width": number.width, "signed": number.signed}
    return {
        "kind": number.kind,
        "width": number.width,
        "exponent_bits": number.exponent_bits,
        "fraction_bits": number.fraction_bits,
        "bias": number.bias,
        "nan": number.nan,
        "leading_bit_stored": number.explicit,
    }


def _numbered(cases: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    counts: dict[tuple[str, str], int] = {}
    for case in cases:
        key = case["clause"], case["dtype"]
        counts[key] = counts.get(key, 0) + 1
        yield {"id": f"{key[0]}/{key[1]}/{counts[key]}", **case}


def text_of(lambd: Any) -> str:
    """Write λ exactly: an integer below 2**64 in decimal, anything else as a hexadecimal float."""
    if isinstance(lambd, int) and abs(lambd) < 1 << 64:
        return str(lambd)
    if isinstance(lambd, int):
        sign, size = "-" * (lambd < 0), abs(lambd)
        exponent = (size & -size).bit_length() - 1
        return f"{sign}0x{size >> exponent:x}p+{exponent}"
    return lambd.hex() if lambd - lambd == 0 else str(lambd)


def _case(
    clause: str, number: Number, lambd: Any, x: list[int], scenario: str = "call", **more: Any
) -> dict[str, Any]:
    case: dict[str, Any] = {"clause": clause, "scenario": scenario, "dtype": number.name}
    if lambd is not None:
        case["lambda"] = text_of(lambd)
        limit = threshold(lambd, number) if number.kind == "float" else None
        if limit is not None and "error" not in more:
            case["t"] = hex_of(limit, number)
    case["x"] = " ".join(hex_of(b, number) for b in x)
    if "error" not in more and lambd is not None and "expect" not in more:
        case["expect"] = " ".join(_result(b, lambd, number) for b in x)
    return {**case, **more}


def _result(bits: int, lambd: Any, number: Number) -> str:
    result = exact(bits, lambd, number)
    if result == KEPT_OR_ZERO:
        return "*"
    if number.parts == 1 and is_nan(result, number):
        return "nan"
    return hex_of(result, number)


def _cases() -> Iterator[dict[str, Any]]:
    for number in NUMBERS.values():
        makers = {"float": _float, "integer": _integer, "complex": _complex}
        yield from makers[number.kind](number)
        yield from _any_kind(number)
    yield {
        "clause": "HS-TYP-4", "scenario": "refused dtype", "dtype": "bool", "lambda": "0x1.0p-1",
        "x": "00 01", "error": "TypeError",
    }  # fmt: skip


def _ones(number: Number) -> tuple[int, int, int]:
    """Return 1, -1 and 0.25 (for integers 3, 1 and 1)."""
    if number.kind == "integer":
        return 3, (-3) % (1 << number.width) if number.signed else 3, 1
    real = NUMBERS_OF_PARTS.get(number.name, number)
    one, quarter = threshold(1, real) or 0, threshold(0.25, real) or 0
    return one, one | real.sign, quarter


def _any_kind(number: Number) -> Iterator[dict[str, Any]]:
    """Cases about arrays and dispatch: a few elements of each type."""
    one, minus, quarter = _ones(number)
    lambd: Any = 2 if number.kind == "integer" else 0.5
    few = [one, minus, quarter, 0]
    yield _case("HS-ARR-1", number, lambd, [one], shape=[])
    yield _case("HS-ARR-1", number, lambd, [quarter], shape=[])
    yield _case("HS-ARR-1", number, lambd, [], shape=[0])
    yield _case("HS-ARR-1", number, lambd, [], shape=[2, 0, 3])
    yield _case("HS-ARR-1", number, lambd, [*few, one, quarter], shape=[2, 3, 1])
    twelve = [few[i % 4] for i in range(24)]
    yield _case("HS-ARR-2", number, lambd, twelve, "layout", shape=[2, 3, 4])
    yield _case("HS-ARR-3", number, lambd, few, "pure")
    yield _case("HS-ARR-3", number, -1, few, "pure")
    yield _case("HS-ARR-4", number, lambd, few, "out")
    yield _case("HS-ARR-4", number, lambd, few, "in place")
    yield _case("HS-ARR-4", number, lambd, few, "out shape", error="ValueError")
    yield _case("HS-ARR-4", number, lambd, few, "out dtype", error="TypeError")
    yield _case("HS-ARR-5", number, lambd, few, "resident")
    yield _case("HS-ARR-6", number, lambd, few, "subclass")
    yield _case("HS-TRF-1", number, lambd, few, "transformed")
    yield _case("HS-TRF-2", number, lambd, few, "retrace", lambdas=["1", "2", "3"])
    yield _case("HS-DSP-1", number, lambd, few, "computes")
    yield _case("HS-DSP-2", number, lambd, few, "mixed", error="TypeError")
    yield _case("HS-DSP-3", number, lambd, few, "no backend", error="TypeError")
    yield _case("HS-LAM-5", number, float("nan"), few, "error", error="ValueError")


def _float(number: Number) -> Iterator[dict[str, Any]]:
    rng = random.Random(number.name)
    one, minus, quarter = _ones(number)
    inf = float("inf")
    everything = special(number)
    nans = [b for b in everything if is_nan(b, number)]
    for lambd in (0.5, 1, 0.1, 0.3, 1.5):
        yield _case("HS-VAL-1", number, lambd, around(threshold(lambd, number) or 0, number))
    random_bits = [_random(number, rng) for _ in range(24)]
    for lambd in (0.5, 0.1, 0):
        yield _case("HS-VAL-2", number, lambd, [*everything, *random_bits])
    for lambd in (0.5, 0, inf, -1.0):
        yield _case("HS-VAL-3", number, lambd, [*nans, one, *nans])
    minus_zero = [] if number.nan == "negative zero" else [number.sign]
    for lambd in (0.5, 0, inf):
        negative = [number.sign | 1, quarter | number.sign, minus, *minus_zero]
        yield _case("HS-VAL-4", number, lambd, negative)
    normal = smallest_normal(number)
    tiny = signed([1, 2, 3, *([] if number.explicit else [normal - 1]), normal], number)
    yield _case("HS-VAL-5", number, 0, tiny)
    if number.width <= 64:
        for bits in (1, 2, normal - 1, normal):
            yield _case("HS-VAL-5", number, float(Fraction(decode(bits, number))), tiny)
    for element in (number.quiet_nan, quarter, number.largest, 1):
        yield _case(
            "HS-VAL-6", number, 0.5, [], "lanes", lengths=list(LENGTHS),
            fill=hex_of(one, number), special=hex_of(element, number),
            expect_fill=_result(one, 0.5, number), expect=_result(element, 0.5, number),
        )  # fmt: skip
    yield _case("HS-VAL-7", number, 0.5, everything, "quiet")
    yield _case("HS-VAL-7", number, 0, everything, "quiet")
    yield _case("HS-LAM-1", number, 0.5, [*around(threshold(0.5, number) or 0, number)], "default")
    yield from _rounding(number)
    for lambd in (-1, -0.5, -5e-324, -1e300, -inf):
        if lambd == -inf or abs(lambd) <= 1 or number.width >= 64:
            yield _case("HS-LAM-3", number, lambd, everything)
    yield _case("HS-LAM-4", number, inf, everything)
    yield _case("HS-LAM-4", number, -inf, everything)
    yield from _bad_lambda(number)
    limits = [threshold(v, number) or 0 for v in (0.25, 1)]
    grid = around(limits[0], number)[:4] + around(limits[1], number)[:4]
    broadcast = [exact(b, decode(limits[i // 4], number), number) for i, b in enumerate(grid)]
    yield _case(
        "HS-LAM-6", number, None, grid, shape=[2, 4],
        lambda_array={"shape": [2, 1], "bits": " ".join(hex_of(b, number) for b in limits)},
        expect=" ".join(hex_of(b, number) for b in broadcast),
    )  # fmt: skip
    yield _case("HS-TYP-1", number, 0.5, everything)
    if number.width >= 16:
        yield from _derivative(number)


def _derivative(number: Number) -> Iterator[dict[str, Any]]:
    one, minus, quarter = _ones(number)
    limit = threshold(0.5, number) or 0
    x = [one, minus, quarter, 0, number.quiet_nan, number.infinity or 0, *around(limit, number)]
    plain = [one] * len(x)
    for scenario in ("vjp", "jvp"):
        for clause, given in (
            ("HS-DER-1", plain),
            ("HS-DER-2", [number.quiet_nan] * len(x)),
            ("HS-DER-2", [number.infinity or 0] * len(x)),
        ):
            gradient = []
            for element, factor in zip(x, given, strict=True):
                kept = exact(element, 0.5, number) != 0
                gradient.append(factor if kept else 0)
            words = ["nan" if is_nan(g, number) else hex_of(g, number) for g in gradient]
            yield _case(
                clause, number, 0.5, x, scenario,
                cotangent=" ".join(hex_of(g, number) for g in given), expect=" ".join(words),
            )  # fmt: skip
    zeros = " ".join([hex_of(0, number)] * len(x))
    yield _case("HS-DER-3", number, 0.5, x, "second", expect=zeros)
    yield _case("HS-DER-3", number, 0.5, x, "vjp lambda", expect=zeros)


def _rounding(number: Number) -> Iterator[dict[str, Any]]:
    """λ that the type cannot hold: ties, near ties, and what rounding twice gets wrong."""
    for lambd in (1, 2, 0.1, 0.3):
        yield _case("HS-LAM-2", number, lambd, around(threshold(lambd, number) or 0, number))
    if number.width > 64:
        return
    for value in (0.5, 1.25):
        low = threshold(value, number) or 0
        for bits in (low, low + 1):  # an even and an odd significand below the tie
            below, above = (Fraction(decode(b, number)) for b in (bits, bits + 1))
            tie, step = (below + above) / 2, above - below
            for offset in (Fraction(0), step / 2**26, -step / 2**26):
                exact_tie = tie + offset
                if Fraction(float(exact_tie)) == exact_tie:
                    yield _case("HS-LAM-2", number, float(exact_tie), around(bits, number))
    if number.name == "float64":
        for lambd in (2**53 + 1, 2**53 + 3):  # ties of integers that a float cannot hold
            yield _case("HS-LAM-2", number, lambd, around(threshold(lambd, number) or 0, number))


def _bad_lambda(number: Number) -> Iterator[dict[str, Any]]:
    one = [_ones(number)[0]]
    largest = Fraction(decode(number.largest, number))
    step = largest - Fraction(decode(number.largest - 1, number))
    tie, near = largest + step / 2, step / 2**20
    for value in (largest, tie - near, tie, tie + near, -tie - near, largest * 4):
        lambd = int(value) if value.denominator == 1 else float(value)
        if lambd != value:
            continue  # it needs more digits than a double has
        if round_bits(abs(value), number) is None:
            yield _case("HS-LAM-5", number, lambd, one, "error", error="ValueError")
        else:
            yield _case("HS-LAM-5", number, lambd, [*one, number.largest])


def _integer(number: Number) -> Iterator[dict[str, Any]]:
    rng = random.Random(number.name)
    magnitude = number.sign if number.signed else (1 << number.width) - 1
    x = [*special(number), *(rng.getrandbits(number.width) for _ in range(12))]
    for lambd in (0, 1, 2, 0.5, 2.7, magnitude - 1, magnitude, magnitude + 1, 10**30, 1e300):
        yield _case("HS-TYP-2", number, lambd, x)
    for lambd in (-1, -0.5, -5e-324):
        yield _case("HS-LAM-3", number, lambd, x)
    yield _case("HS-LAM-4", number, float("inf"), x)
    yield _case("HS-LAM-4", number, float("-inf"), x)
    minimum = number.sign if number.signed else 0
    fill = 5
    yield _case(
        "HS-VAL-6", number, 3, [], "lanes", lengths=list(LENGTHS),
        fill=hex_of(fill, number), special=hex_of(minimum, number),
        expect_fill=hex_of(fill, number), expect=_result(minimum, 3, number),
    )  # fmt: skip
    yield _case("HS-VAL-7", number, 2, x, "quiet")


def _complex(number: Number) -> Iterator[dict[str, Any]]:
    real = NUMBERS_OF_PARTS[number.name]
    x = special(number)
    rng = random.Random(number.name)
    unit = [
        _random_near_one(real, rng) | (_random_near_one(real, rng) << real.width) for _ in range(16)
    ]
    three, four = (threshold(v, real) or 0 for v in (3, 4))
    pythagoras = [a | (b << real.width) for a, b in ((three, four), (four, three | real.sign))]
    for lambd in (0.5, 0, 1, 5, float("inf")):
        yield _case("HS-TYP-3", number, lambd, [*x, *unit, *pythagoras])
    huge = threshold(float(Fraction(decode(real.largest, real))) / 2, real) or 0
    tiny = [b | (c << real.width) for b in (1, 2) for c in (1, 2)]
    yield _case(
        "HS-TYP-3", number, 1, [huge | (huge << real.width), huge | (1 << real.width), *tiny]
    )
    yield _case("HS-TYP-3", number, float(Fraction(decode(1, real))) * 8, tiny)
    yield _case("HS-LAM-3", number, -1, x)
    yield _case("HS-LAM-4", number, float("-inf"), x)
    yield _case("HS-VAL-7", number, 0.5, x, "quiet")


def _random(number: Number, rng: random.Random) -> int:
    bits = rng.getrandbits(number.width)
    if number.explicit:
        lead = 1 << (number.fraction_bits - 1)
        normal = (bits >> number.fraction_bits) & 0x7FFF
        bits = bits | lead if normal else bits & ~lead
    return bits


def _random_near_one(real: Number, rng: random.Random) -> int:
    one = threshold(1, real) or 0
    return one - rng.getrandbits(real.fraction_bits) | (rng.getrandbits(1) * real.sign)


def main(arguments: list[str]) -> int:
    """Write the file, or compare it with ``--check``."""
    text = generate()
    if arguments == ["--check"]:
        equal = PATH.read_text(encoding="utf-8") == text
        print(f"{PATH.name} is {'as generated' if equal else 'not what the definition gives'}")
        return 0 if equal else 1
    Path(str(PATH)).write_text(text, encoding="utf-8")
    print(f"wrote {PATH.name}: {len(text)} characters")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
