"""Reproductions: source text that shows a deviation without pytest and without the kit.

Invariants
----------
- A script imports NumPy, the library and shrinkops' public names, nothing of the kit.
- It ends in an assertion, or in the call that raises: it fails on the backend that was
  convicted, and runs through on one that is right.
- The input is written as bits, so it survives any printer.
- In every script ``f`` is what was called, ``x``, ``lambd`` and ``out`` its arguments,
  ``y`` its result.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from shrinkops._call.dispatcher import dispatchers

from ._numbers import NUMBERS, Number

if TYPE_CHECKING:
    from ._arrays import Arrays, Call

__all__ = [
    "Shown",
    "arranged",
    "array_source",
    "bits_claim",
    "lambda_source",
    "made",
    "raising",
    "written",
]

_LONG = 64
"""Arrays of more elements are written as a few distinct values and an index."""

_TRANSFORMATIONS = {
    ("torch", "jit"): "torch.compile",
    ("torch", "compile"): "torch.compile",
    ("torch", "vmap"): "torch.func.vmap",
    ("jax", "jit"): "jax.jit",
    ("jax", "vmap"): "jax.vmap",
}

_HELPERS = {
    "bits(": """\
def bits(y, i):  # element i: its parts in hexadecimal, or nan
    a = np.ascontiguousarray(read(y)).reshape(-1)[i : i + 1]
    a = a.astype(a.dtype.newbyteorder('='))
    parts = [a.real, a.imag] if a.dtype.kind == 'c' else [a]
    return ['nan' if np.isnan(p) else p.tobytes()[:{used}].hex() for p in parts]""",
    "read(": "read = backend.adapter().to_numpy",
    "kernel(": "kernel = backend.kernel({declaration})",
    "backend.": "backend = find_backend({target!r})",
}
"""Definitions that a script gets where its lines mention them; later ones serve earlier ones."""

_MODULES = {"ml_dtypes": "ml_dtypes.", "fractions": "fractions.", "decimal": "decimal.",
            "sys": "sys.", "threading": "threading.", "warnings": "warnings."}  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """What a script needs besides its call.

    Attributes
    ----------
    claim : str
        Expression that must be true of a right backend.
    before : sequence of str
        Lines between making the arguments and calling.
    after : sequence of str
        Lines between the call and the claim.
    """

    claim: str
    before: Sequence[str] = ()
    after: Sequence[str] = ()


def number_of(array: np.ndarray[Any, Any]) -> Number | None:
    """Return the element type of an array by its NumPy dtype."""
    return NUMBERS.get(array.dtype.name)


# Values as source


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
    if isinstance(lambd, np.longdouble):
        return f"np.frombuffer(bytes.fromhex('{lambd.tobytes().hex()}'), np.longdouble)[0]"
    if isinstance(lambd, np.generic):
        module = "np" if type(lambd).__module__ == "numpy" else "ml_dtypes"
        return f"{module}.{lambd.dtype.name}({_plain(float(lambd))})"
    if isinstance(lambd, float):
        return _plain(lambd)
    if type(lambd) is int and abs(lambd) >= 1 << 128:
        exponent = (lambd & -lambd).bit_length() - 1
        return f"({hex(lambd >> exponent)} << {exponent})"
    return "object()" if type(lambd) is object else repr(lambd)


def _plain(value: float) -> str:
    return repr(value) if math.isfinite(value) else f"float('{value}')"


# Calls as source


def made(context: Arrays, name: str, array: np.ndarray[Any, Any], layout: str = "") -> list[str]:
    """Write the lines that make the library's array ``name`` of an array."""
    number = number_of(array) or context.number
    lines = [f"a = {array_source(array, number)}"]
    if not layout:
        return [*lines, f"{name} = {_make(context)}"]
    rules = context.adapter.layouts()[layout]
    return [*lines, f"a = {rules.prepare}", f"x = {_make(context)}", f"{name} = {rules.take}"]


def _make(context: Arrays) -> str:
    devices = list(context.adapter.devices())
    index = devices.index(context.device) if context.device in devices else 0
    if index:
        return f"backend.adapter().from_numpy(a, backend.adapter().devices()[{index}])"
    return context.adapter.from_source


def arranged(context: Arrays, call: Call) -> tuple[list[str], str]:
    """Write a call: the lines that make its arguments, and the expression that calls ``f``."""
    mapped = call.transformation == "vmap"
    lines = made(context, "x", np.stack([call.x, call.x]) if mapped else call.x, call.layout)
    more = ""
    if isinstance(call.lambd, np.ndarray):
        lines += made(context, "lambd", call.lambd)
        more += ", lambd"
    elif call.lambd is not call.DEFAULT:
        more += f", {lambda_source(call.lambd)}"
    if call.out == "x":
        more += ", out=x"
    elif call.out == "new":
        lines += made(context, "out", np.full_like(call.x, 1))
        more += ", out=out"
    if not call.transformation:
        return lines, f"f(x{more})"
    transform = transformation_source(context, call.transformation)
    if call.traced:
        return lines, f"{transform}(f)(x{more})"
    return lines, f"{transform}(lambda v: f(v{more}))(x)" + ("[1]" if mapped else "")


def transformation_source(context: Arrays, name: str) -> str:
    """Write the library's transformation, by the name of its capability."""
    general = f"backend.adapter().{name}"
    return _TRANSFORMATIONS.get((context.backend.framework, name), general)


def bits_claim(
    context: Arrays, want: np.ndarray[Any, Any], index: int, other: np.ndarray[Any, Any] | None
) -> str:
    """Write the claim that element ``index`` of ``y`` is that of ``want``, or of ``other``."""
    if want.size == 1 and other is None and want.dtype.kind != "c" and not context.number.explicit:
        if _is_nan(want):
            return "np.isnan(read(y)).all()"
        return f"read(y).tobytes().hex() == '{want.tobytes().hex()}'"
    expected = [_bits(context.number, want, index)]
    if other is not None:
        expected.append(_bits(context.number, other, index))
    listed = expected[0] if len(set(map(str, expected))) == 1 else None
    return f"bits(y, {index}) == {listed}" if listed else f"bits(y, {index}) in {expected}"


def _bits(number: Number, array: np.ndarray[Any, Any], index: int) -> list[str]:
    one = np.ascontiguousarray(array).reshape(-1)[index : index + 1]
    parts = [one.real, one.imag] if one.dtype.kind == "c" else [one]
    used = number.width // 8
    return ["nan" if _is_nan(p) else p.tobytes()[:used].hex() for p in parts]


def _is_nan(array: np.ndarray[Any, Any]) -> bool:
    with np.errstate(all="ignore"):  # ml_dtypes' isnan raises a flag where a NaN signals
        return bool(np.isnan(array).any())


def raising(expression: str, exception: type[Exception], words: Sequence[str]) -> list[str]:
    """Write the lines that demand an exception, with words in its message."""
    name = exception.__name__
    handler = [f"    assert {word!r} in str(error), error" for word in words] or ["    pass"]
    bound = " as error" if words else ""
    return [
        "try:", f"    y = {expression}", f"except {name}{bound}:", *handler,
        "else:", f"    raise AssertionError('expected {name}, got a result')",
    ]  # fmt: skip


def written(context: Arrays, lines: Sequence[str], public: bool = False) -> str:
    """Write a whole script: imports, the definitions that the lines need, the lines."""
    operation = context.operation.name
    declaration = f"{operation}.{'operation' if _foreign(operation) else 'OPERATION'}"
    values = {
        "declaration": declaration,
        "target": context.target.text,
        "used": context.number.width // 8 if context.dtype else None,
    }
    if public or context.dispatched:
        function = f"f = {operation}" if _foreign(operation) else f"f = shrinkops.{operation}"
    else:
        given = ", ".join(f"{p.name}={p.default}" for p in context.operation.parameters)
        names = ", ".join(context.operation.parameter_names)
        function = f"f = lambda x, {given}, out=None: kernel(x, {names}, out)"
    body = [function, *lines] if re.search(r"\bf\b[(,)]", "\n".join(lines)) else [*lines]
    for name, definition in _HELPERS.items():
        if any(name in line for line in body):
            body.insert(0, definition.format(**values))
    text = "\n".join(body)
    imports = [f"import {m}" for m, mention in sorted(_MODULES.items()) if mention in text]
    imports += ["import numpy as np", *context.adapter.imports]
    if "shrinkops." in text:
        imports.append("import shrinkops")
    if "find_backend(" in text:
        imports.append("from shrinkops.adapter import find_backend")
    if declaration in text or f"f = {operation}\n" in text + "\n":
        imports.append(_definition(operation))
    return "\n".join([*imports, text]) + "\n"


def _foreign(operation: str) -> str:
    """Return the module of a third party's operation, "" for one of shrinkops."""
    module = next((d.module for d in dispatchers if d.operation.name == operation), "")
    return "" if module.startswith("shrinkops.") else module


def _definition(operation: str) -> str:
    return f"from {_foreign(operation) or 'shrinkops.operations'} import {operation}"
