"""Wrong implementations derived from a declaration: a defect, anywhere or only under conditions.

Invariants
----------
- A mutant differs from the backend's own kernel in one defect, which shows only where its
  conditions hold: the levels of one dimension, or of two. The conditions look at the arguments,
  never at the kit.
- Defects follow from the declaration: its edges, pieces, parameters and their rounding.
- The list is the same for every run; `sample` takes some of it, the same ones each time.
"""

from __future__ import annotations

import decimal
import fractions
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from shrinkops.conformance._mutants import Mutant, Tools
from shrinkops.operations._declaration import Operation

__all__ = ["CONDITIONS", "DEFECTS", "derived", "dimension_of", "sample"]

_Array = np.ndarray[Any, Any]
Arguments = Sequence[Any]
"""x, the parameters, out: as the caller gave them."""


# Conditions: (dimension, name) -> whether it holds of a call


def _strides(x: Any) -> tuple[int, ...]:
    found = getattr(x, "strides", None)
    return tuple(found if found is not None else x.stride() if hasattr(x, "stride") else ())


def _axes(x: Any) -> int:
    return len(tuple(x.shape))


def _scalar(value: Any) -> bool:
    return not hasattr(value, "shape") or isinstance(value, np.generic)


def _value(value: Any) -> float:
    try:
        return float(value) if _scalar(value) else float("nan")
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _contiguous(x: Any) -> bool:
    flags = getattr(x, "flags", None)
    if flags is not None:
        return bool(flags.c_contiguous)
    return bool(x.is_contiguous()) if hasattr(x, "is_contiguous") else True


def _flag(x: Any, name: str) -> bool:
    return bool(getattr(getattr(x, "flags", None), name, True))


CONDITIONS: Mapping[tuple[str, str], Callable[[Any, Any, Any], bool]] = {
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
    ("threshold", "an array"): lambda _x, t, _o: not _scalar(t),
    ("threshold", "a full array"): lambda x, t, _o: not _scalar(t)
        and tuple(t.shape) == tuple(x.shape) != (),
    ("threshold", "a row"): lambda _x, t, _o: not _scalar(t) and _axes(t) == 1,
    ("threshold", "an array of another type"): lambda x, t, _o: not _scalar(t)
        and t.dtype != x.dtype,
    ("value", "negative"): lambda _x, t, _o: _value(t) < 0,
    ("value", "zero"): lambda _x, t, _o: _value(t) == 0,
    ("value", "tiny"): lambda _x, t, _o: 0 < _value(t) < 1.2e-38,
    ("value", "infinite"): lambda _x, t, _o: _value(t) == float("inf"),
    ("value", "above one"): lambda _x, t, _o: 1 < _value(t) < 1e30,
    ("out", "given"): lambda _x, _t, o: o is not None,
    ("out", "x itself"): lambda x, _t, o: o is x,
    ("out", "not contiguous"): lambda x, _t, o: o is not None and o is not x
        and not _contiguous(o),
    ("caller", "a thread"): lambda *_: threading.current_thread() is not threading.main_thread(),
    ("caller", "errors raised"): lambda *_: np.geterr()["over"] == "raise",
}  # fmt: skip
"""By dimension: levels of a call that a defect may be confined to."""


# Defects: of results, of parameters, of behaviour


def _t(x: _Array, value: Any) -> Any:
    with np.errstate(all="ignore"):
        given = np.asarray(value if not _scalar(value) else _value(value))
        if given.dtype.kind not in "fiuV" or x.dtype.kind not in "fV":
            return np.asarray(np.nan)
        return given.astype(x.dtype)


def _edge(x: _Array, value: Any) -> Any:
    return (np.abs(x) == _t(x, value)) & (_t(x, value) >= 0)


def _at(mask: Any, value: Any, y: _Array) -> _Array:
    result = y.copy()
    mask = np.broadcast_to(mask, y.shape)
    result[mask] = np.broadcast_to(value, y.shape)[mask] if np.ndim(value) else value
    return result


def _minus_zero(x: _Array, _value: Any, y: _Array) -> _Array:
    if x.dtype.kind != "f":
        return y
    return _at((y == 0) & np.signbit(x), y.dtype.type(-0.0), y)


def _last(x: _Array, _value: Any, y: _Array) -> _Array:
    result = y.reshape(-1).copy()
    if result.size:
        result[-1] = x.reshape(-1)[-1]
    return result.reshape(y.shape)


def _flushed(_x: _Array, _value: Any, y: _Array) -> _Array:
    if y.dtype.kind != "f":
        return y
    return _at((np.abs(y) < np.finfo(y.dtype).tiny) & (y != 0), 0, y)


DEFECTS: Mapping[str, Callable[[_Array, Any, _Array], _Array]] = {
    "edge open": lambda x, t, y: _at(_edge(x, t), x, y),
    "edge open above": lambda x, t, y: _at(_edge(x, t) & (x > 0), x, y),
    "edge open below": lambda x, t, y: _at(_edge(x, t) & (x < 0), x, y),
    "sign lost": lambda _x, _t, y: np.abs(y) if y.dtype.kind != "u" else y,
    "minus zero": _minus_zero,
    "NaN to zero": lambda _x, _t, y: _at(y != y, 0, y),
    "infinity zeroed": lambda _x, _t, y: _at(np.isinf(y), 0, y) if y.dtype.kind == "f" else y,
    "subnormals flushed": _flushed,
    "last element kept": _last,
    "everything kept": lambda x, _t, _y: x.copy(),
    "one unit off": lambda _x, _t, y: _at(
        np.isfinite(y) & (y != 0), np.nextafter(y, np.zeros((), y.dtype)), y
    ) if y.dtype.kind == "f" else y,
}  # fmt: skip
"""Of results: from x, the first parameter and the right result."""


def _nudged(value: Any, up: bool) -> Any:
    wide = _value(value)
    if not np.isfinite(wide) or not _scalar(value):
        return value
    step = max(abs(wide) * 2.0**-22, 1e-45)
    return type(value)(wide + step) if up and isinstance(value, (float, np.floating)) else value


PARAMETERS: Mapping[str, Callable[[Any], Any]] = {
    "absolute": lambda v: abs(v) if _value(v) < 0 else v,
    "by a narrow float": lambda v: float(np.float32(_value(v)))
        if 1e-30 < abs(_value(v)) < 1e30 and not isinstance(v, int) else v,
    "a unit up": lambda v: _nudged(v, True),
    "truncated": lambda v: type(v)(int(v)) if _scalar(v) and abs(_value(v)) < 1e15 else v,
    "infinite where large": lambda v: float("inf") if _value(v) > 1e5 else v,
}  # fmt: skip
"""Of a parameter: what arrives instead of it."""


def _change(defect: str, first: int) -> Callable[..., Any]:
    """Return ``f(kernel, tools, arguments)`` that computes with a defect of results."""

    def run(kernel: Any, tools: Tools, arguments: Arguments) -> Any:
        x, out = arguments[0], arguments[-1]
        try:
            given = tools.read(x)
            parameters = [a if _scalar(a) else tools.read(a) for a in arguments[1:-1]]
        except Exception:  # a tracer
            return kernel(*arguments)
        y = kernel(*arguments)
        with np.errstate(all="ignore"):
            right = tools.read(y)
            result = np.asarray(DEFECTS[defect](given, parameters[first], right))
        result = result.astype(given.dtype, copy=False)
        if out is not None:
            out[...] = tools.make(result)
            return out
        if result.tobytes() == right.tobytes():
            return y
        return result.dtype.type(result) if isinstance(y, np.generic) else tools.make(result)

    return run


def _altered(change: Callable[[Any], Any], position: int) -> Callable[..., Any]:
    def run(kernel: Any, _tools: Tools, arguments: Arguments) -> Any:
        given = list(arguments)
        given[position] = change(given[position])
        return kernel(*given)

    return run


def _piece_lost(operation: Operation, position: int) -> Callable[..., Any]:
    """Return what follows the piece before in place of one, by the declaration's own values."""

    def run(kernel: Any, _tools: Tools, arguments: Arguments) -> Any:
        names = operation.parameter_names
        given = list(arguments)
        index = 1 + names.index(operation.pieces[position].above)
        if not _scalar(given[index]):
            return kernel(*given)
        given[index] = float("inf")
        return kernel(*given)

    return run


def _exists(defect: str, levels: Sequence[tuple[str, str]]) -> bool:
    """Tell whether a defect can show under levels: what never differs is no wrong backend."""
    named = dict(levels)
    shape, threshold, value, out = (
        named.get(d, "") for d in ("shape", "threshold", "value", "out")
    )  # fmt: skip
    array = threshold.startswith(("an array", "a full", "a row"))
    parameter = defect.rpartition(" ")[0] != "" and any(defect.endswith(p) for p in PARAMETERS)
    impossible = (
        (array and (value or parameter)),
        (shape == "no axis" and ("layout" in named or out == "not contiguous" or array)),
        (out == "x itself" and named.get("layout") in ("read-only", "a stride of zero")),
        (out in ("given", "not contiguous") and named.get("layout") == "swapped"),
        (shape == "an axis of one" and "layout" in named),
        (shape in ("one axis", "an odd length", "more than 64 long")
         and named.get("layout") in ("a transposed order", "a stride of zero")),
        (threshold in ("an int", "a Fraction") and value == "infinite"),
        (threshold == "an int" and value == "tiny"),
        (defect.endswith("absolute") and value not in ("", "negative")),
        (defect.endswith("truncated") and (threshold == "an int" or value in ("zero", "infinite"))),
        (defect.endswith("narrow float") and (threshold == "an int" or value in (
            "zero", "infinite", "tiny"))),
        (defect.endswith("where large") and value not in ("", "above one", "infinite")),
        (defect.endswith("where large") and value == "infinite"),
        (defect.endswith("a unit up") and (value in ("infinite", "zero", "negative")
                                           or threshold in ("an int", "a Fraction", "a Decimal"))),
        (defect in ("everything kept", "last element kept") and value == "negative"),
        (defect.startswith("edge open") and value in ("negative", "zero", "infinite")),
        (defect == "infinity zeroed" and value == "infinite"),
        (defect in ("subnormals flushed", "one unit off") and value == "infinite"),
        (defect == "subnormals flushed" and value == "above one"),  # they lie in the band
        (defect == "minus zero" and value == "negative"),
        (defect == "sign lost" and value == "infinite"),
    )  # fmt: skip
    return not any(impossible)


def derived(operation: Operation) -> list[Mutant]:
    """Return the mutants of an operation: each defect anywhere, by level, by two levels."""
    changes: dict[str, Callable[..., Any]] = {name: _change(name, 0) for name in DEFECTS}
    for position, parameter in enumerate(operation.parameters):
        for name, change in PARAMETERS.items():
            changes[f"{parameter.name} {name}"] = _altered(change, 1 + position)
    for position in range(1, len(operation.pieces)):
        changes[f"piece {position + 1} lost"] = _piece_lost(operation, position)
    found = [_mutant(operation, name, change, ()) for name, change in changes.items()]
    levels = list(CONDITIONS)
    for name, change in changes.items():
        found += [
            _mutant(operation, name, change, (level,)) for level in levels
            if _exists(name, (level,))
        ]  # fmt: skip
    rng = random.Random(operation.name)
    pairs = [pair for pair in combinations(levels, 2) if pair[0][0] != pair[1][0]]
    for name, change in changes.items():
        able = [pair for pair in pairs if _exists(name, pair)]
        found += [_mutant(operation, name, change, pair) for pair in rng.sample(able, 24)]
    return found


def _mutant(
    operation: Operation, defect: str, change: Callable[..., Any],
    levels: Sequence[tuple[str, str]],
) -> Mutant:  # fmt: skip
    where = " and ".join(f"{dimension} {level}" for dimension, level in levels)
    holds = [CONDITIONS[level] for level in levels]

    def wrap(kernel: Any, tools: Tools) -> Any:
        def wrong(*arguments: Any) -> Any:
            x, first, out = arguments[0], arguments[1], arguments[-1]
            try:
                meets = all(condition(x, first, out) for condition in holds)
            except Exception:  # a tracer, or what is refused anyway
                meets = False
            return change(kernel, tools, arguments) if meets else kernel(*arguments)

        return wrong

    name = f"{defect}, {where}" if where else defect
    return Mutant(
        name, f"{operation.name}: {defect}{' only under ' if where else ''}{where}", "*paths", wrap
    )


def dimension_of(mutant: Mutant) -> str:
    """Return the dimensions that a derived mutant is confined to."""
    _, _, where = mutant.name.partition(", ")
    found = [d for d, level in CONDITIONS if f"{d} {level}" in where.split(" and ")]
    return " x ".join(sorted(found)) or "anywhere"


_EVERYWHERE = ("anywhere", "shape", "value", "threshold", "caller")
"""Dimensions that the calls of every library have."""


def sample(operation: Operation, count: int) -> Iterator[Mutant]:
    """Return some of the mutants, the same ones each time.

    Those that are confined to two dimensions at once measure the kit, and not every library has
    layouts or ``out``; the self-test of a backend shows that each other dimension is seen.
    """
    every = [m for m in derived(operation) if dimension_of(m) in _EVERYWHERE]
    drawn = random.Random(f"sample {operation.name}").sample(every, min(count, len(every)))
    refused = operation.parameters[0].negative == "refused"  # no call with one is computed
    yield from (m for m in drawn if not (refused and m.name.endswith("value negative")))
