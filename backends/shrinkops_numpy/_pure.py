"""hardshrink without a compiler: branch-free NumPy arithmetic, blocked through the cache.

Invariants
----------
- No temporary is larger than a block; peak memory is the output.
- Real numbers are compared by their magnitude bits as integers, so NaN, infinity and
  subnormals need no case of their own, and no floating-point flag is raised. Complex
  numbers and longdouble are compared as floats, with the warnings off.
- The loops take what the compiled ones take (see ``src/``): λ already in the type that x's
  loop compares with, either one for all elements or one for each.
- The iterator hands out blocks in memory order, in native byte order and aligned, whatever
  the layout of the operands, and copies where they overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from shrinkops._formats import FORMATS, FloatFormat

__all__ = ["BLOCK", "hardshrink", "loop_for"]

_Array = np.ndarray[Any, Any]
Loop = Callable[[_Array, _Array, _Array], None]
"""``loop(x, lambd, out)`` over one block: 1-d, native; ``lambd`` of one element or as many."""

BLOCK = 16384
"""Elements per block: input, output and scratch stay within a cache of 256 KiB for float32."""

_READ: list[Any] = ["readonly", "aligned", "nbo", "overlap_assume_elementwise"]
_WRITE: list[Any] = ["writeonly", "aligned", "nbo", "overlap_assume_elementwise"]


def hardshrink(x: Any, lambd: _Array, out: _Array | None) -> Any:
    """Compute into ``out``, or into a new array laid out like ``x``.

    Parameters
    ----------
    x : numpy.ndarray or NumPy scalar
    lambd : numpy.ndarray
        As `shrinkops_numpy._thresholds` gives it.
    out : numpy.ndarray or None
        Of x's shape and dtype, writable.
    """
    source = np.asarray(x)
    result = np.empty_like(source, subok=False) if out is None else out
    native = source.dtype.newbyteorder("=")
    loop = loop_for(native)
    operands: list[Any] = [source, result]
    dtypes: list[Any] = [native, native]
    one = lambd.size == 1
    if not one:
        operands.insert(1, np.broadcast_to(lambd, source.shape))
        dtypes.insert(1, lambd.dtype.newbyteorder("="))
    constant = lambd.reshape(1) if one else lambd
    with np.nditer(
        operands,
        flags=["external_loop", "buffered", "zerosize_ok", "copy_if_overlap"],
        op_flags=[_READ] * (len(operands) - 1) + [_WRITE],
        op_dtypes=dtypes,
        order="K",
        casting="equiv",
        buffersize=BLOCK,
    ) as blocks:
        for block in blocks:
            loop(block[0], constant if one else block[1], block[-1])
    return result[()] if isinstance(x, np.generic) and out is None else result


def loop_for(dtype: np.dtype[Any]) -> Loop:
    """Return the loop of a native dtype."""
    if dtype.kind in "iu":
        return _integers(dtype)
    if dtype.kind == "c":
        return _complex(dtype)
    form = FORMATS.get(dtype.name)
    if isinstance(form, FloatFormat):
        return _floats(dtype, form)
    return _long_double


def _floats(dtype: np.dtype[Any], form: FloatFormat) -> Loop:
    signed = np.dtype(f"i{dtype.itemsize}")
    mask, shift = signed.type(form.magnitude_mask), signed.type(form.width - 1)
    lowest, top = signed.type(-form.sign_bit), signed.type(form.top_bits)
    empty, zero = signed.type(-1), signed.type(0)
    scratch = np.empty(BLOCK, signed)

    def loop(x: _Array, lambd: _Array, out: _Array) -> None:
        source, target, high = x.view(signed), out.view(signed), lambd.view(signed)
        high = np.where(high > top, empty, high)  # NaN: the band is empty
        high = np.where(high == lowest, empty if form.nan_is_negative_zero else zero, high)
        high = np.maximum(high, empty)  # negative: empty too, and no difference overflows
        keep = scratch[: len(source)]
        np.bitwise_and(source, mask, out=keep)
        # Negative, hence all ones after the shift, exactly where the element stays.
        np.subtract(high, keep, out=keep)
        np.right_shift(keep, shift, out=keep)
        if form.nan_is_negative_zero:
            np.bitwise_or(keep, -(source == lowest).view(signed), out=keep)
        np.bitwise_and(source, keep, out=target)

    return loop


def _integers(dtype: np.dtype[Any]) -> Loop:
    limits = np.iinfo(dtype)
    lowest, largest = int(limits.min), int(limits.max)
    magnitude = max(-lowest, largest)

    def ends(lambd: _Array) -> tuple[_Array, _Array]:
        """Return the first and the last element of each band, exactly."""
        empty = ~(lambd >= 0)
        if lambd.dtype.kind == "f":
            beyond = lambd >= 2.0 ** magnitude.bit_length()
            whole = np.where(empty | beyond, 0, lambd).astype(np.uint64)  # truncates: floor
            whole = np.where(beyond, np.uint64(magnitude), whole)
        else:
            whole = np.where(empty, 0, lambd).astype(np.uint64)
        high = np.minimum(whole, np.uint64(largest)).astype(dtype)
        low = np.where(whole > largest, dtype.type(lowest), -high if lowest else dtype.type(0))
        return np.where(empty, dtype.type(1), low), np.where(empty, dtype.type(0), high)

    def loop(x: _Array, lambd: _Array, out: _Array) -> None:
        with np.errstate(all="ignore"):
            low, high = ends(lambd)
        keep = np.logical_or(x < low, x > high)
        np.multiply(x, keep, out=out)

    return loop


def _complex(dtype: np.dtype[Any]) -> Loop:
    part = np.dtype(f"f{dtype.itemsize // 2}")
    signed = np.dtype(f"i{part.itemsize}")
    # Scaling by powers of two, as in src/loops.inc.h: no square that decides over- or underflows.
    small, up, large, down = (
        (-50, 100, 60, -70) if part.itemsize == 4 else (-400, 700, 400, -600)
    )  # fmt: skip

    def loop(x: _Array, lambd: _Array, out: _Array) -> None:
        with np.errstate(all="ignore"):
            scale = np.where(
                lambd < 2.0**small, 2.0**up, np.where(lambd > 2.0**large, 2.0**down, 1)
            )
            scale = scale.astype(part)
            bound = np.where(lambd >= 0, np.square(lambd * scale), part.type(-1))
            squares = np.square(x.real * scale) + np.square(x.imag * scale)
            keep = -(~(squares <= bound)).astype(signed)
        source = np.ascontiguousarray(x).view(signed).reshape(-1, 2)
        kept = np.bitwise_and(source, keep[:, np.newaxis])
        out[...] = kept.view(dtype).reshape(-1)

    return loop


def _long_double(x: _Array, lambd: _Array, out: _Array) -> None:
    with np.errstate(all="ignore"):
        dropped = np.abs(x) <= lambd
    np.copyto(out, x)
    np.copyto(out, 0, where=dropped)
