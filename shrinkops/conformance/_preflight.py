"""Before any check: whether what the backend says about itself is usable at all.

Invariants
----------
- A target that nobody registered is held to what `shrinkops.register` asks.
- All problems are told at once, each with the attribute or method that mends it; a misspelt name
  comes with the one that was meant. Whether results are right is not asked here.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from shrinkops._errors import said, type_name
from shrinkops._plugins import declared
from shrinkops._target import Target
from shrinkops.adapter import Adapter, numpy_dtype
from shrinkops.spec import FORMATS

__all__ = ["FEATURES", "problems_of"]

FEATURES = frozenset(
    {
        "array_lambd", "autodiff", "compile", "devices", "flushes_subnormals", "jit", "lazy",
        "out", "vmap",
    }
)  # fmt: skip
"""What ``Backend.features`` may name."""

_SHAPES: dict[str, tuple[int, ...]] = {"a 0-d": (), "an empty": (0,), "a 2-d": (2, 3)}


def problems_of(target: Target, adapter: Adapter | None = None) -> list[str]:
    """Return what is wrong, a line each.

    Parameters
    ----------
    target : Target
    adapter : Adapter, optional
        Asked for arrays, where the declaration is usable.
    """
    backend = target.backend
    try:
        read = declared.read(backend, target.text)
    except TypeError as error:
        return [str(error)]
    found = [*_unknown("features", read.features, FEATURES)]
    strange = {name for name in read.dtypes if backend.format(name) is None}
    found += _unknown("dtypes", strange, FORMATS)
    if not found and adapter is not None:
        with adapter.session():
            for dtype in sorted(read.dtypes):
                found += _round_trip(target, adapter, dtype)
    return found


def _unknown(attribute: str, names: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    known = sorted(known)
    for name in sorted(set(names) - set(known)):
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}" if close else f"there are {', '.join(known)}"
        yield f"Backend.{attribute} has {name!r}, which nothing knows; {hint}"


def _round_trip(target: Target, adapter: Adapter, dtype: str) -> Iterator[str]:
    """Make arrays of every shape and read them back; their bits are the checks' concern."""
    backend = target.backend
    try:
        stored = numpy_dtype(dtype)
    except (TypeError, ValueError, AttributeError):
        return  # a type that only the adapter knows how to store
    for name, shape in _SHAPES.items():
        case = f"{name} array of {dtype}"
        try:
            x = adapter.from_numpy(np.zeros(shape, stored), adapter.devices()[0])
            called, size = backend.dtype_name(x), tuple(x.shape)
        except (Exception, SystemExit) as error:
            yield f"Adapter.from_numpy cannot make {case}: {said(error)}"
            return
        if called != dtype:
            yield f"Backend.dtype_name says {called!r} of {case}"
            return
        if size != shape:
            yield f"Adapter.from_numpy made shape {size} of {case}, shape {shape}"
            return
        try:
            taken = backend.handles(type(x))
        except (Exception, SystemExit) as error:
            yield f"Backend.handles({type_name(type(x))}) raised {said(error)}"
            return
        if not taken:
            yield f"Backend.handles({type_name(type(x))}) is {taken!r} of what its adapter makes"
            return
        try:
            back: Any = np.asarray(adapter.to_numpy(x))
        except (Exception, SystemExit) as error:
            yield f"Adapter.to_numpy cannot read {case}: {said(error)}"
            return
        if back.shape != shape or back.dtype != stored:
            yield f"Adapter.to_numpy made {back.dtype} of shape {back.shape} of {case}"
            return
