"""Which backends there are: discovery, registration, quarantine.

Invariants
----------
- Entry points are read at the first need, once, under ``lock``; `refresh` reads
  them again. Importing shrinkops reads nothing.
- Each entry point is loaded alone. Whatever it raises, and whatever its hook
  returns that is not a backend, puts that plugin into quarantine, with the
  reason and one warning, and leaves the others as they are.
- Names are unique: the second backend of a name is refused, and the message
  names both distributions. shrinkops's own distribution is read first, the
  others in the order of their names, so the outcome does not depend on paths.
- Every change bumps ``generation`` and tells the dispatchers to drop their tables.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pluggy

from shrinkops._errors import type_name

from .backend import Backend
from .hookspecs import PROJECT, Hooks, hookimpl

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["Entry", "Quarantined", "Registry", "registry"]

_OFF = frozenset({"", "0", "false", "no", "off"})
_BY_HAND = "registered by hand"


@dataclass(frozen=True, slots=True)
class Entry:
    """A backend and the plugin that brought it."""

    backend: Backend
    plugin: str
    distribution: str
    version: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A plugin or backend that was set aside, and why."""

    name: str
    distribution: str
    version: str
    reason: str


class _Single:
    """Makes a plugin of one backend, for `register`."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    @hookimpl
    def shrinkops_backends(self) -> list[Backend]:
        return [self.backend]


class Registry:
    """All known backends. One instance serves the process."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.generation = 0
        self.quarantined: list[Quarantined] = []
        self._entries: dict[str, Entry] = {}
        self._by_hand: dict[str, Any] = {}
        self._discovered = False
        self._manager = self._new_manager()
        self._listeners: list[Callable[[], None]] = []

    @staticmethod
    def _new_manager() -> pluggy.PluginManager:
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(Hooks)
        return manager

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever the set of backends changes."""
        self._listeners.append(listener)

    def _changed(self) -> None:
        self.generation += 1
        for listener in self._listeners:
            listener()

    # Reading

    def entries(self) -> tuple[Entry, ...]:
        """Return all usable backends, highest priority first."""
        with self.lock:
            self._discover()
            blocked = blocked_names()
            known = [e for e in self._entries.values() if e.backend.name not in blocked]
            return tuple(sorted(known, key=lambda e: (-e.backend.priority, e.backend.name)))

    def find(self, name: str) -> Entry | None:
        """Return the usable backend of a name."""
        return next((e for e in self.entries() if e.backend.name == name), None)

    def candidates(self, cls: type) -> list[Entry]:
        """Return the backends that handle a class, highest priority first.

        Only backends whose framework is imported are asked, and those of any library:
        before that, no value of its types can exist. One that raises is quarantined.
        """
        found = []
        for entry in self.entries():
            if entry.backend.any_library or entry.backend.framework in sys.modules:
                try:
                    if entry.backend.handles(cls):
                        found.append(entry)
                except Exception as error:
                    self.quarantine_backend(entry, f"handles({type_name(cls)}) raised", error)
        return found

    # Changing

    def register(self, plugin: Any) -> list[str]:
        """Register a plugin by hand; see `shrinkops.register`."""
        if isinstance(plugin, type) and issubclass(plugin, Backend):
            plugin = plugin()
        holder = _Single(plugin) if isinstance(plugin, Backend) else plugin
        name = plugin.name if isinstance(plugin, Backend) else _plugin_name(plugin)
        with self.lock:
            self._discover()
            names = self._add(holder, name, _BY_HAND, "")
            for backend_name in names:
                self._by_hand[backend_name] = holder
            self._changed()
        return names

    def unregister(self, name: str) -> None:
        """Remove one backend; see `shrinkops.unregister`."""
        with self.lock:
            self._discover()
            entry = self._entries.get(name)
            if entry is None:
                known = ", ".join(sorted(self._entries)) or "none"
                raise ValueError(f"unregister: no backend is named {name!r}; registered: {known}")
            self._remove(entry)
            self._by_hand.pop(name, None)
            self._changed()

    def refresh(self) -> None:
        """Read the entry points again; see `shrinkops.refresh`."""
        with self.lock:
            importlib.invalidate_caches()
            by_hand = {id(p): (p, n) for n, p in self._by_hand.items()}
            self._entries.clear()
            self.quarantined.clear()
            self._manager = self._new_manager()
            self._discovered = False
            self._discover()
            for plugin, name in by_hand.values():
                self._add(plugin, name, _BY_HAND, "")
            self._changed()

    def quarantine_backend(self, entry: Entry, what: str, error: BaseException) -> None:
        """Set a backend aside because one of its methods failed."""
        with self.lock:
            if self._entries.get(entry.backend.name) is entry:
                self._remove(entry)
                aside = Quarantined(
                    entry.backend.name, entry.distribution, entry.version, _reason(what, error)
                )
                self.quarantined.append(aside)
                self._changed()
                _warn(aside)

    # Discovery

    def _discover(self) -> None:
        if self._discovered:
            return
        self._discovered = True  # first: a plugin that calls back finds what is there so far
        try:
            set_aside = self._read_entry_points()
        except BaseException:  # an interrupt, say: the next need reads everything again
            self._entries.clear()
            self._manager = self._new_manager()
            self._discovered = False
            raise
        self.quarantined += set_aside
        self._changed()
        for plugin in set_aside:  # last: a warning may be turned into an error
            _warn(plugin)

    def _read_entry_points(self) -> list[Quarantined]:
        set_aside: list[Quarantined] = []
        if switch("SHRINKOPS_DISABLE_PLUGIN_AUTOLOAD"):
            return set_aside

        def quarantine(what: str, error: BaseException) -> None:
            distribution, version = _distribution(point)
            set_aside.append(Quarantined(point.name, distribution, version, _reason(what, error)))

        for point in sorted(_entry_points(set_aside), key=_reading_order):
            try:
                plugin = point.load()
            except (Exception, SystemExit) as error:
                quarantine("import failed", error)
                continue
            try:
                if isinstance(plugin, type) and not issubclass(plugin, Backend):
                    plugin = plugin()
                self._add(plugin, point.name, *_distribution(point))
            except (Exception, SystemExit) as error:
                quarantine("refused", error)
        return set_aside

    def _add(self, plugin: Any, name: str, distribution: str, version: str) -> list[str]:
        """Register with pluggy, call the plugin's hook alone, check what it returns."""
        manager = self._manager
        if isinstance(plugin, type) and issubclass(plugin, Backend):
            plugin = _Single(plugin())
        if manager.has_plugin(name) or manager.is_registered(plugin):
            other = self._entries.get(name)
            raise ValueError(
                f"a plugin named {name!r} is registered already"
                + (f", by {_by(other.distribution)}" if other else "")
                + f"; the one from {_by(distribution)} needs another name"
            )
        manager.register(plugin, name=name)
        try:
            backends = self._call_alone(plugin, name)
            for backend in backends:
                self._check(backend, name, distribution)
        except BaseException:
            manager.unregister(plugin)
            raise
        for backend in backends:
            self._entries[backend.name] = Entry(backend, name, distribution, version)
        return [backend.name for backend in backends]

    def _call_alone(self, plugin: Any, name: str) -> list[Backend]:
        others = [p for p in self._manager.get_plugins() if p is not plugin]
        results = self._manager.subset_hook_caller("shrinkops_backends", others)()
        if not results:
            raise TypeError(
                f"plugin {name!r} implements no hook shrinkops_backends; "
                f"decorate a function of that name with shrinkops.hookimpl"
            )
        backends = results[0]
        if isinstance(backends, Backend) or not isinstance(backends, Iterable):
            backends = [backends]
        backends = list(backends)
        for backend in backends:
            if not isinstance(backend, Backend):
                raise TypeError(
                    f"plugin {name!r}: shrinkops_backends returned {backend!r} of type "
                    f"{type_name(type(backend))}, expected shrinkops.Backend objects"
                )
        return backends

    def _check(self, backend: Backend, plugin: str, distribution: str) -> None:
        for attribute in ("name", "framework"):
            if not isinstance(getattr(backend, attribute), str) or not getattr(backend, attribute):
                raise TypeError(
                    f"plugin {plugin!r}: {type_name(type(backend))}.{attribute} is "
                    f"{getattr(backend, attribute)!r}, expected a non-empty string"
                )
        for attribute in ("dtypes", "features"):
            names = getattr(backend, attribute)
            if not isinstance(names, frozenset) or not all(isinstance(n, str) for n in names):
                raise TypeError(
                    f"plugin {plugin!r}: {type_name(type(backend))}.{attribute} is {names!r}, "
                    f"expected a frozenset of names such as frozenset({{'float32'}})"
                )
        other = self._entries.get(backend.name)
        if other is not None:
            raise ValueError(
                f"two backends are named {backend.name!r}: one from {_by(other.distribution)}, "
                f"one from {_by(distribution)}; rename one or uninstall its distribution"
            )

    def _remove(self, entry: Entry) -> None:
        del self._entries[entry.backend.name]
        if not any(e.plugin == entry.plugin for e in self._entries.values()):
            self._manager.unregister(name=entry.plugin)


def _warn(plugin: Quarantined) -> None:
    warnings.warn(
        f"shrinkops set plugin {plugin.name!r} from {_by(plugin.distribution)} aside: "
        f"{plugin.reason}",
        RuntimeWarning,
        stacklevel=2,
    )


def switch(variable: str) -> bool:
    """Tell whether an environment switch is on; 0, empty and false mean off."""
    return os.environ.get(variable, "").strip().lower() not in _OFF


def blocked_names() -> frozenset[str]:
    """Return the backend names in ``SHRINKOPS_BLOCK``."""
    if not switch("SHRINKOPS_BLOCK"):
        return frozenset()
    return frozenset(n.strip() for n in os.environ["SHRINKOPS_BLOCK"].split(",") if n.strip())


def _reason(what: str, error: BaseException) -> str:
    return f"{what}: {type(error).__name__}: {error}"


def _by(distribution: str) -> str:
    return distribution if distribution == _BY_HAND else f"distribution {distribution!r}"


def _plugin_name(plugin: Any) -> str:
    return getattr(plugin, "__name__", None) or type_name(type(plugin))


def _entry_points(set_aside: list[Quarantined]) -> list[EntryPoint]:
    """Read each distribution alone: a damaged one costs a warning, never the others."""
    from importlib.metadata import distributions  # takes longer than all of shrinkops

    points: dict[tuple[str, str], EntryPoint] = {}
    for distribution in distributions():
        try:
            for point in distribution.entry_points:
                if point.group == PROJECT:
                    points.setdefault((_distribution(point)[0], point.name), point)
        except Exception as error:
            where = str(getattr(distribution, "_path", "a distribution"))
            set_aside.append(Quarantined(where, where, "", _reason("unreadable metadata", error)))
    return list(points.values())


def _distribution(point: EntryPoint) -> tuple[str, str]:
    if point.dist is None:
        return "unknown", ""
    try:
        return point.dist.name or "unknown", point.dist.version or ""
    except Exception:  # its metadata are missing or damaged
        return "unknown", ""


def _reading_order(point: EntryPoint) -> tuple[bool, str, str]:
    name = _distribution(point)[0]
    return name != PROJECT, name, point.name


registry = Registry()
"""The registry of this process."""
