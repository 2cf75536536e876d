"""softshrink: x moved towards zero by λ, 0 in the closed band of λ.

Sources: ``torch.nn.Softshrink`` of the PyTorch documentation; D. L. Donoho, "De-noising by
soft-thresholding", IEEE Trans. Information Theory 41 (1995). It is the proximal operator of
``lambd * abs(x)``.
"""

from __future__ import annotations

from typing import Any, SupportsFloat, TypeVar

from ._clauses import clauses
from ._declaration import Clause, Operation, Parameter, Piece
from ._function import OperationCallable, define

__all__ = ["OPERATION", "Softshrink", "softshrink"]

_Array = TypeVar("_Array")


def _outside(xp: Any, x: Any, t: Any) -> Any:
    if hasattr(t, "dtype") and t.dtype in (xp.float32, xp.float64):
        return x - xp.where(x > 0, t, -t)  # no sum that overflows where it is not asked for
    return xp.where(x > 0, x - t, x + t)


def _magnitude(xp: Any, size: Any, excess: Any, t: Any) -> Any:  # noqa: ARG001
    return excess


def _derivatives(xp: Any, x: Any, t: Any) -> tuple[Any, ...]:  # noqa: ARG001
    one = xp.ones_like(x)
    return one, xp.where(x > 0, -one, one)


OPERATION = Operation(
    name="softshrink",
    prefix="SS",
    parameters=(Parameter("lambd", 0.5, negative="refused"),),
    kinds=frozenset({"float", "integer", "complex"}),
    pieces=(
        Piece(
            "lambd",
            value=lambda a, t: a - t,
            slope=lambda a, t: 1,  # noqa: ARG005
            partials={"lambd": lambda a, t: -1},  # noqa: ARG005
        ),
    ),
    outside=_outside,
    derivatives=_derivatives,
    magnitude=_magnitude,
    accuracy="rounded",
    whole=True,
    clauses=clauses(
        "SS",
        Clause("VAL-1", "band", "-t <= x <= t gives +0, for -0 and negative elements too."),
        Clause("VAL-2", "outside", "x - s*t, one subtraction in the working format."),
        Clause("VAL-4", "zero sign", "No result is -0; a difference of exactly 0 is +0."),
        Clause("VAL-5", "subnormals", "Subnormals are numbers; see flushes_subnormals."),
        Clause("LAM-3", "negative", "A negative number raises ValueError; an element leaves x."),
        Clause("LAM-4", "infinity", "λ = inf gives +0 for all but NaN."),
        Clause("TYP-2", "integers", "A whole λ, exactly; any other raises ValueError.", "integers"),
        Clause("TYP-3", "complex", "The magnitude shrinks, the phase stays.", "complex"),
        Clause("DER-1", "derivative", "1 outside the band, 0 in it.", "autodiff"),
        Clause("DER-3", "λ and second order", "d/dλ is -s outside; second ones are 0.", "autodiff"),
    ),
)


@define(OPERATION)
def softshrink(x: _Array, lambd: SupportsFloat = 0.5, *, out: _Array | None = None) -> _Array:
    """Move every element towards zero by ``lambd``, at most to 0.

    ::

        softshrink(x) = x - lambd   where x > lambd
                        x + lambd   where x < -lambd
                        0           elsewhere

    Parameters
    ----------
    x : array
        Of any registered library; any shape, any layout. Real floating dtypes, and
        integers or complex numbers where the backend declares them; for integers ``lambd``
        must be whole.
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
    Specification 1.0, clauses ``SS-*``. 16-bit and narrower floats are computed in float32 and
    rounded once. Of a complex number the magnitude shrinks and the phase stays.

    Examples
    --------
    >>> import numpy as np
    >>> import shrinkops
    >>> shrinkops.softshrink(np.array([-2.0, -0.5, 0.25, np.nan, 1.0]))
    array([-1.5,  0. ,  0. ,  nan,  0.5])
    >>> shrinkops.softshrink(np.array([3, -2, 1]), lambd=1)
    array([ 2, -1,  0])
    """
    raise NotImplementedError


class Softshrink(OperationCallable, function=softshrink):
    """`softshrink` with its parameters fixed, as a callable.

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
    >>> m = shrinkops.Softshrink()
    >>> m
    Softshrink(0.5)
    >>> m(np.array([0.5, 0.75]))
    array([0.  , 0.25])
    """

    lambd: Any = 0.5
