"""What is remembered of a class, as long as somebody else holds it.

Invariants
----------
- A class is told apart by its identity: its metaclass may hash and compare as it likes.
- No class is kept alive, unless by what is remembered of it.
"""

from __future__ import annotations

import weakref
from typing import Generic, TypeVar

__all__ = ["WeakClasses"]

_Value = TypeVar("_Value")


class WeakClasses(Generic[_Value]):
    """A mapping from classes, which forgets a class when everybody else has."""

    __slots__ = ("_items",)

    def __init__(self) -> None:
        self._items: dict[int, tuple[weakref.ref[type], _Value]] = {}

    def get(self, cls: type) -> _Value | None:
        """Return what is remembered of a class, None if nothing is."""
        item = self._items.get(id(cls))
        return item[1] if item is not None and item[0]() is cls else None

    def add(self, cls: type, value: _Value) -> None:
        """Remember something of a class."""
        key, items = id(cls), self._items

        def forget(reference: weakref.ref[type]) -> None:
            # The class is still there while it is told of, so its identity is not reused.
            if key in items and items[key][0] is reference:
                del items[key]

        items[key] = weakref.ref(cls, forget), value
