"""Wrong implementations derived from a declaration: a defect, anywhere or only under conditions.

Invariants
----------
- A mutant differs from the backend's own kernel in one defect, which shows only where its
  conditions hold: the levels of one dimension, or of two.
- What no call can show, by the definitions of defect, operation and levels, is not derived;
  `left_out` names it.
- The list is the same for every run; `sample` takes some of it, the same ones each time.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from shrinkops.conformance._mutants import Kernel, Mutant, Tools
from shrinkops.operations._declaration import Operation

from .conditions import CONDITIONS, Level, contradict
from .defects import Change, changes_of, unseen

__all__ = ["derived", "dimension_of", "left_out", "sample"]

_PAIRS = 24
"""Pairs of levels that each defect is confined to."""


def derived(operation: Operation) -> list[Mutant]:
    """Return the mutants of an operation: each defect anywhere, by level, by two levels."""
    return [
        _mutant(operation, name, change, levels)
        for name, change in changes_of(operation).items()
        for levels in _confined(operation, name)
    ]


def left_out(operation: Operation) -> list[tuple[Mutant, str]]:
    """Return what no call can show, under one level each, and why."""
    return [
        (_mutant(operation, name, change, (level,)), reason)
        for name, change in changes_of(operation).items()
        for level in CONDITIONS
        if (reason := unseen(operation, name, (level,)))
    ]


def _confined(operation: Operation, defect: str) -> Iterator[Sequence[Level]]:
    """Yield what a defect is confined to: nothing, each level, some pairs of levels."""
    levels = list(CONDITIONS)
    yield ()
    yield from ((level,) for level in levels if not unseen(operation, defect, (level,)))
    pairs = [
        pair for pair in combinations(levels, 2)
        if pair[0][0] != pair[1][0] and not contradict(pair) and not unseen(operation, defect, pair)
    ]  # fmt: skip
    yield from random.Random(f"{operation.name} {defect}").sample(pairs, min(_PAIRS, len(pairs)))


def _mutant(
    operation: Operation, defect: str, change: Change, levels: Sequence[Level]
) -> Mutant:  # fmt: skip
    where = " and ".join(f"{dimension} {level}" for dimension, level in levels)
    holds = [CONDITIONS[level] for level in levels]

    def wrap(kernel: Kernel, tools: Tools) -> Kernel:
        record = tools.record

        def wrong(*arguments: Any) -> Any:
            try:
                meets = all(
                    condition(arguments[0], arguments[1], arguments[-1]) for condition in holds
                )
            except Exception:  # a tracer, or what is refused anyway
                meets = False
            if not meets:
                return kernel(*arguments)
            record.met += 1
            if not record.compares:
                return change(kernel, tools, arguments)
            right = _outcome(kernel, (*arguments[:-1], None), tools)
            try:
                result = change(kernel, tools, arguments)
            except Exception as error:
                record.changed += right is not type(error)
                raise
            record.changed += right != _told(result, tools)
            return result

        return wrong

    return Mutant(
        f"{defect}, {where}" if where else defect,
        f"{operation.name}: {defect}{' only under ' if where else ''}{where}",
        "*", wrap, levels=tuple(levels),
    )  # fmt: skip


def _outcome(kernel: Kernel, arguments: Sequence[Any], tools: Tools) -> Any:
    try:
        return _told(kernel(*arguments), tools)
    except Exception as error:
        return type(error)


def _told(result: Any, tools: Tools) -> Any:
    """Return what is specified of a result's elements: their bits, but no NaN's."""
    try:
        array = tools.read(result)
    except Exception:  # a tracer
        return None
    parts = [array.real, array.imag] if array.dtype.kind == "c" else [array]
    return array.shape, array.dtype, *(
        np.where(part != part, part.dtype.type(1), part).tobytes()
        + np.asarray(part != part).tobytes()
        for part in parts
    )  # fmt: skip


def dimension_of(mutant: Mutant) -> str:
    """Return the dimensions that a derived mutant is confined to."""
    return " x ".join(sorted(dimension for dimension, _ in mutant.levels or ())) or "anywhere"


def sample(operation: Operation, count: int) -> list[Mutant]:
    """Return some of the mutants, the same ones each time, spread over dimensions and levels."""
    rng = random.Random(f"sample {operation.name}")
    groups: dict[str, list[Mutant]] = {}
    for mutant in derived(operation):
        groups.setdefault(dimension_of(mutant), []).append(mutant)
    for group in groups.values():
        rng.shuffle(group)
    # Each of several dimensions in turn, and of each what is confined to levels seldom taken.
    taken: list[Mutant] = []
    used: Counter[Any] = Counter()
    while len(taken) < min(count, sum(map(len, groups.values()))):
        name = min((n for n in groups if groups[n]), key=lambda n: (used[n], n))
        best = min(groups[name], key=lambda m: _taken(m, used))
        groups[name].remove(best)
        taken.append(best)
        used.update([name, best.name.partition(",")[0], *(best.levels or ())])
    return taken


def _taken(mutant: Mutant, used: Counter[Any]) -> int:
    """Return how often a mutant's levels, and its defect, were taken already."""
    levels = sum(3 * used[level] for level in mutant.levels or ())
    return levels + used[mutant.name.partition(",")[0]]
