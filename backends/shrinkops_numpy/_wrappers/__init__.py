"""Types of other libraries that hold arrays, and how to reach those.

Invariants
----------
- One module per library, imported when a value of the library arrives, so the library is there.
- A class finds its wrapper by its own module and those of its bases, never by what was
  imported or called before.
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import Any

from shrinkops._classes import WeakClasses
from shrinkops._errors import module_of

from .._libraries import LIBRARIES
from ._wrapper import Inner, Part, Wrapper, bare, check_numbers, is_array

__all__ = [
    "Inner",
    "Part",
    "Wrapper",
    "bare",
    "check_numbers",
    "find",
    "is_array",
    "subclass_aware",
]


_found: WeakClasses[tuple[Wrapper | None]] = WeakClasses()


def find(cls: type) -> Wrapper | None:
    """Return the wrapper of a class; the closest base that has one decides."""
    found = _found.get(cls)
    if found is None:
        found = (_search(cls),)
        _found.add(cls, found)
    return found[0]


def _search(cls: type) -> Wrapper | None:
    for base in cls.__mro__:
        library = module_of(base).partition(".")[0]
        module = LIBRARIES.get(library)
        if module is not None:
            wrapper = _table(module, library).get(base)
            if wrapper is not None:
                return wrapper
    return None


@lru_cache(None)
def _table(module: str, library: str) -> dict[type, Wrapper]:
    table: dict[type, Wrapper] = _wrappers(module, library)
    return table


def subclass_aware(inner: Inner, guarded: Any) -> Any:
    """Return the kernel of the `numpy` backend, for ndarrays and their subclasses."""
    from ._subclasses import aware

    return aware(inner, guarded)


def _wrappers(module: str, library: str) -> Any:
    return importlib.import_module(f"{__name__}.{module}").wrappers(library)
