"""The set of backends at one moment.

Invariants
----------
- Immutable, and a function of its ingredients: what was read, what was registered by
  hand, what was removed, what was set aside, what is preferred. It calls no foreign code.
- Names are unique. What was registered by hand keeps its name; of two plugins the one
  read first does, and the other is set aside whole.
- `entries` are in the order in which they are asked: those preferred, then by priority.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import Any

from . import environment
from .records import Aside, Discovered, Entry, Quarantined, source

__all__ = ["Backends", "close_names", "unknown_names"]

_NOTHING = Discovered()
_INGREDIENTS = ("discovered", "by_hand", "hidden", "asides", "chosen", "complete")


class Backends:
    """All backends, and the order among them.

    Attributes
    ----------
    discovered : Discovered
    by_hand : tuple of Entry
    hidden : frozenset of str
        Names of installed backends that were unregistered.
    asides : mapping of Entry to Aside
    chosen : tuple of str or None
        The names given to `shrinkops.prefer`; None leaves the environment's.
    complete : bool
        Every installed plugin has been read.
    known : tuple of Entry
        All backends, blocked ones and those set aside included.
    entries : tuple of Entry
        The usable ones.
    blocked : tuple of Entry
    quarantined : tuple of Quarantined
    groups : tuple of tuple of Entry
        The backends that are not blocked, those of one rank together, the highest first.
    """

    def __init__(
        self,
        discovered: Discovered = _NOTHING,
        by_hand: tuple[Entry, ...] = (),
        hidden: frozenset[str] = frozenset(),
        asides: Mapping[Entry, Aside] = MappingProxyType({}),
        chosen: tuple[str, ...] | None = None,
        complete: bool = False,
    ) -> None:
        self.discovered = discovered
        self.by_hand = by_hand
        self.hidden = hidden
        self.asides = asides
        self.chosen = chosen
        self.complete = complete
        refused: list[Quarantined] = []
        blocked = frozenset(discovered.block)
        self.known = tuple(sorted(self._unique(refused), key=self.rank))
        self.blocked = tuple(e for e in self.known if e.name in blocked)
        asked = [e for e in self.known if e.name not in blocked]
        self.entries = tuple(e for e in asked if e not in asides)
        self.groups = tuple(
            tuple(group) for _, group in groupby(asked, key=lambda e: self.rank(e)[:2])
        )
        self.quarantined = (
            *discovered.quarantined,
            *refused,
            *(asides[e].quarantined for e in self.known if e in asides),
        )

    def changed(self, **ingredients: Any) -> Backends:
        """Return the set with some ingredients replaced."""
        mine = {name: getattr(self, name) for name in _INGREDIENTS}
        return Backends(**mine | ingredients)

    @property
    def preferred(self) -> tuple[str, ...]:
        """Names of the backends that go before all others, in their order."""
        return self.discovered.prefer if self.chosen is None else self.chosen

    def rank(self, entry: Entry) -> tuple[int, int, str]:
        """Return the sorting key of a backend; but for the name, equal keys are equal ranks."""
        preferred = self.preferred
        place = preferred.index(entry.name) if entry.name in preferred else len(preferred)
        return place, -entry.declared.priority, entry.name

    def holder(self, name: str) -> Entry | None:
        """Return the backend that has a name, usable or not."""
        return next((e for e in self.known if e.name == name), None)

    def names(self) -> list[str]:
        """Return every name that a switch or a call can mean."""
        return sorted(
            {e.name for e in self.known}
            | {q.name for q in self.quarantined}
            | set(self.discovered.blocked)
        )

    def _unique(self, refused: list[Quarantined]) -> Iterator[Entry]:
        holders: dict[str, Entry] = {e.name: e for e in self.by_hand}
        for plugin in self.discovered.plugins:
            for entry in plugin.entries:
                other = holders.get(entry.name)
                if other is not None and not other.replaces:
                    why = (
                        f"refused: ValueError: two backends are named {entry.name!r}: one "
                        f"{other.source}, one {source(plugin.distribution)}; rename one or "
                        f"uninstall its distribution"
                    )
                    refused.append(
                        Quarantined(plugin.name, plugin.distribution, plugin.version, why)
                    )
                    break
            else:
                for entry in plugin.entries:
                    if entry.name not in self.hidden:
                        holders.setdefault(entry.name, entry)
        return iter(holders.values())


def unknown_names(backends: Backends) -> Iterator[str]:
    """Word a warning for each name in the environment that no backend or plugin has."""
    known = backends.names()
    for variable, given in (
        (environment.BLOCK, backends.discovered.block),
        (environment.PREFER, backends.discovered.prefer),
    ):
        for name in given:
            if name not in known:
                told = close_names(name, known)
                yield f"{variable} names {name!r}, which is no backend here; {told}"


def close_names(name: str, known: list[str]) -> str:
    """Say which name may have been meant, and which there are."""
    import difflib

    lower = {n.lower(): n for n in known}
    close = difflib.get_close_matches(name.lower(), lower, 1)
    meant = f"did you mean {lower[close[0]]!r}? " if close else ""
    return f"{meant}known: {', '.join(known) or 'none'}"
