"""One run per backend and device: the same coefficients, the bits compared.

Invariants
----------
- Nothing here knows a backend by name: arrays are made and read back through
  ``Backend.adapter()``, and dispatch is the public ``shrinkops.hardshrink``.
- Fallbacks, which have a negative priority, are left out: they serve other libraries'
  types and have no arrays of their own.
- A backend that fails becomes a row that says so; the others go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pywt
from numpy.typing import NDArray

import shrinkops
from shrinkops._plugins.target import find_target
from shrinkops.adapter import Adapter

from ._timing import alternate
from ._wavelets import Decomposition

__all__ = ["TIMED_SIZE", "Place", "Run", "boundary_note", "places", "run_on"]

TIMED_SIZE = 1 << 20
"""How many coefficients are timed: the record's own, repeated or cut to this length."""


@dataclass(frozen=True)
class Place:
    """A ready backend and one of its devices."""

    backend: str
    version: str
    device: Any
    adapter: Adapter

    @property
    def label(self) -> str:
        """The device in a word."""
        platform = getattr(self.device, "platform", None)
        if self.device is None:
            return "cpu"
        if platform is not None:
            return f"{platform}:{getattr(self.device, 'id', 0)}"
        return f"device {self.device}" if isinstance(self.device, int) else str(self.device)


@dataclass(frozen=True)
class Run:
    """What one backend did on one device.

    Attributes
    ----------
    place : Place
    shrunk : list of ndarray
        The thresholded details of each record, read back.
    seconds : float
        Of one call on `TIMED_SIZE` coefficients.
    over_where, over_pywt : float
        How many times longer the two other ways take.
    error : str
        Why there is nothing of the above; empty where there is.
    """

    place: Place
    shrunk: list[NDArray[np.float32]]
    seconds: float = float("nan")
    over_where: float = float("nan")
    over_pywt: float = float("nan")
    error: str = ""

    def differing(self, reference: Run) -> int:
        """Count the coefficients whose bits are not those of another run."""
        pairs = zip(self.shrunk, reference.shrunk, strict=True)
        return sum(int(np.count_nonzero(_bits(a) != _bits(b))) for a, b in pairs)


def places(table: Sequence[Any]) -> list[Place]:
    """Return every ready backend and each of its devices, NumPy first."""
    found = []
    for row in sorted(table, key=lambda row: (row.name != "numpy", row.name)):
        if row.state != "ready":
            continue
        backend = find_target(row.name).backend
        if backend.priority < 0:
            continue
        adapter = backend.adapter()
        try:
            devices = adapter.devices()
        except Exception:  # its row will say why: run_on meets the same
            devices = [None]
        found += [Place(row.name, row.framework_version, device, adapter) for device in devices]
    return found


def run_on(place: Place, decompositions: Sequence[Decomposition], seconds: float) -> Run:
    """Threshold the details of every record, then time the call on those of the last one."""
    try:
        shrunk = [_shrink(place, d) for d in decompositions]
        return Run(place, shrunk, *_time(place, decompositions[-1], seconds))
    except Exception as error:
        return Run(place, [], error=f"{type(error).__name__}: {error}")


def _shrink(place: Place, decomposition: Decomposition) -> NDArray[np.float32]:
    x = place.adapter.from_numpy(decomposition.details, place.device)
    y = shrinkops.hardshrink(x, decomposition.threshold)
    return np.asarray(place.adapter.to_numpy(y))


def _time(place: Place, decomposition: Decomposition, seconds: float) -> tuple[float, float, float]:
    array = np.resize(decomposition.details, TIMED_SIZE)
    lambd = decomposition.threshold
    x = place.adapter.from_numpy(array, place.device)
    place.adapter.synchronize(x)

    def ours() -> None:
        place.adapter.synchronize(shrinkops.hardshrink(x, lambd))

    def where() -> None:
        np.where(np.abs(array) > lambd, array, 0)

    def wavelets() -> None:
        pywt.threshold(array, lambd, mode="hard")

    times, ratios = alternate([ours, where, wavelets], seconds)
    return times[0], ratios[1], ratios[2]


def _bits(array: NDArray[np.float32]) -> NDArray[np.uint32]:
    return array.view(np.uint32)


def boundary_note(decompositions: Sequence[Decomposition]) -> str:
    """Tell how PyWavelets differs at ``|x| == λ``, and whether that touches these records."""
    edge = np.array([0.5, -0.5], np.float32)
    if np.array_equal(pywt.threshold(edge, 0.5, mode="hard"), shrinkops.hardshrink(edge, 0.5)):
        return "At |x| = λ this PyWavelets gives what hardshrink gives, zero."
    touched = sum(
        int(np.count_nonzero(np.abs(d.details) == np.float32(d.threshold))) for d in decompositions
    )
    return (
        f"At |x| = λ exactly, pywt.threshold keeps x and hardshrink gives 0; "
        f"{touched or 'none'} of these coefficients {'is' if touched == 1 else 'are'} there."
    )
