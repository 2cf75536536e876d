"""What the conformance and benchmark kits need of JAX; nothing else imports it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.monitoring
import numpy as np

from shrinkops.adapter import Adapter, Layout, Mode

__all__ = ["JaxAdapter"]

_WORK = {"/jax/core/compile/jaxpr_trace_duration", "/jax/core/compile/backend_compile_duration"}
_done = [0]
_MODES = {
    "jit disabled": Mode(
        "mode = jax.disable_jit(); mode.__enter__()", "mode.__exit__(None, None, None)"
    ),
    "x64 off": Mode(
        "jax.config.update('jax_enable_x64', False)",
        "jax.config.update('jax_enable_x64', True)",
        narrow=True,
    ),
}


def _count(event: str, *_: Any, **__: Any) -> None:
    _done[0] += event in _WORK


class JaxAdapter(Adapter):
    """64-bit dtypes exist only where ``jax_enable_x64`` is on."""

    imports = ("import jax", "jax.config.update('jax_enable_x64', True)")
    from_source = "jax.device_put(a)"
    state = "(jax.config.jax_enable_x64, jax.config.jax_disable_jit)"
    shared = "x.unsafe_buffer_pointer() == y.unsafe_buffer_pointer()"
    compiles = True

    _listening = False

    def from_numpy(self, array: np.ndarray[Any, Any], device: Any = None) -> jax.Array:
        return jax.device_put(array.copy(), device)

    def devices(self) -> Sequence[Any]:
        return jax.devices()

    def synchronize(self, x: Any) -> None:
        jax.block_until_ready(x)

    def peak_bytes(self, function: Callable[[Any], Any], x: Any) -> int | None:
        (device,) = x.devices()
        before = device.memory_stats()
        if not before:
            return None
        jax.block_until_ready(function(x))
        # The peak cannot be reset: right where nothing larger was there before.
        return int(device.memory_stats()["peak_bytes_in_use"] - before["bytes_in_use"])

    @contextmanager
    def session(self) -> Iterator[None]:
        before = jax.config.read("jax_enable_x64")
        jax.config.update("jax_enable_x64", True)
        try:
            yield
        finally:
            jax.config.update("jax_enable_x64", before)

    def layouts(self) -> Mapping[str, Layout]:
        return {}  # every index and transpose makes a new dense array

    def modes(self) -> Mapping[str, Mode]:
        return _MODES

    @contextmanager
    def forbid_transfers(self) -> Iterator[None]:
        with jax.transfer_guard_device_to_host("disallow"):
            yield

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return jax.jit(function)

    def vmap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return jax.vmap(function)

    def vjp(self, function: Callable[[Any], Any], x: Any, cotangent: Any) -> Any:
        return jax.vjp(function, x)[1](cotangent)[0]

    def jvp(self, function: Callable[[Any], Any], x: Any, tangent: Any) -> Any:
        return jax.jvp(function, (x,), (tangent,))[1]

    def forget(self) -> None:
        jax.clear_caches()

    def compilations(self) -> int:
        if not JaxAdapter._listening:
            jax.monitoring.register_event_duration_secs_listener(_count)
            JaxAdapter._listening = True
        return _done[0]
