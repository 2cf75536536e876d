"""Which inherited method an exception came from: what an author overrides first.

Invariants
----------
- Only a method that the backend or its adapter inherits is named; an author's own code has its
  own words.
"""

from __future__ import annotations

import traceback
from types import CodeType
from typing import Any

from shrinkops._plugins.backend import Backend
from shrinkops.adapter import Adapter

__all__ = ["advice"]

_METHODS: dict[CodeType, str] = {
    method.__code__: f"{cls.__name__}.{name}"
    for cls in (Backend, Adapter)
    for name, method in vars(cls).items()
    if hasattr(method, "__code__") and not name.startswith("_") and name != "kernel"
}


def advice(error: BaseException, backend: Backend) -> str:
    """Return what to override, as the end of a message; "" where nothing inherited raised."""
    found = ""
    cause: BaseException | None = error
    while cause is not None:
        for frame, _ in traceback.walk_tb(cause.__traceback__):
            found = _METHODS.get(frame.f_code, found)
        if not found and isinstance(cause, AttributeError) and _is_namespace(cause.obj, backend):
            return f"; the namespace lacks {cause.name}: override Backend.namespace, or native"
        cause = cause.__cause__ or cause.__context__
    return f"; it is the inherited {found} that raised: override it" if found else ""


def _is_namespace(thing: Any, backend: Backend) -> bool:
    try:
        return thing is backend.namespace()
    except Exception:  # it has none
        return False
