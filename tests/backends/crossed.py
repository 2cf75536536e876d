"""Random calls of a framework, judged in exact arithmetic: operation, type, λ, layout, way.

Invariants
----------
- A case is made from a seed and its number; what must come out, the refusal included, follows
  from ``tests/tools/exact.py``, which shares nothing with the library.
- Every bit is compared but those of a NaN; complex numbers within 4 units of their own size.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import shrinkops

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
from exact import FORMATS
from fuzz import COMPLEX, Case, fraction, to_dtype

__all__ = ["Crossed", "faults", "types_of"]

_SHAPES = [(), (7,), (0,), (2, 9)]


class Crossed(Case):
    """One call: its values, its parameters, and what is right.

    Parameters
    ----------
    seed, number : int
    types : mapping
        The element types of each operation, by its name.
    flushes : bool
        The framework takes numbers below the smallest normal one for zero in arithmetic.
    """

    def __init__(
        self, seed: int, number: int, types: Mapping[str, list[str]], flushes: bool = False
    ) -> None:
        super().__init__(seed, number)
        choose = self.random.choice
        self.flushes = flushes
        self.operation = choose(list(types))
        self.type = choose(types[self.operation])
        self.dtype = to_dtype(self.type)
        self.shape = choose(_SHAPES)
        self.x = self.values(self.shape, self.dtype)
        second = self.operation in ("shrink", "firmshrink")
        self.parameters = [self._plain(self.parameter(i)) for i in range(1 + second)]

    def _plain(self, parameter: Any) -> Any:
        """Return arrays of types that every framework has, in the usual layout and order."""
        if not isinstance(parameter, np.ndarray) or not parameter.ndim:
            return parameter
        extended = parameter.dtype.kind == "f" and parameter.dtype.itemsize > 8
        wide = parameter.astype(np.float64) if extended else parameter
        return np.array(wide, wide.dtype.newbyteorder("="), order="C")

    def wrong(self, call: Callable[[Any, list[Any]], Any]) -> str | None:
        """Make the call; return what is wrong with it, or None."""
        refused = self.refusal()
        try:
            got = call(self.x, self.parameters)
        except (TypeError, ValueError) as error:
            return None if refused else f"refused: {error}"
        if refused:
            return f"not refused, gave {got!r}"
        if got.dtype != self.dtype or got.shape != self.shape:
            return f"gave {got.dtype} of shape {got.shape}"
        return self.compare(self.x, self.parameters, got)

    def differs(self, x: Any, parameters: Any, got: Any) -> str | None:
        """Compare one element; where numbers are flushed, one of them may have been a zero."""
        found = super().differs(x, parameters, got)
        overflow = found and self.operation == "shrink" and not FORMATS[self.type].infinite
        if overflow and fraction(got) in (FORMATS[self.type].largest, -FORMATS[self.type].largest):
            return None  # NaN or the largest: not specified
        if found is None or not self.flushes or self.operation == "hardshrink":
            return found
        form = FORMATS[self.component]
        least = 2.0 ** (FORMATS["float32"].lowest if form.precision < 24 else form.lowest)
        parts = [x.real, x.imag, got.real, got.imag] if self.dtype.kind == "c" else [x, got]
        numbers = [*(float(part) for part in parts), *(float(p) for p in parameters)]
        small = any(0 < abs(number) < least for number in numbers) or got == 0
        return None if small and abs(complex(got)) <= 2 * max(least, abs(complex(x))) else found


def faults(
    case: Crossed, ways: Mapping[str, Callable[..., Any]], read: Callable[[Any], Any]
) -> list[str]:
    """Try a case in a way of its own; return what is wrong, in words."""
    way = case.random.choice(list(ways))
    function = getattr(shrinkops, case.operation)
    found = case.wrong(lambda x, parameters: read(ways[way](function, x, parameters, case.random)))
    if not found:
        return []
    given = f"{case.operation} {case.type} {case.shape} {way}, {case.parameters!r}"
    return [f"{given}: {found}"]


def types_of(
    reals: list[str], integers: list[str], complexes: list[str] = COMPLEX
) -> dict[str, list[str]]:
    """Return the element types of each operation."""
    return {
        "hardshrink": [*reals, *integers, *complexes],
        "softshrink": [*reals, *integers, *complexes],
        "shrink": reals,
        "firmshrink": [*reals, *complexes],
        "garrote": [*reals, *complexes],
    }
