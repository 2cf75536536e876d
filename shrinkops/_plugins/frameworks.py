"""Whether an array library is really there, and word of its import.

Invariants
----------
- Nothing here imports a framework.
- A stand-in (None, a mock, any object that is no module), a module that is still being
  imported by whatever thread, and one that waits to be loaded lazily are not the library:
  no value of its types exists, and what a backend says of them means nothing.
- `watch` finds no module and changes no result of an import; it hears that one has ended.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = [
    "ABSENT",
    "BARE",
    "HALF",
    "OURS",
    "WHOLE",
    "Watch",
    "being_imported",
    "look_again",
    "state",
]

ABSENT = "not imported"
HALF = "still being imported"
BARE = "made by hand"
"""A module without a spec: it may be a library or a stub, so its errors prove nothing."""
WHOLE = "imported"

OURS = frozenset({"numpy"})
"""Libraries that shrinkops itself depends on: they can be asked for at any time."""

_finished: dict[str, weakref.ref[ModuleType]] = {}
"""Modules whose code has run, by name; their specs may still say that they are loading."""


def being_imported(name: str) -> bool:
    """Tell whether a module is in the middle of its import, in whatever thread."""
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None) if issubclass(type(module), ModuleType) else None
    return getattr(spec, "_initializing", False) is True


def state(name: str) -> str:
    """Return which of `ABSENT`, `HALF`, `BARE` and `WHOLE` a framework is."""
    module = sys.modules.get(name)
    kind = type(module)  # not isinstance, which a mock answers as it likes
    lazy = (kind.__module__, kind.__name__) == ("importlib.util", "_LazyModule")
    if lazy or not issubclass(kind, ModuleType):
        return ABSENT
    assert module is not None
    if being_imported(name):
        finished = _finished.get(name)
        return WHOLE if finished is not None and finished() is module else HALF
    return BARE if getattr(module, "__spec__", None) is None else WHOLE


class Watch:
    """A finder, first in ``sys.meta_path``, that tells when a framework has been imported.

    It asks the other finders and hands their answer on; to one that asks it in turn, as the
    watch of a shrinkops imported before this one, it has none. Where the module's loader is
    its own, the loader calls back after it has run the module, once.

    Parameters
    ----------
    tell : callable
        ``tell()``, called in the importing thread; it must not raise.
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._names: frozenset[str] = frozenset()
        self._asking = threading.local()

    def expect(self, names: Sequence[str]) -> None:
        """Watch for these frameworks from now on, and for no others."""
        self._names = frozenset(names)
        if self._names and self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return what the other finders find, for a name that is expected."""
        if name not in self._names or getattr(self._asking, "name", None) == name:
            return None
        before, self._asking.name = getattr(self._asking, "name", None), name
        try:
            for finder in list(sys.meta_path):
                if finder is self or not hasattr(finder, "find_spec"):
                    continue
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    self._listen(spec)
                    return spec
        finally:
            self._asking.name = before
        return None

    def _listen(self, spec: ModuleSpec) -> None:
        loader: Any = spec.loader
        # A loader that serves one module, so that nothing else runs through the listener.
        if getattr(loader, "name", None) != spec.name or not hasattr(loader, "__dict__"):
            return
        run = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            loader.__dict__.pop("exec_module", None)
            run(module)
            if sys.modules.get(spec.name) is module:
                _finished[spec.name] = weakref.ref(module)
                self._tell()

        loader.exec_module = exec_module


def look_again() -> None:
    """Have all finders look for modules anew, as ``importlib.invalidate_caches`` does.

    That ends at the first error, and in two threads at once CPython's own finder raises one.
    """
    for finder in list(sys.meta_path):
        forget: Any = getattr(finder, "invalidate_caches", None)
        for _ in range(_ATTEMPTS if callable(forget) else 0):
            try:
                forget()
                break
            except Exception:
                continue


_ATTEMPTS = 8
