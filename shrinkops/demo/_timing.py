"""Alternating measurements in one process.

Invariant
---------
- Rivals run in the order A B C C B A, round after round, so a drift of the machine
  falls on all of them alike; what is reported is a median over the rounds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

__all__ = ["alternate"]

_LEAST_ROUNDS = 3


def alternate(
    rivals: Sequence[Callable[[], object]], seconds: float
) -> tuple[list[float], list[float]]:
    """Time functions against the first of them.

    Parameters
    ----------
    rivals : sequence of callable
        Each is called once before the clock starts.
    seconds : float
        How long to go on; never fewer than three rounds.

    Returns
    -------
    times : list of float
        Median seconds per call, of each.
    ratios : list of float
        Median over the rounds of each one's time over the first one's.
    """
    for rival in rivals:
        rival()
    rounds: list[list[float]] = []
    end = time.perf_counter() + seconds
    while len(rounds) < _LEAST_ROUNDS or time.perf_counter() < end:
        spent = [0.0] * len(rivals)
        for i in [*range(len(rivals)), *reversed(range(len(rivals)))]:
            start = time.perf_counter()
            rivals[i]()
            spent[i] += time.perf_counter() - start
        rounds.append(spent)
    times = [statistics.median(column) / 2 for column in zip(*rounds, strict=True)]
    ratios = [
        statistics.median(spent[i] / spent[0] for spent in rounds) for i in range(len(rivals))
    ]
    return times, ratios
