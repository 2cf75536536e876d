"""The generic path: an operation's Array API definition, bound to a backend's namespace.

Invariants
----------
- The band, an empty band, NaN and the element types' rules are applied here, once for every
  operation; a declaration only says what lies outside.
- Narrow floats are computed in float32 and rounded once; a result has x's dtype and shape, or
  the call is refused.
- No division by zero, no overflow and no NaN is produced that x did not hold; what underflows
  on the way is nobody's concern, so NumPy's warnings are off.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from shrinkops._errors import module_of, type_name
from shrinkops._numbers.formats import FloatFormat, Format, IntegerFormat
from shrinkops._numbers.threshold import Threshold, threshold_bounds

from ._band import band, harmless, working
from ._complex import complex_result

if TYPE_CHECKING:
    from shrinkops._plugins.backend import Backend, Native
    from shrinkops.operations._declaration import Operation

__all__ = ["evaluate", "generic_kernel"]

_Astype = Callable[[Any, Any], Any]


def generic_kernel(backend: Backend, operation: Operation, form: Format) -> Native:
    """Bind an operation's Array API definition to a backend, for one element type."""
    # Namespaces made of NumPy have its warnings; a compiler cannot trace their context.
    quiet = nullcontext if "compile" in backend.features else _without_warnings

    def native(x: Any, *arguments: Any) -> Any:
        *given, out = arguments
        xp, parameters = backend.namespace(), backend._operands(x, given)
        forms = [
            None if isinstance(p, Threshold) else backend.format(backend.dtype_name(p))
            for p in parameters
        ]
        with quiet():
            result = evaluate(operation, xp, backend.astype, x, form, parameters, forms)
        if backend.dtype_name(result) != backend.dtype_name(x) or result.shape != x.shape:
            raise TypeError(
                f"{operation.name}: the namespace of the {backend.name!r} backend made "
                f"{backend.dtype_name(result)} of shape {tuple(result.shape)} of x, "
                f"{backend.dtype_name(x)} of shape {tuple(x.shape)}; "
                f"its where, full_like or arithmetic promotes"
            )
        if out is None:
            return _like(operation, x, result, xp)
        out[...] = result
        return out

    return native


def _like(operation: Operation, x: Any, result: Any, xp: Any) -> Any:
    """Return a result of NumPy's, or of what has its strides, as x is: its class, its order."""
    own = getattr(x, "strides", None)
    if own is None:
        return result
    if own == () and type(result) is not type(x):
        result = result[()]  # HS-ARR-1: where() makes an array of a scalar
    if type(result) is not type(x):  # HS-ARR-6: where() strips a subclass
        raise TypeError(
            f"{operation.name}: the namespace of {module_of(type(result))} makes "
            f"{type_name(type(result))} of {type_name(type(x))}; convert x first"
        )
    if x.ndim < 2 or own == result.strides:
        return result
    # HS-ARR-2: beside a parameter in another order the namespace chose its own.
    y = xp.empty_like(x)
    if y.strides == result.strides:
        return result
    y[...] = result
    return y


def _without_warnings() -> AbstractContextManager[Any]:
    numpy: Any = sys.modules.get("numpy")
    return nullcontext() if numpy is None else numpy.errstate(all="ignore")


def evaluate(
    operation: Operation,
    xp: Any,
    astype: _Astype,
    x: Any,
    form: Format,
    parameters: list[Any],
    forms: list[Format | None],
) -> Any:
    """Return the operation of an array by its Array API definition.

    Parameters
    ----------
    operation : Operation
    xp : namespace
    astype : callable
        ``astype(array, dtype)`` of that namespace.
    x : array
    form : Format
        The rules of x's element type.
    parameters : list of Threshold or array
        Rounded numbers, or arrays that broadcast to x, not yet rounded.
    forms : list of Format or None
        The rules of each array parameter's element type.
    """
    if isinstance(form, IntegerFormat):
        return _integers(operation, xp, astype, x, form, parameters, forms)
    if form.kind == "complex":
        return complex_result(operation, xp, astype, x, form, parameters)
    return _floats(operation, xp, astype, x, form, parameters)


def _floats(
    operation: Operation, xp: Any, astype: _Astype, x: Any, form: FloatFormat, parameters: list[Any]
) -> Any:
    low, high, empty = band(xp, astype, x.dtype, parameters[0])
    inside = (x >= low) & (x <= high)
    zeros = xp.zeros_like(x)
    if operation.accuracy == "exact" or empty is True:
        return xp.where(inside, zeros, x)
    narrow = form.width < 32
    wide = xp.float32 if narrow else x.dtype
    values = astype(x, wide) if narrow else x
    numbers = working(operation, xp, astype, x, wide, parameters, empty)
    # Where the definition is not asked it is given a number that it can take.
    unasked = inside | (values != values) | (xp.abs(values) == math.inf)
    if empty is not None:
        unasked = unasked | empty
    asked = xp.where(unasked, harmless(xp, numbers[0]), values)
    result = operation.outside(xp, asked, *numbers)
    result = xp.where(unasked, values, result)
    return xp.where(inside, zeros, astype(result, x.dtype) if narrow else result)


def _integers(
    operation: Operation,
    xp: Any,
    astype: _Astype,
    x: Any,
    form: IntegerFormat,
    parameters: list[Any],
    forms: list[Format | None],
) -> Any:
    low: Any
    high: Any
    lambd = parameters[0]
    empty: Any = None
    if isinstance(lambd, Threshold):
        low, high = threshold_bounds(lambd, form)
        if high >= 1 << 63:  # not every library takes such a Python integer as it is
            high = xp.asarray(high, dtype=x.dtype)
        empty = True if lambd.bits < 0 else None
    else:
        low, high = _integer_bounds(xp, astype, x.dtype, lambd, form, forms[0])
        empty = low > high
    inside = (x >= low) & (x <= high)
    zeros = xp.zeros_like(x)
    if operation.accuracy == "exact" or empty is True:
        return xp.where(inside, zeros, x)
    result = operation.outside(xp, x, high)
    if empty is not None:
        result = xp.where(empty, x, result)
    return xp.where(inside, zeros, result)


def _integer_bounds(
    xp: Any, astype: _Astype, dtype: Any, lambd: Any, form: IntegerFormat, own: Format | None
) -> tuple[Any, Any]:
    """Return the band of an array λ, exact over the real numbers: ``floor(λ)``, clipped.

    An empty band is ``1 <= x <= 0``.
    """
    lowest, highest = form.limits
    floor = lambd if isinstance(own, IntegerFormat) else xp.floor(lambd)
    nothing = ~(floor >= 0)  # negative or NaN
    beyond = _reaches(floor, highest + 1, own, nothing)
    # Converted only where it fits, for a conversion that overflows means nothing.
    fits = xp.where(nothing | beyond, xp.zeros_like(floor), floor)
    high = astype(fits, dtype)
    high = xp.where(beyond, xp.full_like(high, highest), high)
    # -highest - 1 is in the band too where λ reaches its magnitude.
    low = xp.where(beyond, xp.full_like(high, lowest), -high) if form.signed else high & 0
    return xp.where(nothing, xp.ones_like(high), low), high


def _reaches(floor: Any, power: int, own: Format | None, nothing: Any) -> Any:
    """Compare ``floor >= power``, a power of two that the dtype of λ may lack."""
    if isinstance(own, IntegerFormat):
        return floor >= power if power <= own.limits[1] else nothing & False
    assert own is not None
    significand, exponent = own.value_of(own.max_bits)
    largest = significand << exponent if exponent >= 0 else significand >> -exponent
    return floor >= (float(power) if power <= largest else math.inf)
