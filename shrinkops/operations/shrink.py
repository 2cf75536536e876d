"""shrink: x moved towards zero by a bias outside the closed band of λ, 0 in it.

Source: the operator Shrink-9 of ONNX. With bias 0 it is hardshrink, with bias λ softshrink.
"""

from __future__ import annotations

from typing import Any, SupportsFloat, TypeVar

from ._clauses import clauses
from ._declaration import Clause, Operation, Parameter, Piece
from ._function import OperationCallable, define

__all__ = ["OPERATION", "Shrink", "shrink"]

_Array = TypeVar("_Array")


def _outside(xp: Any, x: Any, t: Any, b: Any) -> Any:  # noqa: ARG001
    return x - xp.where(x > 0, b, -b)  # no sum that overflows where it is not asked for


def _derivatives(xp: Any, x: Any, t: Any, b: Any) -> tuple[Any, ...]:  # noqa: ARG001
    one = xp.ones_like(x)
    return one, xp.zeros_like(x), xp.where(x > 0, -one, one)


OPERATION = Operation(
    name="shrink",
    prefix="SH",
    parameters=(
        Parameter("lambd", 0.5),
        Parameter("bias", 0.0, negative="value", infinite=False),
    ),
    kinds=frozenset({"float"}),
    pieces=(
        Piece(
            "lambd",
            value=lambda a, t, b: a - b,  # noqa: ARG005
            slope=lambda a, t, b: 1,  # noqa: ARG005
            partials={"bias": lambda a, t, b: -1},  # noqa: ARG005
        ),
    ),
    outside=_outside,
    derivatives=_derivatives,
    accuracy="rounded",
    clauses=clauses(
        "SH",
        Clause("VAL-1", "band", "-t <= x <= t gives +0, for -0 and negative elements too."),
        Clause("VAL-2", "outside", "x - s*b, one subtraction in the working format."),
        Clause("VAL-4", "zero sign", "No result is -0; a difference of exactly 0 is +0."),
        Clause("VAL-5", "subnormals", "Subnormals are numbers; see flushes_subnormals."),
        Clause("LAM-3", "negative", "λ < 0 is an empty band: x bit for bit, without the bias."),
        Clause("LAM-4", "infinity", "λ = inf gives +0 for all but NaN; no infinite bias."),
        Clause("LAM-7", "bias", "Any finite real number, rounded as λ is."),
        Clause("DER-1", "derivative", "1 outside the band, 0 in it.", "autodiff"),
        Clause("DER-3", "parameters", "d/dλ is 0, d/dbias -s outside.", "autodiff"),
    ),
)


@define(OPERATION)
def shrink(
    x: _Array, lambd: SupportsFloat = 0.5, bias: SupportsFloat = 0.0, *, out: _Array | None = None
) -> _Array:
    """Zero the band of ``lambd`` and move the rest towards zero by ``bias``.

    ::

        shrink(x) = x - bias   where x > lambd
                    x + bias   where x < -lambd
                    0          elsewhere

    Parameters
    ----------
    x : array
        Of any registered library; any shape, any layout. Real floating dtypes.
    lambd : real number or array, default 0.5
        The threshold λ, rounded once to the dtype of ``x``; it never promotes. Negative:
        ``x`` is returned as it is, without the bias.
        An array of the same library that broadcasts to ``x`` where the backend takes one;
        where one of its elements is negative or NaN, ``x`` is left as it is.
    bias : real number or array, default 0.0
        Subtracted from the magnitude; a negative one enlarges. Finite.
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
        A parameter is NaN or beyond the dtype, ``bias`` is infinite, or a shape does not match.

    Notes
    -----
    Specification 1.0, clauses ``SH-*``. 16-bit and narrower floats are computed in float32 and
    rounded once. A bias beyond ``lambd`` changes the sign of small results.

    Examples
    --------
    >>> import numpy as np
    >>> import shrinkops
    >>> shrinkops.shrink(np.array([-2.0, -0.5, 0.25, np.nan, 1.0]), 0.5, 0.25)
    array([-1.75,  0.  ,  0.  ,   nan,  0.75])
    """
    raise NotImplementedError


class Shrink(OperationCallable, function=shrink):
    """`shrink` with its parameters fixed, as a callable.

    Parameters
    ----------
    lambd : real number, default 0.5
        The threshold λ.
    bias : real number, default 0.0
        Subtracted from the magnitude.

    Raises
    ------
    TypeError
        A parameter is not a real number.
    ValueError
        A parameter is NaN or beyond the dtype, ``bias`` is infinite, or a shape does not match.

    Notes
    -----
    Equal and hashable by value, and picklable.

    Examples
    --------
    >>> import numpy as np
    >>> import shrinkops
    >>> m = shrinkops.Shrink()
    >>> m
    Shrink(0.5, 0.0)
    >>> m(np.array([0.5, 0.75]))
    array([0.  , 0.75])
    """

    lambd: Any = 0.5
    bias: Any = 0.0
