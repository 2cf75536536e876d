"""One run per backend and device: the same coefficients, the bits compared.

Invariants
----------
- Nothing here knows a backend by name: arrays are made and read back through
  ``Backend.adapter()``, and dispatch is that of the public function.
- Fallbacks, which have a negative priority, are left out: they serve other libraries'
  types and have no arrays of their own.
- A backend that fails becomes a row that says so; the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pywt
from numpy.typing import NDArray

import shrinkops
from shrinkops._target import find_target
from shrinkops.adapter import Adapter
from shrinkops.benchmark._calls import Call
from shrinkops.benchmark._sampling import Plan, sample

from ._wavelets import Decomposition, flat, method

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
        if platform := getattr(self.device, "platform", None):
            return f"{platform}:{getattr(self.device, 'id', 0)}"
        if self.device is None:
            return "cpu"
        return f"device {self.device}" if isinstance(self.device, int) else str(self.device)


@dataclass(frozen=True)
class Run:
    """What one backend did on one device: the coefficients of each record, shrunk and read back."""

    place: Place
    shrunk: list[list[Any]]
    seconds: float = float("nan")  # of one call on `TIMED_SIZE` coefficients
    over_where: float = float("nan")  # how many times longer the two other ways take, if any
    over_pywt: float = float("nan")
    error: str = ""  # why there is nothing of the above: it failed, or
    lacking: str = ""  # does not take the dtype

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


def run_on(
    place: Place, decompositions: Sequence[Decomposition], operation: str, seconds: float
) -> Run:
    """Shrink the details of every record, then time the call on those of the last one."""
    dtype = decompositions[-1].details.dtype
    if dtype.name not in place.adapter.backend.dtypes:
        return Run(place, [], lacking=f"{place.backend} takes no {dtype.name}")
    try:
        with place.adapter.session():
            shrunk = [_shrink(place, d, operation) for d in decompositions]
            return Run(place, shrunk, *_time(place, decompositions[-1], operation, seconds))
    except Exception as error:
        return Run(place, [], error=f"{type(error).__name__}: {error}")


def _shrink(place: Place, decomposition: Decomposition, operation: str) -> list[Any]:
    details = shrinkops.map_details(
        lambda a: place.adapter.from_numpy(a, place.device), decomposition.coefficients
    )
    shrunk = shrinkops.map_details(method(operation), details, decomposition.thresholds)
    return shrinkops.map_details(place.adapter.to_numpy, shrunk)


# What people write instead; firmshrink and shrink get the parameters that `method` chooses.
_WHERE: dict[str, Callable[..., Any]] = {
    "hardshrink": lambda x, t: np.where(np.abs(x) > t, x, 0),
    "softshrink": lambda x, t: np.sign(x) * np.maximum(np.abs(x) - t, 0),
    "shrink": lambda x, t: np.where(np.abs(x) > t, x - np.sign(x) * (t / 2), 0),
    "garrote": lambda x, t: np.where(np.abs(x) > t, x - t * t / x, 0),
}
_PYWT: dict[str, Callable[..., Any]] = {
    "hardshrink": lambda x, t: pywt.threshold(x, t, "hard"),
    "softshrink": lambda x, t: pywt.threshold(x, t, "soft"),
    "firmshrink": lambda x, t: pywt.threshold_firm(x, t, 2 * t),
    "garrote": lambda x, t: pywt.threshold(x, t, "garrote"),
}


def _time(
    place: Place, decomposition: Decomposition, operation: str, seconds: float
) -> tuple[float, float, float]:
    array = np.resize(decomposition.details, TIMED_SIZE)
    lambd, ours = decomposition.thresholds[-1], method(operation)
    x = place.adapter.from_numpy(array, place.device)
    place.adapter.synchronize(x)
    calls = [Call(ours, (x, lambd), synchronize=place.adapter.synchronize)]
    idioms = [_WHERE.get(operation), _PYWT.get(operation)]
    calls += [Call(idiom, (array, lambd)) for idiom in idioms if idiom]
    with np.errstate(all="ignore"):
        samples = sample(
            calls, Plan(blocks=10**6, fewest=3, sample_seconds=0, most_seconds=seconds)
        )
    others = iter(range(1, len(calls)))
    where, pywt_ = (
        float(np.median(samples.ratio(next(others), 0))) if idiom else np.nan for idiom in idioms
    )
    return float(np.median(samples.seconds[:, 0])), where, pywt_


def _bits(coefficients: list[Any]) -> NDArray[np.unsignedinteger]:
    vector = flat(coefficients)
    return vector.view(f"u{vector.itemsize}")


def boundary_note(decompositions: Sequence[Decomposition]) -> str:
    """Tell how PyWavelets differs at ``|x| == λ``, and whether that touches these records."""
    edge = np.array([0.5, -0.5], np.float32)
    if np.array_equal(pywt.threshold(edge, 0.5, mode="hard"), shrinkops.hardshrink(edge, 0.5)):
        return "At |x| = λ this PyWavelets gives what hardshrink gives, zero."
    shares = [d.share(lambda x, t: np.abs(x) == x.dtype.type(t)) for d in decompositions]
    pairs = zip(shares, decompositions, strict=True)
    touched = round(sum(share * d.details.size for share, d in pairs))
    return (
        f"At |x| = λ exactly, pywt.threshold keeps x and hardshrink gives 0; "
        f"{touched or 'none'} of these coefficients {'is' if touched == 1 else 'are'} there."
    )
