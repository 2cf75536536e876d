"""Wrong implementations made of right ones: the machinery.

Invariants
----------
- A mutant wraps a backend's own kernel, so it exists for any backend, third parties'
  included, and differs from a right implementation in one defect only.
- It names the check that must convict it. Another check that does so as well is welcome
  and proves nothing.
- The control is the same wrapper without the defect: it must pass the same check, so a
  conviction is due to the defect.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shrinkops._plugins.backend import Backend
from shrinkops._target import Target
from shrinkops.adapter import Adapter
from shrinkops.operations._declaration import Operation

__all__ = ["CONTROL", "Mutant", "Record", "Tools", "mutated", "output", "whole"]

Kernel = Callable[..., Any]


@dataclass
class Record:
    """What a derived mutant did during a run.

    Attributes
    ----------
    met : int
        Calls in which its conditions held.
    changed : int
        Those whose outcome differed from the right one; counted where ``compares``.
    compares : bool
        Each such call is made a second time, by the unharmed kernel.
    """

    met: int = 0
    changed: int = 0
    compares: bool = False


@dataclass(frozen=True)
class Tools:
    """What a mutant needs of the library."""

    backend: Backend
    adapter: Adapter
    record: Record = field(default_factory=Record, compare=False)

    def read(self, x: Any) -> np.ndarray[Any, Any]:
        """Return an array as NumPy's, in native byte order, as a copy."""
        array = np.array(self.adapter.to_numpy(x))
        return array.astype(array.dtype.newbyteorder("="), copy=False)

    def make(self, array: np.ndarray[Any, Any]) -> Any:
        """Return the library's array."""
        return self.adapter.from_numpy(array)

    @property
    def is_host(self) -> bool:
        """Whether arrays are NumPy's own."""
        return self.adapter.is_numpy


@dataclass(frozen=True)
class Mutant:
    """A wrong implementation.

    Attributes
    ----------
    name : str
    defect : str
        One line.
    killer : str
        Identifier of the check that must convict it; "*" for any.
    wrap : callable
        ``wrap(kernel, tools)`` returns the wrong kernel.
    needs : frozenset of str
        Capabilities without which it cannot exist.
    dtypes : sequence of str
        Element types to try first.
    applies : callable
        ``applies(tools)``: why it cannot exist on this backend, or "".
    raises : bool
        It is convicted by an exception that it provokes.
    levels : sequence of (dimension, level), optional
        What a derived defect is confined to; None for one that is written by hand.
    """

    name: str
    defect: str
    killer: str
    wrap: Callable[[Kernel, Tools], Kernel]
    needs: frozenset[str] = frozenset()
    dtypes: Sequence[str] = ("float32",)
    applies: Callable[[Tools], str] = field(default=lambda _: "")
    raises: bool = False
    levels: Sequence[tuple[str, str]] | None = None


def whole(change: Callable[..., Any]) -> Callable[[Kernel, Tools], Kernel]:
    """Make a ``wrap`` of ``change(kernel, tools, x, lambd, out)``."""

    def wrap(kernel: Kernel, tools: Tools) -> Kernel:
        return lambda x, lambd, out: change(kernel, tools, x, lambd, out)

    return wrap


def output(perturb: Callable[..., Any]) -> Callable[[Kernel, Tools], Kernel]:
    """Make a ``wrap`` that changes results: ``perturb(x, lambd, y)`` on NumPy arrays.

    It returns the wrong result. Calls with ``out``, traced calls and refused calls go
    through unchanged.
    """

    def change(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
        y = kernel(x, lambd, out)
        if out is not None:
            return y
        try:
            given, right = tools.read(x), tools.read(y)
        except Exception:  # a tracer
            return y
        with np.errstate(all="ignore"):
            wrong = np.asarray(perturb(given, lambd, right))
        if isinstance(y, np.generic):
            return wrong.dtype.type(wrong)
        return tools.make(wrong)

    return whole(change)


CONTROL = Mutant(
    "control", "none: the wrapper of the mutants, without a defect", "",
    output(lambda x, lambd, y: y),  # noqa: ARG005  the signature of all
)  # fmt: skip


def mutated(target: Target, mutant: Mutant) -> Target:
    """Return a target whose kernel is the mutant of the given one's."""
    original = target.backend
    cls = type(original)

    class Mutated(cls):  # type: ignore[misc, valid-type]
        """The backend with one defect."""

        def kernel(self, operation: Operation) -> Kernel:
            return mutant.wrap(super().kernel(operation), Tools(self, self.adapter()))

    backend: Backend = copy.copy(original)
    backend.__class__ = Mutated
    return Target(
        f"{target.text} with mutant {mutant.name}",
        backend,
        target.distribution,
        target.version,
        False,
    )
