"""The one exception class of the public surface, and how types are named in messages."""

from __future__ import annotations

__all__ = ["UnsupportedArrayError", "type_name"]


class UnsupportedArrayError(TypeError):
    """No registered backend takes an argument of this type.

    A subclass of `TypeError`. The message names the type, the backends that are
    ready, and what to install or convert.
    """


def type_name(cls: type) -> str:
    """Return the dotted name of a class, without ``builtins.``.

    Asks `type` and not the class, whose metaclass may answer anything.
    """
    module = type.__getattribute__(cls, "__module__")
    name: str = type.__getattribute__(cls, "__qualname__")
    return name if module == "builtins" else f"{module}.{name}"
