"""What a derived defect is confined to: levels of a call, told by its arguments.

Invariants
----------
- A condition looks at x, the first parameter, out and the caller; never at the kit.
- What a level contradicts by its definition is named here; what a library lacks is found out
  by `possible`, which looks for arguments and calls nothing.
"""

from __future__ import annotations

import decimal
import fractions
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

__all__ = ["CONDITIONS", "Level", "contradict", "is_scalar", "number_in"]

Level = tuple[str, str]
"""A dimension of a call, and one of its levels."""


def _strides(x: Any) -> tuple[int, ...]:
    found = getattr(x, "strides", None)
    return tuple(found if found is not None else x.stride() if hasattr(x, "stride") else ())


def _axes(x: Any) -> int:
    return len(tuple(x.shape))


def is_scalar(value: Any) -> bool:
    """Tell whether a parameter is a number, not an array."""
    return not hasattr(value, "shape") or isinstance(value, np.generic)


def number_in(value: Any) -> float:
    """Return a parameter as a float; NaN for an array, and for what is no number."""
    try:
        return float(value) if is_scalar(value) else float("nan")
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _contiguous(x: Any) -> bool:
    flags = getattr(x, "flags", None)
    if flags is not None:
        return bool(flags.c_contiguous)
    return bool(x.is_contiguous()) if hasattr(x, "is_contiguous") else True


def _flag(x: Any, name: str) -> bool:
    return bool(getattr(getattr(x, "flags", None), name, True))


CONDITIONS: Mapping[Level, Callable[[Any, Any, Any], bool]] = {
    ("layout", "not contiguous"): lambda x, _t, _o: not _contiguous(x),
    ("layout", "a transposed order"): lambda x, _t, _o: _axes(x) > 1
        and list(_strides(x)) == sorted(_strides(x)) and _strides(x)[0] < _strides(x)[-1],
    ("layout", "a negative stride"): lambda x, _t, _o: any(s < 0 for s in _strides(x)),
    ("layout", "a stride of zero"): lambda x, _t, _o: 0 in _strides(x) and _axes(x) > 1,
    ("layout", "misaligned"): lambda x, _t, _o: not _flag(x, "aligned"),
    ("layout", "read-only"): lambda x, _t, _o: not _flag(x, "writeable"),
    ("layout", "swapped"): lambda x, _t, _o: not getattr(x.dtype, "isnative", True),
    ("shape", "no axis"): lambda x, _t, _o: _axes(x) == 0,
    ("shape", "one axis"): lambda x, _t, _o: _axes(x) == 1,
    ("shape", "two axes"): lambda x, _t, _o: _axes(x) == 2,
    ("shape", "three axes or more"): lambda x, _t, _o: _axes(x) > 2,
    ("shape", "an axis of one"): lambda x, _t, _o: 1 in tuple(x.shape),
    ("shape", "an odd length"): lambda x, _t, _o: _axes(x) == 1 and x.shape[0] % 2 == 1,
    ("shape", "more than 64 long"): lambda x, _t, _o: _axes(x) == 1 and x.shape[0] > 64,
    ("threshold", "an int"): lambda _x, t, _o: type(t) is int,
    ("threshold", "a NumPy float"): lambda _x, t, _o: isinstance(t, np.floating),
    ("threshold", "a Fraction"): lambda _x, t, _o: isinstance(t, fractions.Fraction),
    ("threshold", "a Decimal"): lambda _x, t, _o: isinstance(t, decimal.Decimal),
    ("threshold", "an array"): lambda _x, t, _o: not is_scalar(t),
    ("threshold", "a full array"): lambda x, t, _o: not is_scalar(t)
        and tuple(t.shape) == tuple(x.shape) != (),
    ("threshold", "a row"): lambda _x, t, _o: not is_scalar(t) and _axes(t) == 1,
    ("threshold", "an array of another type"): lambda x, t, _o: not is_scalar(t)
        and t.dtype != x.dtype,
    ("value", "negative"): lambda _x, t, _o: number_in(t) < 0,
    ("value", "zero"): lambda _x, t, _o: number_in(t) == 0,
    ("value", "tiny"): lambda _x, t, _o: 0 < number_in(t) < 1.2e-38,
    ("value", "infinite"): lambda _x, t, _o: number_in(t) == float("inf"),
    ("value", "above one"): lambda _x, t, _o: 1 < number_in(t) < 1e30,
    ("out", "given"): lambda _x, _t, o: o is not None,
    ("out", "x itself"): lambda x, _t, o: o is x,
    ("out", "not contiguous"): lambda x, _t, o: o is not None and o is not x
        and not _contiguous(o),
    ("caller", "a thread"): lambda *_: threading.current_thread() is not threading.main_thread(),
    ("caller", "errors raised"): lambda *_: np.geterr()["over"] == "raise",
}  # fmt: skip
"""By dimension: levels of a call that a defect may be confined to."""

_ARRAYS = ("an array", "a full array", "a row", "an array of another type")
_LINES = ("one axis", "an odd length", "more than 64 long")
_VALUES = ("negative", "zero", "tiny", "infinite", "above one")

CONTRADICTIONS: Mapping[str, Sequence[tuple[Sequence[Level], Sequence[Level]]]] = {
    "a value is a number's": [
        ([("threshold", k) for k in _ARRAYS], [("value", v) for v in _VALUES])
    ],
    "what has no axis has no strides": [
        ([("shape", "no axis")], [("layout", k) for k in (
            "not contiguous", "a transposed order", "a negative stride", "a stride of zero")]),
        ([("shape", "no axis")], [("out", "not contiguous")]),
    ],
    "a threshold does not enlarge x": [
        ([("shape", "no axis")], [("threshold", "a full array"), ("threshold", "a row")])
    ],
    "the level asks for two axes": [
        ([("shape", k) for k in _LINES],
         [("layout", "a transposed order"), ("layout", "a stride of zero")]),
    ],
    "the kind has no such value": [
        ([("threshold", "an int")], [("value", "tiny"), ("value", "infinite")]),
        ([("threshold", "a Fraction")], [("value", "infinite")]),
    ],
    "nothing can be written there": [
        ([("out", "x itself")], [("layout", "read-only"), ("layout", "a stride of zero")]),
    ],
}  # fmt: skip
"""Why two levels never meet in a call that has a result: by their definitions."""

_NEVER = {
    frozenset((one, other)): reason
    for reason, groups in CONTRADICTIONS.items()
    for ones, others in groups
    for one in ones
    for other in others
}


def contradict(levels: Sequence[Level]) -> str:
    """Return why levels never meet in any library, "" where they may."""
    return next(
        (_NEVER[frozenset(p)] for p in combinations(levels, 2) if frozenset(p) in _NEVER), ""
    )
