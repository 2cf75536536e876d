"""Which backends there are: one immutable set, and the ways to change it.

Invariants
----------
- `Backends` is never changed, only replaced as a whole, under ``lock``. No foreign code
  (a plugin's import, its hook, ``handles``, a listener) runs while ``lock`` is held, so
  no thread waits for another one's plugins with it, and a fork finds it free.
- Discovery runs at the first need, in one thread, beside the set that is there. It is
  done when it is done: whatever ends it before (an interrupt, the recursion limit)
  leaves nothing behind, and the next need starts anew. Who asks meanwhile waits a
  moment and then takes what has been read, our own backends first; who asks from
  inside an import, or from the plugin that is being loaded, does not wait at all.
- `refresh` keeps what was registered by hand, and all of the old set if it fails.
- Names are unique. Of two plugins the one read first keeps a name (see `metadata` for
  the order); what was registered by hand keeps it in any case.
- Warnings come last: one that is turned into an error finds everything in place.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from shrinkops._errors import type_name

from .backend import Backend
from .backends import Backends, close_names, unknown_names
from .frameworks import ABSENT, Watch, being_imported, look_again, state
from .records import BY_HAND, Aside, Entry, Quarantined, reason

if TYPE_CHECKING:
    from .discovery import Discovery

__all__ = ["MOMENT", "Entry", "Quarantined", "Registry", "registry"]

MOMENT = 1.0
"""Seconds for which a call waits for another thread's discovery if it can do without."""
_LONG = 30.0
"""Seconds for which it waits if it cannot."""
_SLICE = 0.02
_PACKAGES = frozenset(
    {"shrinkops", "shrinkops._call", "shrinkops._plugins", "shrinkops.operations"}
)


class Registry:
    """All known backends. One instance serves the process."""

    def __init__(self) -> None:
        self._current = Backends()
        self._listeners: list[Callable[[bool], None]] = []
        self._watch = Watch(self._framework_arrived)
        self._reading: Discovery | None = None
        self._wanted = self._done = 0  # numbers of the readings that `refresh` asked for
        self._cut_off: frozenset[str] = frozenset()
        self._renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._before_fork, after_in_child=self._after_fork)

    def __reduce__(self) -> Any:
        import pkgutil

        return pkgutil.resolve_name, (f"{__name__}:registry",)

    # Telling

    def on_change(self, listener: Callable[[bool], None]) -> None:
        """Call ``listener`` whenever the set of backends has changed.

        It is told whether answers may have changed where the set has not.
        """
        self._listeners.append(listener)

    def no_more(self, listener: Callable[[bool], None]) -> None:
        """Call a listener no longer."""
        self._listeners.remove(listener)

    def tell(self, anew: bool = False) -> None:
        """Have every listener look again; the first error is raised when all have."""
        frameworks = {entry.declared.framework for entry in self._current.known}
        self._watch.expect([name for name in frameworks if state(name) == ABSENT])
        first: BaseException | None = None
        for listener in tuple(self._listeners):
            try:
                listener(anew)
            except BaseException as error:
                first = first or error
        if first is not None:
            raise first

    def _framework_arrived(self) -> None:
        # Somebody's import is not the place to fail.
        with contextlib.suppress(Exception):
            self.tell(anew=True)

    # Reading

    def backends(self, patience: float = _LONG) -> Backends:
        """Return the set of backends, reading the plugins if nobody has.

        Parameters
        ----------
        patience : float
            Seconds to wait for a reading in another thread. Then, and where waiting
            could last for ever, the set is what has been read so far, and not complete.
        """
        current = self._current
        if current.complete or (current.discovered.unread and not self._can_read_on()):
            return current
        self._read_plugins(lambda: self._current.complete, patience, anew=False)
        current, reading = self._current, self._reading
        if current.complete or reading is None:
            return current
        return current.changed(discovered=reading.found, complete=False)

    @property
    def in_use(self) -> Backends:
        """The set as it is, without reading anything."""
        return self._current

    def is_current(self, backends: Backends) -> bool:
        """Tell, under ``lock``, whether a set is in use and complete."""
        return backends.complete and backends is self._current

    def entries(self) -> tuple[Entry, ...]:
        """Return all usable backends, those preferred first, then by priority."""
        return self.backends().entries

    @property
    def quarantined(self) -> tuple[Quarantined, ...]:
        """What was set aside, and why."""
        return self.backends().quarantined

    def find(self, name: str) -> Entry | None:
        """Return the usable backend of a name."""
        return next((e for e in self.entries() if e.name == name), None)

    # Changing

    def register(self, plugin: Any, replace: bool = False) -> list[str]:
        """Register a plugin by hand; see `shrinkops.register`."""
        if plugin is None:
            raise TypeError(
                "register: got None, expected a shrinkops.Backend or a plugin; a function "
                "that makes one must return it"
            )
        from .loading import from_object

        entries = from_object(plugin, _plugin_name(plugin), BY_HAND)
        self.backends()
        with self.lock:
            old = self._current
            for entry in entries:
                holder = old.holder(entry.name)
                if holder is not None and not replace and holder not in old.asides:
                    raise ValueError(_taken(entry, holder))
            names = {entry.name for entry in entries}
            kept = tuple(e for e in old.by_hand if e.name not in names)
            installed = {e.name for plugin in old.discovered.plugins for e in plugin.entries}
            for entry in entries:
                entry.replaces = entry.name in installed
            self._set(by_hand=kept + entries)
        self.tell()
        return [entry.name for entry in entries]

    def unregister(self, name: str) -> None:
        """Remove one backend; see `shrinkops.unregister`."""
        self.backends()
        with self.lock:
            old = self._current
            if old.holder(name) is None:
                known = ", ".join(e.name for e in sorted(old.known, key=_by_name)) or "none"
                aside = [q.reason for q in old.quarantined if q.name == name]
                raise ValueError(
                    f"unregister: no backend is named {name!r}; registered: {known}"
                    + "".join(f"; a plugin {name!r} was set aside: {why}" for why in aside)
                )
            self._set(
                by_hand=tuple(e for e in old.by_hand if e.name != name), hidden=old.hidden | {name}
            )
        self.tell()

    def prefer(self, names: tuple[str, ...]) -> tuple[str, ...] | None:
        """Put some backends before all others; return what was preferred before."""
        known = [entry.name for entry in self.backends().known]
        for name in names:
            if name not in known:
                told = close_names(str(name), sorted(known))
                raise ValueError(f"prefer: no backend is named {name!r}; {told}")
        return self.restore(names)

    def restore(self, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Prefer what was preferred before, even if it is not there any more."""
        with self.lock:
            before = self._current.chosen
            self._set(chosen=names)
        self.tell()
        return before

    def set_aside(self, entry: Entry, what: str, error: BaseException) -> None:
        """Set a backend aside because one of its methods failed."""
        quarantined = Quarantined(
            entry.name, entry.distribution, entry.version, reason(what, error)
        )
        with self.lock:
            old = self._current
            if entry not in old.known or entry in old.asides:
                return
            module = sys.modules.get(entry.declared.framework)
            self._set(asides={**old.asides, entry: Aside(quarantined, module)})
        self.tell()
        _warn(quarantined.warning)

    def reinstate(self, entry: Entry) -> None:
        """Take a backend back whose framework is another module than the one it failed on."""
        with self.lock:
            self._set(asides={e: a for e, a in self._current.asides.items() if e is not entry})
        self.tell()

    def refresh(self) -> None:
        """Read the entry points again; see `shrinkops.refresh`."""
        look_again()
        with self.lock:
            self._wanted += 1
            wanted = self._wanted
        self._read_plugins(lambda: self._done >= wanted, _LONG, anew=True)
        if self._done < wanted and not self._is_reading():
            raise RuntimeError(
                f"refresh: another thread is reading plugins (it imports "
                f"{getattr(self._reading, 'loading', '')!r}), and this one cannot wait for it "
                f"any longer; call it again later"
            )

    def _set(self, **changes: Any) -> None:
        self._current = self._current.changed(**changes)

    # Discovery

    def _can_read_on(self) -> bool:
        unread = self._current.discovered.unread
        return any(not being_imported(point.module) for point in unread)

    def _is_reading(self) -> bool:
        reading = self._reading
        return reading is not None and reading.thread == threading.get_ident()

    def _read_plugins(self, done: Callable[[], bool], patience: float, anew: bool) -> None:
        """Read all plugins, or those that are unread, unless another thread does or has."""
        inside = self._is_reading()  # a plugin that calls back
        with self.busy():
            from .discovery import Discovery  # at the first need, not with shrinkops
        try:
            if not self._claim(done, patience, Discovery):
                return
            backends, held_back = self._publish_reading(anew)
        finally:
            if not inside and self._is_reading():
                with self.lock:
                    self._reading = None
                    self.lock.notify_all()
        self.tell()
        for message in held_back:
            warnings.warn_explicit(
                message.message, message.category, message.filename, message.lineno
            )
        for quarantined in backends.quarantined:
            _warn(quarantined.warning)
        for text in unknown_names(backends):
            _warn(text)

    def _claim(self, done: Callable[[], bool], patience: float, discovery: type[Discovery]) -> bool:
        """Become the one thread that reads; False if another one is, or all is done."""
        until = time.monotonic() + patience
        with self.lock:
            while not done():
                reading = self._reading
                if reading is None:
                    self._reading = discovery(self._current.discovered, self._cut_off)
                    return True
                wait = min(until - time.monotonic(), _SLICE)
                # Waiting inside an import may be waiting for oneself. Our own backends are
                # read first and wait for nobody, so they are worth it even there.
                if self._is_reading() or wait <= 0 or (reading.found.plugins and _in_import()):
                    return False
                self.lock.wait(wait)
        return False

    def _publish_reading(self, anew: bool) -> tuple[Backends, list[warnings.WarningMessage]]:
        reading = self._reading
        assert reading is not None
        covers = self._wanted
        unread = () if anew else self._current.discovered.unread
        with self.busy():
            found = reading.run(unread or None)
        fresh: dict[str, Any] = {} if unread else {"hidden": frozenset(), "asides": {}}
        with self.lock:
            self._set(discovered=found, complete=not found.unread, **fresh)
            self._done = max(self._done, covers)
            return self._current, reading.held_back

    # Forks

    def _renew(self) -> None:
        self.lock = threading.Condition(threading.RLock())
        """Held to publish, never while foreign code runs."""
        self._reading = None
        self._at_work: set[int] = set()

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """Mark the thread as one that imports, so that a fork waits a moment for it."""
        me = threading.get_ident()
        if me in self._at_work:
            yield
            return
        self._at_work.add(me)
        try:
            yield
        finally:
            self._at_work.discard(me)

    def _before_fork(self) -> None:
        """Wait a moment for threads that import: in the child their imports never end."""
        if _in_import():
            return
        until = time.monotonic() + MOMENT
        while self._at_work - {threading.get_ident()} and time.monotonic() < until:
            time.sleep(0.005)

    def _after_fork(self) -> None:
        """Start without the locks and the work of threads that are not here."""
        reading = self._reading
        mine = self._is_reading()
        self._renew()
        if mine:
            self._reading = reading
        elif reading is not None:
            self._cut_off |= {reading.loading}


def _in_import() -> bool:
    """Tell whether this thread is inside an import, and so holds a lock of one."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "_find_and_load" and "importlib" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


def _by_name(entry: Entry) -> str:
    return entry.name


def _taken(entry: Entry, holder: Entry) -> str:
    remedy = (
        f"to take this one instead pass replace=True, "
        f"or call shrinkops.unregister({entry.name!r}) first"
    )
    if holder.distribution == BY_HAND:
        return f"a backend named {entry.name!r} is registered by hand already; {remedy}"
    return (
        f"two backends are named {entry.name!r}: one {holder.source}, one {BY_HAND}; "
        f"rename one, or {remedy}"
    )


def _plugin_name(plugin: Any) -> str:
    name = plugin.name if isinstance(plugin, Backend) else getattr(plugin, "__name__", None)
    return name if isinstance(name, str) and name else type_name(type(plugin))


def _warn(text: str) -> None:
    """Warn where the program called shrinkops."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__package__") in _PACKAGES:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, RuntimeWarning, stacklevel=level)


registry = Registry()
"""The registry of this process."""
