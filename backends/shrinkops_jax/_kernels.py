"""Native kernels of JAX arrays: one jitted function per operation and kind of parameters.

Invariants
----------
- Parameters are arguments, so no value of λ ever retraces: one trace per operation, element
  type, shape, and per whether each parameter is a number or an array.
- A number arrives rounded by the host, as the bits of a magnitude (a bias as its value, an
  integer λ as limit and sign): XLA converts nothing.
- Arrays of 64 bits compute in 64 bits, also where they were made under ``enable_x64`` and
  are used outside.
- A weakly typed x gives a weakly typed result, as JAX's own elementwise functions do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.experimental
import numpy as np

from shrinkops.spec import FORMATS, Operation, Threshold, float_format, round_threshold

from ._complex import COMPLEX_OPERATIONS, complex_body
from ._formulas import FORMULAS
from ._integers import INTEGER_OPERATIONS, integer_body
from ._real import real_body

__all__ = ["compiled", "native", "remembering"]

_config: Any = jax.config
_enable_x64: Any = vars(jax if hasattr(jax, "enable_x64") else jax.experimental)["enable_x64"]

_BODIES = {
    "float": (real_body, FORMULAS.keys()),
    "integer": (integer_body, INTEGER_OPERATIONS),
    "complex": (complex_body, COMPLEX_OPERATIONS),
}


def native(operation: str, dtype: str) -> Callable[..., Any] | None:
    """Return ``native(x, *parameters, out)``; see `shrinkops.Backend.native`."""
    form = FORMATS[dtype]
    if operation not in _BODIES[form.kind][1]:
        return None
    integer = form.kind == "integer"
    signed = FORMULAS[operation].signed
    wide = form.width == 64

    upper = FORMULAS[operation].above

    def number(position: int, threshold: Threshold) -> Any:
        if position == upper and threshold.value == math.inf:
            return float_format(dtype).max_bits + 1  # not every format has an infinity of its own
        return threshold.value if position in signed else threshold.bits

    def general(x: Any, *arguments: Any) -> Any:
        parameters = arguments[:-1]
        numbers = tuple(isinstance(p, Threshold) for p in parameters)
        if integer and numbers[0]:
            value = int(parameters[0].value)
            given: tuple[Any, ...] = (_unsigned(max(value, 0)), value < 0)
        else:
            given = tuple(
                number(i, p) if is_number else _aligned(p, x.ndim)
                for i, (p, is_number) in enumerate(zip(parameters, numbers, strict=True))
            )
        function = compiled(operation, form.kind, numbers)
        if _config.jax_enable_x64 or not (
            wide or any(getattr(p, "dtype", x.dtype).itemsize == 8 for p in given)
        ):
            return function(x, *given)
        with _enable_x64(True):
            return function(x, *given)

    if integer or wide or len(FORMULAS[operation].partials) > 1:
        return general
    numbers_only = compiled(operation, form.kind, (True,))

    def one(x: Any, threshold: Any, out: Any) -> Any:
        if type(threshold) is Threshold:
            return numbers_only(x, threshold.bits)
        return general(x, threshold, out)

    return one


_INTEGERS = (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)
_NUMBERS = frozenset({float, int, np.float16, np.float32, np.float64, *_INTEGERS})
_REMEMBERED = 4096


def remembering(kernel: Callable[..., Any], operation: Operation) -> Callable[..., Any]:
    """Put the numbers that have passed every check before in front of those checks.

    A jitted call takes four microseconds, of which the shared checks would be a fifth: here a
    known λ on a floating dtype costs one look-up. Operations with one parameter only.
    """
    if len(operation.parameters) != 1 or operation.name not in FORMULAS:
        return kernel
    function = compiled(operation.name, "float", (True,))
    remembered: dict[tuple[Any, ...], int] = {}

    def remember(x: Any, lambd: Any) -> None:
        form = FORMATS[x.dtype.name]
        if type(lambd) in _NUMBERS and form.kind == "float" and form.width <= 32:
            if len(remembered) >= _REMEMBERED:
                remembered.clear()
            threshold = round_threshold(lambd, form, operation.name)
            remembered[type(lambd), lambd, x.dtype] = threshold.bits

    def fast(x: Any, lambd: Any, out: Any) -> Any:
        if type(lambd) is np.ndarray and not lambd.ndim:
            lambd = lambd[()]
        # By the class too: an array is not hashable, and 1 is not True.
        if type(lambd) in _NUMBERS and out is None:
            bits = remembered.get((type(lambd), lambd, x.aval.dtype))
            if bits is not None:
                return function(x, bits)
        result = kernel(x, lambd, out)
        remember(x, lambd)
        return result

    return fast


def _unsigned(value: int) -> Any:
    return np.uint32(value) if value < 1 << 32 else np.uint64(value)


def _aligned(parameter: Any, dimensions: int) -> Any:
    """Give an array the number of axes that x has: ``jax_numpy_rank_promotion`` may forbid it."""
    missing = dimensions - parameter.ndim
    if not missing or not parameter.ndim:
        return parameter
    return parameter.reshape((1,) * missing + parameter.shape)


@cache
def compiled(operation: str, kind: str, numbers: tuple[bool, ...]) -> Callable[..., Any]:
    """Return the one jitted function of an operation, a kind of element types and of parameters."""
    if kind == "integer":
        body = integer_body(operation, numbers[0])
    elif kind == "complex":
        body = complex_body(operation, numbers)
    else:
        body = real_body(FORMULAS[operation], numbers)

    def function(x: Any, *parameters: Any) -> Any:
        return _as_weak(body(x, *parameters)) if x.weak_type else body(x, *parameters)

    function.__name__ = function.__qualname__ = f"shrinkops_{operation}"
    return jax.jit(function, inline=True)


def _as_weak(result: Any) -> Any:
    try:
        from jax._src.lax.lax import _convert_element_type
    except ImportError:  # no public function makes a weak type of a strong one
        return result
    return _convert_element_type(result, result.dtype, weak_type=True)
