"""Which of the core's formats this machine's ``long double`` is.

Invariants
----------
- ``NAME`` is empty where longdouble is float64 under another name (NumPy then calls it
  float64), where it is a pair of doubles, whose bits do not order like its values, and
  where it is stored in other than 16 bytes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shrinkops.spec import FORMATS, FloatFormat, Format

__all__ = ["FORMAT", "NAME"]

_FORMATS = {63: "x87", 112: "binary128"}
_stored = _FORMATS.get(int(np.finfo(np.longdouble).nmant), "")

if np.dtype(np.longdouble).itemsize != 16:
    _stored = ""

NAME: str = np.dtype(np.longdouble).name if _stored else ""
"""NumPy's name of the dtype, such as "float128", or ""."""

_form = FORMATS.get(_stored)
FORMAT: Format | None = replace(_form, name=NAME) if isinstance(_form, FloatFormat) else None
"""Its rules, under the name that users know."""
