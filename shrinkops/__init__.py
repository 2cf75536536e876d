"""One hardshrink for every array library: the same bits everywhere, at memory speed.

Importing shrinkops imports pluggy and no array library. See `hardshrink`, `Hardshrink`;
`backends` and `explain` for what runs and why; `register` and `Backend` to bring a
backend of your own.
"""

from __future__ import annotations

from shrinkops._plugins.backend import Backend
from shrinkops._plugins.hookspecs import hookimpl
from shrinkops.operations.hardshrink import Hardshrink, hardshrink

from ._collections import map_details
from ._errors import UnsupportedArrayError
from ._public import backends, explain, refresh, register, unregister

__version__ = "0.1.0.dev0"

__all__ = [
    "Backend",
    "Hardshrink",
    "UnsupportedArrayError",
    "__version__",
    "backends",
    "explain",
    "hardshrink",
    "hookimpl",
    "map_details",
    "refresh",
    "register",
    "unregister",
]
