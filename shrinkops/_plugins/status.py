"""What there is and why a backend ran: the answers behind `backends` and `explain`.

Invariants
----------
- `backends` tells the truth at the price of importing each installed framework.
  `explain` and error messages import nothing.
- Whatever a framework raises when it is probed ends in its row, not in the caller.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from shrinkops._errors import FAULTS, UnsupportedArrayError, said, type_name

from . import environment
from .backends import Backends
from .choice import ask, choose
from .registry import Entry, registry

__all__ = ["BackendStatus", "Explanation", "StatusTable", "explanation", "status_table"]

READY = "ready"
MISSING = "framework missing"
FAILED = "import failed"
NO_DEVICE = "no device"
QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class BackendStatus:
    """One row of `shrinkops.backends()`.

    Attributes
    ----------
    name : str
    state : {"ready", "framework missing", "import failed", "no device", "quarantined"}
    framework : str
        Import name of the array library.
    framework_version : str
        Empty where it is not installed.
    distribution, distribution_version : str
        What brought the backend.
    array_types : tuple of str
    capabilities : frozenset of str
    kernel : str
        The kernel in use; empty unless ready.
    reason : str
        Why it is not ready, and the remedy; empty when ready.
    import_seconds : float
        What the import of the plugin that brought it took, with its hook; 0 for
        one that was registered by hand.
    """

    name: str
    state: str
    framework: str = ""
    framework_version: str = ""
    distribution: str = ""
    distribution_version: str = ""
    array_types: tuple[str, ...] = ()
    capabilities: frozenset[str] = frozenset()
    kernel: str = ""
    reason: str = ""
    import_seconds: float = 0.0


class StatusTable(Sequence[BackendStatus]):
    """The rows of `shrinkops.backends()`: a sequence that prints as a table."""

    def __init__(self, rows: Sequence[BackendStatus]) -> None:
        self._rows = tuple(rows)

    @overload
    def __getitem__(self, index: int) -> BackendStatus: ...
    @overload
    def __getitem__(self, index: slice) -> StatusTable: ...
    def __getitem__(self, index: int | slice) -> BackendStatus | StatusTable:
        if isinstance(index, slice):
            return StatusTable(self._rows[index])
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[BackendStatus]:
        return iter(self._rows)

    def __repr__(self) -> str:
        header = ("backend", "state", "library", "from", "import", "kernel")
        cells = [header]
        for row in self._rows:
            library = f"{row.framework} {row.framework_version}".strip()
            source = f"{row.distribution} {row.distribution_version}".strip()
            took = f"{row.import_seconds * 1e3:.1f} ms" if row.import_seconds else ""
            cells.append((row.name, row.state, library, source, took, row.kernel))
        widths = [max(len(line[i]) for line in cells) for i in range(len(header))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in cells]
        lines.insert(1, "  ".join("-" * w for w in widths))
        text = [line.rstrip() for line in lines]
        for row in self._rows:
            text.append("")
            if row.array_types:
                text.append(f"{row.name}: takes {', '.join(row.array_types)}")
            if row.capabilities:
                names = ", ".join(sorted(row.capabilities))
                text += textwrap.wrap(names, 92, initial_indent="  ", subsequent_indent="  ")
            if row.reason:
                line = f"{row.state}: {row.reason}"
                if row.array_types:
                    text += textwrap.wrap(line, 92, initial_indent="  ", subsequent_indent="  ")
                else:
                    text += textwrap.wrap(f"{row.name}: {line}", 92, subsequent_indent="  ")
        return "\n".join(text)


def status_table() -> StatusTable:
    """Probe every known backend; see `shrinkops.backends`."""
    backends = registry.backends()
    seconds = {p.name: p.seconds for p in backends.discovered.plugins}
    rows = [_probe(e, seconds.get(e.plugin, 0.0)) for e in backends.entries]
    names = {row.name for row in rows}
    for q in backends.quarantined:
        name = q.name
        if name in names:  # a plugin that shares its name with a backend of another one
            name = f"{name} of {q.distribution}"
        names.add(name)
        rows.append(
            BackendStatus(
                name,
                QUARANTINED,
                distribution=q.distribution,
                distribution_version=q.version,
                reason=q.reason,
            )
        )
    return StatusTable(rows)


def _probe(entry: Entry, seconds: float) -> BackendStatus:
    """Ask a backend everything; whatever it raises becomes the reason of its row."""
    backend, framework = entry.backend, entry.declared.framework
    found: dict[str, Any] = {}
    try:
        found["array_types"] = tuple(backend.array_types())
        found["capabilities"] = backend.capabilities
        if not backend.installed():
            state = MISSING
            found["reason"] = f"{framework} is not installed" + _remedy(entry)
        elif problem := backend.unavailable():
            state = NO_DEVICE
            found["reason"] = problem
        else:
            found["kernel"] = backend.kernel_in_use()
            found["capabilities"] = backend.capabilities  # may know more with its library loaded
            state = READY
    except FAULTS as error:
        state = FAILED
        found["reason"] = said(error)
    return BackendStatus(
        name=entry.name,
        state=state,
        framework=framework,
        framework_version=framework_version(entry),
        distribution=entry.distribution,
        distribution_version=entry.version,
        import_seconds=seconds,
        **found,
    )


def framework_version(entry: Entry) -> str:
    """Return the version of a backend's library, empty where it is unknown."""
    framework = entry.declared.framework
    return _version(framework, entry.backend.framework_distribution)


def _version(library: str, distribution: str = "") -> str:
    module = sys.modules.get(library)
    version = getattr(module, "__version__", None)
    if isinstance(version, str):
        return version
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as version_of

    try:
        return version_of(distribution or library)
    except PackageNotFoundError:
        return ""


def _remedy(entry: Entry) -> str:
    return f": {entry.declared.install}" if entry.declared.install else ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer of `shrinkops.explain`; prints as a few lines.

    Attributes
    ----------
    type : str
        The class that was asked about.
    backend : str or None
        Name of the backend that takes it, None where none does.
    framework_version : str
    distribution, distribution_version : str
    reason : str
        Why this backend, or why none.
    others : tuple of (str, str)
        Every other known backend and what it said.
    library : str
        The library of the type, and its version.
    inside : tuple of Explanation
        The same for what a value holds for other backends to compute: the chunks of a dask array,
        the column of a frame. Empty for a class.
    """

    type: str
    backend: str | None
    framework_version: str
    distribution: str
    distribution_version: str
    reason: str
    others: tuple[tuple[str, str], ...]
    library: str = ""
    inside: tuple[Explanation, ...] = ()

    def __repr__(self) -> str:
        lines = [self._head(), *self._held("  ")]
        return "\n".join([*lines, *(f"  {name}: {answer}" for name, answer in self.others)])

    def _head(self) -> str:
        if self.backend is None:
            return f"{self.type}: no backend: {self.reason}"
        source = f"from {f'{self.distribution} {self.distribution_version}'.strip()}"
        where = f"library {self.library}, {source}" if self.library else source
        return f"{self.type}: {self.backend!r} ({where}): {self.reason}"

    def _held(self, indent: str) -> Iterator[str]:
        for told in self.inside:
            yield f"{indent}holds {told._head()}"
            yield from told._held(indent + "  ")


def explanation(x: Any) -> Explanation:
    """Ask every known backend about a class; see `shrinkops.explain`."""
    cls = x if issubclass(type(x), type) else type(x)  # not isinstance, which asks x
    winner: Entry | None = None
    try:
        choice = choose(cls)
    except UnsupportedArrayError as error:
        reason, backends = str(error), registry.backends()
    else:
        winner, reason, backends = choice.entry, choice.reason, choice.backends
    registry.tell(anew=True)  # what is told here is what runs from here on
    others = [(e.name, ask(e, cls).told) for e in backends.entries if e is not winner]
    others += [(name, f"blocked by {environment.BLOCK}") for name in _blocked(backends)]
    others += [(q.name, f"quarantined: {q.reason}") for q in backends.quarantined]
    return Explanation(
        type=type_name(cls),
        backend=winner.name if winner else None,
        framework_version=framework_version(winner) if winner else "",
        distribution=winner.distribution if winner else "",
        distribution_version=winner.version if winner else "",
        reason=reason,
        others=tuple(others),
        library=_library(winner, x) if winner else "",
        inside=_inside(winner, x) if winner and x is not cls else (),
    )


def _library(entry: Entry, x: Any) -> str:
    """Return name and version of the library of an array, as far as its backend can tell."""
    try:
        name = entry.backend.library_of(x)
    except FAULTS as error:
        return f"unknown: {said(error)}"
    if name == entry.declared.framework:
        return f"{name} {framework_version(entry)}".strip()
    return f"{name} {_version(name)}".strip()


_MOST = 8
"""Kinds of arrays inside a value that are told; a frame may have thousands of columns."""


def _inside(entry: Entry, x: Any) -> tuple[Explanation, ...]:
    """Explain what a value holds, each kind of it once."""
    try:
        held = entry.backend.inside(x)
    except FAULTS:
        return ()
    kinds = {(type(y), str(getattr(y, "dtype", ""))): y for y in held}
    told = {repr(found): found for found in map(explanation, [*kinds.values()][:_MOST])}
    return tuple(told.values())


def _blocked(backends: Backends) -> list[str]:
    return sorted(backends.discovered.block)
