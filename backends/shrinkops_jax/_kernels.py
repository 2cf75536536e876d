"""hardshrink on JAX arrays.

Invariants
----------
- One jitted function per kind of threshold. λ is an argument of it, so no value
  of λ ever retraces.
- A number arrives as the magnitude bits of the rounded λ, an integer: the host has
  rounded it exactly, and XLA converts nothing.
- Elements are compared by magnitude bits: XLA on the CPU flushes subnormals in
  float comparisons, and compares integers faster.
- Derivatives come from the selection alone; bits have none, so d/dλ is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from shrinkops.spec import Threshold, float_format, limit_bits

__all__ = ["NATIVE"]

_INTEGER_OF_WIDTH = {1: jnp.int8, 2: jnp.int16, 4: jnp.int32, 8: jnp.int64}


def _magnitude(x: Any) -> Any:
    integer = _INTEGER_OF_WIDTH[x.dtype.itemsize]
    return lax.bitcast_convert_type(x, integer) & ((1 << (8 * x.dtype.itemsize - 1)) - 1)


@jax.jit
def _scalar(x: Any, bits: Any) -> Any:
    magnitude = _magnitude(x)
    return jnp.where(magnitude > bits.astype(magnitude.dtype), x, jnp.zeros((), x.dtype))


@jax.jit
def _array(x: Any, lambd: Any) -> Any:
    magnitude = _magnitude(x)
    return jnp.where(magnitude > _limit(lambd, x.dtype), x, jnp.zeros((), x.dtype))


def _limit(lambd: Any, dtype: Any) -> Any:
    """Magnitude bits of an array λ, rounded once."""
    lambd = lax.stop_gradient(lambd)
    if not jnp.issubdtype(lambd.dtype, jnp.floating):
        lambd = lambd.astype(float)  # float64 where it is enabled
    integer = _INTEGER_OF_WIDTH[dtype.itemsize]
    form = float_format(dtype.name)
    return limit_bits(jnp, lax.convert_element_type, lambd, dtype, integer, form)


def hardshrink(x: Any, threshold: Any, out: Any) -> Any:  # noqa: ARG001 - out is None
    """Native kernel, see `shrinkops.Backend.native`."""
    if not jnp.issubdtype(x.dtype, jnp.floating):
        return NotImplemented
    if isinstance(threshold, Threshold):
        return _scalar(x, threshold.bits)
    return _array(x, threshold)


NATIVE: dict[str, Callable[[Any, Any, Any], Any]] = {"hardshrink": hardshrink}
