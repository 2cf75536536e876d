"""hardshrink: signature, clauses, generic definition, derivative.

Everything that knows the operation derives from this module: the public function
and class, the generic kernel, the conformance kit's clauses, the documentation. A
backend with something faster names it in ``native("hardshrink")``, nothing else does.

Source of the definition: ``torch.nn.Hardshrink`` of the PyTorch documentation; the
corners that it leaves open are closed by the clauses below.
"""

from __future__ import annotations

from typing import Any, TypeVar

from shrinkops._call.dispatcher import Dispatcher
from shrinkops._errors import type_name
from shrinkops._numbers.threshold import is_real_number

from ._declaration import Clause, Operation

__all__ = ["OPERATION", "Hardshrink", "hardshrink"]

_Array = TypeVar("_Array")


def generic(xp: Any, x: Any, low: Any, high: Any) -> Any:
    """Zero the closed band ``low <= x <= high``, in Array API terms.

    NaN compares false with everything, so it is kept, and so is every element
    under a NaN threshold; a negative λ makes an empty band.
    """
    return xp.where((x >= low) & (x <= high), xp.zeros_like(x), x)


def derivative(xp: Any, x: Any, low: Any, high: Any, cotangent: Any) -> Any:
    """Return the vector-Jacobian product: the cotangent by selection (HS-DER-2)."""
    return xp.where((x >= low) & (x <= high), xp.zeros_like(cotangent), cotangent)


_CLAUSES = (
    Clause("HS-VAL-1", "band", "-t <= x <= t gives zero; |x| equal to t is zero."),
    Clause("HS-VAL-2", "keep", "Every other element is returned bit for bit."),
    Clause("HS-VAL-3", "NaN", "NaN in x stays NaN, at every position of the array."),
    Clause("HS-VAL-4", "zero sign", "Every zeroed element is +0, a negative one or -0 included."),
    Clause("HS-VAL-5", "subnormals", "Subnormals compare and pass as what they are."),
    Clause("HS-VAL-6", "position", "A result depends on its own element and its own λ only."),
    Clause("HS-VAL-7", "quiet", "No floating-point warning or error for any value of x."),
    Clause("HS-LAM-1", "default", "λ is 0.5 by default, named lambd, the second parameter."),
    Clause("HS-LAM-2", "rounding", "λ is rounded once to x's dtype, whatever its own type."),
    Clause("HS-LAM-3", "negative", "λ < 0 is an empty band: the result is x bit for bit."),
    Clause("HS-LAM-4", "infinity", "λ = inf zeroes all but NaN; λ = -inf is the identity."),
    Clause("HS-LAM-5", "bad λ", "NaN or overflow: ValueError; not a real number: TypeError."),
    Clause("HS-LAM-6", "array λ", "λ may be an array that broadcasts to x.", "array_lambd"),
    Clause("HS-TYP-1", "floating dtypes", "Every declared real floating dtype; float32 always."),
    Clause("HS-TYP-2", "integers", "Exact over the real numbers, two-sided.", "integers"),
    Clause("HS-TYP-3", "complex", "Zero where |z| <= t, without overflow.", "complex"),
    Clause("HS-TYP-4", "other dtypes", "A dtype that is not declared raises TypeError."),
    Clause("HS-ARR-1", "same out as in", "Shape, dtype, array type and device are kept."),
    Clause("HS-ARR-2", "layout", "Any layout in; a dense permuted layout is kept."),
    Clause("HS-ARR-3", "purity", "x is never written, nor shared with the result."),
    Clause("HS-ARR-4", "out", "out= is filled and returned, or refused untouched.", "out"),
    Clause("HS-ARR-5", "residency", "No host copy, no synchronisation, lazy stays lazy."),
    Clause("HS-ARR-6", "subclasses", "Kept or refused, never silently stripped."),
    Clause("HS-DER-1", "derivative", "1 where kept, 0 in the closed band.", "autodiff"),
    Clause("HS-DER-2", "selection", "A NaN cotangent in the band gives exactly 0.", "autodiff"),
    Clause("HS-DER-3", "λ and second order", "d/dλ and second derivatives are 0.", "autodiff"),
    Clause("HS-TRF-1", "same bits", "A transformed call gives the bits of the eager call."),
    Clause("HS-TRF-2", "no retrace", "No graph break and no recompilation for new values."),
    Clause("HS-DSP-1", "who computes", "The backend registered for x's type, no fallback."),
    Clause("HS-DSP-2", "one library", "Arrays of two libraries raise TypeError."),
    Clause("HS-DSP-3", "no backend", "A type with no backend raises TypeError."),
)

OPERATION = Operation(
    name="hardshrink",
    default=0.5,
    generic=generic,
    derivative=derivative,
    clauses=_CLAUSES,
    specification="1.0",
)

_dispatcher = Dispatcher(OPERATION)
_resolve = _dispatcher.resolver(__name__)


def hardshrink(x: _Array, lambd: Any = 0.5, *, out: _Array | None = None) -> _Array:
    """Zero every element whose magnitude is at most ``lambd``.

    ::

        hardshrink(x) = x   where x > lambd or x < -lambd
                        0   elsewhere

    Parameters
    ----------
    x : array
        Of any registered library: numpy, torch, jax, cupy, … Any shape, any layout.
        Real floating dtypes, and integers or complex numbers where the backend declares them.
    lambd : real number or array, default 0.5
        The threshold λ, rounded once to the dtype of ``x``; it never promotes. An
        array of the same library that broadcasts to ``x`` where the backend takes
        one. Negative: nothing is zeroed.
    out : array, optional
        Filled and returned, where the backend can write in place. Same shape,
        dtype and device as ``x``; may be ``x`` itself.

    Returns
    -------
    array
        Same type, shape, dtype and device as ``x``; never a view of it. Kept
        elements are returned bit for bit, NaN stays NaN, zeroed ones are +0.

    Raises
    ------
    UnsupportedArrayError
        No backend takes the type of ``x`` (a `TypeError`).
    TypeError
        A dtype that the backend does not declare, arrays of two libraries, a
        ``lambd`` that is not a real number, an ``out`` of another dtype.
    ValueError
        ``lambd`` is NaN or beyond the dtype, or a shape does not match.

    Notes
    -----
    Specification 1.0, clauses ``HS-*``. The definition is that of
    ``torch.nn.Hardshrink``. At ``|x| == lambd`` the result is 0.

    Examples
    --------
    >>> import numpy as np
    >>> import shrinkops
    >>> shrinkops.hardshrink(np.array([-2.0, -0.5, 0.25, np.nan, 1.0]))
    array([-2.,  0.,  0., nan,  1.])
    >>> shrinkops.hardshrink(np.array([3, -2, 1]), lambd=1.5)
    array([ 3, -2,  0])
    """
    try:
        kernel = _dispatcher.table[type(x)]
    except KeyError:
        name = _resolve(type(x))
        kernel = _dispatcher.kernels[name]
    return kernel(x, lambd, out)  # type: ignore[no-any-return]


class Hardshrink:
    """`hardshrink` with a fixed threshold, as a callable.

    Parameters
    ----------
    lambd : real number, default 0.5
        The threshold λ.

    Raises
    ------
    TypeError
        ``lambd`` is not a real number.
    ValueError
        ``lambd`` is NaN.

    Notes
    -----
    Equal and hashable by value, and picklable. Stands where
    ``torch.nn.Hardshrink`` stands in code that only calls it.

    Examples
    --------
    >>> import numpy as np
    >>> import shrinkops
    >>> m = shrinkops.Hardshrink()
    >>> m
    Hardshrink(0.5)
    >>> m(np.array([0.5, 0.75]))
    array([0.  , 0.75])
    """

    __slots__ = ("lambd",)

    lambd: Any

    def __init__(self, lambd: Any = 0.5) -> None:
        if not is_real_number(lambd):
            raise TypeError(
                f"Hardshrink: lambd must be a real number, got {lambd!r} of type "
                f"{type_name(type(lambd))}; for an array of thresholds call hardshrink(x, lambd)"
            )
        if lambd != lambd:
            raise ValueError(f"Hardshrink: lambd={lambd!r} is not a threshold; pass a number")
        object.__setattr__(self, "lambd", lambd)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"Hardshrink is immutable, cannot set {name!r}; make another one")

    def __call__(self, x: _Array, *, out: _Array | None = None) -> _Array:
        """Return ``hardshrink(x, self.lambd, out=out)``."""
        return hardshrink(x, self.lambd, out=out)

    def __repr__(self) -> str:
        return f"Hardshrink({self.lambd!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Hardshrink):
            return NotImplemented
        return bool(self.lambd == other.lambd)

    def __hash__(self) -> int:
        return hash((Hardshrink, self.lambd))

    def __reduce__(self) -> tuple[type[Hardshrink], tuple[Any]]:
        return Hardshrink, (self.lambd,)
