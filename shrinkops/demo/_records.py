"""What the demo denoises: records that ship with PyWavelets, or the user's own file.

Invariants
----------
- A record is a finite, non-constant float32 or float64 array of one or two dimensions, at
  least `SHORTEST` samples along each, none beyond `LARGEST`.
- float64 stays float64, and what float32 cannot hold becomes float64.
- Whatever is wrong with a file is a `RecordError` that names the file and the remedy.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LARGEST", "SHORTEST", "Record", "RecordError", "add_noise", "from_file", "shipped"]

SHORTEST = 32
"""Fewest samples along a dimension: below, the noise cannot be told from the record."""

LARGEST = {np.dtype(np.float32): 1e30, np.dtype(np.float64): 1e150}
"""Largest magnitude: sums of a few such values, and float64 squares, still are numbers."""


class RecordError(ValueError):
    """A file that the demo cannot denoise."""


@dataclass(frozen=True)
class Record:
    """A record to denoise.

    Attributes
    ----------
    name, title : str
        For tables, and for the picture.
    noisy : ndarray
        What is denoised.
    clean : ndarray or None
        What it was before noise was added; None where none was.
    """

    name: str
    title: str
    noisy: NDArray[np.floating]
    clean: NDArray[np.floating] | None = None


def shipped() -> list[Record]:
    """Return the electrocardiogram and a photograph that ship with PyWavelets."""
    import pywt.data

    return [
        Record("ECG", "electrocardiogram", pywt.data.ecg().astype(np.float32)),
        Record("photo", "photograph", pywt.data.camera().astype(np.float32)),
    ]


def from_file(path: Path) -> Record:
    """Read a ``.npy`` file with integers or real floats, 1-D for a signal, 2-D for an image."""
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
    dtype = np.result_type(array.dtype, np.float32)
    with np.errstate(over="ignore"):
        record = np.ascontiguousarray(array, min(dtype, np.dtype(np.float64)))
    largest = float(np.max(np.abs(record)))
    if largest > LARGEST[record.dtype]:
        raise RecordError(
            f"{path}: the largest value is {largest:g}; "
            f"rescale them all to at most {LARGEST[record.dtype]:g}"
        )
    if record.min() == record.max():
        raise RecordError(f"{path}: every value is {record.flat[0]:g}; there is nothing to denoise")
    return Record(path.name, path.name, record)


def _read(path: Path) -> NDArray[Any]:
    if not path.exists():
        raise RecordError(f"{path}: there is no such file")
    if not path.is_file():
        raise RecordError(f"{path}: not a file")
    with path.open("rb") as file:
        beginning = file.read(16)
        if beginning.startswith(b"PK"):
            raise RecordError(f"{path}: an archive of several arrays; save one with numpy.save")
        if not beginning.startswith(b"\x93NUMPY"):
            raise RecordError(
                f"{path}: not a .npy file, it begins with {beginning!r}; from a text file of "
                f"numbers make one with numpy.save('record.npy', numpy.loadtxt('record.txt'))"
            )
        file.seek(0)
        try:
            version = np.lib.format.read_magic(file)
            read = getattr(np.lib.format, f"read_array_header_{version[0]}_0")
            if read(file)[2].hasobject:
                raise RecordError(f"{path}: it holds Python objects; save an array of numbers")
            file.seek(0)
            loaded: NDArray[Any] = np.load(file, allow_pickle=False)
        except (OSError, EOFError, AttributeError, ValueError) as error:
            if isinstance(error, RecordError):
                raise
            raise RecordError(f"{path}: a damaged .npy file ({error}); write it anew") from error
    return loaded


def add_noise(record: Record, ratio: float, seed: int) -> Record:
    """Return the record with Gaussian noise added to a signal-to-noise ratio in decibels."""
    clean = record.noisy
    scale = float(np.std(clean, dtype=np.float64)) / 10 ** (ratio / 20)
    noise = np.random.default_rng(seed).standard_normal(clean.shape)
    return Record(record.name, record.title, (clean + scale * noise).astype(clean.dtype), clean)
