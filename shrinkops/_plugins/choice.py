"""Which backend takes a class.

Invariants
----------
- The answer is a function of the class, the set of backends and the libraries that are
  imported; never of which call, or which import, came first. Where it may still change
  (a library is being imported, a plugin is unread) it is not `settled`, and nobody keeps it.
- A backend is asked only when its framework is there, unless it is one of any library or
  its framework is what shrinkops depends on: before that, no value of its types can exist.
- A backend is set aside only for what cannot change. An error on a framework that is half
  imported or a stand-in, and one that the class itself raises, is no answer about the
  backend; it does not take the class, and is asked again.
- A tie between two backends is an error, never a silent winner.
"""

from __future__ import annotations

import sys
import warnings
import weakref
from collections.abc import Iterator, Sequence
from types import CodeType
from typing import Any

from shrinkops._errors import FAULTS, UnsupportedArrayError, is_callers, said, type_name
from shrinkops._frozen import Frozen

from .backends import Backends
from .frameworks import ABSENT, BARE, HALF, OURS, state
from .records import Entry
from .refusal import refusal
from .registry import MOMENT, registry

__all__ = ["Answer", "Choice", "answers", "choose"]


class Answer(Frozen):
    """What a backend says about a class.

    Attributes
    ----------
    takes : bool
    settled : bool
        False where the answer may be another one shortly.
    told : str
        For `explain`.
    """

    takes: bool
    settled: bool
    told: str


class Choice(Frozen):
    """The backend that takes a class.

    Attributes
    ----------
    entry : Entry
    backends : Backends
        The set that it was chosen from.
    settled : bool
        Whether the choice holds until the set, or what is imported, changes.
    reason : str
    """

    entry: Entry
    backends: Backends
    settled: bool
    reason: str


def choose(cls: type) -> Choice:
    """Return the backend that takes a class, or raise `UnsupportedArrayError`."""
    backends = registry.backends(MOMENT)
    try:
        return _choose(cls, backends)
    except UnsupportedArrayError:
        if backends.complete:
            raise
    return _choose(cls, registry.backends())  # worth waiting for


def _choose(cls: type, backends: Backends) -> Choice:
    settled = backends.complete
    for group in backends.groups:
        takers = []
        for entry in group:
            if _is_aside(entry, backends):
                continue
            answer = ask(entry, cls)
            settled = settled and answer.settled
            if answer.takes:
                takers.append(entry)
        if takers:
            entry, reason = _most_specific(cls, takers, backends)
            return Choice(entry, backends, settled, reason)
    now = registry.in_use  # one may just have been set aside
    raise refusal(cls, now if now.complete else backends)


def _is_aside(entry: Entry, backends: Backends) -> bool:
    """Tell whether a backend was set aside, and its framework is the one that it failed on."""
    aside = backends.asides.get(entry)
    return aside is not None and aside.module is sys.modules.get(entry.declared.framework)


def ask(entry: Entry, cls: type) -> Answer:
    """Ask one backend about a class."""
    framework = entry.declared.framework
    there = state(framework)
    anyway = entry.declared.any_library or framework in OURS
    if there is ABSENT and not (anyway and framework not in sys.modules):
        told = f"not asked: {framework} is not imported, so no value of its types exists"
        return Answer(False, True, told)
    if there is HALF:
        return Answer(False, False, f"not asked: {framework} is still being imported")
    try:
        takes = bool(entry.backend.handles(cls))
    except FAULTS as error:
        if is_callers(error):
            raise
        return _failed(entry, cls, error)
    if entry in registry.in_use.asides:
        registry.reinstate(entry)
    told = f"at priority {entry.declared.priority}"
    return Answer(takes, True, f"takes it too, {told}" if takes else "asked: does not take it")


_complained: weakref.WeakSet[Entry] = weakref.WeakSet()


def _failed(entry: Entry, cls: type, error: BaseException) -> Answer:
    """Judge an exception of ``handles``."""
    told = f"handles({type_name(cls)}) raised {said(error)}"
    there = state(entry.declared.framework)
    if there is not BARE and there is not HALF and there is not ABSENT:
        if not _is_odd(cls, error) or not _answers_otherwise(entry):
            registry.set_aside(entry, f"handles({type_name(cls)}) raised", error)
            return Answer(False, True, f"quarantined: {told}")
        if entry not in _complained:
            _complained.add(entry)
            warnings.warn(
                f"shrinkops: backend {entry.name!r} {entry.source} does not take "
                f"{type_name(cls)}, whose class cannot be looked at: {told}",
                RuntimeWarning,
                stacklevel=2,
            )
    return Answer(False, there is not HALF, f"asked, and does not take it: {told}")


def _is_odd(cls: type, error: BaseException) -> bool:
    """Tell whether a class may be to blame: its metaclass, or code of its own that ran."""
    if type(cls) is not type:
        return True
    own = {code for base in cls.__mro__ for value in vars(base).values() for code in _codes(value)}
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in own:
            return True
        trace = trace.tb_next
    return False


def _codes(value: Any) -> Iterator[CodeType]:
    """Yield the code that looking at a class's attribute may run."""
    for function in (value, getattr(type(value), "__get__", None)):
        code = getattr(function, "__code__", None)
        if isinstance(code, CodeType):
            yield code


def _answers_otherwise(entry: Entry) -> bool:
    """Tell whether a backend answers about classes that are beyond suspicion."""
    numpy = sys.modules.get("numpy")
    plain = [object, list, getattr(numpy, "ndarray", dict)]
    try:
        for cls in plain:
            entry.backend.handles(cls)
    except FAULTS:
        return False
    return True


def _most_specific(cls: type, takers: Sequence[Entry], backends: Backends) -> tuple[Entry, str]:
    """Return the one taker that takes the fewest of the class's bases, or raise.

    A backend for a subclass leaves alone a base that the base's own backend takes; so,
    with nobody setting a priority, the subclass's own goes first. It must take a true
    subset of what each of the others takes.
    """
    place = f"at priority {takers[0].declared.priority}"
    if takers[0].name in backends.preferred:
        place = "preferred"
    if len(takers) == 1:
        return takers[0], f"takes the type, {place}"
    bases = [base for base in cls.__mro__[1:] if base is not object]
    reach = {e: frozenset(b for b in bases if ask(e, b).takes) for e in takers}
    for entry in takers:
        others = [e for e in takers if e is not entry]
        if all(reach[entry] < reach[other] for other in others):
            names = ", ".join(repr(e.name) for e in others)
            return entry, f"takes the type, {place}, and fewer of its bases than {names}"
    rivals = ", ".join(f"{e.name!r} {e.source}" for e in takers)
    raise UnsupportedArrayError(
        f"{type_name(cls)} is taken by several backends of priority "
        f"{takers[0].declared.priority}: {rivals}; give one a higher priority, choose one with "
        f"shrinkops.prefer, or leave one out with SHRINKOPS_BLOCK"
    )


def answers(cls: type, backends: Backends) -> list[tuple[Entry, Answer]]:
    """Ask every usable backend about a class."""
    return [(entry, ask(entry, cls)) for entry in backends.entries]
