"""Several calls timed in turn, in an order in which a drift of the machine cancels.

Invariants
----------
- A block times every call twice, in one order and then in the reverse of it: A B B A,
  or A B C C B A. A drift that is linear over the block weighs on all of them alike.
- Calls are compared within a block only. Absolute times are by-products.
- Each sample is long against the clock's own error: short calls are looped.
- One call that is not timed precedes a short sample, so that its data is as warm for
  the first loop as for the last.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from ._calls import Call
from ._statistics import Estimate, estimate

__all__ = ["Plan", "Samples", "sample"]


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    Attributes
    ----------
    blocks : int
        How many, unless time runs out.
    fewest : int
        How many in any case.
    sample_seconds : float
        The least length of one timing.
    most_seconds : float
        No block starts later than this, once there are ``fewest``.
    """

    blocks: int = 21
    fewest: int = 7
    sample_seconds: float = 0.002
    most_seconds: float = 20.0


@dataclass(frozen=True)
class Samples:
    """Seconds per call: one row per block, one column per call."""

    seconds: np.ndarray[Any, Any]
    numbers: tuple[int, ...]

    def ratio(self, over: int, under: int) -> np.ndarray[Any, Any]:
        """Return the ratio of two calls, block by block."""
        ratio: np.ndarray[Any, Any] = self.seconds[:, over] / self.seconds[:, under]
        return ratio

    def difference(self, call: int, reference: int) -> np.ndarray[Any, Any]:
        """Return the difference of two calls in seconds, block by block."""
        difference: np.ndarray[Any, Any] = self.seconds[:, call] - self.seconds[:, reference]
        return difference

    def time(self, call: int) -> Estimate:
        """Return the seconds of one call."""
        return estimate(self.seconds[:, call])


def sample(calls: Sequence[Call], plan: Plan | None = None) -> Samples:
    """Time calls in alternating order.

    Parameters
    ----------
    calls : sequence of Call
    plan : Plan, optional

    Returns
    -------
    Samples
    """
    plan = plan or Plan()
    numbers = tuple(_number(call, plan.sample_seconds) for call in calls)
    order = [*range(len(calls)), *reversed(range(len(calls)))]
    rows = []
    started = perf_counter()
    for block in range(plan.blocks):
        if block >= plan.fewest and perf_counter() - started > plan.most_seconds:
            break
        row = [0.0] * len(calls)
        for index in order:
            row[index] += _once(calls[index], numbers[index]) / 2
        rows.append(row)
    return Samples(np.array(rows), numbers)


def _once(call: Call, number: int) -> float:
    if number > 1:
        call()
    return call.seconds(number) / number


def _number(call: Call, sample_seconds: float) -> int:
    """Return how many calls make one sample, found on warm calls."""
    call()
    number = 1
    while True:
        seconds = min(call.seconds(number), call.seconds(number))
        if seconds >= sample_seconds:
            return number
        growth = sample_seconds / seconds if seconds > 0 else 10.0
        number = max(number + 1, math.ceil(number * min(10.0, growth)))
