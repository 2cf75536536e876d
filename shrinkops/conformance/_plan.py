"""The denominator: which items a target must run, known before anything runs.

Invariants
----------
- The plan depends on the suite, the backend's declared capabilities and its devices
  alone. What a backend does not declare stays in the plan, marked so.
- ``required`` counts what must come to a verdict; fewer results than that is a failure
  of the run, whatever their colour.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shrinkops._target import Target
from shrinkops.adapter import Adapter

from ._model import Check, Item, Suite
from ._numbers import number_of

__all__ = ["Plan", "make_plan"]


@dataclass(frozen=True)
class Plan:
    """Items to run, and what they were selected from.

    Attributes
    ----------
    items : sequence of Item
        Those selected, the undeclared included.
    total : int
        Items before ``--check`` selected among them.
    """

    items: Sequence[Item]
    total: int

    @property
    def required(self) -> list[Item]:
        """The items that must come to a verdict."""
        return [i for i in self.items if not i.undeclared and not i.check.provisional]

    @property
    def to_run(self) -> list[Item]:
        """The items that run, provisional ones included."""
        return [i for i in self.items if not i.undeclared]


def make_plan(
    suite: Suite,
    target: Target,
    adapter: Adapter,
    *,
    patterns: Sequence[str] = (),
    frozen: bool = False,
) -> Plan:
    """Return the plan for a target.

    Parameters
    ----------
    suite : Suite
    target : Target
    adapter : Adapter
        Names devices and transformations.
    patterns : sequence of str
        Shell patterns of check or item identifiers; all where empty.
    frozen : bool
        Leave out what came after the specification, and provisional checks (``--spec``).
    """
    devices, names = list(adapter.devices()), adapter.transformations()
    every = [
        item
        for check in suite.checks
        if not (frozen and (check.provisional or check.since != "1.0"))
        for item in _items(check, target, devices, names, check.idle(adapter))
    ]
    chosen = [i for i in every if not patterns or any(_matches(i, p) for p in patterns)]
    return Plan(chosen, len(every))


def _matches(item: Item, pattern: str) -> bool:
    names = (item.identifier, item.check.identifier, item.check.clause)
    return any(name == pattern or fnmatch.fnmatchcase(name, pattern) for name in names)


def _items(
    check: Check, target: Target, devices: Sequence[Any], transformations: Sequence[str],
    idle: bool,
) -> Iterator[Item]:  # fmt: skip
    capabilities = target.backend.capabilities
    missing = sorted(check.needs - capabilities)
    if missing:
        yield Item(check, undeclared=", ".join(missing))
        return
    if check.lacks & capabilities:
        return  # the other direction of a capability that is declared
    if not check.kinds or idle:
        yield from (Item(check, device=device) for device in devices[:1])
        return
    dtypes = [d for d in sorted(target.backend.dtypes) if _applies(check, target, d)]
    if not dtypes:
        yield Item(check, undeclared=f"no {' or '.join(sorted(check.kinds))} dtype")
        return
    names = transformations if check.transformed else [""]
    if not names:
        yield Item(check, undeclared="no transformation")
    for name in names:
        for device in devices:
            yield from (Item(check, dtype, device, name) for dtype in dtypes)


def _applies(check: Check, target: Target, dtype: str) -> bool:
    number = number_of(target.backend.format(dtype), dtype)
    if number is None or number.kind not in check.kinds:
        return False
    return not check.dtypes or dtype in check.dtypes
