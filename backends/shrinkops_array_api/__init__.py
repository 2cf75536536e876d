"""The fallback for any library of the Array API standard: imports nothing but shrinkops.

Invariants
----------
- It goes after every backend for the very type, and after NumPy's protocol.
- Nothing is assumed of a library: its namespace is the one that its arrays name, and element
  types, ``out`` and subnormals are tried on a few elements before they are relied on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shrinkops import Backend, hookimpl
from shrinkops._errors import module_of

__all__ = ["ArrayApiBackend", "shrinkops_backends"]

_OWN = frozenset({"cupy", "dask", "jax", "jaxlib", "numpy", "torch"})
"""Libraries that another backend of this distribution serves."""

_STANDARD = frozenset(
    {"float32", "float64", "complex64", "complex128"}
    | {f"{sign}int{width}" for sign in ("", "u") for width in (8, 16, 32, 64)}
)


def _names_a_namespace(cls: type) -> bool:
    """Tell whether a class defines ``__array_namespace__``; not by `getattr`.

    For that a metaclass may answer: to every name, or with an error.
    """
    for base in cls.__mro__:
        if "__array_namespace__" in vars(base):
            return callable(vars(base)["__array_namespace__"])
    return False


class ArrayApiBackend(Backend):
    """Any class with ``__array_namespace__``, computed by the generic definitions.

    Parameters
    ----------
    namespace : str, optional
        Import name of the one namespace that it serves, for the kits. Without it, each class
        of arrays brings its own.
    """

    name = "array_api"
    framework = "shrinkops_array_api"
    install = "pip install shrinkops"
    any_library = True
    priority = -200
    no_out = "the arrays of its namespace cannot be written in place"

    def __new__(cls, namespace: str = "") -> Any:
        """Return the bound form where a namespace is named."""
        if namespace and cls is ArrayApiBackend:
            import importlib

            from ._bound import BoundBackend

            return BoundBackend(importlib.import_module(namespace))
        return super().__new__(cls)

    @property
    def dtypes(self) -> frozenset[str]:  # type: ignore[override]
        """The standard's element types; a library may lack some and have others."""
        return _STANDARD

    @property
    def features(self) -> frozenset[str]:  # type: ignore[override]
        """What the standard promises."""
        return frozenset({"array_lambd", "out"})

    def handles(self, cls: type) -> bool:
        """Take what names a namespace and has no backend of its own, blocked or not (HS-DSP-1)."""
        libraries = {module_of(base).partition(".")[0] for base in cls.__mro__}
        return _names_a_namespace(cls) and not libraries & _OWN

    def library_of(self, x: Any) -> str:
        """Return the library of the namespace that an array names; of a class, its own."""
        found = module_of(x) if isinstance(x, type) else x.__array_namespace__().__name__
        return str(found).partition(".")[0]

    def kernel(self, operation: Any) -> Callable[..., Any]:
        from . import _bound

        return _bound.kernel(operation)

    def namespace(self) -> Any:
        """Each array has its own."""
        raise NotImplementedError("ask an array: x.__array_namespace__()")

    def array_types(self) -> tuple[str, ...]:
        return ("classes with __array_namespace__",)

    def adapter(self) -> Any:
        from ._bound import any_adapter

        return any_adapter()


def __getattr__(name: str) -> Any:
    """Return the fallback for one library, so that ``shrinkops_array_api:ndonnx`` is a TARGET."""
    import importlib.util

    if name.startswith("_") or importlib.util.find_spec(name) is None:
        raise AttributeError(f"no library {name!r} for the Array API fallback is installed here")
    return ArrayApiBackend({"mlx": "mlx.core"}.get(name, name))


@hookimpl
def shrinkops_backends() -> list[Backend]:
    """Return the one fallback."""
    return [ArrayApiBackend()]
