"""The compiled loops on memory that a library hands over by address, without an array of NumPy.

For backends of libraries whose arrays lie in this machine's memory:

    >>> import numpy as np
    >>> from shrinkops_numpy import memory
    >>> run = memory.loop("softshrink", "float32")
    >>> x, y = np.float32([-2, 0.25, 1]), np.empty(3, np.float32)
    >>> run is None or run(x.ctypes.data, y.ctypes.data, x.size, 0.5)
    True

Invariants
----------
- A loop checks its numbers, never its addresses: they are the caller's to be right.
- It computes all or nothing; what it declines goes to a way that can word the error.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from . import _kernels

__all__ = ["loop"]


def loop(operation: str, dtype: str) -> Callable[..., bool] | None:
    """Return an operation's loop for an element type.

    Parameters
    ----------
    operation : str
        hardshrink, softshrink, shrink, firmshrink or garrote.
    dtype : str
        Name of an element type of the ``numpy`` backend.

    Returns
    -------
    callable or None
        ``run(source, target, count, *parameters)`` reads ``count`` elements from one address,
        writes as many to another, which may be the same, and returns True; or it returns False
        and writes nothing: where the parts of memory overlap, or a parameter is no number that
        the operation takes, or an address is 0. Parameters are rounded to the element type.
        None: there is no compiled loop.
    """
    module = _kernels.compiled()
    if operation not in _kernels.OPERATIONS or module is None or not hasattr(module, "run"):
        return None
    try:
        own = np.dtype(dtype)
    except TypeError:
        try:
            import ml_dtypes
        except ImportError:
            return None
        own = np.dtype(getattr(ml_dtypes, dtype, None))
        if own.name != dtype:
            return None
    _kernels.ensure_dtype(own)
    found: Callable[..., bool] = partial(module.run, module.operations().index(operation), own.num)
    return found
