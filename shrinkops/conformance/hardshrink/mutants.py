"""Wrong hardshrinks, each with the name of the check that convicts it."""

from __future__ import annotations

from collections.abc import Sequence

from shrinkops.conformance._mutants import Mutant

from . import mutants_behaviour, mutants_derivative, mutants_values

__all__ = ["MUTANTS"]

MUTANTS: Sequence[Mutant] = (
    *mutants_values.MUTANTS,
    *mutants_behaviour.MUTANTS,
    *mutants_derivative.MUTANTS,
)
