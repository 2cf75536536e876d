"""What is known of plugins and backends: plain records.

Invariants
----------
- None of them is changed once it is made, and none holds a class of arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from shrinkops._errors import said
from shrinkops._frozen import Frozen

from .backend import Backend

__all__ = [
    "BY_HAND",
    "Aside",
    "Declared",
    "Discovered",
    "Entry",
    "Imported",
    "Plugin",
    "Point",
    "Quarantined",
    "reason",
    "source",
]

BY_HAND = "registered by hand"


def source(distribution: str) -> str:
    """Name where something comes from, in a message."""
    return distribution if distribution == BY_HAND else f"from distribution {distribution!r}"


def reason(what: str, error: BaseException) -> str:
    """Word why something was set aside."""
    return f"{what}: {said(error)}"


class Point(Frozen):
    """Where a plugin is to be found."""

    name: str
    module: str
    attribute: str
    distribution: str
    version: str


class Declared(Frozen):
    """The checked attributes of a backend."""

    name: str
    framework: str
    priority: int
    install: str
    dtypes: frozenset[str]
    features: frozenset[str]
    any_library: bool


class Entry:
    """A backend, what it declared, and the plugin that brought it.

    Attributes
    ----------
    backend : Backend
    declared : Declared
    name : str
        The declared one.
    plugin, distribution, version : str
    replaces : bool
        Registered by hand, in the place of an installed backend of its name.
    handle : Handle, optional
        The handle of the backend, once somebody asked for it.
    """

    __slots__ = (
        "__weakref__",
        "backend",
        "declared",
        "distribution",
        "handle",
        "name",
        "plugin",
        "replaces",
        "version",
    )

    def __init__(
        self,
        backend: Backend,
        declared: Declared,
        plugin: str,
        distribution: str,
        version: str = "",
        replaces: bool = False,
    ) -> None:
        self.backend = backend
        self.declared = declared
        self.name = declared.name
        self.plugin = plugin
        self.distribution = distribution
        self.version = version
        self.replaces = replaces
        self.handle: Any = None

    def __repr__(self) -> str:
        return f"<Entry {self.name!r} {self.source}>"

    @property
    def source(self) -> str:
        """Where it comes from, in a message."""
        return source(self.distribution)


class Plugin(Frozen):
    """A plugin that has been loaded.

    ``seconds`` is what its import and its hook took.
    """

    name: str
    distribution: str
    version: str
    entries: tuple[Entry, ...]
    module: str
    seconds: float


class Imported(Frozen):
    """The files of a plugin's modules as they were when it was imported, and when that was.

    The time is of the clock that the files' times are of.
    """

    files: dict[str, tuple[int, int]]
    time: int


class Quarantined(Frozen):
    """A plugin or backend that was set aside, and why."""

    name: str
    distribution: str
    version: str
    reason: str

    @property
    def warning(self) -> str:
        """The line that its reader is told."""
        if not self.version and self.name == self.distribution:
            return f"shrinkops cannot read {self.name}: {self.reason}"
        return (
            f"shrinkops set plugin {self.name!r} {source(self.distribution)} aside: {self.reason}"
        )


class Aside(Frozen):
    """Why a backend was set aside after it had been registered.

    ``module`` is what ``sys.modules`` had for its framework: the verdict is about that,
    and another module is asked anew.
    """

    quarantined: Quarantined
    module: Any


class Discovered(Frozen):
    """What a discovery has read.

    ``blocked`` has the names of plugins that were not loaded, because ``block`` has them;
    ``block`` and ``prefer`` are the names in the environment's switches; ``imported`` tells
    what the modules' files were, by module.
    """

    plugins: tuple[Plugin, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    unread: tuple[Point, ...] = ()
    blocked: tuple[str, ...] = ()
    imported: Mapping[str, Imported] = MappingProxyType({})
    block: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
