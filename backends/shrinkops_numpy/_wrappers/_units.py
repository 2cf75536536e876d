"""Quantities of astropy, pint, unyt and quantities: numbers and a unit.

Invariants
----------
- A parameter is converted to x's unit first, in double precision, and rounded once, by whoever
  computes. Where the units are the same nothing is converted.
- A number without a unit is dimensionless: 0.5 is 50 percent. Zero and the infinities are
  themselves in every unit; any other number needs x's dimension.
- A conversion that moves zero (°C, decibel) is refused: a band around zero means nothing there.
- What is inside stays what it is; only the numbers of a parameter reach it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from shrinkops.spec import is_real_number, type_name

from ._wrapper import Inner, Part, Wrapper, bare, is_array, like_content

__all__ = ["Quantity", "has_unit", "is_one", "to_plain", "wrappers"]


class _Library(NamedTuple):
    """How a library names units, and how it converts numbers from one to another."""

    unit: Callable[[Any], Any]
    magnitude: Callable[[Any], Any]
    convert: Callable[[Any, Any, Any, Any], Any]
    """``convert(x, numbers, from, to)``."""
    one: Callable[[Any], Any]
    """``one(x)``: the unit of a plain number."""


def _astropy_one(_x: Any) -> Any:
    from astropy.units import dimensionless_unscaled

    return dimensionless_unscaled


def _unyt_convert(_x: Any, numbers: Any, unit: Any, wanted: Any) -> Any:
    from unyt import unyt_array

    return np.asarray(unyt_array(np.asarray(numbers), unit).to_value(wanted))[()]


def _quantities_convert(_x: Any, numbers: Any, unit: Any, wanted: Any) -> Any:
    from quantities import Quantity

    return np.asarray(Quantity(numbers, unit).rescale(wanted).magnitude)[()]


def _pint_convert(x: Any, numbers: Any, unit: Any, wanted: Any) -> Any:
    registry = x._REGISTRY
    kind = registry.non_int_type
    if kind is float:
        return registry.Quantity(numbers, unit).m_as(wanted)
    # A registry of Decimal or Fraction multiplies by nothing else.
    if not isinstance(numbers, np.ndarray):
        return registry.Quantity(kind(numbers), unit).m_as(wanted)
    exact = [kind(number) for number in numbers.ravel().tolist()]
    converted = [float(registry.Quantity(number, unit).m_as(wanted)) for number in exact]
    return np.array(converted).reshape(numbers.shape)


def _quantities_one(_x: Any) -> Any:
    from quantities import dimensionless

    return dimensionless


_ROWS = {
    "astropy": _Library(
        lambda x: x.unit,
        lambda x: x.value,
        lambda _, numbers, unit, wanted: unit.to(wanted, numbers),
        _astropy_one,
    ),
    "pint": _Library(
        lambda x: x.units,
        lambda x: x.magnitude,
        _pint_convert,
        lambda x: x._REGISTRY.Unit(""),
    ),
    "quantities": _Library(
        lambda x: x.units, lambda x: x.magnitude, _quantities_convert, _quantities_one
    ),
    "unyt": _Library(
        lambda x: x.units,
        lambda x: np.asarray(x),
        _unyt_convert,
        lambda x: x.units / x.units,
    ),
}


def _row(value: Any) -> _Library | None:
    """Return how the library of a quantity works, None for what has no unit."""
    if type(value) in _WITHOUT:
        return None
    for base in type(value).__mro__:
        library = base.__module__.partition(".")[0]
        if base.__name__ in _CLASSES.get(library, ()):
            return _ROWS[library]
    return None


_WITHOUT = frozenset({int, float, np.float64, np.float32, np.ndarray})

_CLASSES = {
    "astropy": ("Quantity",),
    "pint": ("PlainQuantity",),
    "quantities": ("Quantity",),
    "unyt": ("unyt_array",),
}


class Quantity(Wrapper):
    """A quantity, of any of the libraries."""

    def __init__(self, library: _Library) -> None:
        self.library = library

    def parts(self, x: Any, plain: bool, inner: Inner) -> Sequence[Part]:
        magnitude = self.library.magnitude(x)
        if is_real_number(magnitude) and not isinstance(magnitude, np.generic):
            raise TypeError(
                f"{inner.name}: {type_name(type(x))} holds {magnitude!r} of type "
                f"{type_name(type(magnitude))}, expected an array; make it one with numpy.asarray"
            )
        if isinstance(x, np.ndarray):  # one of no axes may have given its number
            magnitude = np.asarray(magnitude).view(np.ndarray)
        return [Part(magnitude)]

    def taken_one(self, x: Any, value: Any, part: Part, name: str, inner: Inner) -> Any:
        if is_array(value):
            return self.parameter(x, value, part, name, inner)
        return self.number(x, value, name, inner)

    def number(self, x: Any, value: Any, name: str, inner: Inner) -> Any:
        return self.converted(x, value, self.library.one(x), name, inner)

    def parameter(self, x: Any, value: Any, part: Part, name: str, inner: Inner) -> Any:
        row = _row(value)
        if row is self.library:
            magnitude = row.magnitude(value)
            if isinstance(magnitude, np.ndarray):
                magnitude = bare(magnitude, name, inner)
            converted = self.converted(x, magnitude, row.unit(value), name, inner)
            return like_content(part.content, converted)
        if row is None and isinstance(value, np.ndarray) and isinstance(x, np.ndarray):
            numbers = bare(value, name, inner)
            unit = getattr(value, "unit", None)  # of a column of an astropy table
            return self.converted(x, numbers, unit or self.library.one(x), name, inner)
        raise inner.mixed(x, value, name, f"pass a float as {name}, or a quantity like x")

    def rebuild(self, x: Any, results: Sequence[Any], inner: Inner) -> Any:
        if not isinstance(x, np.ndarray):
            return type(x)(results[0], self.library.unit(x))
        return like(x, results[0])

    def target(self, x: Any, out: Any, inner: Inner) -> Any:
        if not isinstance(x, np.ndarray):
            return super().target(x, out, inner)
        if type(out) is not type(x) or self.library.unit(out) != self.library.unit(x):
            unit = getattr(out, "unit", getattr(out, "units", "none"))
            raise TypeError(
                f"{inner.name}: out is {type_name(type(out))} of unit {unit}, expected "
                f"{type_name(type(x))} of unit {self.library.unit(x)} as x is; allocate out like x"
            )
        return getattr(out, "unmasked", out).view(np.ndarray)

    def filled(self, x: Any, out: Any) -> Any:
        if out is not x and hasattr(out, "unmasked"):  # astropy's masked quantities
            out.mask = np.array(x.mask)
        return out

    def _zero(self, x: Any, unit: Any, wanted: Any) -> Any:
        """Return what a zero becomes: one over zero in some conversions, of eV to nm."""
        try:
            return self.library.convert(x, 0.0, unit, wanted)
        except ZeroDivisionError:
            return math.inf

    def converted(self, x: Any, numbers: Any, unit: Any, name: str, inner: Inner) -> Any:
        """Return numbers of a unit in x's unit."""
        wanted = self.library.unit(x)
        if not (is_real_number(numbers) or hasattr(numbers, "dtype")) or _in_any_unit(numbers):
            return numbers
        try:
            if unit == wanted:  # pint refuses to compare those of two registries
                return numbers
            with np.errstate(all="ignore"):
                moved = self._zero(x, unit, wanted)
                result = self.library.convert(x, _double(numbers), unit, wanted)
        except Exception as error:
            message = f"{inner.name}: {name} in {str(unit) or 'no unit'} for x in {wanted}"
            if isinstance(error, (TypeError, ValueError)):
                # In the library's own words, whose users may catch its class.
                error.add_note(f"{message}; give {name} as a quantity of x's dimension")
                raise
            kind = ValueError if isinstance(error, OverflowError) else TypeError
            raise kind(f"{message}: {error}") from error
        if moved != 0:
            raise TypeError(
                f"{inner.name}: {name} in {str(unit) or 'no unit'} for x in {wanted}: the "
                f"conversion moves zero to {moved}, so no band around it stays one; "
                "convert x to a unit without offset"
            )
        return result


def _in_any_unit(numbers: Any) -> bool:
    """Tell whether numbers mean the same in every unit: zero, an infinity, or no number."""
    if not isinstance(numbers, np.ndarray):
        try:
            return is_real_number(numbers) and (numbers == 0 or not math.isfinite(numbers))
        except OverflowError:  # an integer beyond float64 is finite
            return False
    return bool(np.all((numbers == 0) | ~np.isfinite(numbers)))


def _double(numbers: Any) -> Any:
    """Return numbers in double precision, or wider, so that the conversion costs no bit of x's."""
    if is_real_number(numbers):
        return numbers if isinstance(numbers, np.longdouble) else float(numbers)
    kind, size = getattr(numbers.dtype, "kind", "f"), getattr(numbers.dtype, "itemsize", 8)
    narrow = (kind in "iuV" or size < 8) and _has_double(numbers)
    return numbers.astype("float64") if narrow else numbers


def _has_double(numbers: Any) -> bool:
    """Tell whether a library has double precision, which JAX leaves to an option."""
    if type(numbers).__module__.partition(".")[0] not in ("jax", "jaxlib"):
        return True
    return bool(sys.modules["jax"].config.jax_enable_x64)


def like(x: Any, result: np.ndarray[Any, Any]) -> Any:
    """Return an instance of the ndarray subclass of ``x`` with its attributes and a result."""
    y = result.view(type(x))
    y.__array_finalize__(x)
    return y


def has_unit(value: Any) -> bool:
    """Tell whether a value is a quantity of any of the libraries."""
    return _row(value) is not None


def is_one(value: Any) -> bool:
    """Tell whether a parameter is a single quantity, which any wrapper hands inwards."""
    return _row(value) is not None and getattr(value, "shape", ()) == ()


def to_plain(value: Any, name: str, inner: Inner, x: Any = None) -> Any:
    """Return a parameter for a plain array: a quantity must be dimensionless, and is converted.

    A column of an astropy table is a plain array that knows its unit, given as ``x``.
    """
    row = _row(value)
    if row is None:
        return value
    if row is _ROWS["astropy"] and getattr(x, "unit", None) is not None:
        numbers = bare(row.magnitude(value), name, inner)
        return Quantity(row).converted(x, numbers, row.unit(value), name, inner)
    try:
        numbers = _double(bare(row.magnitude(value), name, inner))
        return row.convert(value, numbers, row.unit(value), row.one(value))
    except Exception as error:
        raise TypeError(
            f"{inner.name}: x has no unit and {name} is in {row.unit(value)}: {error}; "
            f"give both the same unit, or none"
        ) from error


def wrappers(library: str) -> dict[type, Wrapper]:
    """Return the wrappers by class."""
    module = sys.modules
    found = {
        "astropy": lambda: module["astropy.units"].Quantity,
        "pint": lambda: __import__("pint.facets.plain", fromlist=["PlainQuantity"]).PlainQuantity,
        "quantities": lambda: module["quantities"].Quantity,
        "unyt": lambda: module["unyt"].unyt_array,
    }
    return {found[library](): Quantity(_ROWS[library])}
