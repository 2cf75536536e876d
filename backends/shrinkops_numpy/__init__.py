"""The NumPy backends: a declaration that imports nothing but shrinkops.

Invariants
----------
- Kernels are in ``_kernels``, loaded when the first array arrives.
- ``numpy`` takes ndarrays, their subclasses and NumPy scalars. ``ufunc`` takes the types that
  hold arrays of any library, and every other class that speaks ``__array_ufunc__``, after all
  backends for the very type.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

from shrinkops import Backend, hookimpl

__all__ = ["NumpyBackend", "NumpyTypes", "UfuncBackend", "shrinkops_backends"]

_NATIVE = frozenset({"float16", "float32", "float64", "complex64", "complex128"})
_INTEGERS = frozenset(f"{sign}int{width}" for sign in ("", "u") for width in (8, 16, 32, 64))
_ML_DTYPES = frozenset(
    {
        "bfloat16",
        "float8_e3m4",
        "float8_e4m3",
        "float8_e4m3b11fnuz",
        "float8_e4m3fn",
        "float8_e4m3fnuz",
        "float8_e5m2",
        "float8_e5m2fnuz",
    }
)
"""Not float8_e8m0fnu, which has no zero to give."""


class NumpyTypes(Backend):
    """What both backends share: NumPy's element types."""

    framework = "numpy"
    install = "pip install numpy"

    @property
    def dtypes(self) -> frozenset[str]:  # type: ignore[override]
        """The element types; those of ml_dtypes only where it can be found."""
        declared = _NATIVE | _INTEGERS
        if importlib.util.find_spec("ml_dtypes"):
            declared |= _ML_DTYPES
        if "numpy" in sys.modules:
            from ._longdouble import NAME

            declared |= {NAME} if NAME else frozenset()
        return declared

    def format(self, dtype_name: str) -> Any:
        """Return the rules of an element type; NumPy names longdouble by its size."""
        from ._longdouble import FORMAT, NAME

        return FORMAT if dtype_name == NAME else super().format(dtype_name)

    def dtype_name(self, x: Any) -> str:
        """Return the name of an element type; of one without rules, NumPy's own text for it."""
        name: str = x.dtype.name
        return str(x.dtype) if self.format(name) is None else name

    def kernel_in_use(self) -> str:
        """Name the kernel, and the instruction set where there is a choice."""
        from . import _kernels

        return _kernels.describe()


class NumpyBackend(NumpyTypes):
    """`numpy.ndarray`, its subclasses, and NumPy scalars."""

    name = "numpy"
    features = frozenset({"array_lambd", "out"})

    def __init__(self) -> None:
        self._names: dict[Any, str] = {}

    def handles(self, cls: type) -> bool:
        numpy = sys.modules.get("numpy")  # before its import no class is NumPy's
        return numpy is not None and issubclass(cls, (numpy.ndarray, numpy.generic))

    def dtype_name(self, x: Any) -> str:
        """Return the dtype's name, remembered: NumPy makes it anew, in microseconds."""
        name = self._names.get(x.dtype)
        if name is None:
            name = super().dtype_name(x)
            if name in self.dtypes:  # the others, structured ones say, are without number
                self._names[x.dtype] = name
        return name

    def native(self, operation: str, dtype: str) -> Any:
        from . import _kernels

        return _kernels.native(operation)

    def _operands(self, x: Any, parameters: list[Any]) -> list[Any]:
        from . import _kernels

        return _kernels.operands(x, parameters)

    def kernel(self, operation: Any) -> Any:
        from . import _foreign, _kernels
        from ._wrappers import subclass_aware

        guarded = subclass_aware(_foreign.Call(self, operation), super().kernel(operation))
        return _kernels.kernel(operation.name, guarded)

    def library_of(self, x: Any) -> str:
        """Return the library of a class or a value: the one that is known, else its own."""
        from ._libraries import library_of

        return library_of(x if isinstance(x, type) else type(x))

    def inside(self, x: Any) -> Any:
        """Return what a subclass with a wrapper holds: a quantity, a masked array."""
        from . import _foreign

        return _foreign.inside(self, x)

    def namespace(self) -> Any:
        import numpy

        return numpy

    def array_types(self) -> tuple[str, ...]:
        return ("numpy.ndarray and subclasses", "NumPy scalars")


class UfuncBackend(NumpyTypes):
    """Types that hold arrays (pandas, xarray, pint, …), and any with ``__array_ufunc__``."""

    name = "ufunc"
    any_library = True
    priority = -100
    features = frozenset({"array_lambd"})
    no_out = "their libraries disagree on what it means"

    def handles(self, cls: type) -> bool:
        from ._libraries import may_take

        if not may_take(cls):
            return False
        import numpy

        from . import _foreign

        return not issubclass(cls, (numpy.ndarray, numpy.generic)) and _foreign.takes(cls)

    def kernel(self, operation: Any) -> Any:
        from . import _foreign

        return _foreign.kernel(self, operation)

    def library_of(self, x: Any) -> str:
        """Return the library of a class or a value: the one that is known, else its own."""
        from ._libraries import library_of

        return library_of(x if isinstance(x, type) else type(x))

    def inside(self, x: Any) -> Any:
        """Return the arrays that a value holds."""
        from . import _foreign

        return _foreign.inside(self, x)

    def array_types(self) -> tuple[str, ...]:
        return (
            "pandas", "xarray", "polars", "sparse", "scipy.sparse", "pint", "awkward",
            "other classes with __array_ufunc__",
        )  # fmt: skip

    def adapter(self) -> Any:
        from ._carrier import CarrierAdapter

        return CarrierAdapter(self)


@hookimpl
def shrinkops_backends() -> list[Backend]:
    """Return the backend for NumPy arrays and the one for types that speak its protocol."""
    return [NumpyBackend(), UfuncBackend()]
