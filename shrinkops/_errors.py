"""The one exception class of the public surface, and how types and errors are told in messages."""

from __future__ import annotations

import sys

__all__ = [
    "FAULTS",
    "UnsupportedArrayError",
    "is_callers",
    "module_of",
    "name_of",
    "said",
    "type_name",
]

FAULTS = (Exception, SystemExit)
"""What foreign code raises without meaning the program that runs it: an exit is one, too."""


class UnsupportedArrayError(TypeError):
    """No registered backend takes an argument of this type.

    A subclass of `TypeError`. The message names the type, the backends that are
    ready, and what to install or convert.
    """


def module_of(cls: type) -> str:
    """Return the module that a class says it is from; its metaclass is not asked."""
    module = type.__dict__["__module__"].__get__(cls)
    return module if isinstance(module, str) else "?"


def name_of(cls: type) -> str:
    """Return a class's name inside its module; its metaclass is not asked."""
    name: str = type.__dict__["__qualname__"].__get__(cls)
    return name


def type_name(cls: type) -> str:
    """Return the dotted name of a class, without ``builtins.``.

    Asks `type` and not the class, whose metaclass may answer anything.
    """
    module, name = module_of(cls), name_of(cls)
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
