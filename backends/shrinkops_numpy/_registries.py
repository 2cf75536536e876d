"""Libraries that keep a list of the ufuncs they accept are told of this one.

Invariants
----------
- A library is touched only when one of its own objects arrived, so it is imported already.
- λ must be compatible with x's unit, as in ``numpy.maximum``; the result has x's unit.
- A registry that is not where it is expected is left alone; the library then refuses the
  call in its own words.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["introduce"]

_done: set[str] = set()


def introduce(ufunc: Any, x: Any) -> None:
    """Register the ufunc with the library of ``x``, once, if that library needs it."""
    if not _LIBRARIES.keys() & sys.modules.keys():
        return
    for library in {cls.__module__.partition(".")[0] for cls in type(x).__mro__}:
        if library in _LIBRARIES and library not in _done:
            _LIBRARIES[library](ufunc)
            _done.add(library)


def _astropy(ufunc: Any) -> None:
    from astropy.units import quantity_helper  # type: ignore[import-not-found, unused-ignore]

    helper = quantity_helper.helpers.helper_twoarg_invariant
    quantity_helper.UFUNC_HELPERS[ufunc] = helper


def _pint(ufunc: Any) -> None:
    import numpy as np
    from pint import DimensionalityError  # type: ignore[import-not-found, unused-ignore]
    from pint.facets.numpy import numpy_func  # type: ignore[import-not-found, unused-ignore]

    def hardshrink(x: Any, lambd: Any) -> Any:
        units = x.units
        if not hasattr(lambd, "units") and not x.dimensionless:
            raise DimensionalityError("dimensionless", units, extra_msg=" for lambd")
        bound = lambd.m_as(units) if hasattr(lambd, "units") else lambd
        return x._REGISTRY.Quantity(ufunc(np.asanyarray(x.magnitude), bound), units)

    numpy_func.HANDLED_UFUNCS["hardshrink"] = hardshrink


_LIBRARIES = {"astropy": _astropy, "pint": _pint}
