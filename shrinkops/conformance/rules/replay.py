"""Derived mutants against the kit, cheaply: only the calls that meet a mutant's conditions.

Invariants
----------
- The kit's own calls are made once with the unharmed kernel in the mutants' wrapper: that is the
  control, and it tells which levels each call meets. What fails there convicts nobody.
- A mutant is then tried on the calls that meet its levels, in the kit's order, until one convicts
  it: the item that makes the call would fail with it.
- What no call of the paths convicts is tried on every other item of the default run that is
  neither transformed nor differentiated: there the arguments are no numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from shrinkops.conformance._context import Context, Environment
from shrinkops.conformance._engine import run_item
from shrinkops.conformance._model import Item, NotApplicable, State
from shrinkops.conformance._mutants import Kernel, Mutant, Record, Tools, mutated
from shrinkops.conformance._plan import make_plan

from .calls import Case, Unavailable
from .conditions import CONDITIONS
from .eager import PARTS
from .paths import Paths
from .possible import Possible

__all__ = ["Fate", "fates"]

_BITS = {level: 1 << position for position, level in enumerate(CONDITIONS)}
_FIRST = ("float32", "float64", "int32", "float16")
"""Element types whose calls are tried first: what they do not show, few others do."""


@dataclass
class Fate:
    """What became of a derived mutant.

    Attributes
    ----------
    mutant : Mutant
    impossible : str
        Why no call meets its levels on this backend.
    item, says : str
        What convicted it, and how.
    record : Record
        Calls that met its levels, and changed; of all items where none convicted it.
    """

    mutant: Mutant
    impossible: str = ""
    item: str = ""
    says: str = ""
    record: Record = field(default_factory=lambda: Record(compares=True))

    @property
    def killed(self) -> bool:
        """Whether an item convicted it."""
        return bool(self.item)

    @property
    def explained(self) -> str:
        """Say how it ended."""
        if self.killed:
            return f"{self.item}: {self.says}"
        if self.impossible:
            return self.impossible
        if not self.record.met:
            return "never met: the backend can be called so, and no call of the kit is"
        if not self.record.changed:
            return f"met {self.record.met} times, and no result changed"
        return f"met {self.record.met} times, {self.record.changed} results changed: acquitted"

    def meets(self, seen: Iterable[int]) -> bool:
        """Tell whether one of some calls meets its levels."""
        wanted = sum(_BITS[level] for level in self.mutant.levels or ())
        return any(mask & wanted == wanted for mask in seen)


class _Exchange:
    """A kernel that is exchanged while everything around it stays."""

    def __init__(self) -> None:
        self.kernel: Kernel
        self.right: Kernel
        self.tools: Tools

    def wrap(self, kernel: Kernel, tools: Tools) -> Kernel:
        self.right = self.kernel = kernel
        self.tools = tools
        return lambda *arguments: self.kernel(*arguments)

    def note(self) -> set[int]:
        """Let the unharmed kernel note which levels its calls meet, from now on."""
        seen: set[int] = set()

        def noting(*arguments: Any) -> Any:
            seen.add(_levels_met(arguments))
            return self.right(*arguments)

        self.kernel = noting
        return seen

    def harm(self, fate: Fate) -> None:
        """Let the kernel be a mutant."""
        tools = Tools(self.tools.backend, self.tools.adapter, fate.record)
        self.kernel = fate.mutant.wrap(self.right, tools)


def _levels_met(arguments: Sequence[Any]) -> int:
    found = 0
    for level, condition in CONDITIONS.items():
        try:
            if condition(arguments[0], arguments[1], arguments[-1]):
                found |= _BITS[level]
        except Exception:  # a tracer, or what is refused anyway
            continue
    return found


def fates(environment: Environment, mutants: Sequence[Mutant]) -> Iterator[Fate]:
    """Try mutants, and yield each when it is settled.

    Those that cannot exist come first, then the convicted as they are, at last the survivors.
    """
    open_ = []
    with environment.adapter.session():
        possible = Possible(environment)
        for mutant in mutants:
            within = _within_accuracy(environment, mutant)
            fate = Fate(mutant, within or possible.why_not(mutant.levels or ()))
            if fate.impossible:
                yield fate
            else:
                open_.append(fate)
        exchange = _Exchange()
        target = mutated(environment.target, Mutant("exchanged", "", "*", exchange.wrap))
        harmed = Environment(environment.suite, target, environment.thorough, environment.kept)
        for item in _ordered(harmed):
            if not open_:
                return
            part = PARTS.get(item.check.identifier.partition("-")[2], "")
            (_by_call if part else _by_item)(harmed, item, part, exchange, open_)
            yield from (fate for fate in open_ if fate.killed)
            open_ = [fate for fate in open_ if not fate.killed]
    yield from open_


def _within_accuracy(environment: Environment, mutant: Mutant) -> str:
    """Say of a defect that is no larger than what the declaration allows that it is none."""
    suite = environment.suite
    accuracy = suite.operation.accuracy if suite.formula is None else "rounded"
    if not isinstance(accuracy, int):
        return ""
    if mutant.name.startswith("one unit off"):
        return f"the declaration allows {accuracy} units"
    wide = {"float64", "complex128"} & environment.target.backend.dtypes
    if "a unit up" in mutant.name and ("value", "tiny") in (mutant.levels or ()) and not wide:
        return f"it moves a subnormal threshold by a unit, and the declaration allows {accuracy}"
    return ""


def _ordered(environment: Environment) -> list[Item]:
    """Return the items that make plain calls: those that cross everything first."""
    plan = make_plan(environment.suite, environment.target, environment.adapter)
    found = [
        item for item in plan.to_run
        if not item.check.transformed and not {"TRF", "DER"} & set(item.check.clause.split("-"))
    ]  # fmt: skip

    def rank(item: Item) -> tuple[bool, int, bool]:
        name = item.check.identifier.partition("-")[2]
        first = _FIRST.index(item.dtype) if item.dtype in _FIRST else len(_FIRST)
        return name not in PARTS, first, not name.endswith("/lengths")

    return sorted(found, key=rank)


@contextmanager
def _quiet() -> Iterator[None]:
    """Warn as the engine does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", RuntimeWarning)
        yield


# One call of the paths after another


@dataclass
class _Call:
    paths: Paths
    case: Case
    seen: set[int]


def _by_call(
    environment: Environment, item: Item, part: str, exchange: _Exchange, open_: Sequence[Fate]
) -> None:
    paths = Paths(Context(environment, item), part)
    with _quiet():
        calls = list(_calls(paths, exchange))
        for fate in open_:
            exchange.harm(fate)
            for call in calls:
                if fate.meets(call.seen):
                    fate.says = _fault(call)
                    if fate.says:
                        fate.item = item.identifier
                        break


def _calls(paths: Paths, exchange: _Exchange) -> Iterator[_Call]:
    for row, position in paths.turns():
        seen = exchange.note()
        try:
            case = paths.case(row, position)
            call = _Call(paths, case, seen)
            if not _fault(call):
                yield call
        except Unavailable:
            continue


def _fault(call: _Call) -> str:
    try:
        fault = call.paths.fault(call.case)
    except (Unavailable, NotApplicable):
        return ""
    except Exception as error:  # a crash convicts
        return f"raised {type(error).__name__}: {error}"
    return fault.says if fault is not None else ""


# One item after another


def _by_item(
    environment: Environment, item: Item, _part: str, exchange: _Exchange, open_: Sequence[Fate]
) -> None:
    seen = exchange.note()
    if run_item(environment, item).state is not State.PASSED:
        return
    for fate in open_:
        if fate.meets(seen):
            exchange.harm(fate)
            result = run_item(environment, item)
            if result.state is State.FAILED:
                fate.item, fate.says = item.identifier, result.message
