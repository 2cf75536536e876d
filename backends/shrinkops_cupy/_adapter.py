"""What the conformance and benchmark kits need of CuPy; nothing else imports it."""

from __future__ import annotations

from collections.abc import Sequence
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
