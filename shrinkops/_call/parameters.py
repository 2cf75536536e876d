"""Concrete parameters: their rounding and their refusals, for any operation.

Invariants
----------
- A number is refused here and nowhere else, before any array is touched, so every backend
  words it alike.
- What is remembered is a rounded number; what was refused is not.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from shrinkops._errors import type_name
from shrinkops._numbers.formats import Format, IntegerFormat
from shrinkops._numbers.threshold import (
    Threshold,
    exact_ratio,
    is_real_number,
    number_of,
    round_threshold,
    shown,
)

if TYPE_CHECKING:
    from shrinkops.operations._declaration import Operation, Parameter

__all__ = ["check_constants", "check_order", "round_parameter"]


def round_parameter(
    operation: Operation, parameter: Parameter, value: Any, form: Format
) -> Threshold:
    """Validate one number and round it once to x's element type.

    Raises
    ------
    TypeError
        It is not a real number.
    ValueError
        It is NaN, beyond the type, or of a sign or size that the operation refuses.
    """
    if is_real_number(value):
        _check_value(operation, operation.name, parameter, value)
    rounded = round_threshold(value, form, operation.name, parameter.name)
    if parameter.negative == "value" and rounded.bits < 0:
        exact = exact_ratio(value)
        if isinstance(exact, tuple):
            from fractions import Fraction  # takes longer than most of shrinkops

            size = round_threshold(Fraction(-exact[0], exact[1]), form, operation.name)
            if size.value == 0:  # this is no band: what rounds to zero is zero
                return size
    if isinstance(form, IntegerFormat) and operation.whole:
        _check_whole(operation, parameter, value, form)
    return rounded


def _check_value(operation: Operation, label: str, parameter: Parameter, value: Any) -> None:
    """Refuse a number of the wrong sign, or an infinite one, whatever x's dtype is."""
    exact = exact_ratio(value)
    sign = exact[0] if isinstance(exact, tuple) else exact
    name = parameter.name
    if parameter.negative == "refused" and sign < 0:
        band = operation.parameters[0].name
        remedy = "a number that is not negative" + (
            ", or use hardshrink, which leaves x as it is then" if name == band else ""
        )
        raise ValueError(f"{label}: {name}={shown(value)} is negative; pass {remedy}")
    if isinstance(exact, tuple):
        return
    if not parameter.infinite and math.isinf(exact):
        raise ValueError(f"{label}: {name}={shown(value)} is infinite; pass a finite number")


def _check_whole(
    operation: Operation, parameter: Parameter, value: Any, form: IntegerFormat
) -> None:
    exact = exact_ratio(value)
    if isinstance(exact, tuple) and exact[0] % exact[1]:
        raise ValueError(
            f"{operation.name}: {parameter.name}={shown(value)} is not whole, and x has dtype "
            f"{form.name}, on which the operation is exact; pass {exact[0] // exact[1]} or "
            f"{exact[0] // exact[1] + 1}, or convert x to a floating dtype"
        )


def check_order(operation: Operation, values: tuple[Any, ...], rounded: tuple[Any, ...]) -> None:
    """Refuse a number below the one that it must not be below, both rounded."""
    for index, parameter in enumerate(operation.parameters):
        if not parameter.at_least:
            continue
        other = operation.parameter_names.index(parameter.at_least)
        low, high = rounded[other], rounded[index]
        if isinstance(low, Threshold) and isinstance(high, Threshold) and high.bits < low.bits:
            raise _disorder(operation.name, operation, index, values)


def _disorder(label: str, operation: Operation, index: int, values: tuple[Any, ...]) -> ValueError:
    parameter = operation.parameters[index]
    other = operation.parameter_names.index(parameter.at_least)
    return ValueError(
        f"{label}: {parameter.name}={shown(values[index])} must not be below "
        f"{parameter.at_least}={shown(values[other])}; pass a larger {parameter.name}"
    )


def _is_less(one: Any, other: Any) -> bool:
    """Compare two numbers exactly, of whatever types they are."""
    first, second = exact_ratio(one), exact_ratio(other)
    if isinstance(first, tuple) and isinstance(second, tuple):
        return first[0] * second[1] < second[0] * first[1]
    # One is infinite, and every finite one is on the same side of it.
    sizes = [0.0 if isinstance(exact, tuple) else exact for exact in (first, second)]
    return sizes[0] < sizes[1]


def check_constants(operation: Operation, label: str, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the numbers of a callable class; refuse what no array could make valid.

    Raises
    ------
    TypeError
        A value is not a real number.
    ValueError
        A value is NaN, or of a sign, size or order that the operation refuses.
    """
    values = tuple(map(number_of, given))
    for parameter, value in zip(operation.parameters, values, strict=True):
        if not is_real_number(value):
            raise TypeError(
                f"{label}: {parameter.name} must be a real number, got {value!r} of type "
                f"{type_name(type(value))}; for an array of them call {operation.name}(x, ...)"
            )
        exact = exact_ratio(value)
        if exact != exact:
            raise ValueError(
                f"{label}: {parameter.name}={value!r} is not a threshold; pass a number"
            )
        _check_value(operation, label, parameter, value)
    for index, parameter in enumerate(operation.parameters):
        if parameter.at_least:
            other = operation.parameter_names.index(parameter.at_least)
            if _is_less(values[index], values[other]):
                raise _disorder(label, operation, index, values)
    return values
