"""Shrinkage operations for every array library: the same bits everywhere.

Importing shrinkops imports pluggy and no array library. See `hardshrink`, `softshrink`,
`shrink`, `firmshrink`, `garrote`, and for each a class with its parameters fixed;
`backends` and `explain` for what runs and why; `get_backend` and `prefer` to choose;
`register` and `Backend` to bring a backend of your own.
"""

from __future__ import annotations

from shrinkops._plugins.backend import Backend
from shrinkops._plugins.hookspecs import hookimpl
from shrinkops.operations.firmshrink import Firmshrink, firmshrink
from shrinkops.operations.garrote import Garrote, garrote
from shrinkops.operations.hardshrink import Hardshrink, hardshrink
from shrinkops.operations.shrink import Shrink, shrink
from shrinkops.operations.softshrink import Softshrink, softshrink

from ._collections import map_details
from ._errors import UnsupportedArrayError
from ._public import (
    backends,
    explain,
    get_backend,
    prefer,
    refresh,
    register,
    unregister,
)
from ._threads import threads

__version__ = "0.1.0.dev0"

__all__ = [
    "Backend",
    "Firmshrink",
    "Garrote",
    "Hardshrink",
    "Shrink",
    "Softshrink",
    "UnsupportedArrayError",
    "__version__",
    "backends",
    "explain",
    "firmshrink",
    "garrote",
    "get_backend",
    "hardshrink",
    "hookimpl",
    "map_details",
    "prefer",
    "refresh",
    "register",
    "shrink",
    "softshrink",
    "threads",
    "unregister",
]
