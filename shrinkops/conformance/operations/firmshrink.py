"""firmshrink: its formula and its laws."""

from __future__ import annotations

from typing import Any

__all__ = ["formula"]


def formula(np: Any, a: Any, t: Any, u: Any) -> Any:
    """Return the result for magnitudes outside the band, in the working format."""
    c = u / (u - t) if t < u < np.inf else u.dtype.type(1)
    return np.where(a >= u, a, np.minimum((a - t) * c, a))
