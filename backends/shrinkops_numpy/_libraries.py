"""The libraries whose types hold arrays, as names: what is known before any of them is imported."""

from __future__ import annotations

from shrinkops._errors import module_of

__all__ = ["LIBRARIES", "NOT_ARRAYS", "library_of", "may_take", "speaks_ufuncs"]

LIBRARIES = {
    "astropy": "_units",
    "awkward": "_awkward",
    "numpy": "_subclasses",
    "pandas": "_pandas",
    "pint": "_units",
    "polars": "_polars",
    "quantities": "_units",
    "scipy": "_sparse",
    "sparse": "_sparse",
    "unyt": "_units",
    "xarray": "_xarray",
}
"""The module of ``_wrappers`` that knows the types of a library."""

NOT_ARRAYS = frozenset({("pandas", "NAType"), ("pint", "Unit"), ("pint", "PlainUnit")})
"""Classes that speak ``__array_ufunc__`` and hold no array, by library and name."""


def may_take(cls: type) -> bool:
    """Tell, importing nothing, whether a class may be taken: it is of these, or takes ufuncs."""
    return speaks_ufuncs(cls) or any(
        str(vars(base).get("__module__")).partition(".")[0] in LIBRARIES for base in cls.__mro__
    )


def library_of(cls: type) -> str:
    """Return the known library of a class or its bases, else the module that it is defined in."""
    names = [module_of(base).partition(".")[0] for base in cls.__mro__]
    return next((name for name in names if name in LIBRARIES), names[0])


def speaks_ufuncs(cls: type) -> bool:
    """Tell whether a class defines ``__array_ufunc__``, where NumPy looks for it.

    Not by `getattr`, for which a metaclass may answer: to every name, or with an error.
    """
    for base in cls.__mro__:
        if "__array_ufunc__" in vars(base):
            return vars(base)["__array_ufunc__"] is not None
    return False
