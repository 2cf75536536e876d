"""From an operation to its suite.

Invariants
----------
- Every operation that is declared has one, a third party's too: the shared rules, and what
  ``shrinkops.conformance.operations`` holds of its own.
- A suite that differs from its manifest is refused: a check that silently went missing
  would turn every report green for less.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from importlib.util import find_spec

from shrinkops._target import operations
from shrinkops.operations._declaration import Operation

from ._model import Suite

__all__ = ["find_operation", "load_suite", "load_suites"]


def find_operation(text: str) -> Operation:
    """Return the operation that ``--operation`` names.

    Parameters
    ----------
    text : str
        The name of one that is declared, or ``module:attribute`` of an `Operation`.

    Raises
    ------
    ValueError
        Nothing of that name; the message lists what there is.
    TypeError
        The attribute is no operation.
    """
    module, colon, attribute = text.partition(":")
    if not colon:
        known = operations()
        if text not in known:
            raise ValueError(
                f"no operation is named {text!r}; declared: {', '.join(sorted(known))}; for a "
                f"third party's write module:attribute"
            )
        return known[text]
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"operation {text!r} cannot be loaded: {error}") from error
    if not isinstance(found, Operation):
        raise TypeError(
            f"{text!r} is a {type(found).__name__}, expected a shrinkops.spec.Operation"
        )
    return found


def load_suite(operation: Operation) -> Suite:
    """Return the suite of an operation.

    Raises
    ------
    RuntimeError
        The suite is not complete.
    """
    own = f"{__package__}.{operation.name}"
    if find_spec(own) is not None and operations().get(operation.name) is operation:
        suite: Suite = importlib.import_module(own).SUITE
    else:
        from .rules.suite import build_suite

        suite = build_suite(operation)
    defects = suite.defects()
    if defects:
        name = operation.name
        raise RuntimeError(f"the conformance suite of {name!r} is damaged: {'; '.join(defects)}")
    return suite


def load_suites(names: Sequence[str] = ()) -> list[Suite]:
    """Return the suites of operations, of all that are declared where none is named."""
    return [load_suite(find_operation(name)) for name in names or sorted(operations())]
