"""Values of other libraries: the arrays inside are computed, and the library's type comes back.

Invariants
----------
- A type that holds arrays has a wrapper (``_wrappers``), which opens it; what is inside goes to
  the backend for its own class. Any other class that speaks ``__array_ufunc__`` is handed the
  ufunc (``_protocol``).
- Every element type that can be seen from outside is checked, under the user's name for it, before
  any of it is computed.
- What is inside never comes back in place of what holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from shrinkops import Backend
from shrinkops._call.parameters import round_parameter
from shrinkops.spec import Operation, is_real_number, number_of, public_function

from ._protocol import Protocol
from ._thresholds import operand
from ._wrappers import Inner, Part, find
from ._wrappers._units import is_one

__all__ = ["Call", "inside", "kernel", "takes"]

_protocol = Protocol()


def takes(cls: type) -> bool:
    """Tell whether values of a class are opened, or can be handed a ufunc."""
    return find(cls) is not None or _protocol.takes(cls)


def kernel(backend: Backend, operation: Operation) -> Callable[..., Any]:
    """Return ``kernel(x, *parameters, out)`` for the types of other libraries."""
    call = Call(backend, operation)

    def foreign(x: Any, *arguments: Any) -> Any:
        *parameters, out = arguments
        wrapper = find(type(x)) or _protocol
        return wrapper.apply(x, [number_of(value) for value in parameters], out, call)

    return foreign


def inside(backend: Backend, x: Any) -> Sequence[Any]:
    """Return the arrays inside a value, for `shrinkops.explain`; () where it has no wrapper."""
    wrapper = find(type(x))
    if wrapper is None:
        return ()
    operation: Operation = public_function("hardshrink").operation  # type: ignore[attr-defined]
    return wrapper.inside(x, Call(backend, operation))


class Call(Inner):
    """What wrappers are told of an operation and a backend."""

    def __init__(self, backend: Backend, operation: Operation) -> None:
        self.backend = backend
        self.operation = operation
        self.name = operation.name
        self.parameters = operation.parameter_names

    @property
    def function(self) -> Callable[..., Any]:
        return public_function(self.name)

    def compute(self, part: Part, parameters: Sequence[Any], out: Any) -> Any:
        content = part.content
        if isinstance(content, (np.ndarray, np.generic)):
            self._check(part, parameters)
        elif (wrapper := find(type(content))) is not None:
            return wrapper.apply(content, parameters, out, self)
        return self.function(content, *parameters, out=out)

    def refuse(self, dtype: str) -> TypeError:
        return TypeError(
            f"{self.name}: dtype {dtype} is not supported by the {self.backend.name!r} backend, "
            f"which takes {', '.join(sorted(self.backend.dtypes))}; convert x, or leave that part "
            f"out"
        )

    def is_quantity(self, value: Any) -> bool:
        return is_one(value)

    def rounded(self, value: Any, parameter: str, dtype: np.dtype[Any]) -> Any:
        place = self.parameters.index(parameter)
        declared = self.operation.parameters[place]
        threshold = round_parameter(self.operation, declared, value, self.format(dtype))
        return operand(threshold, dtype, place == 0)[()]

    def is_band(self, parameter: str) -> bool:
        known = self.operation.parameters[self.parameters.index(parameter)]
        return known.negative != "value"

    def format(self, dtype: np.dtype[Any]) -> Any:
        return self.backend.format(dtype.name) if dtype.name in self.backend.dtypes else None

    def _check(self, part: Part, parameters: Sequence[Any]) -> None:
        """Refuse element type and numbers, under the name by which the user knows the type."""
        dtype = part.content.dtype
        form = self.format(dtype)
        if form is None:
            raise self.refuse(part.dtype or self.backend.dtype_name(part.content))
        if form.kind not in self.operation.kinds:
            raise TypeError(
                f"{self.name}: dtype {part.dtype or dtype.name} is not supported by the "
                f"{self.backend.name!r} backend: the operation is defined for "
                f"{' and '.join(sorted(self.operation.kinds))} dtypes; convert x first"
            )
        if part.dtype not in ("", dtype.name):
            known = replace(form, name=part.dtype)
            whole = form.kind == "integer" and self.operation.whole
            for value, declared in zip(parameters, self.operation.parameters, strict=True):
                if is_real_number(value):
                    round_parameter(self.operation, declared, value, known)
                elif whole and getattr(getattr(value, "dtype", None), "kind", "i") == "f":
                    raise TypeError(
                        f"{self.name}: {declared.name} must hold integers where x has dtype "
                        f"{part.dtype}; convert it, or convert x to a floating dtype"
                    )
