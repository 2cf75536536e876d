"""Wavelet shrinkage around one call of ``shrinkops.map_details``.

VisuShrink of Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika
81 (1994): shrink the details at the universal threshold λ = σ √(2 ln n). With one λ for each
level it is their SureShrink, "Adapting to unknown smoothness via wavelet shrinkage", JASA 90
(1995): the λ with the least of Stein's unbiased estimate of the risk. That estimate needs a
continuous operation; hardshrink, which jumps, gets the universal threshold of each level's n.

Invariant
---------
- The transform is orthogonal (periodised symlets), so white noise stays white, of the same
  level, in every coefficient: one threshold can serve all of them.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pywt
from numpy.typing import NDArray

import shrinkops

__all__ = ["WAVELET", "Decomposition", "decompose", "flat", "jumps", "method", "rule", "snr"]

WAVELET = "sym4"
_LEVELS, _MODE = 4, "periodization"
_MAD_OF_NORMAL = 0.6744897501960817  # median of |z| for a standard normal z
_IN_LAMBDS = {"mu": 2.0, "bias": 0.5}  # what the demo takes for a second parameter, times λ


@dataclass(frozen=True)
class Decomposition:
    """The coefficients of a record as ``pywt.wavedecn`` returns them, and λ of each level."""

    coefficients: list[Any]
    thresholds: list[float]
    noise: float
    shape: tuple[int, ...]

    @property
    def details(self) -> NDArray[np.floating]:
        """Every detail coefficient, in one vector."""
        return flat(self.coefficients)[self.coefficients[0].size :]

    def share(self, test: Callable[[Any, float], Any]) -> float:
        """Return the share of the details for which ``test(details, λ)`` holds."""
        found = shrinkops.map_details(test, self.coefficients, self.thresholds)
        return float(np.mean(flat(found)[self.coefficients[0].size :]))

    def reconstruct(self, coefficients: list[Any]) -> NDArray[np.floating]:
        """Return the record that has these coefficients."""
        record = pywt.waverecn(coefficients, WAVELET, mode=_MODE)
        record = record[tuple(slice(n) for n in self.shape)]  # an odd length comes back even
        return np.asarray(record, self.coefficients[0].dtype)


def decompose(
    record: NDArray[np.floating], operation: str = "hardshrink", level_dependent: bool = False
) -> Decomposition:
    """Decompose a record and choose its thresholds, σ from the finest level's median."""
    levels = min(_LEVELS, pywt.dwt_max_level(min(record.shape), pywt.Wavelet(WAVELET).dec_len))
    coefficients = pywt.wavedecn(record, WAVELET, mode=_MODE, level=levels)
    noise = float(np.median(np.abs(coefficients[-1]["d" * record.ndim]))) / _MAD_OF_NORMAL
    thresholds = [noise * _universal(record.size)] * levels
    if level_dependent:
        vectors = [np.concatenate([a.ravel() for a in d.values()]) for d in coefficients[1:]]
        thresholds = [noise * _universal(vector.size) for vector in vectors]
        if noise and not jumps(operation):
            pairs = zip(vectors, thresholds, strict=True)
            thresholds = [min(noise * _sure(vector / noise), limit) for vector, limit in pairs]
    return Decomposition(coefficients, thresholds, noise, record.shape)


def rule(operation: str, level_dependent: bool) -> str:
    """Say how `decompose` chooses λ."""
    if not level_dependent:
        return "λ = σ √(2 ln n) (Donoho and Johnstone 1994)"
    if jumps(operation):
        return "λ = σ √(2 ln n) with the n of each level, coarsest first"
    return "λ of each level, coarsest first, by Stein's estimate (Donoho and Johnstone 1995)"


def _universal(size: int) -> float:
    return math.sqrt(2 * math.log(size))


def _sure(x: NDArray[np.floating]) -> float:
    """Return the magnitude in x that is softshrink's best λ, where the noise has σ = 1."""
    squares = np.sort(np.square(x, dtype=np.float64))
    zeroed = np.arange(1, x.size + 1)
    risk = x.size - 2 * zeroed + np.cumsum(squares) + (x.size - zeroed) * squares
    return math.sqrt(squares[np.argmin(risk)])


def jumps(operation: str) -> bool:
    """Tell whether an operation is discontinuous at λ."""
    return float(np.ravel(method(operation)(np.array([1 + 1e-9]), 1.0))[0]) > 0.01


def method(operation: str) -> Callable[[Any, Any], Any]:
    """Return ``f(x, λ)``: an operation with its other parameters chosen from λ."""
    function = getattr(shrinkops, operation)
    others = [name for name in inspect.signature(function).parameters if name in _IN_LAMBDS]
    return lambda x, lambd: function(x, lambd, **{n: _IN_LAMBDS[n] * lambd for n in others})


def flat(coefficients: list[Any]) -> NDArray[np.floating]:
    """Return all coefficients in one vector, the approximation first."""
    return np.asarray(pywt.ravel_coeffs(coefficients)[0])


def snr(clean: NDArray[np.floating], estimate: NDArray[np.floating]) -> float:
    """Return the signal-to-noise ratio of an estimate in decibels; infinite where exact."""
    error = np.mean(np.square(estimate.astype(np.float64) - clean))
    return float(10 * np.log10(np.var(clean, dtype=np.float64) / error)) if error else math.inf
