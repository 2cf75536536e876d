"""garrote: x - λ²/x outside the closed band of λ, 0 in it.

Sources: L. Breiman, "Better subset regression using the nonnegative garrote", Technometrics 37
(1995); H.-Y. Gao, "Wavelet shrinkage denoising using the non-negative garrote", Journal of
Computational and Graphical Statistics 7 (1998); ``pywt.threshold`` with "garrote".
"""

from __future__ import annotations

from typing import Any, SupportsFloat, TypeVar

from ._clauses import clauses
from ._declaration import Clause, Operation, Parameter, Piece
from ._function import OperationCallable, define

__all__ = ["OPERATION", "Garrote", "garrote"]

_Array = TypeVar("_Array")


def _outside(xp: Any, x: Any, t: Any) -> Any:
    size = xp.abs(x)
    result = _magnitude(xp, size, size - t, t)
    return xp.where(x > 0, result, -result)


def _magnitude(xp: Any, size: Any, excess: Any, t: Any) -> Any:
    # No square of t that could over- or underflow, and no cancellation near t.
    return xp.minimum(excess * (1 + t / size), size)


def _derivatives(xp: Any, x: Any, t: Any) -> tuple[Any, ...]:  # noqa: ARG001
    ratio = t / x
    return 1 + ratio * ratio, -2 * ratio


OPERATION = Operation(
    name="garrote",
    prefix="GA",
    parameters=(Parameter("lambd", 0.5, negative="refused"),),
    kinds=frozenset({"float", "complex"}),
    pieces=(
        Piece(
            "lambd",
            value=lambda a, t: a - t * t / a,
            slope=lambda a, t: 1 + (t / a) ** 2,
            partials={"lambd": lambda a, t: -2 * t / a},
        ),
    ),
    outside=_outside,
    derivatives=_derivatives,
    magnitude=_magnitude,
    accuracy=3,
    clauses=clauses(
        "GA",
        Clause("VAL-1", "band", "-t <= x <= t gives +0, for -0 and negative elements too."),
        Clause("VAL-2", "outside", "s*min((|x| - t)*(1 + t/|x|), |x|), which is x - t²/x."),
        Clause("VAL-4", "zero sign", "No result is -0; a difference of exactly 0 is +0."),
        Clause("VAL-5", "subnormals", "Subnormals are numbers; see flushes_subnormals."),
        Clause("LAM-3", "negative", "A negative number raises ValueError; an element leaves x."),
        Clause("LAM-4", "infinity", "λ = inf gives +0 for all but NaN."),
        Clause("TYP-3", "complex", "The magnitude shrinks, the phase stays.", "complex"),
        Clause("DER-1", "derivative", "1 + (t/x)² outside the band, 0 in it.", "autodiff"),
        Clause("DER-3", "λ and second order", "d/dλ is -2*t/x outside.", "autodiff"),
    ),
)


@define(OPERATION)
def garrote(x: _Array, lambd: SupportsFloat = 0.5, *, out: _Array | None = None) -> _Array:
    """Shrink by ``lambd**2 / x``: much near the band, little far from it.

    ::

        garrote(x) = x - lambd**2 / x   where abs(x) > lambd
                     0                  elsewhere

    Parameters
    ----------
    x : array
        Of any registered library; any shape, any layout. Real floating dtypes, and
        complex numbers where the backend declares them.
    lambd : real number or array, default 0.5
        The threshold λ, rounded once to the dtype of ``x``; it never promotes. Not negative.
        An array of the same library that broadcasts to ``x`` where the backend takes one;
        where one of its elements is negative or NaN, ``x`` is left as it is.
    out : array, optional
        Filled and returned, where the backend can write in place. Same shape,
        dtype and device as ``x``; may be ``x`` itself.

    Returns
    -------
    array
        Same type, shape, dtype and device as ``x``; never a view of it. NaN stays NaN,
        infinities stay themselves, zeroed elements are +0.

    Raises
    ------
    UnsupportedArrayError
        No backend takes the type of ``x`` (a `TypeError`).
    TypeError
        A dtype that the backend or the operation does not take, arrays of two libraries, a
        parameter that is not a real number, an ``out`` of another dtype.
    ValueError
        ``lambd`` is negative, NaN or beyond the dtype, or a shape does not match.

    Notes
    -----
    Specification 1.0, clauses ``GA-*``. 16-bit and narrower floats are computed in float32 and
    rounded once; within 2.1 units in the last place of the exact value.

    Examples
    --------
    >>> import numpy as np
    >>> import shrinkops
    >>> shrinkops.garrote(np.array([-2.0, -0.5, 0.25, np.nan, 1.0]))
    array([-1.875,  0.   ,  0.   ,    nan,  0.75 ])
    """
    raise NotImplementedError


class Garrote(OperationCallable, function=garrote):
    """`garrote` with its parameters fixed, as a callable.

    Parameters
    ----------
    lambd : real number, default 0.5
        The threshold λ.

    Raises
    ------
    TypeError
        A parameter is not a real number.
    ValueError
        ``lambd`` is negative, NaN or beyond the dtype, or a shape does not match.

    Notes
    -----
    Equal and hashable by value, and picklable.

    Examples
    --------
    >>> import numpy as np
    >>> import shrinkops
    >>> m = shrinkops.Garrote()
    >>> m
    Garrote(0.5)
    >>> m(np.array([0.5, 1.0]))
    array([0.  , 0.75])
    """

    lambd: Any = 0.5
