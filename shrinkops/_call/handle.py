"""A backend chosen by hand.

Invariants
----------
- A handle's operations are the public functions with another dispatcher: the same
  template, signature and documentation, and no way to another backend.
- It is bound to a backend, not to a name: no change of the registry changes it.
- A registered backend has one handle, and its operations pickle by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shrinkops._errors import FAULTS, UnsupportedArrayError, is_callers, said, type_name
from shrinkops._plugins.backend import Backend
from shrinkops._plugins.backends import close_names
from shrinkops._plugins.choice import Choice
from shrinkops._plugins.loading import from_object
from shrinkops._plugins.records import BY_HAND, Entry
from shrinkops._plugins.registry import registry
from shrinkops.operations._function import dispatching, public_function

from .dispatcher import Dispatcher, dispatchers

__all__ = ["Handle", "handle"]


class _One(Dispatcher):
    """The dispatcher of an operation to one backend."""

    __slots__ = ("_entry",)

    def __init__(self, like: Dispatcher, entry: Entry) -> None:
        self._entry = entry
        super().__init__(like.operation, like.module)

    def _join(self) -> None:
        """Stay alone: what the registry does is nothing to it."""

    def _is_current(self, choice: Choice) -> bool:
        return choice.entry is self._entry

    def _choose(self, cls: type) -> Choice:
        backend = self._entry.backend
        try:
            if backend.handles(cls):
                return Choice(self._entry, registry.in_use, True, "chosen by hand")
            why = f"it takes {', '.join(backend.array_types())}"
        except FAULTS as error:
            if is_callers(error):
                raise
            why = f"asked about it, it raised {said(error)}"
        raise UnsupportedArrayError(
            f"{self.operation.name}: backend {self._entry.name!r} does not take "
            f"{type_name(cls)}, {why}; convert it, or "
            f"call shrinkops.{self.operation.name}, which chooses the backend by the type"
        )


class Handle:
    """A backend whose attributes are the operations; see `shrinkops.get_backend`.

    Attributes
    ----------
    backend : Backend
    name : str
    """

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self.backend = entry.backend
        self.name = entry.name
        for dispatcher in dispatchers:  # now, for a tracer cannot make them
            self._make(dispatcher)

    def _make(self, like: Dispatcher) -> Callable[..., Any]:
        name = like.operation.name
        function = dispatching(_One(like, self._entry), public_function(name))
        function.__module__, function.__qualname__ = __name__, f"by_name.{_key(self.name)}.{name}"
        self.__dict__[name] = function
        return function

    def __getattr__(self, name: str) -> Callable[..., Any]:
        like = next((d for d in dispatchers if d.operation.name == name), None)
        if like is None or name.startswith("_"):
            known = ", ".join(_operations())
            raise AttributeError(
                f"{self!r} has no attribute {name!r}; the operations are {known}", name=name
            )
        return self._make(like)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_operations()})

    def __repr__(self) -> str:
        source = (
            "registered by hand"
            if self._entry.distribution == BY_HAND
            else (f"of {self._entry.distribution}")
        )
        return f"<backend {self.name!r} {source}: {', '.join(_operations())}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Handle):
            return NotImplemented
        return self.backend is other.backend

    def __hash__(self) -> int:
        return hash((Handle, id(self.backend)))

    def __reduce__(self) -> tuple[Callable[..., Handle], tuple[str | Backend]]:
        found = registry.find(self.name)
        registered = found is not None and found.backend is self.backend
        return handle, (self.name if registered else self.backend,)


class _ByName:
    """The handles as attributes, so that a pickle can name their operations."""

    def __getattr__(self, key: str) -> Handle:
        for entry in registry.entries():
            if _key(entry.name) == key:
                return _handle_of(entry)
        raise AttributeError(f"no backend is named {key!r} in this process", name=key)


by_name = _ByName()


def _key(name: str) -> str:
    """Return a backend's name without the dots, which part attributes."""
    return name.replace(".", "\N{MIDDLE DOT}")


def _handle_of(entry: Entry) -> Handle:
    if entry.handle is None:
        made = Handle(entry)
        with registry.lock:
            entry.handle = entry.handle or made  # another thread may have been faster
    found: Handle = entry.handle
    return found


def _operations() -> list[str]:
    return sorted(d.operation.name for d in dispatchers)


def handle(backend: str | Backend) -> Handle:
    """Return the handle of a backend; see `shrinkops.get_backend`."""
    if isinstance(backend, Backend):
        known = next((e for e in registry.in_use.known if e.backend is backend), None)
        return _handle_of(known or from_object(backend, repr(backend), "this process")[0])
    if not isinstance(backend, str):
        raise TypeError(
            f"get_backend: got {backend!r} of type {type_name(type(backend))}, "
            f"expected the name of a backend or a shrinkops.Backend"
        )
    entry = registry.find(backend)
    if entry is None:
        backends = registry.backends()
        aside = [
            f"; it was set aside: {q.reason}" for q in backends.quarantined if q.name == backend
        ]
        if any(e.name == backend for e in backends.blocked):
            aside.append("; it is blocked by SHRINKOPS_BLOCK")
        names = sorted(e.name for e in backends.entries)
        raise ValueError(
            f"get_backend: no backend is named {backend!r}; {close_names(backend, names)}"
            + "".join(aside)
        )
    return _handle_of(entry)
