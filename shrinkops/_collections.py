"""Operations over what a wavelet transform returns: lists, tuples and dicts of arrays.

Invariants
----------
- The approximation is handed through as the object that it is; every detail goes to the
  operation once, and nothing here looks at a value, so tracers pass.
- Containers come back as what they were: a list as a list, a named tuple as itself, a dict
  with its order.
- A parameter that is a list, tuple or dict is given out along the same container; all else,
  an array included, is one parameter for everything below.
- Whatever is refused, be it here or by the operation, says at which coefficient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from ._errors import type_name

__all__ = ["map_details"]

_Coefficients = TypeVar("_Coefficients")
_Parameters = dict[Any, Any]  # by position (int) or name (str)

_EXPECTED = (
    "a list, tuple or dict of arrays as pywt.wavedec, wavedec2, wavedecn, dwt, dwt2, dwtn, swt, "
    "swt2 and swtn return it"
)


def map_details(
    operation: Callable[..., Any],
    coefficients: _Coefficients,
    *parameters: Any,
    **named: Any,
) -> _Coefficients:
    """Apply an operation to the details of a wavelet decomposition, not to its approximation.

    Parameters
    ----------
    operation : callable
        `hardshrink` or another operation, or one with its parameters, such as
        ``Hardshrink(0.3)``. Called as ``operation(detail, *parameters, **named)``.
    coefficients : list, tuple or dict
        What ``wavedec``, ``wavedec2``, ``wavedecn``, ``dwt``, ``dwt2``, ``dwtn``, ``swt``,
        ``swt2`` or ``swtn`` of PyWavelets (or of ptwt, jaxwt, pypwt) returns, with arrays of
        any backend, of one length or ragged. None in place of an array stays None.
    *parameters, **named
        The operation's parameters, λ first. Each is one number or one array for all details;
        or a list or tuple with one for each level, in the order of the coefficients, coarsest
        first. Such an entry may in turn be a tuple or dict with one for each array of its level.

    Returns
    -------
    list, tuple or dict
        The containers that came in, with new details. The approximations are the same objects.

    Raises
    ------
    TypeError
        The coefficients or a parameter are no such collection, or the operation refuses a detail.
    ValueError
        A parameter has more or fewer entries than there are levels, or a dict has no approximation.

    See Also
    --------
    hardshrink : The operation on one array.

    Notes
    -----
    A NumPy array as λ is not taken apart: it broadcasts against each detail. For one λ per
    level pass ``list(array)``. For a tree of arrays without an approximation, such as the
    weights of a network, ``jax.tree.map`` and ``optree.tree_map`` do what is wanted.

    Examples
    --------
    >>> import numpy as np
    >>> from shrinkops import hardshrink, map_details
    >>> coefficients = [np.array([0.25]), np.array([0.25, 3.0]), np.array([1.0, 2.0, 3.0])]
    >>> map_details(hardshrink, coefficients, 1.5)
    [array([0.25]), array([0., 3.]), array([0., 2., 3.])]

    One λ for each level:

    >>> map_details(hardshrink, coefficients, [0.125, 2.0])
    [array([0.25]), array([0.25, 3.  ]), array([0., 0., 3.])]

    The details of an image, by name:

    >>> image = {"aa": np.ones(2), "ad": np.ones(2), "da": np.ones(2), "dd": np.ones(2)}
    >>> map_details(hardshrink, image, {"ad": 0.5, "da": 1.0, "dd": 2.0})["ad"]
    array([1., 1.])
    """
    if not callable(operation):
        raise TypeError(
            f"map_details: operation is {operation!r}, a {type_name(type(operation))}; expected a "
            f"function such as shrinkops.hardshrink"
        )
    if "out" in named:
        raise TypeError("map_details: there is no out=; assign the result")
    given: _Parameters = {**dict(enumerate(parameters)), **named}

    def shrink(detail: Any, values: _Parameters, place: str) -> Any:
        positional = [values[i] for i in range(len(parameters))]
        try:
            return operation(detail, *positional, **{name: values[name] for name in named})
        except Exception as error:
            error.add_note(f"map_details: in {place}")
            raise

    result: _Coefficients = _decomposition(shrink, coefficients, given)
    return result


_Shrink = Callable[[Any, _Parameters, str], Any]


def _decomposition(shrink: _Shrink, coefficients: Any, given: _Parameters) -> Any:
    place = "coefficients"
    if isinstance(coefficients, dict):  # dwtn
        return _level_with_approximation(shrink, coefficients, given, place)
    if not isinstance(coefficients, list | tuple) or not coefficients:
        raise TypeError(
            f"map_details: coefficients is {_worded(coefficients)}; expected {_EXPECTED}"
        )
    if isinstance(coefficients[0], list | tuple | dict):  # swt: an approximation in every level
        levels, one = coefficients, _level_with_approximation
    else:
        levels, one = coefficients[1:], _level
    kept = list(coefficients[: len(coefficients) - len(levels)])
    for i, (level, values) in enumerate(zip(levels, _per_entry(given, len(levels)), strict=True)):
        kept.append(one(shrink, level, values, f"{place}[{i + len(coefficients) - len(levels)}]"))
    return _like(coefficients, kept)


def _level_with_approximation(shrink: _Shrink, level: Any, given: _Parameters, place: str) -> Any:
    if isinstance(level, dict):
        names = [key for key in level if isinstance(key, str) and set(key) == {"a"}]
        if not names:
            raise ValueError(
                f"map_details: {place} has the keys {list(level)}, and no approximation ('a', "
                f"'aa', ...) among them; expected {_EXPECTED}"
            )
        details = {key: value for key, value in level.items() if key not in names}
        import copy

        new = copy.copy(level)
        new.update(_level(shrink, details, given, place))
        return new
    if not isinstance(level, list | tuple) or len(level) != 2:
        raise TypeError(
            f"map_details: {place} is {_worded(level)}; expected a pair of approximation and "
            f"details, as in what swt and swt2 return"
        )
    return _like(level, [level[0], _level(shrink, level[1], given, f"{place}[1]")])


def _level(shrink: _Shrink, level: Any, given: _Parameters, place: str) -> Any:
    """Shrink an array, or every array of a container."""
    if level is None:
        return None
    if isinstance(level, dict):
        import copy

        new = copy.copy(level)
        for key, values in zip(level, _per_key(given, level, place), strict=True):
            new[key] = _level(shrink, level[key], values, f"{place}[{key!r}]")
        return new
    if isinstance(level, list | tuple):
        parts = zip(level, _per_entry(given, len(level), place), strict=True)
        return _like(
            level, [_level(shrink, x, v, f"{place}[{i}]") for i, (x, v) in enumerate(parts)]
        )
    for name, value in given.items():
        if isinstance(value, list | tuple | dict):
            raise TypeError(
                f"map_details: {_called(name)} for {place} is {_worded(value)}; expected a number "
                f"or an array, for there is one array at that place"
            )
    return shrink(level, given, place)


def _per_entry(given: _Parameters, count: int, place: str = "") -> Iterator[_Parameters]:
    """Give out every list or tuple among the parameters, and repeat the others."""
    what = f"the {count} arrays of {place}" if place else f"{count} levels of details"
    for name, value in given.items():
        if isinstance(value, dict):
            raise TypeError(
                f"map_details: {_called(name)} is a dict for {what}; expected a number, or a list "
                f"or tuple of {count}"
            )
        if isinstance(value, list | tuple) and len(value) != count:
            raise ValueError(
                f"map_details: {_called(name)} has {len(value)} entries for {what}; expected "
                f"{count}, coarsest first and none for the approximation"
            )
    for i in range(count):
        yield {k: v[i] if isinstance(v, list | tuple) else v for k, v in given.items()}


def _per_key(given: _Parameters, level: dict[Any, Any], place: str) -> Iterator[_Parameters]:
    for name, value in given.items():
        if isinstance(value, list | tuple):
            raise TypeError(
                f"map_details: {_called(name)} is {_worded(value)} for {place}, a dict; expected a "
                f"number, or a dict with the keys {list(level)}"
            )
        if isinstance(value, dict) and value.keys() != level.keys():
            raise ValueError(
                f"map_details: {_called(name)} has the keys {list(value)} for {place}; expected "
                f"{list(level)}"
            )
    for key in level:
        yield {k: v[key] if isinstance(v, dict) else v for k, v in given.items()}


def _like(container: Any, items: list[Any]) -> Any:
    make = getattr(type(container), "_make", type(container))  # a named tuple takes no iterable
    return make(items)


def _called(name: int | str) -> str:
    return name if isinstance(name, str) else ("lambd" if name == 0 else f"parameter {name + 1}")


def _worded(value: Any) -> str:
    if isinstance(value, list | tuple | dict):
        return f"a {type_name(type(value))} of {len(value)}"
    return f"of type {type_name(type(value))}"
