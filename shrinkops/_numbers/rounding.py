"""Rounding an array of thresholds, for kernels that compare magnitude bits.

Invariants
----------
- One rounding, as `_threshold` does for a number: libraries convert float64 to
  16 and 8 bits through float32, which rounds twice.
- Works on any namespace with ``abs``, ``where`` and ``full_like`` whose arrays have
  ``view(dtype)``; no branch looks at a value, so tracers pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .formats import FloatFormat

__all__ = ["limit_bits", "round_once"]


def round_once(xp: Any, astype: Callable[[Any, Any], Any], lambd: Any, dtype: Any) -> Any:
    """Convert a real floating array to ``dtype`` with a single rounding.

    Rounding float64 to odd at float32 first makes the next rounding the only one
    that counts (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums:
    proved algorithms using rounding to odd", IEEE Trans. Computers 57, 2008).

    Parameters
    ----------
    xp : namespace
    astype : callable
        ``astype(array, dtype)``.
    lambd : array
        Real floating.
    dtype : dtype of xp

    Returns
    -------
    array of dtype
    """
    if lambd.dtype.itemsize < 8 or dtype.itemsize > 2:
        return astype(lambd, dtype)
    single = astype(lambd, xp.float32)
    back = astype(single, lambd.dtype)
    bits = single.view(xp.int32)
    bits = xp.where(xp.abs(back) > xp.abs(lambd), bits - 1, bits)
    bits = bits | astype(back != lambd, xp.int32)
    return astype(bits.view(xp.float32), dtype)


def limit_bits(
    xp: Any,
    astype: Callable[[Any, Any], Any],
    lambd: Any,
    dtype: Any,
    integer: Any,
    form: FloatFormat,
) -> Any:
    """Return the magnitude bits of an array λ after rounding.

    Parameters
    ----------
    xp, astype, lambd, dtype
        As for `round_once`.
    integer : dtype of xp
        The signed integer dtype of the width of ``dtype``.
    form : FloatFormat
        The rules of ``dtype``.

    Returns
    -------
    array of integer
        -1 where λ is negative or NaN: nothing is zeroed there.
    """
    pattern = round_once(xp, astype, lambd, dtype).view(integer)
    bits = pattern & form.magnitude_mask
    if form.nan_is_negative_zero:
        bits = xp.where(pattern == -form.sign_bit, xp.full_like(bits, form.top_bits), bits)
    # A format without infinity rounds what is beyond it to NaN.
    bits = xp.where(bits > form.top_bits, xp.full_like(bits, form.top_bits), bits)
    return xp.where((lambd < 0) | (lambd != lambd), xp.full_like(bits, -1), bits)
