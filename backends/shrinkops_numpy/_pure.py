"""The operations without a compiler: branch-free NumPy arithmetic, blocked through the cache.

Invariants
----------
- No temporary is larger than a block; peak memory is the output.
- Real numbers are compared by their magnitude bits as integers, so NaN, infinity and
  subnormals need no case of their own, and no floating-point flag is raised. Complex
  numbers are compared as floats, with the warnings off. This module has hardshrink's rules;
  those of the operations with arithmetic are in `shrinkops_numpy._pure_family`.
- The rules take what the compiled loops take (see ``src/``): parameters already in the type
  that x's loop compares with, either one for all elements or one for each.
- Nothing is kept between calls but the rules, so threads share no memory.
- The iterator hands out blocks in memory order, in native byte order and aligned, whatever
  the layout of the operands, and copies where they overlap.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from shrinkops.spec import FORMATS, FloatFormat

__all__ = ["BLOCK_BYTES", "Rule", "compute", "rule_for"]

_Array = np.ndarray[Any, Any]

BLOCK_BYTES = 1 << 18
"""Bytes of one operand's block: few enough for the cache, enough to outweigh the calls."""

_READ: list[Any] = ["readonly", "aligned", "nbo", "overlap_assume_elementwise"]
_WRITE: list[Any] = ["writeonly", "aligned", "nbo", "overlap_assume_elementwise"]


class Rule(NamedTuple):
    """How one element type is compared.

    Attributes
    ----------
    bounds : callable
        ``bounds(*parameters)``: what x is compared with, from 1-d native parameters.
    apply : callable
        ``apply(x, bounds, out, scratch)`` over one block, 1-d and native, with the
        bounds of one λ or of as many as there are elements. ``scratch`` holds as many
        bytes as the block; what it contains is of no meaning.
    """

    bounds: Callable[..., tuple[_Array, ...]]
    apply: Callable[[_Array, tuple[_Array, ...], _Array, _Array], None]


def compute(operation: str, x: Any, parameters: list[_Array], out: _Array | None) -> Any:
    """Compute into ``out``, or into a new array laid out like ``x``.

    Parameters
    ----------
    operation : str
    x : numpy.ndarray or NumPy scalar
    parameters : list of numpy.ndarray
        As `shrinkops_numpy._thresholds` gives them.
    out : numpy.ndarray or None
        Of x's shape and dtype, writable.
    """
    source = np.asarray(x)
    result = np.empty_like(source, subok=False) if out is None else out
    native = source.dtype.newbyteorder("=")
    rule = rule_for(operation, native)
    operands: list[Any] = [source, result]
    dtypes: list[Any] = [native, native]
    constant = None
    if all(p.size == 1 for p in parameters):
        constant = rule.bounds(*(p.reshape(1) for p in parameters))
    else:
        operands[1:1] = [np.broadcast_to(p, source.shape) for p in parameters]
        dtypes[1:1] = [p.dtype.newbyteorder("=") for p in parameters]
    block_size = BLOCK_BYTES // native.itemsize
    scratch = np.empty(min(block_size, source.size) * native.itemsize, np.uint8)
    with np.nditer(
        operands,
        flags=["external_loop", "buffered", "zerosize_ok", "copy_if_overlap"],
        op_flags=[_READ] * (len(operands) - 1) + [_WRITE],
        op_dtypes=dtypes,
        order="K",
        casting="equiv",
        buffersize=block_size,
    ) as blocks:
        for block in blocks:
            bounds = rule.bounds(*block[1:-1]) if constant is None else constant
            rule.apply(block[0], bounds, block[-1], scratch)
    return result[()] if isinstance(x, np.generic) and out is None else result


def nonzero_bits(array: _Array) -> _Array:
    """Tell which elements are other than all zero bits."""
    if array.dtype == np.longdouble and array.dtype.itemsize == 16:
        words = array.view(np.uint64).reshape(-1, 2)
        upper = 1 if sys.byteorder == "little" else 0
        x87 = np.finfo(np.longdouble).nmant == 63
        mask = np.uint64(0xFFFF if x87 else 0xFFFFFFFFFFFFFFFF)  # the rest is padding
        return np.asarray(((words[:, upper] & mask) | words[:, 1 - upper]) != 0)
    return np.asarray(array.view(f"u{array.dtype.itemsize}") != 0)


@lru_cache(256)
def rule_for(operation: str, dtype: np.dtype[Any]) -> Rule:
    """Return the rule of an operation for a native dtype."""
    if operation != "hardshrink":
        from ._pure_family import family_rule

        return family_rule(operation, dtype)
    if dtype.kind in "iu":
        return integers(dtype)
    if dtype.kind == "c":
        return complexes(dtype)
    form = FORMATS.get(dtype.name)
    if isinstance(form, FloatFormat):
        return floats(dtype, form)
    return long_double()


def floats(dtype: np.dtype[Any], form: FloatFormat) -> Rule:
    signed = np.dtype(f"i{dtype.itemsize}")
    mask, shift = signed.type(form.magnitude_mask), signed.type(form.width - 1)
    lowest, top = signed.type(-form.sign_bit), signed.type(form.top_bits)
    empty, zero = signed.type(-1), signed.type(0)

    def bounds(lambd: _Array) -> tuple[_Array, ...]:
        high = lambd.view(signed)
        high = np.where(high > top, empty, high)  # NaN: the band is empty
        high = np.where(high == lowest, empty if form.nan_is_negative_zero else zero, high)
        return (np.maximum(high, empty),)  # negative: empty too, and no difference overflows

    def apply(x: _Array, bounds: tuple[_Array, ...], out: _Array, scratch: _Array) -> None:
        source = x.view(signed)
        keep = scratch.view(signed)[: len(source)]
        np.bitwise_and(source, mask, out=keep)
        # Negative, hence all ones after the shift, exactly where the element stays.
        np.subtract(bounds[0], keep, out=keep)
        np.right_shift(keep, shift, out=keep)
        if form.nan_is_negative_zero:
            np.bitwise_or(keep, -(source == lowest).view(signed), out=keep)
        np.bitwise_and(source, keep, out=out.view(signed))

    return Rule(bounds, apply)


def integers(dtype: np.dtype[Any]) -> Rule:
    limits = np.iinfo(dtype)
    lowest, largest = int(limits.min), int(limits.max)
    magnitude = max(-lowest, largest)

    def bounds(lambd: _Array) -> tuple[_Array, ...]:
        """Return the first and the last element of each band, exactly."""
        with np.errstate(all="ignore"):
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

    def apply(x: _Array, bounds: tuple[_Array, ...], out: _Array, scratch: _Array) -> None:
        low, high = bounds
        keep = scratch[: len(x)].view(bool)
        np.less(x, low, out=keep)
        np.logical_or(keep, x > high, out=keep)
        np.multiply(x, keep, out=out)

    return Rule(bounds, apply)


def complexes(dtype: np.dtype[Any]) -> Rule:
    part = np.dtype(f"f{dtype.itemsize // 2}")
    signed = np.dtype(f"i{part.itemsize}")
    # Scaling by powers of two, as in src/loops.inc.h: no square that decides over- or underflows.
    exponents = (-50, 100, 60, -70) if part.itemsize == 4 else (-400, 700, 400, -600)
    small, up, large, down = (2.0**exponent for exponent in exponents)
    # NEON on 32-bit ARM takes subnormal float32 numbers for zero; conversion does not.
    tiny = np.full(16, np.finfo(part).smallest_subnormal)
    wide = part if np.all(tiny * part.type(up)) else np.dtype(np.float64)

    def scaled(x: _Array, scale: _Array) -> _Array:
        return np.multiply(x, scale, dtype=wide).astype(part, copy=False)

    def bounds(lambd: _Array) -> tuple[_Array, ...]:
        with np.errstate(all="ignore"):
            scale = np.where(lambd < small, up, np.where(lambd > large, down, 1)).astype(part)
            return scale, np.where(lambd >= 0, np.square(scaled(lambd, scale)), part.type(-1))

    def apply(x: _Array, bounds: tuple[_Array, ...], out: _Array, scratch: _Array) -> None:
        scale, square = bounds
        with np.errstate(all="ignore"):
            squares = np.square(scaled(x.real, scale)) + np.square(scaled(x.imag, scale))
            keep = -(~(squares <= square)).astype(signed)
        source = np.ascontiguousarray(x).view(signed).reshape(-1, 2)
        kept = scratch[: x.nbytes].view(signed).reshape(-1, 2)
        np.bitwise_and(source, keep[:, np.newaxis], out=kept)
        out[...] = kept.view(dtype).reshape(-1)

    return Rule(bounds, apply)


def long_double() -> Rule:
    """Compare the two halves of 16 stored bytes; the compiled kernel compares the same bits."""
    x87 = np.finfo(np.longdouble).nmant == 63
    mask, sign = (0x7FFF, 1 << 15) if x87 else ((1 << 63) - 1, 1 << 63)
    infinity = (0x7FFF, 1 << 63) if x87 else (0x7FFF << 48, 0)
    upper = 1 if sys.byteorder == "little" else 0

    def halves(array: _Array) -> tuple[_Array, _Array]:
        words = np.ascontiguousarray(array).view(np.uint64).reshape(-1, 2)
        return words[:, upper], words[:, 1 - upper]

    def bounds(lambd: _Array) -> tuple[_Array, ...]:
        head, low = halves(lambd)
        high = head & np.uint64(mask)
        nan = (high > infinity[0]) | ((high == infinity[0]) & (low > infinity[1]))
        negative = ((head & np.uint64(sign)) != 0) & ((high | low) != 0)
        return high, low, ~(nan | negative)

    def apply(x: _Array, bounds: tuple[_Array, ...], out: _Array, _scratch: _Array) -> None:
        head, low = halves(x)
        high = head & np.uint64(mask)
        dropped = (high < bounds[0]) | ((high == bounds[0]) & (low <= bounds[1]))
        np.logical_and(dropped, bounds[2], out=dropped)
        np.copyto(out, x)
        np.copyto(out, 0, where=dropped)

    return Rule(bounds, apply)
