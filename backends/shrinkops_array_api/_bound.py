"""The fallback bound to one namespace, and what was found out about it.

Invariants
----------
- A class of arrays finds its namespace by asking the array, once per class.
- An element type is declared if a namespace has it and a trial of a few elements gives what the
  definition says; ``out`` if an assignment to all elements is seen afterwards.
- Trials run once per namespace and element type, on the namespace's default device.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from shrinkops import Backend, UnsupportedArrayError
from shrinkops._classes import WeakClasses
from shrinkops.spec import FORMATS, IntegerFormat, Operation, Parameter, type_name

__all__ = ["BoundBackend", "any_adapter", "kernel"]


class _Completed:
    """A namespace with what the standard's versions before 2023.12 lack."""

    def __init__(self, xp: Any) -> None:
        self._xp = xp

    def __getattr__(self, name: str) -> Any:
        return getattr(self._xp, name)

    def minimum(self, a: Any, b: Any) -> Any:
        return self._xp.where(a < b, a, b)

    def maximum(self, a: Any, b: Any) -> Any:
        return self._xp.where(a > b, a, b)


class BoundBackend(Backend):
    """The Array API fallback for the arrays of one namespace."""

    any_library = True
    priority = -200

    def __init__(self, xp: Any) -> None:
        self._xp = xp
        self.name = "array_api"
        self.framework = self.framework_distribution = xp.__name__.partition(".")[0]
        self.no_out = f"arrays of {xp.__name__} cannot be written in place"
        self._completed = _Completed(xp)
        self._names = {name: getattr(xp, name) for name in FORMATS if hasattr(xp, name)}
        self._class: type = type(xp.zeros(1))

    def handles(self, cls: type) -> bool:
        return issubclass(cls, self._class) or _bound.get(cls) is self

    @property
    def dtypes(self) -> frozenset[str]:  # type: ignore[override]
        """The element types whose trial succeeded."""
        if not hasattr(self, "_dtypes"):
            self._dtypes = frozenset(
                name for name, dtype in self._names.items() if _works(self._xp, name, dtype)
            )
        return self._dtypes

    @property
    def features(self) -> frozenset[str]:  # type: ignore[override]
        """What the trials showed."""
        if not hasattr(self, "_features"):
            found = {"array_lambd"}
            if _writes(self._xp):
                found.add("out")
            if _flushes(self._xp):
                found.add("flushes_subnormals")
            self._features = frozenset(found)
        return self._features

    def dtype_name(self, x: Any) -> str:
        dtype = x.dtype
        for name, known in self._names.items():
            if known is dtype or known == dtype:
                return name
        return str(dtype).rpartition(".")[2]

    def namespace(self) -> Any:
        return self._completed

    def serves(self, xp: Any) -> bool:
        """Tell whether this is the fallback for a namespace."""
        return xp is self._xp

    def kernel(self, operation: Operation) -> Callable[..., Any]:
        guarded = super().kernel(operation)

        def quiet(x: Any, *arguments: Any) -> Any:
            *parameters, out = arguments
            with np.errstate(all="ignore"):  # of libraries that compute with NumPy (HS-VAL-7)
                plain = map(self._unmasked, parameters, operation.parameters)
                return guarded(x, *plain, out)

        return quiet

    def _unmasked(self, value: Any, declared: Parameter) -> Any:
        """Return a parameter of masked arrays (marray) without mask, NaN where it had one.

        An integer that is masked is -1: neither is a threshold (HS-LAM-6). A bias is 0.
        """
        if not (
            isinstance(value, self._class) and hasattr(value, "mask") and hasattr(value, "data")
        ):
            return value
        plain, missing = value.data, value.mask
        xp = plain.__array_namespace__()
        if xp.any(missing):
            whole = "int" in self.dtype_name(value)
            plain = xp.astype(plain, xp.int64) if whole else plain
            number = 0 if declared.negative == "value" else -1 if whole else math.nan
            none = xp.asarray(number, dtype=plain.dtype)
            plain = xp.where(missing, none, plain)
        return self._xp.asarray(plain)

    def array_types(self) -> tuple[str, ...]:
        return (f"{self._class.__module__}.{self._class.__qualname__}",)

    def adapter(self) -> Any:
        from ._adapter import NamespaceAdapter

        return NamespaceAdapter(self)


_bound: WeakClasses[BoundBackend] = WeakClasses()
_namespaces: list[BoundBackend] = []


_NEEDED = (
    *("abs", "all", "asarray", "astype", "full"),
    *("ones_like", "where", "zeros", "zeros_like"),
)
_NEEDED_FOR_COMPLEX = ("imag", "real", "sqrt")


def bound(x: Any) -> BoundBackend:
    """Return the fallback for an array's namespace."""
    cls = type(x)
    found = _bound.get(cls)
    if found is None:
        xp = x.__array_namespace__()
        lacking = [f"x.{name}" for name in ("dtype", "shape") if not hasattr(x, name)]
        lacking += [name for name in _NEEDED if not hasattr(xp, name)]
        if lacking:
            raise UnsupportedArrayError(
                f"{type_name(cls)} names the namespace {xp!r}, and the standard's "
                f"{', '.join(lacking)} is missing; register a backend for its type, or convert x"
            )
        found = next((b for b in _namespaces if b.serves(xp)), None)
        if found is None:
            found = BoundBackend(xp)
            _namespaces.append(found)
        _bound.add(cls, found)
    return found


def kernel(operation: Operation) -> Callable[..., Any]:
    """Return ``kernel(x, *parameters, out)`` for arrays of any namespace."""
    kernels: WeakClasses[Callable[..., Any]] = WeakClasses()

    def general(x: Any, *arguments: Any) -> Any:
        cls = type(x)
        found = kernels.get(cls)
        if found is None:
            found = bound(x).kernel(operation)
            kernels.add(cls, found)
        return found(x, *arguments)

    return general


def any_adapter() -> Any:
    """Return the adapter of array_api_strict, the standard's own library."""
    import array_api_strict

    return BoundBackend(array_api_strict).adapter()


# ---------------------------------------------------------------------- trials


def _works(xp: Any, name: str, dtype: Any) -> bool:
    """Try the steps of the generic definition on three elements, the largest among them."""
    form = FORMATS[name]
    if form.kind == "complex" and not all(hasattr(xp, each) for each in _NEEDED_FOR_COMPLEX):
        return False
    largest = form.limits[1] if isinstance(form, IntegerFormat) else 3
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a library that tells of a lossy cast
            x = xp.asarray([0, 1, largest], dtype=dtype)
            result = xp.where(xp.abs(x) <= 1, xp.zeros_like(x), x)
            same = result == xp.asarray([0, 0, largest], dtype=dtype)
            return bool(xp.all(same)) and result.dtype == dtype
    except Exception:  # whatever it is, the library does not have it here
        return False


def _writes(xp: Any) -> bool:
    try:
        x = xp.zeros(2)
        x[...] = xp.ones(2)
        return bool(xp.all(x == 1))
    except Exception:
        return False


def _flushes(xp: Any) -> bool:
    try:
        tiny = xp.asarray([1e-40], dtype=xp.float32)
        return not bool(xp.all(tiny + tiny > tiny))
    except Exception:
        return False
