"""The environment switches of the registry.

Invariants
----------
- Read when the set of backends is made, at the first need and by `refresh`; never
  by a call. What is set later counts from the next `refresh` on.
"""

from __future__ import annotations

import os

__all__ = ["AUTOLOAD", "BLOCK", "PREFER", "names", "switch"]

AUTOLOAD = "SHRINKOPS_DISABLE_PLUGIN_AUTOLOAD"
BLOCK = "SHRINKOPS_BLOCK"
PREFER = "SHRINKOPS_PREFER"

_OFF = frozenset({"", "0", "false", "no", "off"})


def switch(variable: str) -> bool:
    """Tell whether an environment switch is on; 0, empty and false mean off."""
    return os.environ.get(variable, "").strip().lower() not in _OFF


def names(variable: str) -> tuple[str, ...]:
    """Return the names in a variable, separated by commas, in its order."""
    if not switch(variable):
        return ()
    given = (name.strip() for name in os.environ[variable].split(","))
    return tuple(dict.fromkeys(name for name in given if name))
