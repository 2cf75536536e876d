"""hardshrink: x outside the closed band of λ, 0 in it.

Source of the definition: ``torch.nn.Hardshrink`` of the PyTorch documentation; the
corners that it leaves open are closed by the clauses of its specification.
"""

from __future__ import annotations

from typing import Any, SupportsFloat, TypeVar

from ._clauses import clauses
from ._declaration import Clause, Operation, Parameter, Piece
from ._function import OperationCallable, define

__all__ = ["OPERATION", "Hardshrink", "hardshrink"]

_Array = TypeVar("_Array")


def _outside(xp: Any, x: Any, t: Any) -> Any:  # noqa: ARG001 - λ only decides
    return x


def _derivatives(xp: Any, x: Any, t: Any) -> tuple[Any, ...]:  # noqa: ARG001
    return xp.ones_like(x), xp.zeros_like(x)


OPERATION = Operation(
    name="hardshrink",
    prefix="HS",
    parameters=(Parameter("lambd", 0.5),),
    kinds=frozenset({"float", "integer", "complex"}),
    pieces=(Piece("lambd", value=lambda a, t: a, slope=lambda a, t: 1),),  # noqa: ARG005
    outside=_outside,
    derivatives=_derivatives,
    accuracy="exact",
    clauses=clauses(
        "HS",
        Clause("VAL-1", "band", "-t <= x <= t gives zero; |x| equal to t is zero."),
        Clause("VAL-2", "keep", "Every other element is returned bit for bit."),
        Clause("VAL-4", "zero sign", "Every zeroed element is +0, a negative one or -0 included."),
        Clause("VAL-5", "subnormals", "Subnormals compare and pass as what they are."),
        Clause("LAM-3", "negative", "λ < 0 is an empty band: the result is x bit for bit."),
        Clause("LAM-4", "infinity", "λ = inf zeroes all but NaN; λ = -inf is the identity."),
        Clause("TYP-2", "integers", "Exact over the real numbers, two-sided.", "integers"),
        Clause("TYP-3", "complex", "Zero where |z| <= t, without overflow.", "complex"),
        Clause("DER-1", "derivative", "1 where kept, 0 in the closed band.", "autodiff"),
        Clause("DER-3", "λ and second order", "d/dλ and second derivatives are 0.", "autodiff"),
    ),
)


@define(OPERATION)
def hardshrink(x: _Array, lambd: SupportsFloat = 0.5, *, out: _Array | None = None) -> _Array:
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
    raise NotImplementedError


class Hardshrink(OperationCallable, function=hardshrink):
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

    lambd: Any = 0.5
