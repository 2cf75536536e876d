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

_done: set[tuple[int, str]] = set()


def introduce(ufunc: Any, x: Any) -> None:
    """Register the ufunc with the library of ``x``, once, if that library needs it."""
    for library, register in _LIBRARIES.items():
        if library in sys.modules and (id(ufunc), library) not in _done:
            if any(cls.__module__.partition(".")[0] == library for cls in type(x).__mro__):
                register(ufunc)
                _done.add((id(ufunc), library))


def _astropy(ufunc: Any) -> None:
    from astropy.units.quantity_helper import (  # type: ignore[import-not-found, unused-ignore]
        UFUNC_HELPERS,
        helpers,
    )

    UFUNC_HELPERS[ufunc] = helpers.helper_twoarg_invariant


def _pint(ufunc: Any) -> None:
    import numpy as np
    from pint.facets.numpy import (  # type: ignore[import-not-found, unused-ignore]
        numpy_func,
    )

    def hardshrink(x: Any, lambd: Any) -> Any:
        units = x.units
        if not hasattr(lambd, "units") and not x.dimensionless:
            from pint import DimensionalityError

            raise DimensionalityError("dimensionless", units, extra_msg=" for lambd")
        bound = lambd.m_as(units) if hasattr(lambd, "units") else lambd
        return x._REGISTRY.Quantity(ufunc(np.asanyarray(x.magnitude), bound), units)

    numpy_func.HANDLED_UFUNCS["hardshrink"] = hardshrink


_LIBRARIES = {"astropy": _astropy, "pint": _pint}
