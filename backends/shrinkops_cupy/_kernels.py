"""Kernels of CuPy arrays: one source for every operation, two loops around it.

Invariants
----------
- One pass: each element is read once and written once. Dense arrays whose memory is aligned go
  16 bytes at a time; every other layout, and parameters that are arrays, through CuPy's
  elementwise loop over the same body.
- Nothing is copied to the host and nothing synchronises; a call runs on the current stream of
  x's device. With ``out=`` nothing is allocated either, so a warm call can be captured in a graph.
- No product is contracted with a sum, in any compiler: the bits are the specification's.

Nothing of this has run on a GPU. The source is proved as C++ on a CPU and compiled for GPUs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import cupy

from shrinkops.spec import FORMATS, Format, Threshold, float_format, limit_bits, round_once

from ._source import TEMPLATE, case, elementwise_body, kernel_name, kernel_source

__all__ = ["native"]

_THREADS = 256
_BLOCKS = 1 << 16


def _options() -> tuple[str, ...]:
    if cupy.cuda.runtime.is_hip:
        return ("-ffp-contract=off",)
    return ("--fmad=false",)


@cache
def _dense(operation: str, dtype: str) -> Any:
    """Return the kernel of dense, aligned arrays; CuPy compiles it once per device."""
    source = kernel_source((operation, dtype))
    return cupy.RawKernel(source, kernel_name(operation, dtype), options=_options())


@cache
def _elementwise(operation: str, dtype: str) -> Any:
    """Return the kernel of any layout, with parameters that may be arrays."""
    return cupy.ElementwiseKernel(
        "T x, L limit, S second",
        "T y",
        elementwise_body(operation, dtype),
        f"{kernel_name(operation, dtype)}_any",
        preamble=TEMPLATE,
        options=_options(),
    )


def native(operation: str, dtype: str) -> Callable[..., Any] | None:
    """Return ``native(x, *parameters, out)``; see `shrinkops.Backend.native`."""
    if case(operation, dtype) is None:
        return None
    form = FORMATS[dtype]
    stored = cupy.dtype(f"i{form.width // 8}" if form.kind == "float" else dtype)

    def kernel(x: Any, *arguments: Any) -> Any:
        *parameters, out = arguments
        numbers = [isinstance(p, Threshold) for p in parameters]
        if form.kind == "integer" and not numbers[0]:
            return NotImplemented
        with x.device:
            if out is None:
                out = cupy.empty_like(x)
            elif out is not x and cupy.may_share_memory(out, x):
                x = x.copy()  # CuPy does not look for overlap
            if not x.size:
                return out
            component = x.dtype if form.kind == "float" else cupy.dtype(f"f{form.width // 8}")
            limit, second = _numbers(operation, form, component, stored, parameters)
            source, target = (x, out) if stored == x.dtype else (x.view(stored), out.view(stored))
            if all(numbers) and _in_step(x, out):
                _launch(_dense(operation, dtype), source, target, limit, second)
            else:
                _elementwise(operation, dtype)(source, limit, second, target)
        return out

    return kernel


def _numbers(
    operation: str, form: Format, component: Any, stored: Any, parameters: list[Any]
) -> tuple[Any, Any]:
    """Return what the kernels take as limit and second number.

    ``component`` is the dtype of a real number: x's own, or that of a complex number's parts.
    """
    if form.kind == "integer":
        value = int(parameters[0].value)
        unsigned = cupy.dtype(f"u{stored.itemsize}").type
        return unsigned(max(value, 0)), cupy.int32(value < 0)
    integer = cupy.dtype(f"i{component.itemsize}")
    limits = [
        integer.type(p.bits) if isinstance(p, Threshold) else _limits(p, component, integer)
        for p in parameters[: 2 if operation == "firmshrink" else 1]
    ]
    if operation == "firmshrink":
        return limits[0], limits[1]
    if operation != "shrink":
        return limits[0], cupy.int32(0)
    bias = parameters[1]
    work = cupy.dtype("f8" if component.itemsize == 8 else "f4")
    if isinstance(bias, Threshold):
        return limits[0], work.type(bias.value)
    rounded = round_once(cupy, cupy.ndarray.astype, _floating(bias), component)
    return limits[0], rounded.astype(work)


def _floating(array: Any) -> Any:
    return array if array.dtype.kind == "f" else array.astype(cupy.float64)


def _limits(array: Any, component: Any, integer: Any) -> Any:
    return limit_bits(
        cupy,
        cupy.ndarray.astype,
        _floating(array),
        component,
        integer,
        float_format(component.name),
    )


def _in_step(x: Any, out: Any) -> bool:
    """Tell whether two arrays are dense in the same order and aligned to 16 bytes."""
    dense = (x.flags.c_contiguous and out.flags.c_contiguous) or (
        x.flags.f_contiguous and out.flags.f_contiguous
    )
    return bool(dense) and (x.data.ptr | out.data.ptr) % 16 == 0


def _launch(kernel: Any, x: Any, out: Any, limit: Any, second: Any) -> None:
    turns = -(-x.nbytes // 16)
    blocks = min(-(-turns // _THREADS), _BLOCKS)
    kernel((blocks,), (_THREADS,), (x, out, cupy.int64(x.size), limit, second))
