"""From the type of an array to the kernel that computes it.

Invariants
----------
- The hot path is ``dispatcher.table[type(x)]``: one attribute, one look-up in a plain dict.
- ``table`` is never changed, only replaced, so readers need no lock. What it holds was
  chosen from the set of backends that is in use: a change of the set (or of what is
  imported) is followed by a new table before whoever made the change goes on. Kernels
  of classes whose backend is still the same stay the same objects in the same places.
- No class is kept alive. The table holds those that their own modules hold; a class that
  nothing else names is remembered weakly, and costs one call more.
- No foreign code (``handles``, the loading of a kernel) runs under a lock.
- A tie between two backends is an error, never a silent winner.
"""

from __future__ import annotations

import contextlib
import sys
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from shrinkops._classes import WeakClasses
from shrinkops._errors import (
    FAULTS,
    UnsupportedArrayError,
    is_callers,
    module_of,
    name_of,
    said,
    type_name,
)
from shrinkops._plugins.choice import Choice, choose
from shrinkops._plugins.registry import registry

if TYPE_CHECKING:
    from shrinkops._plugins.backend import Kernel
    from shrinkops._plugins.records import Entry
    from shrinkops.operations._declaration import Operation

__all__ = ["Dispatcher", "dispatchers"]

dispatchers: list[Dispatcher] = []
"""The dispatcher of every operation."""


class _ByName:
    """The dispatchers as attributes, so that a pickle can name one."""

    def __getattr__(self, name: str) -> Dispatcher:
        for dispatcher in dispatchers:
            if dispatcher.operation.name == name:
                return dispatcher
        raise AttributeError(f"no operation is named {name!r} here; import its module", name=name)


by_name = _ByName()

_ATTEMPTS = 3
_LENGTH = 64
"""The table's length is a multiple of this."""


class Dispatcher:
    """The kernels of one operation, by the class of its first argument.

    Parameters
    ----------
    operation : Operation
    module : str
        Where the operation is defined.

    Attributes
    ----------
    operation, module
    table : dict of type to kernel
        Replaced as a whole, never written to. Filled up with other keys: torch.compile
        guards on the length of a dictionary of classes and on the place of the one it
        used, and neither changes when another class arrives. The other keys are
        functions, for it guards on the value of a number or a string.
    kernels : dict of str to kernel
        The loaded kernels by the name of their backend, and those that a tracer was
        given by the key that it got. Replaced as a whole, too.
    resolutions : int
        How often a class was resolved and remembered, for tests.
    """

    __slots__ = (
        "_chosen",
        "_loaded",
        "_traced",
        "_valid",
        "_weak",
        "kernels",
        "module",
        "operation",
        "resolutions",
        "table",
    )

    def __init__(self, operation: Operation, module: str = "") -> None:
        self.operation = operation
        self.module = module
        self.resolutions = 0
        self.kernels: dict[str, Kernel] = {}
        self._forget()
        self._valid = registry.in_use
        self._join()

    def _join(self) -> None:
        registry.on_change(self.update)
        dispatchers.append(self)

    def retire(self) -> None:
        """Leave the place to another dispatcher of the operation."""
        registry.no_more(self.update)
        dispatchers.remove(self)

    def _forget(self) -> None:
        self.table: dict[Any, Kernel | None] = _table([])
        self.kernels = {}
        self._chosen: dict[type, Entry] = {}
        self._weak: WeakClasses[tuple[Kernel, Entry]] = WeakClasses()
        self._loaded: dict[Entry, Kernel] = {}
        self._traced: dict[str, tuple[weakref.ref[type], Entry]] = {}

    def __repr__(self) -> str:
        return f"<Dispatcher of {self.operation.name}>"

    def __reduce__(self) -> Any:
        import pkgutil

        return pkgutil.resolve_name, (f"{__name__}:by_name.{self.operation.name}",)

    # Resolving

    def winner(self, cls: type) -> Entry | None:
        """Return the backend that computes a class as things stand, None if it is unresolved."""
        found = self._weak.get(cls)
        if found is not None:
            return found[1]
        return self._chosen.get(cls) if _is_plain(cls) else None

    def resolve(self, cls: type) -> Kernel:
        """Find the backend for a class, load its kernel and remember it.

        Raises
        ------
        UnsupportedArrayError
            No backend takes the class, two tie for it, or its backend cannot load.
        """
        found = self._weak.get(cls)
        if found is not None:
            return found[0]
        with registry.busy():
            choice = self._choose(cls)
            kernel = self._load(choice.entry, cls)
            if choice.settled:
                with registry.lock:
                    if self._is_current(choice):
                        self._remember(cls, kernel, choice.entry)
            return kernel

    def _is_current(self, choice: Choice) -> bool:
        """Tell, under the registry's lock, whether a choice may be remembered."""
        return registry.is_current(choice.backends) and choice.backends is self._valid

    def _choose(self, cls: type) -> Choice:
        try:
            return choose(cls)
        except UnsupportedArrayError as error:
            raise UnsupportedArrayError(f"{self.operation.name}: {error}") from None

    def _load(self, entry: Entry, cls: type) -> Kernel:
        kernel = self._loaded.get(entry)
        if kernel is not None:
            return kernel
        try:
            kernel = entry.backend.kernel(self.operation)
        except FAULTS as error:
            if is_callers(error):
                raise
            raise UnsupportedArrayError(
                f"{self.operation.name}: backend {entry.name!r} from {entry.distribution} takes "
                f"{type_name(cls)}, but its kernel did not load: "
                f"{said(error)}"
            ) from error
        with registry.lock:
            if entry not in self._loaded:  # else another thread was faster
                self._loaded = {**self._loaded, entry: kernel}
                self.kernels = {**self.kernels, entry.name: kernel}
            return self._loaded[entry]

    def _remember(self, cls: type, kernel: Kernel, entry: Entry) -> None:
        """Publish a class; under the registry's lock."""
        if self.winner(cls) is not None:  # another thread was first
            return
        self.resolutions += 1
        if not _is_named(cls):
            self._weak.add(cls, (kernel, entry))
            return
        places = [key if _is_named(key) else None for key in _places(self.table)]
        if None in places:
            places[places.index(None)] = cls
        else:
            places.append(cls)
        kernels = {**self.table, cls: kernel, None: None}  # a place that is free has no kernel
        self._chosen = {c: e for c, e in self._chosen.items() if c in places} | {cls: entry}
        self.table = _table([(key, kernels[key]) for key in places])

    # Changing

    def update(self, anew: bool) -> None:
        """Choose again for the classes of the table; forget those that are held weakly.

        Parameters
        ----------
        anew : bool
            Even if the set of backends is the one that the table was made from.
        """
        try:
            for _ in range(_ATTEMPTS):
                if self._valid is registry.in_use and not anew:
                    return
                if self._updated():
                    return
        except BaseException:
            self._start_over()  # rather nothing than what is no longer true
            raise
        self._start_over()  # the set changes faster than the backends answer

    def _start_over(self) -> None:
        with registry.lock:
            self._forget()
            self._valid = registry.in_use

    def _updated(self) -> bool:
        """Make the table anew; False if it, or the set, has changed meanwhile."""
        backends, table, traced = registry.in_use, self.table, self._traced
        winners: dict[type, tuple[Entry, Kernel] | None] = {}

        def winner(cls: type) -> tuple[Entry, Kernel] | None:
            if cls not in winners:
                winners[cls] = None
                with contextlib.suppress(UnsupportedArrayError):  # said to whoever calls
                    choice = choose(cls)
                    if choice.settled:
                        winners[cls] = choice.entry, self._load(choice.entry, cls)
            return winners[cls]

        items: list[tuple[type | None, Kernel | None]] = []
        chosen = {}
        for key in _places(table):
            won = winner(key) if key is not None else None
            items.append((None, None) if won is None else (key, won[1]))
            if key is not None and won is not None:
                chosen[key] = won[0]
        still_traced = {}
        for name, (reference, entry) in traced.items():
            traced_class = reference()
            won = winner(traced_class) if traced_class is not None else None
            if won is not None and won[0] is entry:
                still_traced[name] = reference, entry
        with registry.lock:
            if backends is not registry.in_use or table is not self.table:
                return False
            self._loaded = {e: k for e, k in self._loaded.items() if e in backends.known}
            self._weak, self._traced, self._chosen = WeakClasses(), still_traced, chosen
            self._valid = backends
            self.kernels = {e.name: k for e, k in self._loaded.items()} | {
                name: self._loaded[entry] for name, (_, entry) in still_traced.items()
            }
            self.table = _table(items)
        return True

    # Tracing

    def resolver(self, module: str) -> Callable[[type], Any]:
        """Return `resolve` for the public function of a module, which tracers can call.

        torch.compile calls a function that carries the mark below while it traces, and
        takes the result as a constant, so a class that arrives first inside a compiled
        function is resolved without a graph break. A constant cannot be a function: where
        the caller is not the module's own function, but a tracer, the result is a key
        of ``kernels``, which is taken out when the class gets another backend.
        """

        def resolve(cls: type) -> Any:
            if sys._getframe(1).f_globals.get("__name__") == module:
                return self.resolve(cls)
            return self._traced_key(cls)

        resolve._dynamo_marked_constant = True  # type: ignore[attr-defined]
        return resolve

    def _traced_key(self, cls: type) -> str:
        choice = self._choose(cls)
        kernel = self._load(choice.entry, cls)
        name = f"{choice.entry.name} for {type_name(cls)}, {id(choice.entry)}"
        with registry.lock:
            self._traced = {**self._traced, name: (weakref.ref(cls), choice.entry)}
            self.kernels = {**self.kernels, name: kernel}
        return name


def _placeholder() -> Callable[[], None]:
    def free_place() -> None:
        """Key of a place that no class has."""

    return free_place


_free = [_placeholder() for _ in range(_LENGTH)]


def _places(table: dict[Any, Kernel | None]) -> list[Any]:
    """Return a table's classes in their places, None for those that are free."""
    places = [key if isinstance(key, type) else None for key in table]
    while places and places[-1] is None:
        places.pop()
    return places


def _table(items: Sequence[tuple[type | None, Kernel | None]]) -> dict[Any, Kernel | None]:
    """Return a table of classes in their places; functions take those that are free."""
    length = -(-max(len(items), 1) // _LENGTH) * _LENGTH
    while len(_free) < length:
        _free.append(_placeholder())
    padded = [*items, *[(None, None)] * (length - len(items))]
    return {
        _free[place] if cls is None else cls: kernel for place, (cls, kernel) in enumerate(padded)
    }


def _is_plain(cls: type) -> bool:
    """Tell whether a class is equal to itself alone, as far as its metaclass has a say in it."""
    meta = type(cls)
    return meta.__eq__ is type.__eq__ and meta.__hash__ is type.__hash__


def _is_named(cls: Any) -> bool:
    """Tell whether a class lives as long as the process: static, or named by its module."""
    if not (isinstance(cls, type) and _is_plain(cls)):
        return False
    if not type.__getattribute__(cls, "__flags__") & _HEAP_TYPE:
        return True
    module = module_of(cls)
    if not isinstance(module, str) or module == "__main__":
        return False  # a cell or a session may define it anew
    found: Any = sys.modules.get(module)
    for part in name_of(cls).split("."):
        try:
            found = vars(found).get(part)
        except TypeError:
            return False
    return found is cls


_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE
