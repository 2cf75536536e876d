"""The clauses that every operation shares, written once (spec/family.md).

Invariants
----------
- A shared clause has the same number and the same text under every prefix.
- An operation's clauses come in the order of groups, then of numbers.
"""

from __future__ import annotations

from ._declaration import Clause

__all__ = ["clauses"]

_GROUPS = ("VAL", "LAM", "TYP", "ARR", "DER", "TRF", "DSP")

_SHARED = (
    Clause("VAL-3", "NaN", "NaN in x stays NaN, at every position of the array."),
    Clause("VAL-6", "position", "A result depends on its own element and its own λ only."),
    Clause("VAL-7", "quiet", "No floating-point warning or error for any value of x."),
    Clause("LAM-1", "default", "λ is 0.5 by default, named lambd, the second parameter."),
    Clause("LAM-2", "rounding", "λ is rounded once to x's dtype, whatever its own type."),
    Clause("LAM-5", "bad λ", "NaN or overflow: ValueError; not a real number: TypeError."),
    Clause("LAM-6", "array λ", "λ may be an array that broadcasts to x.", "array_lambd"),
    Clause("TYP-1", "floating dtypes", "Every declared real floating dtype; float32 always."),
    Clause("TYP-4", "other dtypes", "A dtype that is not declared raises TypeError."),
    Clause("ARR-1", "same out as in", "Shape, dtype, array type and device are kept."),
    Clause("ARR-2", "layout", "Any layout in; a dense permuted layout is kept."),
    Clause("ARR-3", "purity", "x is never written, nor shared with the result."),
    Clause("ARR-4", "out", "out= is filled and returned, or refused untouched.", "out"),
    Clause("ARR-5", "residency", "No host copy, no synchronisation, lazy stays lazy."),
    Clause("ARR-6", "subclasses", "Kept or refused, never silently stripped."),
    Clause("DER-2", "selection", "A NaN cotangent in the band gives exactly 0.", "autodiff"),
    Clause("TRF-1", "same bits", "A transformed call gives the bits of the eager call."),
    Clause("TRF-2", "no retrace", "No graph break and no recompilation for new values."),
    Clause("DSP-1", "who computes", "The backend registered for x's type, no fallback."),
    Clause("DSP-2", "one library", "Arrays of two libraries raise TypeError."),
    Clause("DSP-3", "no backend", "A type with no backend raises TypeError."),
)

_USUAL = (
    Clause(
        "DER-1", "derivative", "By selection: the slope of x's piece, 0 in the band.", "autodiff"
    ),
)
"""What an operation has that does not word it itself."""


def _place(clause: Clause) -> tuple[int, int]:
    group, _, number = clause.identifier.rpartition("-")
    group = group.rpartition("-")[2]
    return (_GROUPS.index(group) if group in _GROUPS else len(_GROUPS)), int(number)


def clauses(prefix: str, *own: Clause) -> tuple[Clause, ...]:
    """Return an operation's clauses: the shared ones under its prefix, and its own.

    Parameters
    ----------
    prefix : str
        For example ``"SS"``.
    *own : Clause
        Named without the prefix, as ``"VAL-1"``.
    """
    worded = {clause.identifier for clause in own}
    usual = (clause for clause in _USUAL if clause.identifier not in worded)
    every = sorted((*_SHARED, *usual, *own), key=_place)
    return tuple(Clause(f"{prefix}-{c.identifier}", c.title, c.text, c.capability) for c in every)
