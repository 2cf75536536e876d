"""Medians and their intervals.

Invariants
----------
- A figure is the median over blocks, with the percentile interval of its bootstrap;
  the seed is fixed, so the same samples give the same interval.
- Fewer than five samples bound nothing: the interval is then infinite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["CONFIDENCE", "FEWEST", "Estimate", "estimate"]

CONFIDENCE = 0.99
"""Of every interval in the kit; asv's own is of the same width."""

_RESAMPLES = 4000
FEWEST = 5
"""With fewer samples an interval is infinite."""


@dataclass(frozen=True)
class Estimate:
    """A median, its interval, and how many samples it rests on."""

    median: float
    low: float
    high: float
    samples: int

    def excludes(self, low: float, high: float) -> bool:
        """Tell whether the interval has no point in common with ``[low, high]``."""
        return self.high < low or self.low > high

    @property
    def spread(self) -> float:
        """Half the interval's width, relative to the median."""
        return (self.high - self.low) / (2 * abs(self.median)) if self.median else math.inf


def estimate(samples: Sequence[float] | np.ndarray[Any, Any]) -> Estimate:
    """Return the median of samples with its bootstrap interval.

    Parameters
    ----------
    samples : sequence of float
        One per block, independent of each other.
    """
    values = np.asarray(samples, dtype=float)
    median = float(np.median(values))
    if len(values) < FEWEST:
        return Estimate(median, -math.inf, math.inf, len(values))
    rng = np.random.default_rng(20240229)
    picked = rng.integers(len(values), size=(_RESAMPLES, len(values)))
    medians = np.median(values[picked], axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(medians, [tail, 1 - tail])
    return Estimate(median, float(low), float(high), len(values))
