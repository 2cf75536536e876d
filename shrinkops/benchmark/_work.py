"""The arrays of one case: made once, shared by all that is timed on them.

Invariants
----------
- Calls on the host work on the same memory, whatever library they come from, so that
  no two of them differ by where their pages happen to lie.
- Data are random normal numbers with a threshold inside them: no branch is predictable.
- Inputs have arrived on the device before anything is timed.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shrinkops._call.generic import evaluate
from shrinkops._call.parameters import round_parameter
from shrinkops._numbers.formats import FORMATS, IntegerFormat
from shrinkops._numbers.threshold import Threshold
from shrinkops._target import Target
from shrinkops.adapter import Adapter, numpy_dtype
from shrinkops.operations._declaration import Operation

from ._calls import Call, Clock, wall_clock
from ._clocks import CLOCKS

__all__ = [
    "MODES",
    "Case",
    "Skip",
    "Work",
    "cores",
    "device_kind",
    "find_device",
    "make_work",
    "ready_devices",
    "wanted_of",
]

MODES = ("out", "fresh", "jit", "derivative")
"""A warm ``out``, a new output for each call, compiled by the library, the backward pass."""

_RUNS_AT_ONCE = 100_000
"""From this many elements on a library may still compute when it returns."""


class Skip(NotImplementedError):  # noqa: N818  # asv skips on NotImplementedError
    """A case that does not exist here, and why: a capability, a library, a device."""


@dataclass(frozen=True)
class Case:
    """What is computed.

    Attributes
    ----------
    size : int
        Elements.
    dtype : str
    mode : str
        One of `MODES`.
    device : {"cpu", "gpu"}
    """

    size: int
    dtype: str = "float32"
    mode: str = "out"
    device: str = "cpu"

    def __str__(self) -> str:
        size = f"{self.size:.3g}".replace("e+0", "e")
        return f"{size} x {self.dtype}, {self.mode}, {self.device}"


@dataclass(frozen=True)
class Work:
    """The arrays of a case in a target's library, and on the host.

    Attributes
    ----------
    x, out : array
        The library's own; ``out`` is None where the case or the library has none.
    host_x, host_out : numpy.ndarray
        The same memory where the device is the host.
    lambd : float
    """

    target: Target
    operation: Operation
    case: Case
    adapter: Adapter
    device: Any
    x: Any
    out: Any
    host_x: np.ndarray[Any, Any]
    host_out: np.ndarray[Any, Any]
    lambd: float

    @property
    def framework(self) -> str:
        return self.target.backend.framework

    @property
    def threshold(self) -> Threshold:
        """λ as the specification rounds it."""
        return self.parameters[0]

    @property
    def parameters(self) -> tuple[Threshold, ...]:
        """λ and the other parameters' defaults, rounded."""
        form = FORMATS[self.case.dtype]
        values = (self.lambd, *self.operation.defaults[1:])
        return tuple(
            round_parameter(self.operation, parameter, value, form)
            for parameter, value in zip(self.operation.parameters, values, strict=True)
        )

    @functools.cached_property
    def wanted(self) -> np.ndarray[Any, Any]:
        """What the specification wants of ``host_x``, as NumPy computes the generic definition.

        Computed once: of a large case this takes longer than all that is timed.
        """
        return wanted_of(self, self.host_x)

    def call(self, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Call:
        """Return a call on arrays of the target's library."""
        clock: Clock = wall_clock
        if self.case.device != "cpu":
            clock = CLOCKS.get(self.framework, wall_clock)
        waits = type(self.adapter).synchronize is not Adapter.synchronize
        each = waits and clock is wall_clock and self.case.size >= _RUNS_AT_ONCE
        synchronize = self.adapter.synchronize
        return Call(function, arguments, keywords, synchronize, each, clock)

    def host_call(self, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Call:
        """Return a call on the host's arrays, which is done when it returns."""
        if self.case.device != "cpu":
            raise Skip(f"a call on the host has no part in a case on the {self.case.device}")
        return Call(function, arguments, keywords)


def wanted_of(work: Work, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return what the specification wants of an array."""
    parameters: list[Any] = list(work.parameters)
    with np.errstate(all="ignore"):
        wanted: np.ndarray[Any, Any] = evaluate(
            work.operation, np, np.ndarray.astype, x, FORMATS[work.case.dtype], parameters,
            [None] * len(parameters),
        )  # fmt: skip
    return wanted


def device_kind(device: Any) -> str:
    """Tell the host from the rest, whatever a library calls it."""
    return "cpu" if device is None or "cpu" in str(device).lower() else "gpu"


def ready_devices(target: Target) -> Sequence[Any]:
    """Return the devices of a target's library.

    Raises
    ------
    Skip
        The framework is missing or does not work here.
    """
    backend = target.backend
    if not backend.installed():
        raise Skip(f"backend {target.text!r} needs {backend.framework}, which is not installed")
    reason = backend.unavailable()
    if reason:
        raise Skip(f"backend {target.text!r} cannot compute here: {reason}")
    return backend.adapter().devices()


def find_device(target: Target, kind: str) -> Any:
    """Return the first device of a kind.

    Raises
    ------
    Skip
        There is none here.
    """
    for device in ready_devices(target):
        if device_kind(device) == kind:
            return device
    raise Skip(f"backend {target.text!r} has no {kind} here")


def make_work(target: Target, operation: Operation, case: Case) -> Work:
    """Make the arrays of a case.

    Raises
    ------
    Skip
        The case does not exist for this target on this machine.
    """
    backend = target.backend
    device = find_device(target, case.device)
    needs = {"out": "out", "jit": "jit", "derivative": "autodiff"}.get(case.mode)
    for capability in (needs, case.dtype):
        if capability and capability not in backend.capabilities:
            raise Skip(f"backend {target.text!r} does not declare {capability!r}")
    _settle_allocator()
    adapter = backend.adapter()
    data, lambd = _data(case, operation)
    x = adapter.from_numpy(data, device)
    adapter.synchronize(x)
    host_x = adapter.to_numpy(x)
    if host_x.dtype != data.dtype:
        raise Skip(f"backend {target.text!r} made {host_x.dtype} of {case.dtype} here")
    out = None
    if case.mode == "out":
        out = adapter.from_numpy(np.zeros_like(data), device)
        host_out = adapter.to_numpy(out)
    else:
        host_out = np.zeros_like(data)
    return Work(target, operation, case, adapter, device, x, out, host_x, host_out, lambd)


@functools.cache
def _settle_allocator() -> None:
    """Bring the C library's allocator into the state of a process that has run for a while.

    glibc takes a large block from the system, page faults and all, until one as large has
    been freed once. Without this, the cost of a new output depends on what a process
    happened to free before, and two processes differ by a fifth.
    """
    np.ones(31 << 20, np.uint8)


def _data(case: Case, operation: Operation) -> tuple[np.ndarray[Any, Any], float]:
    rng = np.random.default_rng(5)
    if isinstance(FORMATS.get(case.dtype), IntegerFormat):
        unsigned = case.dtype.startswith("u")
        values = rng.integers(0 if unsigned else -100, 101, case.size)
        return values.astype(case.dtype), 50.0
    normal = rng.standard_normal(case.size, dtype=np.float32)
    return normal.astype(numpy_dtype(case.dtype)), operation.default


def cores() -> int:
    """Return how many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
