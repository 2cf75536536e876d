"""The checks around a native or generic kernel, the same for every backend.

Invariants
----------
- Nothing is computed or written before every argument has been checked.
- A native kernel sees a declared dtype, a rounded λ (or an array of its own
  library that broadcasts to x) and a matching ``out``.
- The usual call (a float λ seen before, no ``out``) costs one dictionary look-up.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from shrinkops._errors import type_name
from shrinkops._numbers.formats import Format, IntegerFormat
from shrinkops._numbers.threshold import (
    Threshold,
    check_broadcast,
    is_real_number,
    round_threshold,
    threshold_bounds,
)

if TYPE_CHECKING:
    from shrinkops._plugins.backend import Backend, Kernel, Native
    from shrinkops.operations._declaration import Operation

__all__ = ["guarded"]

_REMEMBERED = 4096
"""Rounded thresholds kept per kernel; a program that sweeps λ starts over."""


def guarded(backend: Backend, operation: Operation) -> Kernel:
    """Return ``kernel(x, lambd, out)`` around a backend's native or generic kernel."""
    native = _with_generic(backend, operation)
    guard = _Guard(backend, operation.name)
    rounded = guard.rounded

    def kernel(x: Any, lambd: Any, out: Any) -> Any:
        if out is None and type(lambd) is float:
            threshold = rounded.get((lambd, x.dtype))
            if threshold is not None:
                return native(x, threshold, None)
        threshold = guard.check(x, lambd, out)
        return native(x, threshold, out)

    return kernel


def _with_generic(backend: Backend, operation: Operation) -> Native:
    """Return the native kernel, with the generic one behind it where it declines."""
    native = backend.native(operation.name)
    generic = _generic_kernel(backend, operation)
    if native is None:
        return generic

    def first_native(x: Any, threshold: Any, out: Any) -> Any:
        result = native(x, threshold, out)
        if result is NotImplemented:
            return generic(x, threshold, out)
        return result

    return first_native


def _generic_kernel(backend: Backend, operation: Operation) -> Native:
    """Bind an operation's Array API definition to a backend's namespace."""

    def native(x: Any, threshold: Any, out: Any) -> Any:
        xp = backend.namespace()
        dtype = backend.format(backend.dtype_name(x))
        low: Any
        high: Any
        if not isinstance(threshold, Threshold):
            low, high = _array_bounds(backend, xp, x, threshold, dtype)
        elif isinstance(dtype, IntegerFormat):
            low, high = threshold_bounds(threshold, dtype)
            if high >= 1 << 63:  # not every library takes such a Python integer as it is
                high = xp.asarray(high, dtype=x.dtype)
        else:
            low, high = -threshold.value, threshold.value
        result = operation.generic(xp, x, low, high)
        if out is None:
            return result
        out[...] = result
        return out

    return native


def _array_bounds(
    backend: Backend, xp: Any, x: Any, lambd: Any, dtype: Format | None
) -> tuple[Any, Any]:
    """Return the band of an array λ, as two arrays of x's dtype (HS-LAM-6).

    For integers the band is exact over the real numbers: ``floor(λ)``, clipped
    to the type on both sides; an empty band is ``1 <= x <= 0``.
    """
    if not isinstance(dtype, IntegerFormat):
        rounded = backend.astype(lambd, x.dtype)
        empty = lambd < 0
        # A negative λ may round to -0, whose band would not be empty.
        rounded = xp.where(empty, -xp.ones_like(rounded), rounded)
        return -rounded, rounded
    lowest, highest = dtype.limits
    lambd_format = backend.format(backend.dtype_name(lambd))
    floor = lambd if isinstance(lambd_format, IntegerFormat) else xp.floor(lambd)
    nothing = ~(floor >= 0)  # negative or NaN
    beyond = _reaches(floor, highest + 1, lambd_format, nothing)
    # Converted only where it fits, for a conversion that overflows means nothing.
    fits = xp.where(nothing | beyond, xp.zeros_like(floor), floor)
    high = backend.astype(fits, x.dtype)
    high = xp.where(beyond, xp.full_like(high, highest), high)
    # -highest - 1 is in the band too where λ reaches its magnitude.
    low = xp.where(beyond, xp.full_like(high, lowest), -high) if dtype.signed else high & 0
    return xp.where(nothing, xp.ones_like(high), low), high


def _reaches(floor: Any, power: int, dtype: Format | None, nothing: Any) -> Any:
    """Compare ``floor >= power``, a power of two that the dtype of λ may lack."""
    if isinstance(dtype, IntegerFormat):
        return floor >= power if power <= dtype.limits[1] else nothing & False
    assert dtype is not None
    significand, exponent = dtype.value_of(dtype.max_bits)
    largest = significand << exponent if exponent >= 0 else significand >> -exponent
    return floor >= (float(power) if power <= largest else math.inf)


class _Guard:
    """One backend's checks for one operation, in the order of the specification."""

    def __init__(self, backend: Backend, operation: str) -> None:
        self.backend = backend
        self.operation = operation
        self.dtypes = backend.dtypes
        self.features = backend.features
        self.rounded: dict[tuple[float, Any], Threshold] = {}

    def check(self, x: Any, lambd: Any, out: Any) -> Any:
        """Return the rounded threshold or the array λ, or raise."""
        self._check_libraries(x, lambd, out)
        name = self.backend.dtype_name(x)
        dtype = self.backend.format(name)
        if name not in self.dtypes or dtype is None:
            raise TypeError(
                f"{self.operation}: dtype {name} is not supported by the {self.backend.name!r} "
                f"backend, which takes {', '.join(sorted(self.dtypes))}; convert x first"
            )
        threshold: Any
        if self.backend.handles(type(lambd)) and not is_real_number(lambd):
            threshold = self._check_array_lambd(x, lambd)
        else:
            threshold = round_threshold(lambd, dtype, self.operation)
            if type(lambd) is float:
                if len(self.rounded) >= _REMEMBERED:
                    self.rounded.clear()
                self.rounded[lambd, x.dtype] = threshold
        if out is not None:
            self._check_out(x, out)
        return threshold

    def _check_libraries(self, x: Any, lambd: Any, out: Any) -> None:
        """HS-DSP-2: x, λ and out are of one library, or all their types are named."""
        foreign_lambd = (
            not is_real_number(lambd)
            and hasattr(lambd, "dtype")
            and hasattr(lambd, "shape")
            and not self.backend.handles(type(lambd))
        )
        foreign_out = out is not None and not self.backend.handles(type(out))
        if not (foreign_lambd or foreign_out):
            return
        types = [f"x is {type_name(type(x))}"]
        if hasattr(lambd, "dtype"):
            types.append(f"lambd is {type_name(type(lambd))}")
        if out is not None:
            types.append(f"out is {type_name(type(out))}")
        remedy = "pass a Python float as lambd" if foreign_lambd else "pass an out like x"
        raise TypeError(
            f"{self.operation}: all arrays must be of one library, the one of x "
            f"({self.backend.name!r} backend), got {', '.join(types)}; {remedy}, or convert"
        )

    def _check_array_lambd(self, x: Any, lambd: Any) -> Any:
        if "array_lambd" not in self.features:
            raise TypeError(
                f"{self.operation}: the {self.backend.name!r} backend takes no array as lambd, "
                f"got {type_name(type(lambd))} of shape {tuple(lambd.shape)}; pass a float"
            )
        name = self.backend.dtype_name(lambd)
        dtype = self.backend.format(name)
        if dtype is None or dtype.kind == "complex":
            raise TypeError(
                f"{self.operation}: lambd must hold real numbers, "
                f"got an array of dtype {name}; convert it to {self.backend.dtype_name(x)}"
            )
        check_broadcast(self.operation, tuple(lambd.shape), tuple(x.shape))
        return lambd

    def _check_out(self, x: Any, out: Any) -> None:
        if "out" not in self.features:
            raise TypeError(
                f"{self.operation}: the {self.backend.name!r} backend has no out=: "
                f"{self.backend.no_out}; use the returned array"
            )
        if out is x:
            return
        name, wanted = self.backend.dtype_name(out), self.backend.dtype_name(x)
        if name != wanted:
            raise TypeError(
                f"{self.operation}: out has dtype {name}, expected {wanted} as x has; "
                f"allocate out like x"
            )
        if tuple(out.shape) != tuple(x.shape):
            raise ValueError(
                f"{self.operation}: out has shape {tuple(out.shape)}, expected {tuple(x.shape)} "
                f"as x has; allocate out like x"
            )
        device, here = self.backend.device_of(out), self.backend.device_of(x)
        if device != here:
            raise ValueError(
                f"{self.operation}: out is on device {device}, expected {here} as x is; "
                f"allocate out like x"
            )
