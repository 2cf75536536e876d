"""Arrays as bits: building, reading, printing and comparing them.

Invariants
----------
- Two elements are the same when their bits are, or when both are NaN (a NaN's payload
  is not specified). There is no tolerance anywhere.
- Padding bytes (x87 in 16 bytes) are never looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from shrinkops.adapter import numpy_dtype

from ._numbers import Number, decode

__all__ = ["array_of", "bits_of", "hex_of", "same", "show", "storage", "words"]

_Array = np.ndarray[Any, Any]


def storage(number: Number, dtype_name: str = "") -> np.dtype[Any]:
    """Return the NumPy dtype that stores an element type."""
    if number.name in ("x87", "binary128"):
        return np.dtype(np.longdouble)
    return numpy_dtype(dtype_name or number.name)


def _component_bytes(number: Number) -> int:
    return number.width // 8


def array_of(bits: Iterable[int], number: Number, shape: tuple[int, ...] | None = None) -> _Array:
    """Build an array from the bits of its elements."""
    dtype = storage(number)
    values = list(bits)
    used = _component_bytes(number) * number.parts
    raw = b"".join(v.to_bytes(used, "little").ljust(dtype.itemsize, b"\0") for v in values)
    array = np.frombuffer(raw, _little(dtype)).astype(dtype.newbyteorder("="))
    return array.reshape(shape if shape is not None else (len(values),)).copy()


def _little(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype if dtype.kind == "V" else dtype.newbyteorder("<")


def bits_of(array: _Array, number: Number) -> list[int]:
    """Return the bits of each element, in C order."""
    used = _component_bytes(number) * number.parts
    native = np.ascontiguousarray(array)
    raw = native.astype(_little(native.dtype)).tobytes()
    size = native.dtype.itemsize
    return [int.from_bytes(raw[i : i + used], "little") for i in range(0, len(raw), size or 1)]


def hex_of(bits: int, number: Number) -> str:
    """Print an element as the hexadecimal digits of its bits; complex as two parts."""
    digits = number.width // 4
    if number.parts == 1:
        return f"{bits:0{digits}x}"
    mask = (1 << number.width) - 1
    return f"{bits & mask:0{digits}x}+{bits >> number.width:0{digits}x}j"


def show(bits: int, number: Number) -> str:
    """Print an element as its bits and its value, for messages."""
    if number.parts == 2:
        mask = (1 << number.width) - 1
        parts = [_value(bits & mask, number), _value(bits >> number.width, number)]
        return f"0x{hex_of(bits, number)} ({parts[0]}, {parts[1]})"
    return f"0x{hex_of(bits, number)} ({_value(bits, number)})"


def _value(bits: int, number: Number) -> str:
    value = decode(bits, number)
    if not isinstance(value, Fraction):
        return str(value)
    if number.kind == "integer":
        return str(int(value))
    if value == 0:
        return "-0.0" if bits & number.sign else "0.0"
    try:
        text = f"{float(value):.9g}"
    except OverflowError:
        return f"about 2**{math.log2(abs(value.numerator)) - math.log2(value.denominator):.1f}"
    return text


def words(array: _Array, number: Number) -> _Array:
    """View elements as unsigned integers along a last axis, padding left out."""
    native = np.ascontiguousarray(array)
    native = native.astype(native.dtype.newbyteorder("="), copy=False).reshape(array.shape)
    if number.name in ("x87", "binary128"):
        lanes = native.reshape(-1).view(np.uint16).reshape(*array.shape, native.itemsize // 2)
        return lanes[..., : number.width // 16]
    lane = np.dtype(f"u{_component_bytes(number)}")
    return native.reshape(-1).view(lane).reshape(*array.shape, number.parts)


def nan_parts(array: _Array, number: Number) -> _Array:
    """Tell which components are NaN, along a last axis."""
    if number.kind == "integer":
        return np.zeros((*array.shape, 1), bool)
    if number.name in ("x87", "binary128"):
        return np.asarray(np.isnan(array))[..., np.newaxis]
    bits = words(array, number)
    lane = bits.dtype.type
    if number.nan == "negative zero":
        return np.asarray(bits == lane(number.sign))
    size = bits & lane(number.sign - 1)
    if number.nan == "all ones":
        return np.asarray(size == lane(number.sign - 1))
    infinity = number.infinity
    assert infinity is not None
    return np.asarray(size > lane(infinity))


def same(got: _Array, want: _Array, number: Number) -> _Array:
    """Compare element by element: equal bits, or NaN in the same component."""
    equal = words(got, number) == words(want, number)
    both = nan_parts(got, number) & nan_parts(want, number)
    if both.shape == equal.shape:
        return np.asarray((equal | both).all(axis=-1))
    return np.asarray(equal.all(axis=-1) | both.all(axis=-1))
