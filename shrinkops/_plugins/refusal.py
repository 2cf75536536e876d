"""The one place that words the refusal of a type (HS-DSP-3).

Invariants
----------
- It imports no framework.
- It names what is ready, what would have to be installed, and what was set aside or
  blocked and might take the type.
"""

from __future__ import annotations

from shrinkops._errors import FAULTS, UnsupportedArrayError, type_name

from . import environment
from .backends import Backends
from .frameworks import ABSENT, state

__all__ = ["refusal", "state_names"]


def refusal(cls: type, backends: Backends) -> UnsupportedArrayError:
    """Return the exception for a class that no backend takes."""
    ready, missing = state_names(backends)
    parts = [f"no backend takes {type_name(cls)}", f"ready: {', '.join(ready) or 'none'}"]
    if missing:
        parts.append(f"not installed: {', '.join(missing)}")
    if not type_name(cls).count("."):
        parts.append("convert it first, for example with numpy.asarray(x)")
        return UnsupportedArrayError("; ".join(parts))
    blocked = _blocked(cls, backends)
    if blocked:
        parts.append(f"blocked by {environment.BLOCK}: {', '.join(blocked)}")
    aside = [f"{q.name} ({q.reason})" for q in backends.quarantined if q.name != q.distribution]
    if aside:
        parts.append(f"set aside: {', '.join(aside)}")
    if environment.switch(environment.AUTOLOAD):
        parts.append(f"{environment.AUTOLOAD} is set, so no installed plugin was read")
    elif not backends.complete:
        parts.append("some plugins are still being imported")
    parts.append("convert it to an array of one of these, or register a backend for its type")
    return UnsupportedArrayError("; ".join(parts))


def _blocked(cls: type, backends: Backends) -> list[str]:
    names = list(backends.discovered.blocked)  # plugins that were not even imported
    for entry in backends.blocked:
        if state(entry.declared.framework) is ABSENT:
            continue
        try:
            if entry.backend.handles(cls):
                names.append(entry.name)
        except FAULTS:  # blocked, perhaps, for that
            continue
    return sorted(names)


def state_names(backends: Backends) -> tuple[list[str], list[str]]:
    """Return the names of the backends that can serve, and of the missing, without imports."""
    ready, missing = [], []
    for entry in sorted(backends.entries, key=lambda e: (-e.declared.priority, e.name)):
        declared = entry.declared
        try:
            present = state(declared.framework) is not ABSENT or entry.backend.installed()
        except FAULTS:  # a parent package that fails to import, say
            present = False
        if present:
            ready.append(declared.name)
        else:
            missing.append(declared.name + (f" ({declared.install})" if declared.install else ""))
    return ready, missing
