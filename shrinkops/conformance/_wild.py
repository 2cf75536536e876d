"""Implementations that people use today, as targets of the kit: the machinery.

An operation's suite lists its own (``Suite.wild``); ``tests/tools/deviations.py`` writes what
the kit says of them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shrinkops._plugins.backend import Backend
from shrinkops._target import Target

from ._context import Environment
from ._model import Result, Suite
from ._session import plan_for, run_suite

__all__ = ["Corner", "Wild", "judge"]


@dataclass(frozen=True)
class Corner:
    """A corner of the definition that libraries fill differently.

    Attributes
    ----------
    name : str
        In a few words.
    check : str
        Identifier of the check that looks into it.
    dtypes : tuple of str
        The element types that it is about; all where empty.
    """

    name: str
    check: str
    dtypes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wild:
    """An implementation in use.

    Attributes
    ----------
    name : str
    source : str
        What its users write.
    needs : tuple of str
        Modules that must be there.
    make : callable
        Returns it as a backend.
    checks : tuple of str
        Patterns of the checks that it can be held to: it never promised the rest.
    """

    name: str
    source: str
    needs: tuple[str, ...]
    make: Callable[[], Backend]
    checks: tuple[str, ...]

    @property
    def installed(self) -> bool:
        """Whether it can be judged here."""
        return all(importlib.util.find_spec(name) is not None for name in self.needs)


def judge(suite: Suite, wild: Wild, checks: Sequence[str] = ()) -> list[Result]:
    """Run the kit on an implementation in use."""
    backend = wild.make()
    target = Target(wild.name, backend, "", "", False)
    environment = Environment(suite, target)
    plan = plan_for(environment, tuple(checks) or wild.checks)
    return list(run_suite(environment, plan).results)
