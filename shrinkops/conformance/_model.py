"""The kit's vocabulary: checks, items, results, deviations, suites.

Invariants
----------
- A check's identifier starts with its clause's, and never changes meaning: ledgers of
  third parties name it.
- A check raises `Deviation` for what it convicts. `NotApplicable` says, with a reason,
  that the library offers nothing to try it on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shrinkops.adapter import Adapter
    from shrinkops.operations._declaration import Operation

    from ._context import Context

__all__ = ["Check", "Deviation", "Form", "Item", "NotApplicable", "Result", "State", "Suite"]


class Deviation(AssertionError):  # noqa: N818  a verdict about the backend, not an error of the kit
    """What a backend does differently from the specification.

    Parameters
    ----------
    message : str
    value : str
        Hexadecimal bits of the first wrong element, where one is wrong.
    raised : str
        Class name of an exception that should not, or should have, been another.
    script : str
        Source text that shows it without pytest and without the kit.
    """

    def __init__(
        self, message: str, *, value: str = "", raised: str = "", script: str = ""
    ) -> None:
        super().__init__(message)
        self.value = value
        self.raised = raised
        self.script = script


class NotApplicable(Exception):  # noqa: N818  not an error
    """The library offers nothing that the check could be tried on; the message says what."""


class Spared(NotApplicable):
    """The kit itself tries it on fewer element types; that is no want of the library's."""


class Form(StrEnum):
    """Which of the two executable forms of a clause a check is."""

    VECTORS = "vectors"
    PROPERTY = "property"


@dataclass(frozen=True, slots=True)
class Check:
    """One named test of one clause.

    Attributes
    ----------
    identifier : str
        ``<clause>/<name>``.
    function : callable
        ``function(context)``.
    title : str
        One line: what it shows.
    form : Form
    kinds : frozenset of str
        Kinds of element types it runs for; empty: once, for no element type.
    dtypes : frozenset of str
        Restricts the element types further, where not empty.
    needs : frozenset of str
        Capabilities that must be declared for it to apply.
    lacks : frozenset of str
        Capabilities that must not be declared: the other direction.
    tries : str
        The method of the adapter that names what it is tried on, ``subclasses``. Where that
        names nothing, the reason is none of an element type, and the check is one item.
    transformed : bool
        Runs once for each transformation that the backend declares.
    since : str
        Kit version that it entered with.
    provisional : bool
        Reported, without effect on the verdict.
    """

    identifier: str
    function: Callable[[Context], None]
    title: str
    form: Form = Form.PROPERTY
    kinds: frozenset[str] = frozenset({"float"})
    dtypes: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()
    tries: str = ""
    transformed: bool = False
    since: str = "1.0"
    provisional: bool = False

    def idle(self, adapter: Adapter) -> bool:
        """Return whether the library has nothing that it could be tried on."""
        return bool(self.tries) and not getattr(adapter, self.tries)()

    @property
    def clause(self) -> str:
        """Identifier of the clause."""
        return self.identifier.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Item:
    """A check on one element type, device and transformation; empty where it has none."""

    check: Check
    dtype: str = ""
    device: Any = None
    transformation: str = ""
    undeclared: str = ""
    """Why it does not run: the capability that the backend does not declare."""

    @property
    def identifier(self) -> str:
        """The check's identifier with its parameters."""
        parts = [self.dtype, "" if self.device is None else str(self.device), self.transformation]
        listed = "-".join(p for p in parts if p)
        return f"{self.check.identifier}[{listed}]" if listed else self.check.identifier


class State(StrEnum):
    """How an item ended."""

    PASSED = "passed"
    FAILED = "failed"
    EXPECTED = "expected to fail"
    UNEXPECTED = "passed unexpectedly"
    OTHERWISE = "failed otherwise than declared"
    NOT_APPLICABLE = "not applicable"
    NOT_DECLARED = "not declared"

    @property
    def ran(self) -> bool:
        """Whether the check came to a verdict."""
        return self not in (State.NOT_APPLICABLE, State.NOT_DECLARED)

    @property
    def good(self) -> bool:
        """Whether it speaks against nothing."""
        return self in (State.PASSED, State.EXPECTED, State.NOT_APPLICABLE, State.NOT_DECLARED)


@dataclass(frozen=True, slots=True)
class Result:
    """An item and how it ended."""

    item: Item
    state: State
    message: str = ""
    value: str = ""
    raised: str = ""
    script: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Suite:
    """Everything that the kit has for one operation.

    Attributes
    ----------
    operation : Operation
    checks : sequence of Check
    manifest : sequence of str
        Identifiers frozen with the specification; a check missing from ``checks`` is a
        defect of the installation, not a smaller denominator.
    vectors_hash : str
        SHA-256 of the vectors.
    expected : callable
        ``expected(x, lambd, number)``: the right result and, where the specification
        leaves a choice, a mask of those elements (else None).
    formula : callable, optional
        The definition outside the band in the working format, where several roundings are
        specified.
    mutants : callable
        ``mutants()``: the wrong implementations; loaded on demand.
    wild, corners : callable
        The implementations in use, and the corners that they fill differently.
    """

    operation: Operation
    checks: Sequence[Check]
    manifest: Sequence[str]
    vectors_hash: str
    expected: Callable[..., Any]
    formula: Callable[..., Any] | None = None
    mutants: Callable[[], Sequence[Any]] = field(default=tuple)
    wild: Callable[[], Sequence[Any]] = field(default=tuple)
    corners: Callable[[], Sequence[Any]] = field(default=tuple)

    def defects(self) -> list[str]:
        """Say what is wrong with the suite itself."""
        present = [check.identifier for check in self.checks]
        clauses = {clause.identifier for clause in self.operation.clauses}
        found = [
            f"check {name} of the manifest is missing"
            for name in self.manifest
            if name not in present
        ]
        found += [
            f"check {check.identifier} is not in the manifest"
            for check in self.checks
            if check.since == "1.0" and check.identifier not in self.manifest
        ]
        found += [
            f"check {name} is there twice" for name in set(present) if present.count(name) > 1
        ]
        found += [
            f"check {c.identifier} names no clause" for c in self.checks if c.clause not in clauses
        ]
        return sorted(found)
