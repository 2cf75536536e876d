"""Clocks of devices: the time between two events in the device's own stream.

Events leave out what the host does before the first call and after the last one.
A library that is not listed is timed by the host's clock, synchronised at the end.
These two have not run on a GPU yet; see "Performance" in the documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from typing import Any

from ._calls import Clock, Loop

__all__ = ["CLOCKS"]


def _torch_events(loop: Loop, number: int, synchronize: Callable[[Any], None]) -> float:
    import torch

    if not torch.cuda.is_available():
        from ._calls import wall_clock

        return wall_clock(loop, number, synchronize)
    event: Any = torch.cuda.Event
    start, end = event(enable_timing=True), event(enable_timing=True)
    torch.cuda.synchronize()
    start.record()
    loop(repeat(None, number))
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) * 1e-3


def _cupy_events(loop: Loop, number: int, synchronize: Callable[[Any], None]) -> float:  # noqa: ARG001
    import cupy

    start, end = cupy.cuda.Event(), cupy.cuda.Event()
    cupy.cuda.get_current_stream().synchronize()
    start.record()
    loop(repeat(None, number))
    end.record()
    end.synchronize()
    return float(cupy.cuda.get_elapsed_time(start, end)) * 1e-3


CLOCKS: dict[str, Clock] = {"torch": _torch_events, "cupy": _cupy_events}
"""By the import name of the library."""
