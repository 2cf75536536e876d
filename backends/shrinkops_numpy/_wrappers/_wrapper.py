"""How a type holds the arrays that are computed, as a few questions.

Invariants
----------
- A wrapper computes nothing: it says which arrays lie inside, what each of them takes as
  parameter, and how a value of its type is made of the results.
- What lies inside goes to the backend for its own class: NumPy, dask, sparse, JAX.
- Of a parameter only its numbers count. Its labels, units, mask, name and class end here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from shrinkops._errors import module_of, name_of
from shrinkops.spec import is_real_number, type_name

from .._libraries import NOT_ARRAYS

__all__ = [
    "Inner",
    "Part",
    "Wrapper",
    "bare",
    "check_numbers",
    "is_array",
    "like_content",
    "without_missing",
]


class Part(NamedTuple):
    """An array inside a value.

    Attributes
    ----------
    content : array
        What its own backend computes.
    dtype : str
        The name of its element type as the user knows it; "" where the content says it.
    key : object
        Whatever the wrapper needs to find the part's parameter.
    """

    content: Any
    dtype: str = ""
    key: Any = None


class Inner:
    """What a wrapper may ask of the call that it is part of.

    Attributes
    ----------
    name : str
        The operation's.
    parameters : tuple of str
        Their names, for messages.
    """

    name: str
    parameters: tuple[str, ...]

    @property
    def function(self) -> Callable[..., Any]:
        """The operation's public function."""
        raise NotImplementedError

    def compute(self, part: Part, parameters: Sequence[Any], out: Any) -> Any:
        """Return the operation on what is inside, by the backend for its own class."""
        raise NotImplementedError

    def refuse(self, dtype: str) -> TypeError:
        """Return the refusal of an element type (HS-TYP-4)."""
        raise NotImplementedError

    def format(self, dtype: np.dtype[Any]) -> Any:
        """Return the rules of an element type, None where it is not declared."""
        raise NotImplementedError

    def is_quantity(self, value: Any) -> bool:
        """Tell whether a parameter is a single number with a unit."""
        raise NotImplementedError

    def rounded(self, value: Any, parameter: str, dtype: np.dtype[Any]) -> Any:
        """Return a number rounded once to an element type, as the ufuncs' loops take it."""
        raise NotImplementedError

    def is_band(self, parameter: str) -> bool:
        """Tell whether a negative element of a parameter leaves its element of x as it is."""
        raise NotImplementedError

    def mixed(self, x: Any, value: Any, parameter: str, remedy: str) -> TypeError:
        """Return the refusal of two libraries in one call (HS-DSP-2)."""
        return TypeError(
            f"{self.name}: all arrays must be of one library, the one of x, got x is "
            f"{type_name(type(x))}, {parameter} is {type_name(type(value))}; {remedy}, or convert"
        )


class Wrapper:
    """The least that a wrapped type needs; a subclass per type."""

    def parts(self, x: Any, plain: bool, inner: Inner) -> Sequence[Part]:
        """Return the arrays inside; raise ``inner.refuse`` for an element type without rules.

        ``plain`` tells that every parameter is one number.
        """
        raise NotImplementedError

    def parameter(self, x: Any, value: Any, part: Part, name: str, inner: Inner) -> Any:
        """Return what a part takes for a parameter that is no number."""
        raise inner.mixed(x, value, name, f"pass a Python float as {name}")

    def number(self, x: Any, value: Any, name: str, inner: Inner) -> Any:
        """Return what a part takes for a parameter that is a number."""
        return value

    def rebuild(self, x: Any, results: Sequence[Any], inner: Inner) -> Any:
        """Return a value of x's type that holds the results, in the order of the parts."""
        raise NotImplementedError

    def target(self, x: Any, out: Any, inner: Inner) -> Any:
        """Return the array inside ``out`` that takes the result, or raise (HS-ARR-4)."""
        raise TypeError(
            f"{inner.name}: the 'ufunc' backend has no out= for {type_name(type(x))}: "
            f"their libraries disagree on what it means; use the returned value"
        )

    def filled(self, x: Any, out: Any) -> Any:
        """Return ``out``, whose inner array now holds the result."""
        return out

    def apply(self, x: Any, parameters: Sequence[Any], out: Any, inner: Inner) -> Any:
        """Return the operation of ``x``."""
        into = None if out is None else self.target(x, out, inner)
        plain = all(is_real_number(value) for value in parameters)
        parts = self.parts(x, plain, inner)
        if not parts:  # a frame without columns: what is wrong for any element type is wrong here
            check_numbers(np.dtype(np.float64), "", parameters, inner)
        results = [
            inner.compute(part, self.taken(x, parameters, part, inner), into) for part in parts
        ]
        return self.rebuild(x, results, inner) if out is None else self.filled(x, out)

    def inside(self, x: Any, inner: Inner) -> Sequence[Any]:
        """Return the arrays inside, or their classes, for `shrinkops.explain`."""
        return [part.content for part in self.parts(x, True, inner)]

    def taken(self, x: Any, parameters: Sequence[Any], part: Part, inner: Inner) -> list[Any]:
        """Return what a part takes for the parameters."""
        return [
            self.taken_one(x, value, part, name, inner)
            for value, name in zip(parameters, inner.parameters, strict=True)
        ]

    def taken_one(self, x: Any, value: Any, part: Part, name: str, inner: Inner) -> Any:
        """Return what a part takes for one parameter; a single quantity is for what is inside."""
        if not is_array(value):
            return self.number(x, value, name, inner)
        if inner.is_quantity(value):
            return value
        return self.parameter(x, value, part, name, inner)


def is_array(value: Any) -> bool:
    """Tell whether a parameter may hold several numbers, as far as its type tells.

    What is neither this nor a number is refused by the checks that all backends share.
    """
    cls = type(value)
    if is_real_number(value) or isinstance(value, (np.generic, type)):
        return False
    if (module_of(cls).partition(".")[0], name_of(cls)) in NOT_ARRAYS:
        return False
    return isinstance(value, Mapping) or hasattr(value, "dtype") or hasattr(cls, "__array_ufunc__")


def check_numbers(
    dtype: np.dtype[Any], shown: str, parameters: Sequence[Any], inner: Inner
) -> None:
    """Refuse an element type or a number, of parameters some of which may be arrays."""
    any_array = np.empty(0, dtype if dtype.kind in "fiu" else np.float64)
    given = [any_array if is_array(value) else value for value in parameters]
    inner.compute(Part(np.empty(0, dtype), shown), given, None)


def bare(value: Any, name: str, inner: Inner) -> Any:
    """Return a parameter as a plain ndarray or number: no subclass, no mask, no unit."""
    if isinstance(value, np.ma.MaskedArray):
        plain, missing = np.array(value.data, subok=False), np.ma.getmaskarray(value)
    elif hasattr(value, "unmasked"):  # astropy's masked arrays, of which asarray drops the mask
        plain, missing = np.array(value.unmasked, subok=False), np.asarray(value.mask)
    else:
        plain, missing = np.asarray(value), _NOTHING
    if plain.ndim == 0 and missing.any():
        raise TypeError(
            f"{inner.name}: {name} must be a real number or an array like x, got "
            f"{type_name(type(value))} that is masked; pass a float such as 0.5"
        )
    plain = plain if missing is _NOTHING else without_missing(plain, missing, name, inner)
    return plain[()] if plain.ndim == 0 else plain


def like_content(content: Any, numbers: Any) -> Any:
    """Give a parameter the library of a lazy x; what NumPy holds costs dask nothing."""
    if type(content).__module__.startswith("dask.") and type(numbers) is np.ndarray:
        import dask.array as da

        return da.asarray(numbers)
    return numbers


_NOTHING = np.zeros((), bool)
_LARGEST = np.iinfo(np.int64).max


def without_missing(
    plain: np.ndarray[Any, Any], missing: np.ndarray[Any, Any], name: str, inner: Inner
) -> np.ndarray[Any, Any]:
    """Return parameters in which those that are missing are no threshold (HS-LAM-6), and no bias.

    NaN says so of a threshold, and -1 among integers, which stay exact; 0 of a bias.
    """
    if not missing.any():
        return plain
    if not inner.is_band(name):
        return np.where(missing, np.zeros((), plain.dtype), plain)
    if plain.dtype.kind not in "iu":
        filled = plain.astype(plain.dtype if plain.dtype.kind in "fV" else np.float64)
        filled[missing] = np.nan
        return filled
    if plain.dtype.kind == "u" and plain[~missing].max(initial=0) > _LARGEST:
        raise ValueError(
            f"{inner.name}: {name} has missing elements beside {plain[~missing].max()}, which no "
            f"signed integer holds; fill in what is missing, or pass a float"
        )
    filled = plain.astype(np.int64)
    filled[missing] = -1
    return filled
