"""The floating formats of NumPy's extension types, told to the compiled ufuncs.

Invariants
----------
- The compiled ufuncs know NumPy's own types; of an extension's they learn when its first array
  arrives, wherever they were unpickled: the kernels ask `ensure`, the ufuncs' promoter asks
  `introduce`. So no result depends on what was imported or called before.
- A type is registered once, under a lock that nothing foreign runs under.
"""

from __future__ import annotations

import threading
from typing import Any

from shrinkops.spec import FORMATS, FloatFormat

__all__ = ["ensure", "introduce"]

_known: set[type] = set()
_lock = threading.Lock()


def ensure(dtype: Any) -> None:
    """Give the compiled ufuncs their loops for a dtype, if they have none yet."""
    if type(dtype) in _known:
        return
    try:
        from . import _ufunc  # type: ignore[attr-defined, unused-ignore]
    except ImportError:
        return
    form = FORMATS.get(getattr(dtype, "name", ""))
    with _lock:
        if isinstance(form, FloatFormat) and form.kind == "float" and form.width < 32:
            _ufunc.register_float(
                dtype, form.precision, form.bias, form.max_bits, form.top_bits,
                form.nan_is_negative_zero,
            )  # fmt: skip
        _known.add(type(dtype))


def introduce(kind: type) -> None:
    """Do the same for a class of dtypes; one that stands for several types is left alone."""
    try:
        dtype = kind()
    except Exception:
        return
    ensure(dtype)
