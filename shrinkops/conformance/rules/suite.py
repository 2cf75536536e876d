"""From a declaration to its suite: the shared rules under the operation's prefix, and its own.

Invariants
----------
- A shared check's identifier is ``<prefix>-`` and what is written here, for every operation.
- A check runs only for kinds of element types that the operation declares.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from shrinkops.conformance._model import Check, Suite
from shrinkops.operations._declaration import Operation

from . import derivatives, eager, refusals, rounding, transformations

__all__ = ["build_suite", "shared_checks"]

SAMPLE = 24
"""How many of the derived mutants the self-test takes."""
_OWN = "shrinkops.conformance.operations"
_SHARED: tuple[Any, ...] = (eager, rounding, refusals, derivatives, transformations)


def shared_checks(operation: Operation) -> list[Check]:
    """Return the checks that every operation shares, for one of them."""
    found = []
    for module in _SHARED:
        for check in module.CHECKS:
            kinds = check.kinds & operation.kinds
            if check.kinds and not kinds:
                continue
            name = f"{operation.prefix}-{check.identifier}"
            found.append(replace(check, identifier=name, kinds=kinds))
    return found


def own_part(operation: Operation) -> Any:
    """Return the module of an operation's own rules, None where it has none."""
    name = f"{_OWN}.{operation.name}"
    return importlib.import_module(name) if find_spec(name) is not None else None


def build_suite(
    operation: Operation, more: Iterable[Check] = (), manifest: Sequence[str] = (), **parts: Any
) -> Suite:
    """Return the suite of an operation."""
    from .mutants import sample

    own = own_part(operation)
    by_hand = parts.pop("mutants", tuple)
    order = {clause.identifier: i for i, clause in enumerate(operation.clauses)}
    checks = [*more, *shared_checks(operation), *getattr(own, "CHECKS", ())]
    text = repr((operation.name, operation.parameters, operation.clauses))
    return Suite(
        operation=operation,
        checks=tuple(sorted(checks, key=lambda check: order.get(check.clause, len(order)))),
        manifest=manifest or tuple(c.identifier for c in checks if c.since == "1.0"),
        vectors_hash=parts.pop("vectors_hash", hashlib.sha256(text.encode()).hexdigest()),
        expected=parts.pop("expected", None),
        formula=getattr(own, "formula", None),
        mutants=lambda: (*by_hand(), *sample(operation, SAMPLE)),
        **parts,
    )
