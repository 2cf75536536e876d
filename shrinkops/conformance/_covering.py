"""Covering arrays: few calls in which every two levels of any two dimensions meet.

Invariants
----------
- The rows are a function of the dimensions alone: two runs, and two machines, make the same.
- What the library cannot have is excluded by name, and counted as impossible, never dropped.
- Rows are chosen greedily, over an array of what has not met yet: the libraries that make such
  arrays take seconds, or leave pairs out, where many levels exclude each other. A test holds the
  number of rows to that of ``allpairspy`` where none do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, permutations, product
from typing import Any

import numpy as np

__all__ = ["Coverage", "Row", "cover"]

Row = Mapping[str, str]
"""The level of each dimension."""

Forbidden = Callable[[Mapping[str, str]], bool]
"""Tells of some levels, not of all dimensions, whether they cannot meet."""


@dataclass(frozen=True)
class Coverage:
    """Rows, and what they cover.

    Attributes
    ----------
    rows : sequence of Row
    covered, possible, impossible : int
        Tuples of levels that meet in a row, that could, and that cannot.
    strength : int
        Levels in a tuple: two for pairs.
    """

    rows: Sequence[Row]
    covered: int
    possible: int
    impossible: int
    strength: int

    def __str__(self) -> str:
        noun = {2: "pairs", 3: "triples"}.get(self.strength, "tuples")
        return (
            f"{self.covered} of {self.possible} {noun} of levels in {len(self.rows)} calls, "
            f"{self.impossible} cannot be had"
        )


_made: dict[Any, Coverage] = {}


def cover(
    dimensions: Mapping[str, Sequence[str]], forbidden: Forbidden, *, strength: int = 2,
    rare: Callable[[str, str], bool] = lambda _name, _level: False, seed: int = 0, key: Any,
) -> Coverage:  # fmt: skip
    """Return rows in which every possible tuple of levels meets.

    Parameters
    ----------
    dimensions : mapping of str to sequence of str
        The levels of each dimension, the plainest first.
    forbidden : callable
        ``forbidden(levels)`` for the levels of some dimensions.
    strength : int
    rare : callable
        ``rare(dimension, level)``: a costly level, which comes no more often than it must.
    seed : int
        Draws what is left to choose, for another array of the same dimensions.
    key : hashable
        Stands for ``forbidden``: equal keys and dimensions share their rows.
    """
    identity = (tuple((n, tuple(v)) for n, v in dimensions.items()), strength, seed, key)
    if identity not in _made:
        _made[identity] = _cover(dimensions, forbidden, strength, rare, seed)
    return _made[identity]


def _cover(
    dimensions: Mapping[str, Sequence[str]], forbidden: Forbidden, strength: int,
    rare: Callable[[str, str], bool], seed: int = 0,
) -> Coverage:  # fmt: skip
    # The longest dimensions first: the rows are then close to the product of the two.
    names = sorted((n for n in dimensions if dimensions[n]), key=lambda n: -len(dimensions[n]))
    table = _Table({name: dimensions[name] for name in names}, forbidden, strength)
    table.draw = np.random.default_rng(seed)
    table.often = np.array([not rare(*level) for level in table.levels], float)
    rows = []
    for wanted in table.wanted():
        row = table.row(wanted)
        if row is not None:
            rows.append(row)
    possible = len(table.tuples)
    impossible = table.impossible
    return Coverage(rows, possible - int(table.open.sum()) // table.symmetry, possible,
                    impossible, strength)  # fmt: skip


class _Table:
    """Which tuples of levels are still to meet, as an array over all levels."""

    def __init__(
        self, dimensions: Mapping[str, Sequence[str]], forbidden: Forbidden, strength: int
    ) -> None:
        self.names = list(dimensions)
        self.draw = np.random.default_rng(0)
        self.strength = strength
        self.forbidden = forbidden
        self.levels = [(name, level) for name in self.names for level in dimensions[name]]
        ends = np.cumsum([0, *(len(dimensions[name]) for name in self.names)])
        self.ranges = [range(a, b) for a, b in pairwise(ends)]
        self.often: Any = np.ones(len(self.levels))
        self.symmetry = (1, 1, 2, 6)[strength]
        self.meets = np.zeros((len(self.levels),) * 2, bool)
        self.impossible = 0
        for one, other in combinations(self.ranges, 2):
            for i, j in product(one, other):
                fits = not forbidden(dict((self.levels[i], self.levels[j])))
                self.meets[i, j] = self.meets[j, i] = fits
                self.impossible += not fits and strength == 2
        self.tuples = self._tuples()
        self.open = np.zeros((len(self.levels),) * strength, bool)
        for group in self.tuples:
            for order in permutations(group):
                self.open[order] = True

    def _tuples(self) -> list[tuple[int, ...]]:
        found = []
        for ranges in combinations(self.ranges, self.strength):
            for group in product(*ranges):
                fits = all(self.meets[a, b] for a, b in combinations(group, 2))
                if fits and self.strength > 2:
                    fits = not self.forbidden(dict(self.levels[i] for i in group))
                if fits:
                    found.append(group)
                elif self.strength > 2:
                    self.impossible += 1
        return found

    def wanted(self) -> Iterator[tuple[int, ...]]:
        """Yield tuples that have not met yet."""
        for group in self.tuples:
            if self.open[group]:
                yield group

    def row(self, group: tuple[int, ...]) -> Row | None:
        """Complete a tuple to a row, with the levels that meet most for the first time."""
        chosen = list(group)
        held = {self.levels[i][0] for i in chosen}
        allowed: Any = self.meets[chosen].all(axis=0)
        for name, span in zip(self.names, self.ranges, strict=True):
            if name in held:
                continue
            gain = self._gain(chosen)[span.start : span.stop]
            gain = np.where(allowed[span.start : span.stop], gain, -1)
            # What meets nothing new is drawn, so that more of three meet than of two must.
            often = self.often[span.start : span.stop]
            for position in np.argsort(-(gain + often * self.draw.uniform(0.1, 0.9, len(gain)))):
                level = span.start + int(position)
                if gain[position] >= 0 and not self.forbidden(
                    dict(self.levels[i] for i in (*chosen, level))
                ):
                    break
            else:
                self.open[group] = False  # three levels exclude it: not possible after all
                return None
            chosen.append(level)
            allowed = allowed & self.meets[level]
        for met in permutations(chosen, self.strength):
            self.open[met] = False
        return dict(self.levels[i] for i in chosen)

    def _gain(self, chosen: Sequence[int]) -> Any:
        if self.strength == 1:
            return self.open.astype(int)
        if self.strength == 2:
            return self.open[chosen].sum(axis=0)
        pairs = np.array(list(combinations(chosen, self.strength - 1)))
        return self.open[tuple(pairs.T)].sum(axis=0)
