"""What the conformance and benchmark kits need of JAX; nothing else imports it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from shrinkops.adapter import Adapter

__all__ = ["JaxAdapter"]


class JaxAdapter(Adapter):
    """64-bit dtypes exist only where ``jax_enable_x64`` is on."""

    def from_numpy(self, array: np.ndarray[Any, Any], device: Any = None) -> jax.Array:
        return jax.device_put(array.copy(), device)

    def devices(self) -> Sequence[Any]:
        return jax.devices()

    def synchronize(self, x: Any) -> None:
        jax.block_until_ready(x)

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return jax.jit(function)
