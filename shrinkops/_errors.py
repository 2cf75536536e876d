"""The one exception class of the public surface, and how types and errors are told in messages."""

from __future__ import annotations

import sys

__all__ = ["FAULTS", "UnsupportedArrayError", "is_callers", "said", "type_name"]

FAULTS = (Exception, SystemExit)
"""What foreign code raises without meaning the program that runs it: an exit is one, too."""


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


def said(error: BaseException) -> str:
    """Return an exception's class and words, whatever its ``__str__`` does."""
    try:
        words = str(error)
    except FAULTS as another:
        words = f"(no words: its __str__ raised {type(another).__name__})"
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def is_callers(error: BaseException) -> bool:
    """Tell whether an exception is the caller's doing, who had left no memory or no depth."""
    if isinstance(error, RecursionError):
        frame, depth = sys._getframe(), 0
        while frame.f_back is not None:
            frame, depth = frame.f_back, depth + 1
        return depth > sys.getrecursionlimit() // 2
    return isinstance(error, MemoryError)
