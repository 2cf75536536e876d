"""Whether a library can have a call: arguments that meet levels, made and not looked up.

Invariants
----------
- The search is its own: it takes the adapter's layouts alone and two upon each other, every kind
  of number and array, and asks nothing of the calls that the kit makes.
- What is found is called once with the unharmed kernel: arguments that are refused are no call.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, permutations
from typing import Any

import numpy as np

from shrinkops.adapter import Layout, numpy_dtype
from shrinkops.conformance._arrays import Environment
from shrinkops.conformance._numbers import number_of

from .conditions import CONDITIONS, Level
from .parameters import ARRAYS, SCALARS, VALUES_FLOAT, array_shape, scalar, value_at

__all__ = ["Possible"]

_SHAPES = ((7,), (70,), (3, 5), (2, 3, 4), (1, 9), (9, 1), (1, 6, 1), ())
_TRIES = 6
"""Arguments that are tried before levels count as refused."""


@dataclass(frozen=True)
class _Made:
    """An array of the library, and how it was laid out."""

    x: Any
    layouts: Sequence[str]
    writable: bool
    shape: tuple[int, ...]


class Possible:
    """What one backend can be called with, for one operation."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.adapter = environment.adapter
        self.backend = environment.target.backend
        self.refuses = environment.suite.operation.parameters[0].negative == "refused"
        dtypes = sorted(self.backend.dtypes, key=lambda d: (d != "float32", "float" not in d, d))
        self.dtype = dtypes[0]
        self.names: dict[str, Any] = {"np": np}
        lines = [line for line in self.adapter.imports if "update(" not in line]
        exec("\n".join(lines), self.names)
        self._found: dict[Any, str] = {}
        self._arrays: list[_Made] | None = None

    def why_not(self, levels: Sequence[Level]) -> str:
        """Return why no call meets levels, "" where one does."""
        # Whatever the library, its caller has threads and modes.
        asked = tuple(level for level in levels if level[0] != "caller")
        if asked not in self._found:
            self._found[asked] = self._search(asked) if asked else ""
        return self._found[asked]

    def _search(self, levels: Sequence[Level]) -> str:
        refused = ""
        tries = 0
        for made in self._laid():
            for x, threshold, out in self._meeting(made, levels):
                error = self._refusal(x, threshold, out)
                if not error or (self.refuses and ("value", "negative") in levels):
                    return ""
                refused = f"such a call is refused: {error}"
                tries += 1
                if tries == _TRIES:
                    return refused
        return refused or "the library has no such arguments"

    def _refusal(self, x: Any, threshold: Any, out: Any) -> str:
        keywords = {} if out is None else {"out": out}
        # Infinity is at least whatever the first one is.
        parameters = self.environment.suite.operation.parameters[1:]
        others = [float("inf") if one.at_least else one.default for one in parameters]
        try:
            self.environment.kernel(x, threshold, *others, **keywords)
        except Exception as error:  # each library refuses in its own way
            return (str(error).splitlines() or [type(error).__name__])[0]
        return ""

    def _meeting(self, made: _Made, levels: Sequence[Level]) -> Iterator[tuple[Any, Any, Any]]:
        dimensions = {dimension for dimension, _ in levels}
        x = made.x
        if not _met([v for v in levels if v[0] in ("layout", "shape")], x, None, None):
            return
        of_number = dimensions & {"threshold", "value"}
        for threshold in self._thresholds(made) if of_number else (0.5,):
            for out in self._outs(made) if "out" in dimensions else (None,):
                if _met(levels, x, threshold, out):
                    yield x, threshold, out

    # Arguments

    def _make(self, array: Any) -> Any:
        return self.adapter.from_numpy(array, self.adapter.devices()[0])

    def _lay(self, shape: tuple[int, ...], layouts: Sequence[str], dtype: str = "") -> Any:
        """Return an array in layouts, the first of them the innermost; None where it has none."""
        rules = [self.adapter.layouts()[name] for name in layouts]
        array: Any = np.ones(shape).astype(numpy_dtype(dtype or self.dtype))
        shapes = []
        try:
            for rule in reversed(rules):
                if not rule.fits(array.ndim):
                    return None
                shapes.append(array.shape)
                array = eval(rule.prepare, self._named(array.shape, a=array))
            x = self._make(array)
            for rule in rules:
                x = eval(rule.take, self._named(shapes.pop(), x=x))
        except Exception:  # each library refuses in its own way
            return None
        return x if tuple(x.shape) == shape else None

    def _named(self, shape: Sequence[int], **names: Any) -> dict[str, Any]:
        first, last = (shape[0], shape[-1]) if shape else (1, 1)
        return {**self.names, **names, "N": first, "M": last}

    def _laid(self) -> Iterator[_Made]:
        """Yield arrays: dense, in a layout, in a layout of a layout."""
        if self._arrays is None:
            layouts = self.adapter.layouts()
            ways: list[Sequence[str]] = [(), *((name,) for name in layouts)]
            self._arrays = [
                made for shape in _SHAPES for way in ways if (made := self._one(shape, way))
            ]
            scalar_like = self._make(np.ones((), numpy_dtype(self.dtype)))
            try:
                element = scalar_like[()]
            except Exception:  # no such index
                element = scalar_like
            if type(element) is not type(scalar_like) and self.backend.handles(type(element)):
                self._arrays.append(_Made(element, (), False, ()))
        pairs = permutations(self.adapter.layouts(), 2)
        composed = (self._one(shape, way) for way in pairs for shape in _SHAPES)
        yield from chain(self._arrays, (made for made in composed if made))

    def _one(self, shape: tuple[int, ...], way: Sequence[str]) -> _Made | None:
        x = self._lay(shape, way)
        rules: Mapping[str, Layout] = self.adapter.layouts()
        writable = all(rules[name].writable and not rules[name].repeats for name in way)
        return None if x is None else _Made(x, way, writable, shape)

    def _thresholds(self, made: _Made) -> Iterator[Any]:
        number = number_of(self.backend.format(self.dtype), self.dtype)
        assert number is not None
        for kind in SCALARS:
            for level in VALUES_FLOAT:
                try:
                    value = scalar(kind, value_at(level, number, random.Random(0)))
                except (ValueError, OverflowError):
                    continue
                if value is not None:
                    yield value
        if "array_lambd" not in self.backend.capabilities:
            return
        others = [d for d in ("float64", "float16", "int32") if d in self.backend.dtypes]
        for kind in ARRAYS:
            shape = array_shape(kind, made.shape)
            if shape is not None:
                for dtype in ("", *others):
                    array = self._lay(shape, (), dtype)
                    if array is not None:
                        yield array

    def _outs(self, made: _Made) -> Iterator[Any]:
        yield None
        if "out" not in self.backend.capabilities or isinstance(made.x, np.generic):
            return
        if made.writable:
            yield made.x
        ways: list[Sequence[str]] = [(), *((name,) for name in self.adapter.layouts())]
        if made.layouts:  # first what lies as x does, or upon that
            ways = [tuple(made.layouts), *((*made.layouts, *way) for way in ways[1:]), *ways]
        for way in ways:
            out = self._one(made.shape, way)
            if out is not None and out.writable:
                yield out.x


def _met(levels: Sequence[Level], x: Any, threshold: Any, out: Any) -> bool:
    try:
        return all(CONDITIONS[level](x, threshold, out) for level in levels)
    except Exception:  # no such property
        return False
