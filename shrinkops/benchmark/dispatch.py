"""What choosing a backend costs; ``python tests/tools/bench_dispatch.py`` prints it.

Times, in one process and alternating order, one call on an array of one element by

- the backend's own kernel, called directly,
- the public function, which looks the kernel up by the array's type,
- the least that such a look-up can cost: a function around a plain dictionary,
- `functools.singledispatch`,

and prints what each adds to the direct call: medians, with the interval of the
bootstrap. The direct call is timed twice under two names; where the two differ by
more than a few nanoseconds the machine was too noisy, and the table says so.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shrinkops._target import Target
from shrinkops.operations._declaration import Operation
from shrinkops.operations._function import public_function

from ._calls import Call
from ._sampling import Plan, sample
from ._statistics import Estimate, estimate
from ._work import find_device, ready_devices

__all__ = ["CONTROL", "PLAN", "WAYS", "Overhead", "added_by_public_function", "measure"]

CONTROL = "direct again"
WAYS = ("direct", "public function", "plain dict", "singledispatch", CONTROL)
"""The calls that are timed, in the order of a block's first half."""

PLAN = Plan(blocks=101, sample_seconds=0.001)

_NOISE = 15e-9
"""The two names of the direct call may differ by this much before a row is called noisy."""


@dataclass(frozen=True)
class Overhead:
    """What one backend's calls cost.

    Attributes
    ----------
    backend : str
    direct : Estimate
        Seconds of the direct call.
    added : dict of str to Estimate
        Seconds that each way adds to it.
    """

    backend: str
    direct: Estimate
    added: dict[str, Estimate]

    @property
    def noisy(self) -> bool:
        """Whether the same call under two names came out as two."""
        return self.added[CONTROL].excludes(-_NOISE, _NOISE)


def by_dict(table: dict[type, Callable[..., Any]], default: float) -> Callable[..., Any]:
    """Return the cheapest function that can choose by type."""

    def call(x: Any, lambd: Any = default, *, out: Any = None) -> Any:
        return table[type(x)](x, lambd, out)

    return call


def by_singledispatch(cls: type, kernel: Callable[..., Any], default: float) -> Callable[..., Any]:
    """Return the standard library's way to choose by type."""

    @functools.singledispatch
    def call(x: Any, lambd: Any = default, out: Any = None) -> Any:  # noqa: ARG001
        raise TypeError(type(x))

    call.register(cls, kernel)
    return call


def added_by_public_function(
    target: Target, operation: Operation, plan: Plan = PLAN, device: str = "cpu"
) -> Sequence[float]:
    """Return, block by block, the seconds that dispatch adds to the direct call."""
    on = find_device(target, device)
    samples = sample(_calls(target, operation, "float32", on)[:2], plan)
    return [float(value) for value in samples.difference(1, 0)]


def measure(
    target: Target, operation: Operation, *, dtype: str = "float32", plan: Plan = PLAN
) -> Overhead:
    """Measure the overhead of an operation's dispatch for one backend.

    Parameters
    ----------
    target : Target
        Of a registered backend.
    operation : Operation
    dtype : str
    plan : Plan

    Returns
    -------
    Overhead

    Raises
    ------
    ValueError
        The backend is not registered, so nothing dispatches to it.
    Skip
        It cannot compute here.
    """
    on = next(iter(ready_devices(target)))
    samples = sample(_calls(target, operation, dtype, on), plan)
    added = {way: estimate(samples.difference(i, 0)) for i, way in enumerate(WAYS) if i}
    return Overhead(target.text, samples.time(0), added)


def _calls(target: Target, operation: Operation, dtype: str, device: Any = None) -> list[Call]:
    """Return the calls in the order of `WAYS`."""
    if not target.registered:
        raise ValueError(
            f"nothing dispatches to {target.text!r}, which is not registered; register it, or "
            f"name one of shrinkops.backends()"
        )
    adapter = target.backend.adapter()
    x = adapter.from_numpy(np.array([0.75], np.dtype(dtype)), device)
    kernel = target.backend.kernel(operation)
    public = public_function(operation.name)
    default = operation.default
    functions: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
        "direct": (kernel, (x, default, None)),
        "public function": (public, (x, default)),
        "plain dict": (by_dict({type(x): kernel}, default), (x, default)),
        "singledispatch": (by_singledispatch(type(x), kernel, default), (x, default, None)),
        CONTROL: (kernel, (x, default, None)),
    }
    return [
        Call(functions[way][0], functions[way][1], synchronize=adapter.synchronize) for way in WAYS
    ]
