"""firmshrink: 0 in the closed band of λ, x from μ on, and a straight line between them.

Sources: H.-Y. Gao and A. G. Bruce, "WaveShrink with firm shrinkage", Statistica Sinica 7
(1997); ``pywt.threshold_firm``. It is the proximal operator of the minimax concave penalty.
"""

from __future__ import annotations

from typing import Any, SupportsFloat, TypeVar

from ._clauses import clauses
from ._declaration import Clause, Operation, Parameter, Piece
from ._function import OperationCallable, define

__all__ = ["OPERATION", "Firmshrink", "firmshrink"]

_Array = TypeVar("_Array")


def _factor(xp: Any, t: Any, u: Any) -> Any:
    """Return ``u / (u - t)``: 1 for an infinite u; what it is for u = t is not used."""
    finite = (u < xp.inf) & (u > t)
    one = xp.ones_like(u)
    return xp.where(finite, xp.where(finite, u, one) / xp.where(finite, u - t, one), one)


def _outside(xp: Any, x: Any, t: Any, u: Any) -> Any:
    size = xp.abs(x)
    result = _magnitude(xp, size, size - t, t, u)
    return xp.where(x > 0, result, -result)


def _magnitude(xp: Any, size: Any, excess: Any, t: Any, u: Any) -> Any:
    between = size < u
    line = xp.where(between, excess, xp.zeros_like(excess)) * _factor(xp, t, u)
    return xp.where(between, xp.minimum(line, size), size)


def _derivatives(xp: Any, x: Any, t: Any, u: Any) -> tuple[Any, ...]:
    size, sign = xp.abs(x), xp.sign(x)
    one, zero = xp.ones_like(x), xp.zeros_like(x)
    between = size < u
    c = _factor(xp, t, u)
    width = xp.where((u < xp.inf) & (u > t), u - t, xp.ones_like(u))
    # u/(u - t) is c; for an infinite u these are the derivatives of softshrink.
    by_t = xp.where(u < xp.inf, sign * c * ((size - xp.where(u < xp.inf, u, one)) / width), -sign)
    by_u = xp.where(u < xp.inf, sign * (t / width) * ((t - size) / width), zero)
    return (
        xp.where(between, c, one),
        xp.where(between, by_t, zero),
        xp.where(between, by_u, zero),
    )


OPERATION = Operation(
    name="firmshrink",
    prefix="FS",
    parameters=(
        Parameter("lambd", 0.5, negative="refused"),
        Parameter("mu", 1.0, negative="refused", at_least="lambd"),
    ),
    kinds=frozenset({"float", "complex"}),
    pieces=(
        Piece(
            "lambd",
            value=lambda a, t, u: (a - t) * u / (u - t),
            slope=lambda a, t, u: u / (u - t),  # noqa: ARG005
            partials={
                "lambd": lambda a, t, u: u * (a - u) / (u - t) ** 2,
                "mu": lambda a, t, u: t * (t - a) / (u - t) ** 2,
            },
        ),
        Piece(
            "mu",
            value=lambda a, t, u: a,  # noqa: ARG005
            slope=lambda a, t, u: 1,  # noqa: ARG005
            includes_edge=True,
        ),
    ),
    outside=_outside,
    derivatives=_derivatives,
    magnitude=_magnitude,
    accuracy=2,
    clauses=clauses(
        "FS",
        Clause("VAL-1", "band", "-t <= x <= t gives +0, for -0 and negative elements too."),
        Clause("VAL-2", "outside", "x from u on, else s*min((|x| - t)*c, |x|), c = u/(u - t)."),
        Clause("VAL-4", "zero sign", "No result is -0; a difference of exactly 0 is +0."),
        Clause("VAL-5", "subnormals", "Subnormals are numbers; see flushes_subnormals."),
        Clause("LAM-3", "negative", "A negative number raises ValueError; an element leaves x."),
        Clause("LAM-4", "infinity", "λ = inf gives +0 for all but NaN; μ = inf is softshrink."),
        Clause("LAM-7", "order", "μ < λ after rounding, or NaN, raises ValueError naming both."),
        Clause("TYP-3", "complex", "The magnitude shrinks, the phase stays.", "complex"),
        Clause("DER-1", "derivative", "c between t and u, 1 from u on, 0 in the band.", "autodiff"),
        Clause("DER-3", "parameters", "Those of the formula between t and u.", "autodiff"),
    ),
)


@define(OPERATION)
def firmshrink(
    x: _Array, lambd: SupportsFloat = 0.5, mu: SupportsFloat = 1.0, *, out: _Array | None = None
) -> _Array:
    """Zero the band of ``lambd``, keep what reaches ``mu``, join the two by a straight line.

    ::

        firmshrink(x) = 0                                      where abs(x) <= lambd
                        sign(x) * mu * (abs(x) - lambd)
                                / (mu - lambd)                 where lambd < abs(x) < mu
                        x                                      where abs(x) >= mu

    Parameters
    ----------
    x : array
        Of any registered library; any shape, any layout. Real floating dtypes, and
        complex numbers where the backend declares them.
    lambd : real number or array, default 0.5
        The threshold λ, rounded once to the dtype of ``x``; it never promotes. Not negative.
        An array of the same library that broadcasts to ``x`` where the backend takes one;
        where one of its elements is negative or NaN, ``x`` is left as it is.
    mu : real number or array, default 1.0
        The magnitude μ from which on elements are kept; not below ``lambd``. With ``inf``
        the result is that of `softshrink`, with ``lambd`` that of `hardshrink`.
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
        ``lambd`` is negative, NaN or beyond the dtype, ``mu`` is NaN or below ``lambd`` after
        rounding, or a shape does not match.

    Notes
    -----
    Specification 1.0, clauses ``FS-*``. 16-bit and narrower floats are computed in float32 and
    rounded once; within 1.5 units in the last place of the exact value. An element of an
    array ``mu`` below that of ``lambd`` counts as equal to it.

    Examples
    --------
    >>> import numpy as np
    >>> import shrinkops
    >>> shrinkops.firmshrink(np.array([-2.0, -0.75, 0.25, np.nan, 1.0]))
    array([-2. , -0.5,  0. ,  nan,  1. ])
    """
    raise NotImplementedError


class Firmshrink(OperationCallable, function=firmshrink):
    """`firmshrink` with its parameters fixed, as a callable.

    Parameters
    ----------
    lambd : real number, default 0.5
        The threshold λ.
    mu : real number, default 1.0
        The magnitude μ from which on elements are kept.

    Raises
    ------
    TypeError
        A parameter is not a real number.
    ValueError
        ``lambd`` is negative, NaN or beyond the dtype, ``mu`` is NaN or below ``lambd`` after
        rounding, or a shape does not match.

    Notes
    -----
    Equal and hashable by value, and picklable.

    Examples
    --------
    >>> import numpy as np
    >>> import shrinkops
    >>> m = shrinkops.Firmshrink()
    >>> m
    Firmshrink(0.5, 1.0)
    >>> m(np.array([0.5, 0.75]))
    array([0. , 0.5])
    """

    lambd: Any = 0.5
    mu: Any = 1.0
