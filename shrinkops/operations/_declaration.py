"""What an operation is, to everything that does not know one by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Clause", "Operation"]


@dataclass(frozen=True, slots=True)
class Clause:
    """One numbered requirement of a specification.

    Attributes
    ----------
    identifier : str
        For example ``"HS-VAL-1"``; documentation, tests, reports and ledgers use it.
    title : str
    text : str
    capability : str or None
        The capability that a backend must declare for the clause to apply.
    """

    identifier: str
    title: str
    text: str
    capability: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """An elementwise operation with one threshold λ.

    Attributes
    ----------
    name : str
        The public function's name, and the key of a backend's native kernel.
    default : float
        Default of ``lambd``.
    generic : callable
        ``generic(xp, x, low, high)``: the definition in Array API terms, for any
        namespace ``xp``; the band ``low <= x <= high`` is closed.
    derivative : callable
        ``derivative(xp, x, low, high, cotangent)``: the vector-Jacobian product.
    clauses : tuple of Clause
    specification : str
        Version of the specification that the clauses come from.
    """

    name: str
    default: float
    generic: Callable[..., Any]
    derivative: Callable[..., Any]
    clauses: tuple[Clause, ...]
    specification: str
