"""What the conformance and benchmark kits need of CuPy; nothing else imports it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cupy
import numpy as np

from shrinkops.adapter import Adapter

__all__ = ["CupyAdapter"]


class CupyAdapter(Adapter):
    """One device per CUDA device number."""

    def from_numpy(self, array: np.ndarray[Any, Any], device: Any = None) -> Any:
        with cupy.cuda.Device(device or 0):
            return cupy.asarray(array)

    def to_numpy(self, x: Any) -> np.ndarray[Any, Any]:
        return cupy.asnumpy(x)

    def devices(self) -> Sequence[Any]:
        return range(cupy.cuda.runtime.getDeviceCount())

    def synchronize(self, x: Any) -> None:
        x.device.synchronize()

    def peak_bytes(self, function: Callable[[Any], Any], x: Any) -> int | None:
        with x.device:
            pool = cupy.get_default_memory_pool()
            pool.free_all_blocks()
            before = pool.used_bytes()
            self.synchronize(function(x))
            return int(pool.total_bytes() - before)  # freed blocks stay in the pool
