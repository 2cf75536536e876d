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

__all__ = ["Record", "RecordError", "add_noise", "from_file", "shipped"]

SHORTEST = 32  # below, the noise cannot be told from the record
LARGEST = {"float32": 1e30, "float64": 1e150}  # sums and squares of a few such are numbers


class RecordError(ValueError):
    """A file that the demo cannot denoise."""


@dataclass(frozen=True)
class Record:
    """What is denoised, and what it was before noise was added, if any was."""

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
    try:
        record = _checked(_read(path))
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error
    return Record(path.name, path.name, record)


def _read(path: Path) -> NDArray[Any]:
    if not path.is_file():
        raise RecordError("not a file" if path.exists() else "there is no such file")
    with path.open("rb") as file:
        beginning = file.read(16)
    if beginning.startswith(b"PK"):
        raise RecordError("an archive of several arrays; save one with numpy.save")
    if not beginning.startswith(b"\x93NUMPY"):
        raise RecordError(
            f"not a .npy file, it begins with {beginning!r}; from a text file of numbers make one "
            f"with numpy.save('record.npy', numpy.loadtxt('record.txt'))"
        )
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, EOFError, ValueError) as error:
        if "Object arrays" in str(error):  # NumPy would recommend what runs foreign code
            raise RecordError("it holds Python objects; save an array of numbers") from None
        raise RecordError(f"a damaged .npy file ({error}); write it anew") from error


def _checked(array: NDArray[Any]) -> NDArray[np.floating]:
    if array.dtype.kind not in "iuf":
        raise RecordError(f"dtype {array.dtype} is not numeric; expected integers or real floats")
    kind = {1: "a signal", 2: "an image"}.get(array.ndim)
    if kind is None:
        raise RecordError(
            f"{array.ndim}-D array of shape {array.shape}; "
            f"expected 1-D for a signal or 2-D for an image"
        )
    if min(array.shape) < SHORTEST:
        raise RecordError(
            f"shape {array.shape} is too short for {kind}; "
            f"expected at least {SHORTEST} samples along each dimension"
        )
    if bad := int(array.size - np.count_nonzero(np.isfinite(array))):
        raise RecordError(
            f"{bad} of {array.size} values are NaN or infinite; "
            f"replace them first, for example with numpy.nan_to_num"
        )
    dtype = np.result_type(array.dtype, np.float32)
    with np.errstate(over="ignore"):
        record = np.ascontiguousarray(array, min(dtype, np.dtype(np.float64)))
    largest, limit = float(np.max(np.abs(record))), LARGEST[record.dtype.name]
    if largest > limit:
        raise RecordError(
            f"the largest value is {largest:g}; rescale them all to at most {limit:g}"
        )
    if record.min() == record.max():
        raise RecordError(f"every value is {record.flat[0]:g}; there is nothing to denoise")
    return record


def add_noise(record: Record, ratio: float, seed: int) -> Record:
    """Return the record with Gaussian noise added to a signal-to-noise ratio in decibels."""
    clean = record.noisy
    scale = float(np.std(clean, dtype=np.float64)) / 10 ** (ratio / 20)
    noise = np.random.default_rng(seed).standard_normal(clean.shape)
    return Record(record.name, record.title, (clean + scale * noise).astype(clean.dtype), clean)
