"""Several calls timed in turn, in an order in which a drift of the machine cancels.

Invariants
----------
- A block times every call twice, in one order and then in the reverse of it: A B B A,
  or A B C C B A; the next block begins at the other end. So a drift of the machine
  weighs on all of them alike.
- Of a call's two timings the shorter counts: an interruption only ever lengthens one.
- Calls are compared within a block only. Absolute times are by-products.
- Each timing is long against the clock's own error, so short calls are looped, and
  short against a busy machine's time slices.
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

    blocks: int = 31
    fewest: int = 7
    sample_seconds: float = 0.001
    most_seconds: float = 10.0


@dataclass(frozen=True)
class Samples:
    """Seconds per call: one row per block, one column per call."""

    seconds: np.ndarray[Any, Any]
    numbers: tuple[int, ...]

    def __add__(self, other: Samples) -> Samples:
        return Samples(np.concatenate([self.seconds, other.seconds]), self.numbers)

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
    forth = [*range(len(calls))]
    back = forth[::-1]
    rows = []
    started = perf_counter()
    for block in range(plan.blocks):
        if block >= plan.fewest and perf_counter() - started > plan.most_seconds:
            break
        row = [math.inf] * len(calls)
        for index in (*forth, *back) if block % 2 == 0 else (*back, *forth):
            row[index] = min(row[index], _once(calls[index], numbers[index]))
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
