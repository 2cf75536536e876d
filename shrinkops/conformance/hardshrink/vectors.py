"""Reads the vectors: the specification as data, for any language.

Invariants
----------
- The file is written by ``python tests/tools/vectors.py`` and by
  nothing else; a test compares the two, byte for byte.
- Its SHA-256 goes into every certificate.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

from shrinkops.conformance._numbers import Number

__all__ = ["PATH", "Case", "cases", "document", "parse", "value_of", "vectors_hash"]

PATH = files(__package__ or "").joinpath("vectors-1.0.json")

Case = dict[str, Any]


@cache
def _text() -> bytes:
    return PATH.read_bytes()


def vectors_hash() -> str:
    """Return the SHA-256 of the vectors."""
    return hashlib.sha256(_text()).hexdigest()


@cache
def document() -> dict[str, Any]:
    """Return the parsed file."""
    return json.loads(_text())  # type: ignore[no-any-return]


@cache
def cases() -> dict[tuple[str, str], list[Case]]:
    """Return the cases by clause and element type."""
    found: dict[tuple[str, str], list[Case]] = {}
    for case in document()["cases"]:
        found.setdefault((case["clause"], case["dtype"]), []).append(case)
    return found


def parse(text: str, x: list[int], number: Number) -> tuple[list[int], list[bool]]:
    """Read elements; also tell which of them leave the choice between x and zero."""
    bits, either = [], []
    for i, word in enumerate(text.split()):
        either.append(word == "*")
        if word == "*":
            bits.append(x[i])
        elif word == "nan":
            bits.append(number.quiet_nan)
        elif number.parts == 2:
            real, _, imaginary = word.removesuffix("j").partition("+")
            bits.append(int(real, 16) | int(imaginary, 16) << number.width)
        else:
            bits.append(int(word, 16))
    return bits, either


def value_of(text: str) -> int | float:
    """Read what `text_of` wrote, exactly."""
    sign = -1 if text.startswith("-0x") else 1
    digits, point, exponent = text.removeprefix("-").removeprefix("0x").partition("p+")
    if "0x" in text and point and "." not in digits:
        return sign * (int(digits, 16) << int(exponent))
    return float.fromhex(text) if "x" in text or "n" in text else int(text)
