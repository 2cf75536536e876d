"""Wavelet shrinkage around one call of hardshrink.

The method is VisuShrink of Donoho and Johnstone, "Ideal spatial adaptation by wavelet
shrinkage", Biometrika 81 (1994): keep the detail coefficients above the universal
threshold, zero the others.

Invariants
----------
- The transform is orthogonal (periodised symlets), so white noise stays white, of the
  same level, in every coefficient: one threshold serves all of them.
- All detail coefficients lie in one contiguous float32 vector, and hardshrink is
  called once on it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pywt
from numpy.typing import NDArray

__all__ = ["LEVELS", "WAVELET", "Decomposition", "decompose", "snr"]

WAVELET = "sym4"
LEVELS = 4
_MODE = "periodization"
_MAD_OF_NORMAL = 0.6744897501960817  # median of |z| for a standard normal z


@dataclass(frozen=True)
class Decomposition:
    """The wavelet coefficients of a record.

    Attributes
    ----------
    details : ndarray of float32
        Every detail coefficient, in one vector.
    threshold : float
        The universal threshold λ.
    noise : float
        The standard deviation of the noise, estimated from the finest details.
    """

    details: NDArray[np.float32]
    threshold: float
    noise: float
    _approximation: NDArray[np.float32]
    _layout: tuple[Any, Any]
    _shape: tuple[int, ...]

    def reconstruct(self, details: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the record whose detail coefficients are these."""
        vector = np.concatenate([self._approximation, details])
        coefficients = pywt.unravel_coeffs(vector, *self._layout, output_format="wavedecn")
        record = pywt.waverecn(coefficients, WAVELET, mode=_MODE)
        crop = tuple(slice(n) for n in self._shape)  # an odd length comes back even
        return np.asarray(record[crop], dtype=np.float32)


def decompose(record: NDArray[np.float32]) -> Decomposition:
    """Decompose a record and choose its universal threshold.

    σ is the median absolute finest detail over that of a standard normal variable,
    and λ = σ √(2 ln n).
    """
    levels = min(LEVELS, pywt.dwt_max_level(min(record.shape), pywt.Wavelet(WAVELET).dec_len))
    coefficients = pywt.wavedecn(record, WAVELET, mode=_MODE, level=levels)
    finest = coefficients[-1]["d" * record.ndim]
    noise = float(np.median(np.abs(finest))) / _MAD_OF_NORMAL
    vector, *layout = pywt.ravel_coeffs(coefficients)
    start = coefficients[0].size
    return Decomposition(
        details=vector[start:],
        threshold=noise * math.sqrt(2 * math.log(record.size)),
        noise=noise,
        _approximation=vector[:start],
        _layout=(layout[0], layout[1]),
        _shape=record.shape,
    )


def snr(clean: NDArray[np.float32], estimate: NDArray[np.float32]) -> float:
    """Return the signal-to-noise ratio of an estimate in decibels; infinite where exact."""
    error = np.mean(np.square(estimate.astype(np.float64) - clean))
    power = np.var(clean, dtype=np.float64)
    return float(10 * np.log10(power / error)) if error else math.inf
