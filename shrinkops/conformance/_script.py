"""Reproductions: source text that shows a deviation without pytest and without the kit.

Invariants
----------
- A script imports NumPy, the library and shrinkops, nothing else of this project's.
- The input is written as bits, so it survives any printer.
- What cannot be named in source (a backend built in a test) is said to be so.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import type_name
from ._bits import bits_of, hex_of
from ._numbers import NUMBERS, Number

if TYPE_CHECKING:
    from ._context import Call, Context

__all__ = ["array_source", "reproduction"]

_LONG = 64
"""Arrays of more elements are written as a few distinct values and an index."""


def number_of(array: np.ndarray[Any, Any]) -> Number | None:
    """Return the element type of an array by its NumPy dtype."""
    return NUMBERS.get(array.dtype.name)


def array_source(array: np.ndarray[Any, Any], number: Number) -> str:
    """Write an array as an expression of its bits."""
    name = array.dtype.name
    shape = "" if array.ndim == 1 else f".reshape({array.shape})"
    if number.kind == "integer":
        return f"np.array({array.reshape(-1).tolist()}, np.{name}){shape}"
    if name in ("float16", "float32", "float64", "complex64", "complex128"):
        dtype = f"np.{name}"
    elif number.width > 64:
        raw = np.ascontiguousarray(array).tobytes().hex()
        return f"np.frombuffer(bytes.fromhex('{raw}'), np.longdouble).reshape({array.shape})"
    else:
        dtype = f"ml_dtypes.{name}"
    lanes = np.ascontiguousarray(array).reshape(-1).view(f"u{number.width // 8}").tolist()
    if len(lanes) > _LONG:
        values = sorted(set(lanes))
        if len(values) <= _LONG:
            index = [values.index(v) for v in lanes]
            listed = ", ".join(f"0x{v:x}" for v in values)
            return f"np.array([{listed}], np.uint{number.width})[{index}].view({dtype}){shape}"
    listed = ", ".join(f"0x{v:0{number.width // 4}x}" for v in lanes)
    return f"np.array([{listed}], np.uint{number.width}).view({dtype}){shape}"


def lambda_source(lambd: Any) -> str:
    """Write a scalar λ as an expression."""
    if isinstance(lambd, Fraction):
        parts = (lambda_source(lambd.numerator), lambda_source(lambd.denominator))
        return f"fractions.Fraction({', '.join(parts)})"
    if isinstance(lambd, Decimal):
        return f"decimal.Decimal({str(lambd)!r})"
    if isinstance(lambd, np.generic):
        module = "np" if type(lambd).__module__ == "numpy" else "ml_dtypes"
        return f"{module}.{lambd.dtype.name}({_plain(float(lambd))})"
    if isinstance(lambd, float):
        return _plain(lambd)
    if type(lambd) is int and abs(lambd) >= 1 << 128:
        exponent = (lambd & -lambd).bit_length() - 1
        return f"({hex(lambd >> exponent)} << {exponent})"
    return repr(lambd)


def _plain(value: float) -> str:
    return repr(value) if math.isfinite(value) else f"float('{value}')"


def _call_source(context: Context) -> tuple[list[str], str]:
    """Return the lines that define ``f``, and imports for the backend."""
    target, operation = context.target, context.operation
    if target.registered:
        return ["import shrinkops", f"f = shrinkops.{operation.name}"], ""
    cls = type(target.backend)
    module, colon, attribute = target.text.partition(":")
    if colon:
        make = f"{attribute}() if isinstance({attribute}, type) else {attribute}"
        lines = [f"from {module} import {attribute.partition('.')[0]}", f"backend = {make}"]
    else:
        lines = [f"# backend: a {type_name(cls)} that was made while the kit ran"]
    return [
        *lines,
        f"from shrinkops.operations.{operation.name} import OPERATION",
        "kernel = backend.kernel(OPERATION)",
        f"f = lambda x, lambd={operation.default}, out=None: kernel(x, lambd, out)",
    ], ""


def preamble(context: Context) -> list[str]:
    """Return the import lines and the definition of ``f``."""
    lines = ["import numpy as np", *context.adapter.imports]
    definition, _ = _call_source(context)
    if "backend." in context.adapter.from_source and context.target.registered:
        definition.append("from shrinkops._target import find_target")
        definition.append(f"backend = find_target({context.target.text!r}).backend")
    return [*lines, *definition]


def reproduction(context: Context, call: Call, comment: str) -> str:
    """Write the script of one call."""
    number = context.number
    body: list[str] = []
    body.append(f"a = {array_source(call.x, number)}")
    make = context.adapter.from_source
    if call.layout:
        layout = context.adapter.layouts()[call.layout]
        body.append(f"a = {layout.prepare}")
        body.append(f"x = {make}")
        body.append(f"x = {layout.take}")
    else:
        body.append(f"x = {make}")
    arguments = "x"
    if isinstance(call.lambd, np.ndarray):
        lambda_number = number_of(call.lambd) or number
        body.append(f"a = {array_source(call.lambd, lambda_number)}")
        body.append(f"lambd = {make}")
        arguments += ", lambd"
    elif call.lambd is not call.DEFAULT:
        arguments += f", {lambda_source(call.lambd)}"
    if call.out == "x":
        arguments += ", out=x"
    if call.transformation:
        closed = arguments.replace("x", "v", 1)
        body.append(
            f"y = {_transform_source(context, call.transformation)}(lambda v: f({closed}))(x)"
        )
    else:
        body.append(f"y = f({arguments})")
    body += ["print(y)", f"# {comment}"]
    text = "\n".join([*preamble(context), *body]) + "\n"
    for module in ("ml_dtypes", "fractions", "decimal"):
        if f"{module}." in text:
            text = f"import {module}\n{text}"
    return text


def _transform_source(context: Context, name: str) -> str:
    known = {
        ("torch", "jit"): "torch.compile",
        ("torch", "compile"): "torch.compile",
        ("torch", "vmap"): "torch.func.vmap",
        ("jax", "jit"): "jax.jit",
        ("jax", "vmap"): "jax.vmap",
    }
    return known.get((context.backend.framework, name), f"backend.adapter().{name}")


def bits_text(array: np.ndarray[Any, Any], number: Number) -> str:
    """Print the bits of a few elements."""
    return " ".join(hex_of(b, number) for b in bits_of(array, number)[:8])
