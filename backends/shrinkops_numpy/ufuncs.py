"""The operations as NumPy ufuncs: hardshrink, softshrink, shrink, firmshrink and garrote.

    >>> import numpy as np
    >>> from shrinkops_numpy import ufuncs
    >>> ufuncs.softshrink(np.float32([-2, 0.25, 1]), [[0.5], [1]])
    array([[-1.5,  0. ,  0.5],
           [-1. ,  0. ,  0. ]], dtype=float32)

Invariants
----------
- A pickled ufunc names this module, so another process finds it here with all its loops, under
  whichever start method and whichever kernel serves there.
- The public functions check parameters as the specification says; ufuncs apply the rules for
  elements of arrays: a negative or NaN λ leaves x as it is.
"""

from __future__ import annotations

from ._kernels import ufunc

__all__ = ["firmshrink", "garrote", "hardshrink", "shrink", "softshrink"]

hardshrink = ufunc("hardshrink")
softshrink = ufunc("softshrink")
shrink = ufunc("shrink")
firmshrink = ufunc("firmshrink")
garrote = ufunc("garrote")
