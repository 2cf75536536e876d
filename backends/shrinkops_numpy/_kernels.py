"""Which kernel serves: the compiled ufunc, or the same rules in NumPy's own arithmetic.

Invariants
----------
- The choice is made once, at the first array. ``SHRINKOPS_NUMPY_KERNEL`` forces it: "pure",
  or an instruction set of the compiled kernel ("baseline", "avx2", "avx512"). A value that
  cannot be served is an error, never another kernel.
- Everything that can fail is checked before a byte of the result is written.
- ml_dtypes is looked at only once an array of one of its types arrives.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from shrinkops.spec import FORMATS, FloatFormat, Threshold

from . import _pure
from ._thresholds import operand, rounded_array

_ufunc: Any
try:
    from . import _ufunc  # type: ignore[no-redef, attr-defined, unused-ignore]
except ImportError as error:  # installed where there was no C compiler
    _ufunc = None
    _why_pure = f"no compiled kernel: {error}"
else:
    _why_pure = ""

__all__ = ["SWITCH", "describe", "ensure_dtype", "kernel", "native", "ufunc"]

SWITCH = "SHRINKOPS_NUMPY_KERNEL"


def _choose(wanted: str) -> str:
    """Select the kernel that the environment asks for; return its name."""
    available: tuple[str, ...] = ("pure",)
    if _ufunc is not None:
        available += tuple(_ufunc.instruction_sets())
    if not wanted:
        return available[-1]
    if wanted not in available:
        raise ValueError(
            f"{SWITCH}={wanted!r} names no kernel that this machine has; "
            f"set one of {', '.join(available)}, or leave it unset"
            + (f" ({_why_pure})" if _why_pure else "")
        )
    if wanted != "pure":
        _ufunc.select(wanted)
    return wanted


_chosen = _choose(os.environ.get(SWITCH, "").strip().lower())
_compiled = _chosen != "pure"


def describe() -> str:
    """Return the kernel in use, in a few words."""
    return f"compiled ufunc ({_ufunc.selected()})" if _compiled else "pure NumPy"


def ufunc(name: str = "hardshrink") -> Any:
    """Return the ufunc object, compiled or made of the pure kernel."""
    if _compiled:
        return getattr(_ufunc, name, None)
    from . import _pure_ufunc

    return getattr(_pure_ufunc, name, None)


_ready: set[Any] = set()


def ensure_dtype(dtype: Any) -> None:
    """Give the ufunc its loops for a floating dtype, if it has none yet."""
    kind = type(dtype)
    if kind in _ready:
        return
    form = FORMATS.get(getattr(dtype, "name", ""))
    if isinstance(form, FloatFormat) and form.kind == "float":
        if _ufunc is not None:
            _ufunc.register_float(
                dtype, form.precision, form.bias, form.max_bits, form.top_bits,
                form.nan_is_negative_zero,
            )  # fmt: skip
        if not _compiled and dtype.isbuiltin == 2:  # registered by a user of NumPy
            from . import _pure_ufunc

            _pure_ufunc.register_float(dtype)
    _ready.add(kind)


if _compiled:
    for _name in ("float16", "float32", "float64"):
        ensure_dtype(np.dtype(_name))


def native(operation: str) -> Callable[..., Any] | None:
    """Return the kernel for checked arguments, see `shrinkops.Backend.native`."""
    return _hardshrink if operation == "hardshrink" else None


def kernel(operation: str, guarded: Callable[..., Any]) -> Callable[..., Any]:
    """Return the kernel for unchecked arguments: the short way where there is one."""

    def unwrapping(x: Any, *arguments: Any) -> Any:
        *parameters, out = arguments
        # A 0-d ndarray is the number that it holds.
        numbers = [p[()] if type(p) is np.ndarray and p.ndim == 0 else p for p in parameters]
        return guarded(x, *numbers, out)

    if operation == "hardshrink" and _compiled:
        short: Callable[..., Any] = _ufunc.make_kernel(unwrapping)
        return short
    return unwrapping


def _hardshrink(x: Any, threshold: Any, out: Any) -> Any:
    dtype = x.dtype
    ensure_dtype(dtype)
    if out is not None:
        _check_out(x, out)
    if isinstance(threshold, Threshold):
        lambd = operand(threshold, dtype.newbyteorder("="))
    else:
        lambd = rounded_array(threshold, dtype)
    plain = type(x) is np.ndarray or isinstance(x, np.generic)
    if not _compiled and plain:
        return _pure.hardshrink(x, lambd, out)
    if out is None and type(x) is np.ndarray and (x.ndim == 0 or lambd.ndim > 0):
        # A ufunc would turn a 0-d result into a scalar, and ask λ for a say in the layout.
        out = np.empty_like(x)
    if out is None:
        return ufunc()(x, lambd)
    return ufunc()(x, lambd, out=out)


def _check_out(x: Any, out: Any) -> None:
    if not isinstance(out, np.ndarray):
        raise TypeError(
            f"hardshrink: out must be an array that can be written, got {out!r} of type "
            f"{type(out).__module__}.{type(out).__qualname__}; pass numpy.empty_like(x)"
        )
    if out.dtype != x.dtype:
        raise TypeError(
            f"hardshrink: out has dtype {out.dtype.str}, expected {x.dtype.str} as x has, byte "
            f"order included; allocate it with numpy.empty_like(x)"
        )
    if not out.flags.writeable:
        raise ValueError(
            f"hardshrink: out of shape {out.shape} is read-only, expected an array that can be "
            f"written; pass a copy, or leave out away"
        )
