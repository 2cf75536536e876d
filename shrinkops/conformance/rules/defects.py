"""Defects that follow from a declaration: its edges, pieces, parameters and their rounding.

Invariants
----------
- A defect changes results where they differ from the right ones, in place where that can be: the
  wrapper itself is never what is wrong (another layout, another type, a lost derivative).
- `unseen` says, with the reason, where a defect cannot differ: by its own definition or by that
  of the operation. Nothing else counts as no defect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from shrinkops.conformance._mutants import Tools
from shrinkops.operations._declaration import Operation

from .conditions import Level, is_scalar, number_in

__all__ = ["DEFECTS", "PARAMETERS", "changes_of", "unseen"]

_Array = np.ndarray[Any, Any]
Arguments = Sequence[Any]
"""x, the parameters, out: as the caller gave them."""

Change = Callable[[Any, Tools, Arguments], Any]
"""``change(kernel, tools, arguments)``: what is returned instead of ``kernel(*arguments)``."""


# Of results


def _t(x: _Array, value: Any) -> Any:
    with np.errstate(all="ignore"):
        given = np.asarray(value if not is_scalar(value) else number_in(value))
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


def _of_results(defect: str) -> Change:
    def run(kernel: Any, tools: Tools, arguments: Arguments) -> Any:
        x, out = arguments[0], arguments[-1]
        if getattr(x, "requires_grad", False):  # its result is more than its elements
            return kernel(*arguments)
        try:
            given = tools.read(x)
            first = arguments[1] if is_scalar(arguments[1]) else tools.read(arguments[1])
        except Exception:  # a tracer
            return kernel(*arguments)
        y = kernel(*arguments)
        with np.errstate(all="ignore"):
            right = tools.read(y)
            result = np.asarray(DEFECTS[defect](given, first, right))
        if result.tobytes() == right.tobytes():
            return y
        result = result.astype(given.dtype, copy=False)
        if isinstance(y, np.generic):
            return result.dtype.type(result)
        try:
            (y if out is None else out)[...] = tools.make(result)
        except Exception:  # arrays that cannot be written
            return tools.make(result)
        return y

    return run


# Of parameters


def _nudged(value: Any) -> Any:
    wide = number_in(value)
    if not np.isfinite(wide) or not isinstance(value, (float, np.floating)):
        return value
    return type(value)(wide + max(abs(wide) * 2.0**-22, 1e-45))


PARAMETERS: Mapping[str, Callable[[Any], Any]] = {
    "absolute": lambda v: abs(v) if number_in(v) < 0 else v,
    "by a narrow float": lambda v: float(np.float32(number_in(v)))
        if 1e-30 < abs(number_in(v)) < 1e30 and not isinstance(v, int) else v,
    "a unit up": _nudged,
    "truncated": lambda v: type(v)(int(v)) if is_scalar(v) and abs(number_in(v)) < 1e15 else v,
    "infinite where large": lambda v: float("inf") if number_in(v) > 1e5 else v,
}  # fmt: skip
"""Of a parameter that is a number: what arrives instead of it."""


def _altered(change: Callable[[Any], Any], position: int) -> Change:
    def run(kernel: Any, _tools: Tools, arguments: Arguments) -> Any:
        given = list(arguments)
        given[position] = change(given[position])
        return kernel(*given)

    return run


def _piece_lost(operation: Operation, position: int) -> Change:
    """Return what follows the piece before in place of one, by the declaration's own values."""
    index = 1 + operation.parameter_names.index(operation.pieces[position].above)

    def run(kernel: Any, _tools: Tools, arguments: Arguments) -> Any:
        given = list(arguments)
        if not is_scalar(given[index]):
            return kernel(*given)
        given[index] = float("inf")
        return kernel(*given)

    return run


def changes_of(operation: Operation) -> dict[str, Change]:
    """Return the defects of an operation, by name."""
    found = {name: _of_results(name) for name in DEFECTS}
    for position, parameter in enumerate(operation.parameters):
        for name, change in PARAMETERS.items():
            found[f"{parameter.name} {name}"] = _altered(change, 1 + position)
    for position in range(1, len(operation.pieces)):
        found[f"piece {position + 1} lost"] = _piece_lost(operation, position)
    return found


# Where a defect cannot be seen

_IDENTITY = frozenset({"everything kept", "last element kept", "minus zero", "edge open",
                       "edge open above", "edge open below"})  # fmt: skip
_ALL_ZERO = frozenset({"infinity zeroed", "subnormals flushed", "one unit off", "sign lost"})
_ARRAYS = ("an array", "a full array", "a row", "an array of another type")
_UNTOUCHED: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "absolute": (frozenset({"zero", "tiny", "infinite", "above one"}), frozenset()),
    "by a narrow float": (frozenset({"zero", "tiny", "infinite"}), frozenset({"an int"})),
    "a unit up": (frozenset({"infinite"}), frozenset({"an int", "a Fraction", "a Decimal"})),
    "truncated": (frozenset({"zero", "infinite"}), frozenset({"an int"})),
    "infinite where large": (frozenset({"negative", "zero", "tiny", "infinite"}), frozenset()),
}
"""Of each change of a parameter: values, and kinds, that it leaves as they are."""


def unseen(operation: Operation, defect: str, levels: Sequence[Level]) -> str:
    """Return why a defect never differs under levels, "" where it does.

    Parameters
    ----------
    operation : Operation
    defect : str
        A name of `changes_of`.
    levels : sequence of (dimension, level)
    """
    named = dict(levels)
    value, kind = named.get("value", ""), named.get("threshold", "")
    if defect in DEFECTS:
        return _unseen_result(operation, defect, value)
    if defect.startswith("piece "):
        piece = operation.pieces[int(defect.split()[1]) - 1]
        return _unseen_piece(operation, piece.above, value, kind)
    name, _, change = defect.partition(" ")
    if name == operation.parameters[0].name:
        return _unseen_first(change, value, kind)
    return _unseen_other(operation, name, change, value)


def _refused(operation: Operation, value: str) -> bool:
    return value == "negative" and operation.parameters[0].negative == "refused"


def _unseen_result(operation: Operation, defect: str, value: str) -> str:
    if _refused(operation, value):
        return "every such call is refused"
    if value == "negative" and defect in _IDENTITY:
        return "the result is x"
    if value == "infinite" and defect in _ALL_ZERO:
        return "the result is +0 or NaN"
    if value == "zero" and defect in ("edge open above", "edge open below"):
        return "no element is beyond 0 and equal to it"
    if value == "above one" and defect == "subnormals flushed":
        return "a result outside such a band is no subnormal"
    return ""


def _unseen_first(change: str, value: str, kind: str) -> str:
    values, kinds = _UNTOUCHED[change]
    if value in values or kind in kinds:
        return "the change leaves such a number as it is"
    if kind in _ARRAYS:
        return "the change is of a number"
    if change == "by a narrow float" and value == "negative":
        return "a negative threshold is one, whatever its digits"
    return ""


def _unseen_piece(operation: Operation, above: str, value: str, kind: str) -> str:
    first = operation.parameters[0].name
    if kind in _ARRAYS and above == first:
        return "the change is of a number"
    if above != first and _refused(operation, value):
        return "every such call is refused"
    return "the threshold is infinite already" if value == "infinite" else ""


def _unseen_other(operation: Operation, name: str, change: str, value: str) -> str:
    """Of a parameter after the first: what the first one's value leaves of it."""
    parameter = operation.parameters[operation.parameter_names.index(name)]
    if _refused(operation, value):
        return "every such call is refused"
    if value == "infinite" and parameter.at_least:
        return "the parameter is infinite, too"
    if value in ("negative", "infinite") and change in (
        "absolute", "by a narrow float", "truncated"
    ):  # fmt: skip
        return "the parameter has no part in the result"
    return ""
