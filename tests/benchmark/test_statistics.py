from __future__ import annotations

import math

import numpy as np
import pytest

from shrinkops.benchmark._statistics import Estimate, estimate


def test_the_interval_holds_the_median_and_shrinks_with_samples() -> None:
    rng = np.random.default_rng(0)
    few, many = (estimate(1 + 0.1 * rng.standard_normal(n)) for n in (9, 900))
    assert few.low <= few.median <= few.high
    assert many.high - many.low < few.high - few.low
    assert (few.samples, many.samples) == (9, 900)


def test_the_same_samples_give_the_same_interval() -> None:
    samples = np.random.default_rng(0).random(20)
    assert estimate(samples) == estimate(list(samples))


def test_an_outlier_does_not_move_the_median() -> None:
    assert estimate([1.0] * 10 + [50.0]).median == 1.0
    assert estimate([1.0] * 10 + [50.0]).high == 1.0


def test_fewer_than_five_samples_bound_nothing() -> None:
    value = estimate([1.0, 1.0, 1.0, 1.0])
    assert (value.low, value.high) == (-math.inf, math.inf)
    assert not value.excludes(5, 6)


@pytest.mark.parametrize(
    ("low", "high", "excluded"), [(1.1, 1.2, True), (0.5, 0.8, True), (0.9, 0.95, False)]
)
def test_excludes(low: float, high: float, excluded: bool) -> None:
    assert Estimate(1.0, 0.9, 1.05, 10).excludes(low, high) is excluded


def test_coverage() -> None:
    # 99 % of the intervals should hold the true median; the bootstrap of 31 samples is close.
    rng = np.random.default_rng(1)
    held = sum(
        not estimate(rng.exponential(size=31)).excludes(math.log(2), math.log(2))
        for _ in range(300)
    )
    assert held >= 0.96 * 300
