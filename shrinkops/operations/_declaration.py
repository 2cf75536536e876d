"""What an operation is, to everything that does not know one by name.

Invariants
----------
- A declaration is data and small pure functions; it imports no array library.
- The exact definition (``pieces``) and the Array API definition (``outside``) are written
  apart, by hand: the one judges the other.
- Every operation shrinks around the closed dead band ``-t <= x <= t`` of its first parameter;
  a negative or NaN element of that parameter is an empty band and leaves x as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from shrinkops._frozen import Frozen

__all__ = ["Clause", "Operation", "Parameter", "Piece"]

KINDS = frozenset({"float", "integer", "complex"})
NEGATIVE = frozenset({"identity", "refused", "value"})


class Clause(Frozen):
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


class Parameter(Frozen):
    """A number, or an array of them, that an operation takes beside x.

    Attributes
    ----------
    name : str
    default : float
    negative : {"identity", "refused", "value"}
        What a concrete negative number means: an empty band, a `ValueError`, or itself.
    infinite : bool
        Whether a concrete infinity is taken.
    at_least : str
        The parameter that this one may not be smaller than, after rounding; "" for none.
    """

    name: str
    default: float
    negative: str = "identity"
    infinite: bool = True
    at_least: str = ""

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"a parameter is named {self.name!r}; give a Python identifier")
        if self.negative not in NEGATIVE:
            raise ValueError(
                f"parameter {self.name!r}: negative is {self.negative!r}, expected one of "
                f"{', '.join(sorted(NEGATIVE))}"
            )


class Piece(Frozen):
    """One branch of the exact definition, on magnitudes; the operation is odd in x.

    Attributes
    ----------
    above : str
        The parameter at which the branch begins.
    value : callable
        ``value(a, *parameters)``: the result for ``a = abs(x)``, all as `fractions.Fraction`.
    slope : callable
        d/dx, of the same arguments.
    partials : mapping of str to callable
        d/d parameter for positive x; for negative x its opposite. A missing one is 0.
    includes_edge : bool
        Whether the branch holds at its lower edge too.
    """

    above: str
    value: Callable[..., Any]
    slope: Callable[..., Any]
    partials: Mapping[str, Callable[..., Any]] = MappingProxyType({})
    includes_edge: bool = False


class Operation(Frozen):
    """An elementwise operation that shrinks numbers towards zero around a closed dead band.

    Attributes
    ----------
    name : str
        The public function's name, and the key of a backend's native kernel.
    prefix : str
        Of its clauses: ``"HS"``.
    parameters : tuple of Parameter
        The first one is the half width of the band.
    kinds : frozenset of {"float", "integer", "complex"}
        Kinds of element types that it is defined for.
    pieces : tuple of Piece
        The exact definition outside the band, from the band outwards.
    outside : callable
        ``outside(xp, x, *parameters)``: the definition in Array API terms, in the working
        format, for elements outside the band; what it gives inside is not used.
    derivatives : callable
        ``derivatives(xp, x, *parameters)``: d/dx and d/d each parameter outside the band.
    accuracy : str or int
        ``"exact"`` (elements are returned or zeroed), ``"rounded"`` (correctly rounded), or a
        bound in units in the last place.
    clauses : tuple of Clause
    specification : str
        Version of the specification that the clauses come from.
    whole : bool
        Whether integers take whole parameters only.
    magnitude : callable, optional
        ``magnitude(xp, size, excess, *parameters)``: the result's magnitude for a complex
        number of that size, which exceeds the band by ``excess``; that difference is given
        because subtracting the two again would lose it. Needed for complex numbers, but where
        elements are only returned or zeroed.
    """

    name: str
    prefix: str
    parameters: tuple[Parameter, ...]
    kinds: frozenset[str]
    pieces: tuple[Piece, ...]
    outside: Callable[..., Any]
    derivatives: Callable[..., tuple[Any, ...]]
    accuracy: str | int
    clauses: tuple[Clause, ...]
    specification: str = "1.0"
    whole: bool = False
    magnitude: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        names = self.parameter_names
        if not names or len(set(names)) < len(names):
            raise ValueError(f"operation {self.name!r} has parameters {names}; give each one name")
        if not self.kinds <= KINDS or "float" not in self.kinds:
            raise ValueError(
                f"operation {self.name!r}: kinds are {sorted(self.kinds)}, expected 'float' and "
                f"perhaps 'integer' and 'complex'"
            )
        if "complex" in self.kinds and self.accuracy != "exact" and self.magnitude is None:
            raise ValueError(f"operation {self.name!r} takes complex numbers; give a magnitude")
        edges = [piece.above for piece in self.pieces]
        if not edges or edges[0] != names[0] or not set(edges) <= set(names):
            raise ValueError(
                f"operation {self.name!r}: pieces begin at {edges}, expected parameters, the "
                f"first of them {names[0]!r}"
            )

    def __reduce__(self) -> Any:
        import pkgutil

        # By its name, as a function is: its definitions are functions that no module names.
        return pkgutil.resolve_name, (f"shrinkops._call.dispatcher:by_name.{self.name}.operation",)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def default(self) -> float:
        """Default of the first parameter."""
        return self.parameters[0].default

    @property
    def defaults(self) -> tuple[float, ...]:
        """Defaults of all parameters."""
        return tuple(parameter.default for parameter in self.parameters)
