"""A call as source text: what is executed is what a script prints.

Invariants
----------
- Every line that makes an argument, calls, or claims is text; a namespace gives it the arrays
  of values by name, and the printed script defines the same names.
- A call's arrays are new each time, and its values depend on the row and the item alone.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np

from shrinkops.conformance._bits import array_of
from shrinkops.conformance._context import Context
from shrinkops.conformance._numbers import Number, number_of

from . import values
from .oracle import FIELDS, Exact, Oracle, Want
from .parameters import (
    ARRAYS,
    MIXED,
    SCALARS,
    VALUES_FLOAT,
    Given,
    array_given,
    array_shape,
    refusal,
    scalar,
    scalar_given,
    value_at,
)  # fmt: skip

__all__ = ["Case", "Program", "Unavailable", "build", "namespace"]

_Array = np.ndarray[Any, Any]


class Unavailable(Exception):  # noqa: N818  not an error
    """The library has no such array, or the kind no such value."""


@lru_cache(1 << 14)
def compiled(text: str, mode: str = "exec") -> CodeType:
    """Compile a piece of source once."""
    return compile(text, "<conformance>", mode)


@dataclass
class Program:
    """Lines to execute, and the names that they are given.

    Attributes
    ----------
    lines : list of str
    names : dict
        Arrays of values and scalars, which a script defines before the lines.
    """

    lines: list[str] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)


@dataclass
class Case:
    """One call with all that it must do.

    Attributes
    ----------
    row : mapping of str to str
    setup : Program
        Makes the arguments.
    call : str
        The statements that set ``y``.
    x : ndarray
        What x holds.
    given : sequence of Given
    want : Want
        The results, in the shape of x.
    refused, perhaps : bool
        The call must, or may, raise ValueError.
    stranger : bool
        A threshold is of a type that x may not have: TypeError is as right as a result.
    """

    row: Mapping[str, str]
    setup: Program
    call: str
    x: _Array
    given: Sequence[Given]
    want: Want
    refused: bool
    perhaps: bool
    index: _Array
    select: _Array
    blocks: Sequence[tuple[int, ...]]
    combinations: Sequence[tuple[Exact, ...]]
    keys: Sequence[Any]
    number: Number | None = None
    stranger: bool = False


def namespace(context: Context) -> dict[str, Any]:
    """Return the names that every program may use."""
    adapter, device = context.adapter, context.device
    names: dict[str, Any] = {
        "np": np,
        "backend": context.backend,
        "read": adapter.to_numpy,
        "make": lambda a: adapter.from_numpy(a, device),
        "f": context.kernel,
        "vjp": adapter.vjp,
        "jvp": adapter.jvp,
        "vmap": adapter.vmap,
        "jit": adapter.trace,
    }
    exec("import sys, threading, warnings, concurrent.futures\n" + "\n".join(
        line for line in adapter.imports if "update(" not in line), names)  # fmt: skip
    return names


# Values


def build(
    context: Context, oracle: Oracle, row: Mapping[str, str], *, shape: tuple[int, ...], seed: str,
    repeats: str = "",
) -> Case:  # fmt: skip
    """Draw the values of a row: parameters, then elements that tell them apart."""
    number = context.number
    rng = random.Random(zlib.crc32(f"{context.item.identifier} {seed}".encode()))
    draw = np.random.default_rng(rng.getrandbits(32))
    given = _parameters(context, row, shape, rng, draw)
    sizes = [len(one.exact) for one in given]
    select = np.zeros(shape, np.intp)
    for one, size in zip(given, sizes, strict=True):
        index = np.broadcast_to(one.index, shape) if one.index is not None else 0
        select = select * size + index
    used = np.unique(select).tolist() or [0]
    combinations = [_combination(code, sizes, given) for code in used]
    keys = [_combination(code, sizes, given, "keys") for code in used]
    select = np.searchsorted(np.array(used), select)
    blocks = [
        oracle.near(key, combination) for key, combination in zip(keys, combinations, strict=True)
    ]
    starts = np.cumsum([0, *(len(block) for block in blocks)])
    blocks += [values.special_block(number), values.random_block(number)]
    whole = sum(len(block) for block in blocks)
    lengths = np.array([len(block) for block in blocks[: len(keys)]])
    edge = starts[:-1][select] + (draw.random(shape) * lengths[select]).astype(np.intp)
    index = np.where(draw.random(shape) < 0.55, edge, draw.integers(0, whole, shape))
    if repeats:
        names = {"np": np, "a": index, "N": shape[0], "M": shape[-1]}
        index = np.array(eval(compiled(repeats, "eval"), names))
    pool = _pool(tuple(blocks), number)
    x = np.asarray(pool[index]).reshape(shape)
    refused = refusal(context.operation, number, given)
    if refused:
        nowhere = np.zeros(shape, bool)
        want = Want(x, nowhere, nowhere, np.zeros(shape))
    else:
        want = _want(oracle, blocks, combinations, keys, select, index, shape)
    # A 0-d array is a number to some libraries and an array to others.
    alone = [
        Given(None, [one.exact[int(one.index)]])
        if one.array is not None and one.array.ndim == 0
        else one
        for one in given
    ]
    perhaps = not refused and refusal(context.operation, number, alone)
    setup = Program([], {"data_x": x})
    return Case(
        row, setup, "", x, given, want, refused, perhaps, index, select, blocks, combinations, keys
    )


@lru_cache(1 << 10)
def _pool(blocks: tuple[tuple[int, ...], ...], number: Number) -> _Array:
    return array_of([bits for block in blocks for bits in block], number)


def _combination(
    code: int, sizes: Sequence[int], given: Sequence[Given], name: str = "exact"
) -> tuple[Any, ...]:
    chosen = []
    for size, one in zip(reversed(sizes), reversed(given), strict=True):
        code, position = divmod(code, size)
        chosen.append(getattr(one, name)[position])
    return tuple(reversed(chosen))


def _want(
    oracle: Oracle, blocks: Sequence[tuple[int, ...]],
    combinations: Sequence[tuple[Exact, ...]], keys: Sequence[Any], select: _Array,
    index: _Array, shape: tuple[int, ...],
) -> Want:  # fmt: skip
    rows = [
        [oracle.row(block, c, key) for block in blocks]
        for c, key in zip(combinations, keys, strict=True)
    ]
    length = sum(len(block) for block in blocks)

    def table(name: str) -> _Array:
        joined = np.concatenate([getattr(want, name) for row in rows for want in row])
        return np.asarray(joined[select * length + index]).reshape(shape)

    values_ = table("values")
    if any(want.loose for row in rows for want in row):
        return Want(values_, *(table(name) for name in FIELDS[1:]))
    return Want(values_, *_nothing(shape))


@lru_cache(256)
def _nothing(shape: tuple[int, ...]) -> tuple[_Array, _Array, _Array]:
    return np.zeros(shape, bool), np.zeros(shape, bool), np.zeros(shape)


def _parameters(
    context: Context, row: Mapping[str, str], shape: tuple[int, ...], rng: random.Random,
    draw: np.random.Generator,
) -> list[Given]:  # fmt: skip
    given: list[Given] = []
    number = context.number
    least: dict[str, Exact | None] = {}
    for parameter in context.operation.parameters:
        kind, level = row[f"{parameter.name} kind"], row[f"{parameter.name} value"]
        bound = least.get(parameter.at_least)
        if kind == "left out":
            given.append(scalar_given(None, parameter.default))
        elif kind in ARRAYS:
            given.append(_array(context, row, parameter, level, shape, rng, draw, bound))
        else:
            made = scalar(kind, value_at(level, number, rng, bound))
            if made is None:
                raise Unavailable(f"a {kind} that is {level}")
            given.append(scalar_given(made))
        # Beside an array nothing is refused: an element that is too small counts as the other's.
        least[parameter.name] = given[-1].exact[0] if given[-1].array is None else None
    return given


_MIXED = (
    "ordinary", "ordinary", "not representable", "zero", "infinity", "negative", "NaN",
    "negative, tiny", "minus zero", "beyond", "one", "tie", "subnormal", "largest",
    "near a tie", "whole, large", "negative, large",
)  # fmt: skip
_WHOLE = (
    "zero", "one", "negative, whole", "negative", "whole, large", "whole, beside a tie", "largest",
    "ordinary",
)  # fmt: skip
"""What arrays of integers hold, whatever x is."""


def _array(
    context: Context, row: Mapping[str, str], parameter: Any, level: str, shape: tuple[int, ...],
    rng: random.Random, draw: np.random.Generator, bound: Exact | None,
) -> Given:  # fmt: skip
    own = row.get(f"{parameter.name} dtype", "own")
    dtype = context.dtype if own == "own" else own
    number = number_of(context.backend.format(dtype), dtype)
    wanted = array_shape(row[f"{parameter.name} kind"], shape)
    if number is None or wanted is None or number.kind == "complex":
        raise Unavailable(f"an array of {dtype} for x of shape {shape}")
    asked = context.number
    whole = number.kind == "integer" and asked.kind != "integer"
    mixed = [m for m in (_WHOLE if whole else _MIXED) if m in levels_of_kind(asked)]
    all_ = level == MIXED
    levels = rng.sample(mixed, len(mixed)) if all_ else [level, *rng.sample(mixed, 5)]
    first = parameter is context.operation.parameters[0]
    if not first and parameter.negative == "refused" and not parameter.at_least:
        # Only of the first one is it said what an element that is no number of its kind does.
        levels = [m for m in levels if not m.startswith(("negative", "minus infinity"))] or ["one"]
    if not parameter.infinite:
        levels = [m for m in levels if "infinity" not in m and m not in ("NaN", "beyond")] or [
            "one"
        ]
    drawn = [value_at(name, asked, rng, bound) for name in levels]
    one = array_given(drawn, number, wanted, draw, 0.0 if all_ else 0.5)
    layout = row.get(f"{parameter.name} layout", "dense")
    repeats = "" if layout == "dense" else context.adapter.layouts()[layout].repeats
    if not repeats:
        return one
    if 0 in wanted:
        raise Unavailable("an empty array that repeats")
    names = {"np": np, "a": np.arange(one.index.size).reshape(wanted), "N": wanted[0]}
    places = np.array(evaluate(repeats, {**names, "M": wanted[-1]}))
    array, index = (np.asarray(a.reshape(-1)[places]) for a in (one.array, one.index))
    return replace(one, array=array, index=index)


# The lines


def arguments(context: Context, case: Case) -> tuple[list[str], str]:
    """Write what makes the parameters, and how they stand in a call, each after a comma."""
    lines: list[str] = []
    text = ""
    named = case.row.get("form") == "by keyword"
    for parameter, one in zip(context.operation.parameters, case.given, strict=True):
        name = parameter.name
        label = f"{name}=" if named else ""
        if one.array is not None:
            case.setup.names[f"data_{name}"] = one.array
            lines += made(context, name, case.row.get(f"{name} layout", ""), one.array.shape)
            text += f", {label}{name}"
        elif case.row[f"{name} kind"] == "left out":
            named = True  # those after it, too
            continue
        else:
            case.setup.names[name] = one.value
            text += f", {label}{name}"
    return lines, text


def made(context: Context, name: str, layout: str, shape: Sequence[int]) -> list[str]:
    """Write the lines that make an array ``name`` of ``data_name`` in a layout."""
    if layout in ("", "dense"):
        return [f"{name} = make(data_{name})"]
    rules = context.adapter.layouts()[layout]
    lengths = [f"N, M = {shape[0]}, {shape[-1]}"] if shape else []
    return [
        f"a = data_{name}", *lengths, f"a = {rules.prepare}", "x = make(a)",
        f"{name} = {rules.take}",
    ]  # fmt: skip


def execute(text: str, names: dict[str, Any]) -> None:
    """Execute source in a namespace."""
    exec(compiled(text), names)


def evaluate(text: str, names: dict[str, Any]) -> Any:
    """Evaluate an expression in a namespace."""
    return eval(compiled(text, "eval"), names)


def levels_of_kind(number: Number) -> Sequence[str]:
    """Return the levels of a parameter's value."""
    from .parameters import VALUES_INTEGER

    return list(VALUES_INTEGER if number.kind == "integer" else VALUES_FLOAT)


def scalar_kinds() -> Sequence[str]:
    """Return the kinds of scalars, the plainest first."""
    return list(SCALARS)
