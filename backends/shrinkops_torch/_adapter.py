"""What the conformance and benchmark kits need of PyTorch; nothing else imports it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from shrinkops.adapter import Adapter, numpy_dtype

__all__ = ["TorchAdapter"]

_CARRIER = {1: np.uint8, 2: np.int16, 4: np.int32, 8: np.int64}


class TorchAdapter(Adapter):
    """Tensors travel as integers of their width, for the dtypes that NumPy lacks."""

    def from_numpy(self, array: np.ndarray[Any, Any], device: Any = None) -> torch.Tensor:
        carrier = array.view(_CARRIER[array.dtype.itemsize]).copy(order="K")
        return torch.from_numpy(carrier).view(getattr(torch, array.dtype.name)).to(device or "cpu")

    def to_numpy(self, x: Any) -> np.ndarray[Any, Any]:
        carrier = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
        bits = x.detach().cpu().view(carrier[x.dtype.itemsize]).numpy()
        return bits.view(numpy_dtype(self.backend.dtype_name(x)))

    def devices(self) -> Sequence[Any]:
        found = ["cpu"]
        if torch.cuda.is_available():
            found += [f"cuda:{i}" for i in range(torch.cuda.device_count())]
        if torch.backends.mps.is_available():
            found.append("mps")
        return found

    def synchronize(self, x: Any) -> None:
        if x.device.type == "cuda":
            torch.cuda.synchronize(x.device)
        elif x.device.type == "mps":
            torch.mps.synchronize()

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return torch.compile(function, fullgraph=True)
