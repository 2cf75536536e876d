"""What a result must be: from the pieces of the declaration, in fractions and integers.

Invariants
----------
- `Oracle.element` is the specification, one element at a time; no array library and no
  floating-point arithmetic has a part in it.
- Where several roundings are specified (`Rules.formula`), the result is that of the formula in
  the working format, on NumPy; a test holds it to the pieces, within the declared accuracy.
- What the specification leaves open is a mask (either x or zero) or a bound, never a guess.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from shrinkops.conformance._bits import array_of
from shrinkops.conformance._numbers import NUMBERS, Number, decode, is_nan, magnitude, round_bits
from shrinkops.operations._declaration import Operation, Piece

if TYPE_CHECKING:
    from shrinkops.conformance._context import Context

__all__ = ["EITHER", "OPEN", "Oracle", "oracle_of", "real_of", "rounded_bits"]

_Array = np.ndarray[Any, Any]
Exact = Any
"""An exact number: a fraction, or infinity or NaN as a float."""

_ENDLESS = Fraction(1 << 20_000)
"""Stands for an infinite parameter in pieces: they are asked for the limit."""


def endless(value: Exact) -> Exact:
    """Return a number that pieces can be asked for."""
    return _ENDLESS if value == math.inf else value


EITHER = -1
"""Of an element: x or zero, as the specification leaves it."""
OPEN = -2
"""Of an element: anything (a format without infinity, where a result overflows)."""


def real_of(value: Any) -> Exact:
    """Return a real number of any type exactly."""
    if isinstance(value, (int, np.integer)):
        return Fraction(int(value))
    if isinstance(value, Fraction):
        return value
    if value != value or abs(value) == math.inf:
        return float(value)
    if not hasattr(value, "as_integer_ratio"):  # scalars of ml_dtypes
        value = float(value)
    return Fraction(*(int(part) for part in value.as_integer_ratio()))


@lru_cache(1 << 16)
def rounded_bits(value: Exact, number: Number) -> int:
    """Round a number of either sign, not NaN, once; beyond the range to infinity or the largest."""
    sign = number.sign if value < 0 else 0
    top = number.largest if number.infinity is None else number.infinity
    if abs(value) == math.inf:
        return sign | top
    bits = round_bits(abs(Fraction(value)), number)
    if bits == 0 and number.nan == "negative zero":
        return 0
    return sign | (top if bits is None else bits)


_decode: Callable[[int, Number], Any] = lru_cache(1 << 16)(decode)


def working(number: Number) -> Number:
    """Return the format that arithmetic happens in: float32 for narrower types."""
    return NUMBERS["float32"] if number.width < 32 else number


@dataclass(frozen=True)
class Want:
    """The right results for some elements.

    Attributes
    ----------
    values : ndarray
    either : ndarray of bool
        Elements that may be x or zero.
    open : ndarray of bool
        Elements that may be anything.
    within : ndarray
        By how much an element may be off, as a number; mostly 0.
    others : sequence of (ndarray, ndarray)
        Further right results, NaN where there is none, and by how much each may be off.
    """

    values: _Array
    either: _Array
    open: _Array
    within: _Array
    others: Sequence[tuple[_Array, _Array]] = field(default=(), kw_only=True)

    @cached_property
    def loose(self) -> bool:
        """Whether anything is left open."""
        return bool(self.either.any() or self.open.any() or self.within.any() or len(self.others))


FIELDS = ("values", "either", "open", "within")


class Oracle:
    """The results of one operation on one element type.

    Parameters
    ----------
    operation : Operation
    number : Number
    formula : callable, optional
        ``formula(np, a, *parameters)``: magnitudes outside the band, in the working format,
        where the pieces alone do not give the bits.
    flushes : bool
        The library takes subnormals for zero in arithmetic (feature ``flushes_subnormals``).
    """

    def __init__(
        self, operation: Operation, number: Number, formula: Callable[..., Any] | None = None,
        flushes: bool = False,
    ) -> None:  # fmt: skip
        self.number = number
        self.operation = operation
        self.names = operation.parameter_names
        self.formula = formula
        self.flushes = flushes
        self.keeps = operation.accuracy == "exact"
        self._rows: dict[Any, Want] = {}
        self._rounded: dict[Any, tuple[Exact, ...] | None] = {}
        self._slopes: dict[Any, tuple[_Array, ...]] = {}
        self._near: dict[Any, tuple[int, ...]] = {}

    # Parameters

    def rounded(self, given: Sequence[Exact]) -> tuple[Exact, ...] | None:
        """Round parameters as the specification says; None is the identity."""
        if given[0] != given[0] or given[0] < 0:
            return None
        values = [value if self.number.kind == "integer" else self._round(value) for value in given]
        for i, parameter in enumerate(self.operation.parameters):
            if parameter.at_least:
                least = values[self.names.index(parameter.at_least)]
                if not values[i] >= least:
                    values[i] = least
        return tuple(values)

    def _round(self, value: Exact) -> Exact:
        real = part_of(self.number)
        if value != value:
            return value
        if abs(value) == math.inf:
            return value
        return _decode(rounded_bits(value, real), real)

    # Results

    def element(self, bits: int, given: Sequence[Exact]) -> int:
        """Return the bits of the result for one element, or `EITHER` or `OPEN`."""
        return self._element(bits, self.rounded(given))

    def _element(self, bits: int, rounded: tuple[Exact, ...] | None) -> int:
        number = self.number
        if rounded is None:
            return bits
        if number.kind == "complex":
            return self._complex(bits, rounded[0])
        if is_nan(bits, number):
            return bits
        value = _decode(bits, number)
        size: Any = abs(value)
        if size <= rounded[0]:
            return 0
        if size == math.inf:
            return bits
        try:
            result = self.magnitude(Fraction(size), rounded)
        except ZeroDivisionError:  # an element of a parameter for which there is no definition
            return OPEN
        if result == size:
            return bits
        return self._encoded(-result if value < 0 else result)

    def magnitude(self, size: Fraction, rounded: Sequence[Exact]) -> Exact:
        """Return the exact result for a magnitude outside the band."""
        given = (_ENDLESS if value == math.inf else value for value in rounded)
        exact: Fraction = Fraction(self.piece(size, rounded).value(size, *given))
        return exact

    def piece(self, size: Any, rounded: Sequence[Exact]) -> Piece:
        """Return the piece that a magnitude outside the band lies in."""
        found = self.operation.pieces[0]
        for piece in self.operation.pieces[1:]:
            edge = rounded[self.names.index(piece.above)]
            if size > edge or (piece.includes_edge and size == edge):
                found = piece
        return found

    def _encoded(self, value: Exact) -> int:
        number = self.number
        if number.kind == "integer":
            return int(value) & ((1 << number.width) - 1)
        if value == 0:
            return 0
        wide = working(number)
        between: Any = decode(rounded_bits(value, wide), wide)
        bits = rounded_bits(between, number)
        largest: Any = decode(number.largest, number)
        beyond = magnitude(bits, number) >= number.largest and abs(between) > largest
        if number.infinity is None and beyond:
            return OPEN
        return 0 if magnitude(bits, number) == 0 else bits

    def _complex(self, bits: int, bound: Exact) -> int:
        number = self.number
        mask = (1 << number.width) - 1
        parts = bits & mask, bits >> number.width
        if any(is_nan(part, number) for part in parts):
            return bits
        if bound == math.inf:
            return 0
        real, imaginary = (_decode(part, number) for part in parts)
        if math.inf in (abs(real), abs(imaginary)):
            return bits
        square = Fraction(real) ** 2 + Fraction(imaginary) ** 2
        bound = Fraction(bound)
        if bound == 0:
            return 0 if square == 0 else bits
        ulp = unit(bound, part_of(number))
        if max(bound - 2 * ulp, Fraction(0)) ** 2 <= square <= (bound + 2 * ulp) ** 2:
            return EITHER
        return 0 if square < bound**2 else bits

    # Rows: many elements under one tuple of parameters

    def row(self, block: tuple[int, ...], given: tuple[Exact, ...], key: Any) -> Want:
        """Return the right results for a block of elements; remembered by block and key."""
        identity = block, key
        found = self._rows.get(identity)
        if found is None:
            if key not in self._rounded:
                self._rounded[key] = self.rounded(given)
            found = self._rows[identity] = self._row(block, self._rounded[key])
        return found

    def slopes(
        self, block: tuple[int, ...], given: tuple[Exact, ...], key: Any
    ) -> tuple[_Array, ...]:
        """Return d/dx and d/d each parameter for a block of elements; remembered."""
        identity = "slopes", block, key
        if identity not in self._slopes:
            rounded = self.rounded(given)
            if self.number.kind == "complex":
                kept = self._complex_slopes(block, rounded)
                self._slopes[identity] = (kept, *(np.zeros(len(block)) for _ in self.names))
                return self._slopes[identity]
            rows = [self._slope(bits, rounded) for bits in block]
            self._slopes[identity] = tuple(
                np.array([float(row[i]) for row in rows]) for i in range(1 + len(self.names))
            )
        return self._slopes[identity]

    def _complex_slopes(self, block: tuple[int, ...], rounded: tuple[Exact, ...] | None) -> _Array:
        """Return 1 where an element is kept, 0 where not, NaN where either is right."""
        if rounded is None:
            return np.ones(len(block))
        zero, near = self._complex_codes(block, rounded[0])
        return np.where(near, np.nan, np.where(zero, 0.0, 1.0))

    def _slope(self, bits: int, rounded: tuple[Exact, ...] | None) -> tuple[Any, ...]:
        nothing = (0,) * len(self.names)
        if rounded is None or is_nan(bits, self.number):
            return (1, *nothing)
        value = _decode(bits, self.number)
        size: Any = abs(value)
        if size <= rounded[0]:
            return (0, *nothing)
        size = _ENDLESS if size == math.inf else Fraction(size)
        given = [_ENDLESS if value == math.inf else value for value in rounded]
        piece = self.piece(size, given)
        sign = -1 if value < 0 else 1
        partials = [
            sign * piece.partials[name](size, *given) if name in piece.partials else 0
            for name in self.names
        ]
        return (piece.slope(size, *given), *partials)

    def near(self, key: Any, given: tuple[Exact, ...]) -> tuple[int, ...]:
        """Return elements that tell parameters from their neighbours; remembered by key."""
        found = self._near.get(key)
        if found is None:
            from .values import near

            limits = [value for value in given if value == value] or [Fraction(0)]
            elements = dict.fromkeys(b for limit in limits for b in near(limit, self.number))
            found = self._near[key] = tuple(elements)
        return found

    def _row(self, block: tuple[int, ...], rounded: tuple[Exact, ...] | None) -> Want:
        if self.number.kind == "complex" and not self.keeps and rounded is not None:
            return self._complex_row(block, rounded)
        if self.number.kind == "complex" and rounded is not None:
            return self._complex_kept(block, rounded[0])
        quickly = self.number.kind == "float" and (self.keeps or self.formula is not None)
        if quickly and rounded is not None:
            found = self._by_magnitude(block, rounded[0])
        else:
            found = [self._element(bits, rounded) for bits in block]
        values = array_of(
            [x if bits < 0 else bits for x, bits in zip(block, found, strict=True)], self.number
        )
        either, free = (np.array([code == f for f in found], bool) for code in (EITHER, OPEN))
        if self.formula is not None and rounded is not None and self.number.kind == "float":
            values, beyond = self._by_formula(block, values, rounded)
            free |= beyond
        return Want(values, either, free, self._within(block, values, rounded))

    def _within(
        self, block: tuple[int, ...], values: _Array, rounded: tuple[Exact, ...] | None
    ) -> _Array:
        """Return by how much elements may be off: not at all, or by the declared accuracy."""
        number, accuracy = self.number, self.operation.accuracy
        within = np.zeros(len(block), np.longdouble)
        if rounded is None or number.kind != "float" or accuracy == "exact":
            return within
        if self.flushes:
            tiny = _decode(smallest_normal(working(number)), working(number))
            small = [
                not is_nan(bits, number) and 0 < abs(_decode(bits, number)) < tiny for bits in block
            ]
            with np.errstate(all="ignore"):
                sizes = np.abs(values.astype(np.longdouble))
            close = np.array(small) | ((sizes > 0) & (sizes < np.longdouble(float(tiny))))
            if any(0 < abs(value) < tiny for value in rounded):
                close[:] = True
            within[close] = np.longdouble(float(tiny))
        if self.formula is None and isinstance(accuracy, int):
            with np.errstate(all="ignore"):
                finite = np.isfinite(values)
            for i, (value, bits) in enumerate(zip(values, block, strict=True)):
                # The band has no roundings: its +0 is a +0. Comparing a NaN of bfloat16 warns.
                band = finite[i] and value == 0 and abs(_decode(bits, number)) <= rounded[0]
                if finite[i] and not band:
                    step = unit(abs(real_of(value)), number)  # a power of two
                    power = step.numerator.bit_length() - step.denominator.bit_length()
                    within[i] = max(within[i], np.ldexp(np.longdouble(accuracy), power))
        return within

    def _complex_codes(self, block: tuple[int, ...], bound: Exact) -> tuple[_Array, _Array]:
        """Return what of complex elements is zero, and what may be: as `_complex`, but quickly."""
        z = array_of(list(block), self.number)
        limit = np.longdouble(float(bound))
        with np.errstate(all="ignore"):
            nan = np.isnan(z.real) | np.isnan(z.imag)
            size = np.hypot(z.real.astype(np.longdouble), z.imag.astype(np.longdouble))
            size = np.where(nan, np.longdouble("inf"), size)
            if bound in (0, math.inf):
                return np.asarray((size <= limit) & ~nan), np.zeros(len(block), bool)
            # A little more than two, for the reference itself is rounded.
            near = np.abs(size - limit) <= np.longdouble(2.1) * np.longdouble(
                float(unit(bound, part_of(self.number)))
            )
        return np.asarray((size <= limit) & ~nan), np.asarray(near & ~nan)

    def _complex_kept(self, block: tuple[int, ...], bound: Exact) -> Want:
        zero, either = self._complex_codes(block, bound)
        values = array_of(list(block), self.number)
        values[zero & ~either] = 0
        nothing = np.zeros(len(block))
        return Want(values, either, np.zeros(len(block), bool), nothing)

    def _complex_row(self, block: tuple[int, ...], rounded: tuple[Exact, ...]) -> Want:
        """Shrink the magnitude and keep the phase, within 4 units of the result."""
        number, real = self.number, part_of(self.number)
        zero, near = self._complex_codes(block, rounded[0])
        z = array_of(list(block), number)
        tiny = _decode(smallest_normal(real), real)
        values, within = z.copy(), np.zeros(len(block), np.longdouble)
        values[zero] = 0
        for i in np.flatnonzero(~zero & ~near & np.isfinite(z)):
            wide = z[i].astype(np.clongdouble)
            size = np.hypot(wide.real, wide.imag)
            exact = Fraction(*(int(part) for part in size.as_integer_ratio()))
            shrunk = self.magnitude(exact, rounded)
            with np.errstate(all="ignore"):
                values[i] = wide * np.longdouble(float(shrunk / exact))
            units = 4 * unit(abs(shrunk), real) + 2 * unit(exact, real)
            within[i] = np.longdouble(float(units))
            parts = (z[i].real, z[i].imag, values[i].real, values[i].imag)
            if self.flushes and any(0 < abs(part) < tiny for part in (*parts, *rounded)):
                within[i] += 2 * np.longdouble(float(tiny))
        # Beside the band a result is as uncertain as the magnitude itself.
        return Want(values, np.zeros_like(near), near, within)

    def _by_magnitude(self, block: tuple[int, ...], bound: Exact) -> list[int]:
        """Zero the closed band by the order of magnitudes, which is that of the values."""
        number, limit = self.number, rounded_bits(bound, self.number)
        return [
            0 if magnitude(bits, number) <= limit and not is_nan(bits, number) else bits
            for bits in block
        ]

    def _by_formula(
        self, block: tuple[int, ...], values: _Array, rounded: tuple[Exact, ...]
    ) -> tuple[_Array, _Array]:
        """Replace what lies outside the band by the formula in the working format."""
        assert self.formula is not None
        x = array_of(list(block), self.number)
        wide = x.astype(np.float32) if self.number.width < 32 else x
        size = np.abs(wide)
        dtype = wide.dtype.type
        given = [_as(value, working(self.number)) for value in rounded]
        with np.errstate(all="ignore"):
            outside = np.isfinite(wide) & (size > given[0])
            result = self.formula(np, np.where(outside, size, dtype(1)), *given)
            signed = np.where(wide < 0, -result, result)
            result = np.where(result == 0, dtype(0), signed)
            narrow = result.astype(x.dtype)
            narrow = np.where(narrow == 0, x.dtype.type(0), narrow)
            beyond = np.zeros_like(outside)
            if self.number.infinity is None:
                largest = _decode(self.number.largest, self.number)
                beyond = outside & (np.abs(result) > _as(largest, working(self.number)))
        return np.where(outside, narrow, values), beyond


def _as(value: Exact, number: Number) -> Any:
    """Return a number that the type holds as its scalar."""
    return array_of([rounded_bits(value, number)], number)[0]


def smallest_normal(number: Number) -> int:
    """Return the magnitude bits of the smallest normal number."""
    if number.explicit:
        return (1 << number.fraction_bits) | (1 << (number.fraction_bits - 1))
    return 1 << number.fraction_bits


def part_of(number: Number) -> Number:
    """Return the real type of an element's parts."""
    return NUMBERS[{"complex64": "float32", "complex128": "float64"}.get(number.name, number.name)]


def unit(value: Fraction, number: Number) -> Fraction:
    """Return the distance from a magnitude to the next one above, of a type's numbers."""
    bits = rounded_bits(value, number)
    low = min(bits, number.largest - 1)
    return Fraction(decode(low + 1, number)) - Fraction(decode(low, number))


def oracle_of(context: Context) -> Oracle:
    """Return the oracle of an item, shared by the items of its element type."""
    kept = context.environment.kept
    key = "oracle", context.operation.name, context.number.name
    if key not in kept:
        kept[key] = Oracle(
            context.operation, context.number, context.suite.formula,
            context.declares("flushes_subnormals"),
        )  # fmt: skip
    found: Oracle = kept[key]
    return found
