"""hardshrink on CuPy arrays: one fused elementwise kernel over magnitude bits.

Invariants
----------
- One pass: each element is read once and written once, no temporary.
- Arrays are viewed as signed integers of their width, so the kernel has one body
  for every floating dtype, and a negative limit (-1) keeps everything.
- Nothing is copied to the host and nothing synchronises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cupy

from shrinkops.spec import Threshold, float_format, limit_bits

__all__ = ["BODY", "NATIVE"]

BODY = "y = (x & mask) > limit ? x : T(0)"
"""The kernel's body; ``T`` is a signed integer, so it can be checked on a CPU too."""

_above = cupy.ElementwiseKernel("T x, T limit, T mask", "T y", BODY, "shrinkops_hardshrink")


def hardshrink(x: Any, threshold: Any, out: Any) -> Any:
    """Native kernel, see `shrinkops.Backend.native`."""
    if x.dtype.kind != "f":
        return NotImplemented
    integer = cupy.dtype(f"i{x.dtype.itemsize}")
    mask = int(cupy.iinfo(integer).max)
    limit: Any
    if isinstance(threshold, Threshold):
        limit = integer.type(threshold.bits)
    else:
        if threshold.dtype.kind != "f":
            threshold = threshold.astype(cupy.float64)
        form = float_format(x.dtype.name)
        limit = limit_bits(cupy, cupy.ndarray.astype, threshold, x.dtype, integer, form)
    if out is None:
        out = cupy.empty_like(x)
    elif out is not x and cupy.may_share_memory(out, x):
        x = x.copy()  # CuPy does not look for overlap
    _above(x.view(integer), limit, integer.type(mask), out.view(integer))
    return out


NATIVE: dict[str, Callable[[Any, Any, Any], Any]] = {"hardshrink": hardshrink}
