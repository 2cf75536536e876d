"""What the demo denoises: records that ship with PyWavelets, or the user's own file.

Invariants
----------
- A record is a finite, non-constant float32 array of one or two dimensions, at least
  `SHORTEST` samples along each, none beyond `LARGEST`.
- Whatever is wrong with a file is a `RecordError` that names the file and the remedy.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LARGEST",
    "SHORTEST",
    "Record",
    "RecordError",
    "add_noise",
    "from_file",
    "from_pywavelets",
]

SHORTEST = 32
"""Fewest samples along a dimension: below, the noise cannot be told from the record."""

LARGEST = 1e30
"""Largest magnitude: sums of a few such values still are float32 numbers."""


class RecordError(ValueError):
    """A file that the demo cannot denoise."""


@dataclass(frozen=True)
class Record:
    """A record to denoise.

    Attributes
    ----------
    name : str
        Short, for tables.
    title : str
        For the picture.
    noisy : ndarray of float32
        What is denoised.
    clean : ndarray of float32 or None
        What it was before noise was added; None where none was.
    """

    name: str
    title: str
    noisy: NDArray[np.float32]
    clean: NDArray[np.float32] | None = None


def from_pywavelets() -> list[Record]:
    """Return the electrocardiogram and a photograph that ship with PyWavelets."""
    import pywt.data

    return [
        Record("ECG", "electrocardiogram", pywt.data.ecg().astype(np.float32)),
        Record("photo", "photograph", pywt.data.camera().astype(np.float32)),
    ]


def from_file(path: Path) -> Record:
    """Read the user's record.

    Parameters
    ----------
    path : Path
        A ``.npy`` file with integers or real floats, 1-D for a signal, 2-D for an image.

    Raises
    ------
    RecordError
        The file is missing, is no ``.npy`` file, or its array cannot be denoised.
    """
    array = _read(path)
    if array.dtype.kind not in "iuf":
        raise RecordError(
            f"{path}: dtype {array.dtype} is not numeric; expected integers or real floats"
        )
    if array.ndim not in (1, 2):
        raise RecordError(
            f"{path}: {array.ndim}-D array of shape {array.shape}; "
            f"expected 1-D for a signal or 2-D for an image"
        )
    if min(array.shape) < SHORTEST:
        kind = "a signal" if array.ndim == 1 else "an image"
        raise RecordError(
            f"{path}: shape {array.shape} is too short for {kind}; "
            f"expected at least {SHORTEST} samples along each dimension"
        )
    bad = int(array.size - np.count_nonzero(np.isfinite(array)))
    if bad:
        raise RecordError(
            f"{path}: {bad} of {array.size} values are NaN or infinite; "
            f"replace them first, for example with numpy.nan_to_num"
        )
    with np.errstate(over="ignore"):
        record = np.ascontiguousarray(array, dtype=np.float32)
    largest = float(np.max(np.abs(record)))
    if largest > LARGEST:
        raise RecordError(
            f"{path}: the largest value is {largest:g}; rescale them all to at most {LARGEST:g}"
        )
    if record.min() == record.max():
        raise RecordError(f"{path}: every value is {record.flat[0]:g}; there is nothing to denoise")
    return Record(path.name, path.name, record)


def _read(path: Path) -> NDArray[Any]:
    if not path.exists():
        raise RecordError(f"{path}: there is no such file")
    if not path.is_file():
        raise RecordError(f"{path}: not a file")
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
    except Exception as error:  # NumPy raises several kinds for bytes that are not its own
        raise RecordError(
            f"{path}: not a .npy file of plain numbers ({error}); write one with numpy.save"
        ) from error
    if not isinstance(loaded, np.ndarray):
        raise RecordError(f"{path}: an archive of several arrays; save one with numpy.save")
    return loaded


def add_noise(record: Record, ratio: float, seed: int) -> Record:
    """Return the record with Gaussian noise added to a signal-to-noise ratio in decibels."""
    clean = record.noisy
    scale = float(np.std(clean, dtype=np.float64)) / 10 ** (ratio / 20)
    noise = np.random.default_rng(seed).standard_normal(clean.shape)
    return Record(record.name, record.title, (clean + scale * noise).astype(np.float32), clean)
