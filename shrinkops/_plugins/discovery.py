"""Reading all plugins: a new set, built beside the one that is in use.

Invariants
----------
- A `Discovery` changes nothing but itself, ``sys.modules`` and what plugins change.
- Each plugin is loaded alone. Whatever it raises, `SystemExit` included, puts it into
  quarantine with the reason; what ends a whole program, and the limits of the
  interpreter where the caller had left little room, end the discovery instead.
- A module that some thread is importing is not waited for: its plugin stays unread,
  and the set incomplete, until that import has ended.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from shrinkops._errors import FAULTS, is_callers

from . import environment
from .frameworks import being_imported
from .hookspecs import PROJECT
from .loading import Loading, changed
from .metadata import Damage, own_points, third_party_points
from .records import Discovered, Imported, Plugin, Point, Quarantined, reason, source

__all__ = ["Discovery"]


class Discovery:
    """One reading of all plugins.

    Parameters
    ----------
    before : Discovered
        The reading before this one. Our own plugins are kept from it as they are, others
        are asked again, and imported again where their files have changed.

    Attributes
    ----------
    found : Discovered
        Replaced after each plugin; complete when `run` returns.
    held_back : list of warnings.WarningMessage
    thread : int
        The thread that reads.
    cut_off : frozenset of str
        Modules whose import a fork has cut off: the thread that ran it is not here.
    """

    def __init__(self, before: Discovered, cut_off: frozenset[str]) -> None:
        self.found = Discovered(
            block=environment.names(environment.BLOCK),
            prefer=environment.names(environment.PREFER),
        )
        self.loading = ""
        self.held_back: list[warnings.WarningMessage] = []
        self.thread = threading.get_ident()
        self._before = before
        self._plugins = {p.module: p for p in before.plugins}
        self._cut_off = cut_off

    def run(self, points: Sequence[Point] | None = None) -> Discovered:
        """Read the points given, or our own plugins and all that are installed."""
        if points is not None:
            self.found = self._before.__replace__(unread=())
            self._read(points)
        elif not environment.switch(environment.AUTOLOAD):
            self._read(own_points())
            third_party, damages = third_party_points()
            self._aside(*map(_unreadable, damages))
            self._read(third_party)
        return self.found

    def _read(self, points: Sequence[Point]) -> None:
        for point in points:
            names = [plugin.name for plugin in self.found.plugins]
            if point.name in self.found.block and point.distribution != PROJECT:
                self._add(blocked=(point.name,))
            elif point.name in names:
                other = self.found.plugins[names.index(point.name)]
                self._quarantine(
                    point,
                    f"refused: ValueError: a plugin named {point.name!r} is registered already, "
                    f"{source(other.distribution)}; the one "
                    f"{source(point.distribution)} needs another name",
                )
            elif point.module in self._cut_off and being_imported(point.module):
                self._quarantine(point, "its import was cut off when the process was forked")
            elif being_imported(point.module):
                self._add(unread=(point,))
            else:
                self._load(point)

    def _load(self, point: Point) -> None:
        module = point.module
        before = self._plugins.get(module)
        imported = self._before.imported.get(module)
        if before is not None and point.distribution == PROJECT:
            self._add(plugins=(before,), imported={module: imported} if imported else {})
            return
        again = module in sys.modules and imported is not None and changed(module, imported, before)
        loading = Loading(point)
        self.loading = module
        try:
            plugin = loading.run(again)
        except FAULTS as error:
            if is_callers(error):
                raise
            self._quarantine(point, reason(loading.stage, error))
        else:
            self._add(plugins=(plugin,))
        finally:
            self.loading = ""
        self.held_back += loading.held_back
        if loading.imported is not None:
            self._add(imported={module: loading.imported})

    def _quarantine(self, point: Point, why: str) -> None:
        self._aside(Quarantined(point.name, point.distribution, point.version, why))

    def _aside(self, *quarantined: Quarantined) -> None:
        self._add(quarantined=quarantined)

    def _add(
        self,
        plugins: tuple[Plugin, ...] = (),
        quarantined: tuple[Quarantined, ...] = (),
        unread: tuple[Point, ...] = (),
        blocked: tuple[str, ...] = (),
        imported: Mapping[str, Imported] = MappingProxyType({}),
    ) -> None:
        found = self.found
        self.found = found.__replace__(
            plugins=found.plugins + plugins,
            quarantined=found.quarantined + quarantined,
            unread=found.unread + unread,
            blocked=found.blocked + blocked,
            imported={**found.imported, **imported},
        )


def _unreadable(damage: Damage) -> Quarantined:
    return Quarantined(damage.file, damage.file, "", reason("unreadable metadata", damage.error))
