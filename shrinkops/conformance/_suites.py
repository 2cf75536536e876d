"""From an operation to its suite.

Invariants
----------
- An operation named N has its suite in ``shrinkops.conformance.N``, as ``SUITE``; no other
  place lists them.
- A suite that differs from its manifest is refused: a check that silently went missing
  would turn every report green for less.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec

from shrinkops._plugins.target import operations

from ._model import Suite

__all__ = ["load_suite", "load_suites"]


def load_suite(name: str) -> Suite:
    """Return the suite of an operation.

    Raises
    ------
    RuntimeError
        The suite is not complete.
    """
    suite: Suite = importlib.import_module(f"{__package__}.{name}").SUITE
    defects = suite.defects()
    if defects:
        raise RuntimeError(f"the conformance suite of {name!r} is damaged: {'; '.join(defects)}")
    return suite


def load_suites() -> list[Suite]:
    """Return the suites of all operations."""
    names = sorted(operations())
    return [load_suite(n) for n in names if find_spec(f"{__package__}.{n}") is not None]
