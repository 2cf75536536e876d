"""Which kernels serve: the compiled ufuncs, or the same rules in NumPy's own arithmetic.

Invariants
----------
- The choice is made once, at the first array. ``SHRINKOPS_NUMPY_KERNEL`` forces it: "pure",
  or an instruction set of the compiled kernel ("baseline", "avx2", "avx512"). A value that
  cannot be served is an error, never another kernel.
- A compiled module of an older source is not used: what it lacks would depend on history.
- Everything that can fail is checked before a byte of the result is written.
- ml_dtypes is looked at only once an array of one of its types arrives.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from shrinkops.spec import Threshold, number_of

from . import _formats, _pure
from ._threadpool import connect
from ._thresholds import loop_array, operand, rounded_array

_ufunc: Any
try:
    from . import _ufunc  # type: ignore[no-redef, attr-defined, unused-ignore]
except ImportError as error:  # installed where there was no C compiler
    _ufunc = None
    _why_pure = f"no compiled kernel: {error}"
else:
    _why_pure = ""

__all__ = [
    "OPERATIONS",
    "SWITCH",
    "compiled",
    "describe",
    "ensure_dtype",
    "kernel",
    "native",
    "ufunc",
]

SWITCH = "SHRINKOPS_NUMPY_KERNEL"

_FLOATS, _ALL = frozenset({"float"}), frozenset({"float", "integer", "complex"})
OPERATIONS: dict[str, tuple[tuple[str, ...], frozenset[str]]] = {
    "hardshrink": (("lambd",), _ALL),
    "softshrink": (("lambd",), _ALL),
    "shrink": (("lambd", "bias"), _FLOATS),
    "firmshrink": (("lambd", "mu"), _FLOATS | {"complex"}),
    "garrote": (("lambd",), _FLOATS | {"complex"}),
}
"""The operations that have kernels here: their parameters, and the kinds of types they take."""

if _ufunc is not None and set(getattr(_ufunc, "operations", tuple)()) != set(OPERATIONS):
    _why_pure = f"the compiled kernel {_ufunc.__file__} is of another version; build it again"
    _ufunc = None


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
if _compiled:
    connect(_ufunc)
_made: dict[str, Any] = {}


def describe() -> str:
    """Return the kernel in use, in a few words."""
    return f"compiled ufunc ({_ufunc.selected()})" if _compiled else "pure NumPy"


def compiled() -> Any:
    """Return the compiled module, None where the kernels are NumPy's own arithmetic."""
    return _ufunc if _compiled else None


def ufunc(operation: str = "hardshrink") -> Any:
    """Return an operation's ufunc: the compiled one, or what libraries take for one; or None."""
    if operation not in OPERATIONS:
        return None
    if _compiled:
        return getattr(_ufunc, operation)
    if operation not in _made:
        from ._pure_ufunc import PureUfunc

        parameters, kinds = OPERATIONS[operation]
        _made.setdefault(operation, PureUfunc(operation, parameters, kinds))
    return _made[operation]


def ensure_dtype(dtype: Any) -> None:
    """Give the ufuncs their loops for a floating dtype, if they have none yet."""
    if _compiled:
        _formats.ensure(dtype)


def native(operation: str) -> Callable[..., Any] | None:
    """Return the kernel for checked arguments, see `shrinkops.Backend.native`."""
    if operation not in OPERATIONS:
        return None

    def checked(x: Any, *arguments: Any) -> Any:
        *parameters, out = arguments
        return _call(operation, x, parameters, out)

    return checked


def kernel(operation: str, guarded: Callable[..., Any]) -> Callable[..., Any]:
    """Return the kernel for unchecked arguments: the short way where there is one."""

    def unwrapping(x: Any, *arguments: Any) -> Any:
        *parameters, out = arguments
        return guarded(x, *map(number_of, parameters), out)

    def like_x(x: Any, *arguments: Any) -> Any:
        """Lay out what a generic definition gives as loops lay it out."""
        y = unwrapping(x, *arguments)
        if isinstance(x, np.generic) and type(y) is np.ndarray:
            return y[()]
        if type(x) is np.ndarray and isinstance(y, np.generic):
            return np.asarray(y)
        if not type(x) is type(y) is np.ndarray or y is arguments[-1] or y.strides == x.strides:
            return y
        laid = np.empty_like(x)
        laid[...] = y
        return laid

    if operation not in OPERATIONS:
        return like_x
    if _compiled:
        short: Callable[..., Any] = _ufunc.make_call(operation, unwrapping)
        return short
    return unwrapping


def operands(x: Any, parameters: list[Any]) -> list[Any]:
    """Round what the generic definition would round otherwise: for float8 and longdouble."""
    dtype = x.dtype.newbyteorder("=")
    wide = dtype.num == np.dtype(np.longdouble).num and dtype.itemsize > 8
    if not wide and (dtype.itemsize > 1 or dtype.kind in "iu"):
        return parameters
    return [
        (operand(p, dtype, not i) if wide else p)
        if isinstance(p, Threshold)
        else rounded_array(p, dtype, not i)
        for i, p in enumerate(parameters)
    ]


def _call(operation: str, x: Any, parameters: list[Any], out: Any) -> Any:
    dtype = x.dtype
    ensure_dtype(dtype)
    if out is not None:
        _check_out(operation, x, out)
    plain = type(x) is np.ndarray or isinstance(x, np.generic)
    pure = not _compiled and plain
    native_dtype = dtype.newbyteorder("=")
    operands = [
        operand(p, native_dtype, i == 0)
        if isinstance(p, Threshold)
        else (rounded_array if pure else loop_array)(p, dtype, i == 0)
        for i, p in enumerate(parameters)
    ]
    if pure:
        return _pure.compute(operation, x, operands, out)
    if out is not None and dtype.itemsize == 1 and dtype.kind not in "iu":
        # The loops of float8 write out before they have read all of a parameter.
        operands = [p.copy() if p.ndim and np.may_share_memory(p, out) else p for p in operands]
    function = ufunc(operation)
    if out is None and type(x) is np.ndarray and (x.ndim == 0 or any(p.ndim for p in operands)):
        # A ufunc would turn a 0-d result into a scalar, and ask λ for a say in the layout.
        out = np.empty_like(x)
    with np.errstate(all="ignore"):  # NumPy converts a parameter whose NaN may be signalling
        return function(x, *operands) if out is None else function(x, *operands, out=out)


def _check_out(operation: str, x: Any, out: Any) -> None:
    if not isinstance(out, np.ndarray):
        raise TypeError(
            f"{operation}: out must be an array that can be written, got {out!r} of type "
            f"{type(out).__module__}.{type(out).__qualname__}; pass numpy.empty_like(x)"
        )
    if out.dtype != x.dtype:
        raise TypeError(
            f"{operation}: out has dtype {out.dtype.str}, expected {x.dtype.str} as x has, byte "
            f"order included; allocate it with numpy.empty_like(x)"
        )
    if not out.flags.writeable:
        raise ValueError(
            f"{operation}: out of shape {out.shape} is read-only, expected an array that can be "
            f"written; pass a copy, or leave out away"
        )
