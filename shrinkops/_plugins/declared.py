"""What a backend says about itself, read once and checked.

Invariants
----------
- A backend's attributes are foreign code: they are read here, when it is registered, and
  the registry decides by what was read. One that raises or has another type is a
  refusal that names it, never an error of somebody's call.
"""

from __future__ import annotations

import operator
from typing import Any

from shrinkops._errors import FAULTS, is_callers, said, type_name

from .backend import Backend
from .records import Declared

__all__ = ["read"]


def read(backend: Backend, plugin: str) -> Declared:
    """Read a backend's attributes.

    Parameters
    ----------
    backend : Backend
    plugin : str
        Who brought it, for messages.

    Raises
    ------
    TypeError
        An attribute is missing, has another type, or raises.
    """

    def get(attribute: str) -> Any:
        try:
            return getattr(backend, attribute)
        except FAULTS as error:
            if is_callers(error):
                raise
            raise TypeError(
                f"plugin {plugin!r}: {type_name(type(backend))}.{attribute} raised "
                f"{said(error)}; give it a plain value"
            ) from error

    def wrong(attribute: str, value: object, expected: str) -> TypeError:
        return TypeError(
            f"plugin {plugin!r}: {type_name(type(backend))}.{attribute} is {value!r}, "
            f"expected {expected}"
        )

    texts = {}
    for attribute in ("name", "framework"):
        value = get(attribute)
        if not isinstance(value, str) or not value:
            raise wrong(attribute, value, "a non-empty string")
        texts[attribute] = str(value)
    name = texts["name"]
    if name != name.strip() or not name.isprintable() or set(",:") & set(name):
        raise wrong("name", name, "a printable name without commas, colons and spaces around it")
    priority = get("priority")
    if isinstance(priority, bool) or not hasattr(type(priority), "__index__"):
        raise wrong("priority", priority, "an integer; 0 is right for a library's own types")
    sets = {}
    for attribute in ("dtypes", "features"):
        value = get(attribute)
        if not isinstance(value, frozenset) or not all(isinstance(n, str) for n in value):
            expected = "a frozenset of names such as frozenset({'float32'})"
            raise wrong(attribute, value, expected)
        sets[attribute] = value
    install = get("install")
    return Declared(
        name,
        texts["framework"],
        operator.index(priority),
        install if isinstance(install, str) else "",
        sets["dtypes"],
        sets["features"],
        bool(get("any_library")),
    )
