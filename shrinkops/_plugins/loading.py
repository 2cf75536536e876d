"""One plugin: from an object or an entry point to the backends that it brings.

Invariants
----------
- No lock is held here: a plugin's import and its hook are foreign code.
- A plugin is loaded alone, by a plugin manager of its own, so nothing that it does to
  hooks reaches another one.
- A module that the registry imported may be imported again where its file has changed;
  one that carries the array library itself is left alone, for its classes are in use.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

import pluggy

from shrinkops._errors import type_name

from .backend import Backend
from .declared import read
from .frameworks import look_again
from .hookspecs import PROJECT, Hooks
from .records import Entry, Imported, Plugin, Point

__all__ = ["Loading", "changed", "from_object"]

_HOOK = "shrinkops_backends"


def from_object(found: Any, name: str, distribution: str, version: str = "") -> tuple[Entry, ...]:
    """Return what a plugin brings, checked.

    Parameters
    ----------
    found : Backend, type of Backend, module, plugin object, its class, or a factory
        A factory is a function that takes no argument and returns backends.
    name, distribution, version : str

    Raises
    ------
    TypeError
        It brings something else than backends.
    """
    backends = tuple(_backends(found, name))
    entries = tuple(
        Entry(backend, read(backend, name), name, distribution, version) for backend in backends
    )
    names = [entry.name for entry in entries]
    twice = {n for n in names if names.count(n) > 1}
    if twice:
        raise ValueError(
            f"plugin {name!r}: it brings two backends named {min(twice)!r}; rename one"
        )
    return entries


def _backends(found: Any, plugin: str) -> Iterator[Backend]:
    if isinstance(found, type):  # of a backend, or of a plugin object
        found = found()
    if isinstance(found, Backend):
        yield found
        return
    if _is_stale(type(found)):
        raise _stale(plugin, found)
    if found is None:
        raise TypeError(f"plugin {plugin!r} is None, expected a backend or a plugin")
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Hooks)
    manager.register(found, name=plugin)
    if manager.hook.shrinkops_backends.get_hookimpls():
        results = manager.hook.shrinkops_backends()
        backends = results[0] if results else None
    elif callable(found) and not isinstance(found, ModuleType):
        backends = found()
    else:
        raise TypeError(
            f"plugin {plugin!r} implements no hook {_HOOK}; "
            f"decorate a function of that name with shrinkops.hookimpl"
        )
    if isinstance(backends, Backend) or not isinstance(backends, Iterable):
        backends = [backends]
    for backend in backends:
        if not isinstance(backend, Backend):
            if _is_stale(type(backend)):
                raise _stale(plugin, backend)
            raise TypeError(
                f"plugin {plugin!r}: {_HOOK} returned {backend!r} of type "
                f"{type_name(type(backend))}, expected shrinkops.Backend objects"
            )
        yield backend


class Loading:
    """The loading of one installed plugin.

    Attributes
    ----------
    stage : {"import failed", "refused"}
        How an exception that comes out of `run` is to be called.
    imported : Imported or None
        The state of its files, once its module has been imported.
    held_back : list of warnings.WarningMessage
        What it warned of where a warning would have been an error: the caller hands it on
        once nothing can be lost by it.
    """

    def __init__(self, point: Point) -> None:
        self.point = point
        self.stage = "import failed"
        self.imported: Imported | None = None
        self.held_back: list[warnings.WarningMessage] = []

    def run(self, again: bool) -> Plugin:
        """Import the module, afresh where it is to be imported ``again``; ask for its backends."""
        start = time.perf_counter()
        module = self.point.module
        try:
            with forgotten(module) if again else contextlib.nullcontext():
                entries = self._entries()
        except _OtherShrinkopsError:  # shrinkops was imported afresh: so must what builds on it
            with forgotten(module):
                entries = self._entries()
        except Warning:
            with warnings.catch_warnings(record=True) as self.held_back:
                warnings.simplefilter("always")
                entries = self._entries()
        point = self.point
        return Plugin(
            point.name,
            point.distribution,
            point.version,
            entries,
            module,
            time.perf_counter() - start,
        )

    def _entries(self) -> tuple[Entry, ...]:
        point = self.point
        self.stage = "import failed"
        found: Any = importlib.import_module(point.module)
        for part in filter(None, point.attribute.split(".")):
            found = getattr(found, part)
        self.stage = "refused"
        self.imported = Imported(_files(point.module), time.time_ns())
        return from_object(found, point.name, point.distribution, point.version)


class _OtherShrinkopsError(TypeError):
    """A plugin's backend subclasses a `Backend` of a shrinkops that was imported before."""


def _stale(plugin: str, backend: object) -> _OtherShrinkopsError:
    return _OtherShrinkopsError(
        f"plugin {plugin!r}: {backend!r} is of a shrinkops that was imported before this one; "
        f"import its module again"
    )


def _is_stale(cls: type) -> bool:
    wanted = (Backend.__module__, Backend.__qualname__)
    return any((base.__module__, base.__qualname__) == wanted for base in cls.__mro__)


# Importing again


def _belonging(module: str) -> dict[str, ModuleType]:
    inside = module + "."
    return {n: m for n, m in list(sys.modules.items()) if n == module or n.startswith(inside)}


def _files(module: str) -> dict[str, tuple[int, int]]:
    found = {}
    for name, loaded in _belonging(module).items():
        file = getattr(loaded, "__file__", None)
        if isinstance(file, str):
            found[name] = _stamp(file)
    return found


def _stamp(file: str) -> tuple[int, int]:
    try:
        status = os.stat(file)
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)


def changed(module: str, imported: Imported, plugin: Plugin | None) -> bool:
    """Tell whether a plugin's module, or one inside it, is another file than was imported."""
    entries = plugin.entries if plugin is not None else ()
    if any(f"{entry.declared.framework}.".startswith(module + ".") for entry in entries):
        return False  # it carries the library: arrays of its classes are in use
    return any(
        stamp != imported.files.get(name, stamp) or stamp[0] > imported.time
        for name, stamp in _files(module).items()
    )


@contextlib.contextmanager
def forgotten(module: str) -> Iterator[None]:
    """Import a module, and those inside it, anew; if that fails the old ones are back."""
    import importlib.util

    old = {}
    for name, loaded in _belonging(module).items():
        file = getattr(loaded, "__file__", None)
        if isinstance(file, str) and not file.endswith(".py"):
            continue  # an extension module cannot be loaded twice
        old[name] = sys.modules.pop(name)
        if isinstance(file, str):
            # Its byte code counts as current for a file of the same size and second.
            with contextlib.suppress(OSError, NotImplementedError):
                os.unlink(importlib.util.cache_from_source(file))
    look_again()
    try:
        yield
    except BaseException:
        sys.modules.update(old)
        raise
