"""Mutants that give wrong elements: clauses HS-VAL, HS-LAM and HS-TYP."""

# ruff: noqa: ARG001, ARG005, E501  one signature for all defects; a table row is a line

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from shrinkops.conformance._mutants import Kernel, Mutant, Tools, output, whole

__all__ = ["MUTANTS"]

_Array = np.ndarray[Any, Any]
_INTEGERS = ("int8", "int16", "int32", "int64")
_COMPLEX = ("complex64", "complex128")


def _size(x: _Array) -> _Array:
    return np.abs(x)


def _t(x: _Array, lambd: Any) -> Any:
    """λ as one number of x's type, or an array that broadcasts."""
    try:
        return np.asarray(float(lambd)).astype(x.dtype if x.dtype.kind not in "iuc" else "float64")
    except (TypeError, ValueError, OverflowError):
        return np.asarray(np.nan)


def _at(where: Any, replacement: Any, y: _Array) -> _Array:
    result = y.copy()
    result[where] = np.broadcast_to(np.asarray(replacement).astype(y.dtype), y.shape)[where]
    return result


def _flat(x: _Array) -> _Array:
    return np.arange(x.size).reshape(x.shape)


def _edge(x: _Array, lambd: Any, y: _Array) -> _Array:
    return np.asarray((_size(x) == _t(x, lambd)) & (_t(x, lambd) >= 0))


def _zeroed(x: _Array, y: _Array) -> _Array:
    return np.asarray((y == 0) & ~(x != x))


def _subnormal(x: _Array) -> _Array:
    if x.dtype.kind != "f":
        return np.zeros(x.shape, bool)
    return np.asarray((x != 0) & (np.abs(x) < np.finfo(x.dtype).tiny))


def _vector_part(x: _Array) -> _Array:
    return np.asarray(_flat(x) < x.size // 16 * 16)


def _minus_zero(where: Any, y: _Array) -> _Array:
    return _at(where, np.copysign(np.zeros((), y.dtype), -1), y) if y.dtype.kind == "f" else y


def _soft(x: _Array, lambd: Any, y: _Array) -> _Array:
    return _at((y != 0) & (y == y), y - np.sign(y) * _t(x, lambd), y)


def _narrow(x: _Array, lambd: Any, y: _Array) -> _Array:
    lower = {"float64": "float32", "float32": "float16"}.get(y.dtype.name)
    return y.astype(lower).astype(y.dtype) if lower else y


def _clipped(x: _Array, lambd: Any, y: _Array) -> _Array:
    return _at(np.isinf(y), np.sign(y) * np.finfo(np.float32).max, y) if y.dtype.kind == "f" else y


_KEEPS_WHOLE = "HS-VAL-2/kept-whole"


def _value(name: str, defect: str, killer: str, perturb: Callable[..., Any], **more: Any) -> Mutant:
    return Mutant(name, defect, killer, output(perturb), **more)


_VALUES = (
    _value("boundary-open", "|x| = t is kept", "HS-VAL-1/boundary",
           lambda x, lam, y: _at(_edge(x, lam, y), x, y)),
    _value("boundary-open-above", "x = t is kept", "HS-VAL-1/boundary",
           lambda x, lam, y: _at(_edge(x, lam, y) & (x > 0), x, y)),
    _value("boundary-open-below", "x = -t is kept", "HS-VAL-1/boundary",
           lambda x, lam, y: _at(_edge(x, lam, y) & (x < 0), x, y)),
    _value("one-sided", "every x <= t is zeroed", "HS-VAL-1/sides",
           lambda x, lam, y: _at(x <= _t(x, lam), 0, y)),
    _value("one-sided-below", "negative elements are all kept", "HS-VAL-1/sides",
           lambda x, lam, y: _at(x < 0, x, y)),
    _value("absolute", "kept negatives lose their sign", "HS-VAL-1/sides",
           lambda x, lam, y: np.abs(y)),
    _value("soft", "kept elements shrink by t", _KEEPS_WHOLE, _soft),
    _value("narrow", "kept elements pass through a narrower type", _KEEPS_WHOLE, _narrow),
    _value("infinity-clipped", "infinity becomes the largest number", _KEEPS_WHOLE, _clipped),
    _value("inverted", "what should be kept is zeroed and the reverse", "HS-VAL-2/every-pattern",
           lambda x, lam, y: np.where(y == 0, x, np.zeros_like(x))),
    _value("nan-to-zero", "NaN becomes 0", "HS-VAL-3/everywhere",
           lambda x, lam, y: _at(y != y, 0, y)),
    _value("nan-to-infinity", "NaN becomes infinity", "HS-VAL-3/everywhere",
           lambda x, lam, y: _at(y != y, np.inf, y)),
    _value("nan-lost-in-vector", "NaN becomes 0 in full vectors only", "HS-VAL-3/lanes",
           lambda x, lam, y: _at((y != y) & _vector_part(x), 0, y)),
    _value("nan-lost-in-tail", "NaN becomes 0 after the last full vector only", "HS-VAL-3/lanes",
           lambda x, lam, y: _at((y != y) & ~_vector_part(x), 0, y)),
    _value("minus-zero", "a zeroed negative is -0", "HS-VAL-4/plus-zero",
           lambda x, lam, y: _minus_zero(_zeroed(x, y) & (x < 0), y)),
    _value("minus-zero-kept", "-0 stays -0", "HS-VAL-4/plus-zero",
           lambda x, lam, y: _minus_zero((x == 0) & np.signbit(x) if x.dtype.kind == "f" else x != x, y)),
    _value("times-mask", "x * mask: -0, and NaN from infinity", "HS-VAL-4/plus-zero",
           lambda x, lam, y: x * (y != 0) if x.dtype.kind == "f" else y),
    _value("subnormals-flushed", "subnormal results become 0", "HS-VAL-5/kept",
           lambda x, lam, y: _at(_subnormal(y), 0, y)),
    _value("subnormals-compare-equal", "a subnormal t counts as 0", "HS-VAL-5/compared",
           lambda x, lam, y: _at(_subnormal(x) & (_t(x, lam) >= 0) & (_t(x, lam) < np.finfo(np.float32).tiny), x, y)),
    _value("long-boundary", "the boundary is open above 4096 elements", "HS-VAL-6/long",
           lambda x, lam, y: _at(_edge(x, lam, y), x, y) if x.size > 4096 else y),
    _value("very-long-last", "the last element is skipped above 65536", "HS-VAL-6/long",
           lambda x, lam, y: _at(_flat(x) == x.size - 1, 7, y) if x.size > 65536 else y),
    _value("last-of-seventeen", "the first element after a vector is kept", "HS-VAL-6/lanes",
           lambda x, lam, y: _at(_flat(x) == 16, x, y) if x.size == 17 else y),
    _value("first-of-odd", "the first element of an odd length is kept", "HS-VAL-6/chunks",
           lambda x, lam, y: _at(_flat(x) == 0, 9, y) if x.size % 2 else y),
)  # fmt: skip


def _lambda(change: Callable[[Kernel, Tools, Any, Any], Any]) -> Callable[..., Kernel]:
    """Wrap a kernel whose defect is in what it takes as λ."""
    return whole(
        lambda kernel, tools, x, lambd, out: (
            kernel(x, change(kernel, tools, x, lambd), out)
            if isinstance(lambd, (int, float)) and not isinstance(lambd, bool)
            else kernel(x, lambd, out)
        )
    )


def _unrounded(x: _Array, lambd: Any, y: _Array) -> _Array:
    """Compare with λ itself, as promotion to float64 does."""
    if not isinstance(lambd, (int, float, np.floating)) or x.dtype.kind != "f":
        return y
    wide = x.astype(np.float64)
    dropped = (np.abs(wide) <= float(lambd)) | (y != y) & False
    return np.where(dropped, np.zeros_like(x), x)


def _rounded_twice(x: _Array, lambd: Any, y: _Array) -> _Array:
    """Round λ to bfloat16's precision less one bit short: through float32 for 16 bits."""
    try:
        twice = np.float32(float(lambd)).astype(x.dtype)
    except (TypeError, ValueError):
        return y
    return np.where((np.abs(x) <= twice) & (twice >= 0), np.zeros_like(x), x)


def _truncated(x: _Array, lambd: Any, y: _Array) -> _Array:
    if not isinstance(lambd, float) or x.dtype.kind != "f" or not 0 <= lambd < math.inf:
        return y
    t = np.asarray(lambd).astype(x.dtype)
    if float(t) > lambd:
        t = np.nextafter(t, np.zeros((), x.dtype))
    return np.where(np.abs(x) <= t, np.zeros_like(x), x)


def _accepts_nan(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    bad = isinstance(lambd, (float, np.floating)) and lambd != lambd
    return kernel(x, -1.0 if bad else lambd, out)


def _clips(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    try:
        return kernel(x, lambd, out)
    except ValueError as error:
        if "beyond" not in str(error):
            raise
        return kernel(x, math.inf, out)


def _terse(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    try:
        return kernel(x, lambd, out)
    except ValueError as error:
        raise ValueError("bad lambd") from error


def _parses(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    return kernel(x, float(lambd) if isinstance(lambd, str) else lambd, out)


def _first_of_array(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    if not tools.backend.handles(type(lambd)) or isinstance(lambd, np.generic):
        return kernel(x, lambd, out)
    values = tools.read(lambd).reshape(-1)
    return kernel(x, float(values[0]) if values.size else 0.0, out)


def _enlarges(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    try:
        return kernel(x, lambd, out)
    except ValueError:
        shape = np.broadcast_shapes(tuple(x.shape), tuple(lambd.shape))
        return kernel(tools.make(np.broadcast_to(tools.read(x), shape).copy()), lambd, None)


def _nan_lambda_zeroes(x: _Array, lambd: Any, y: _Array) -> _Array:
    if not hasattr(lambd, "shape") or isinstance(lambd, np.generic):
        return y
    values = np.asarray(lambd)
    return _at(np.broadcast_to(values != values, y.shape) & (y == y), 0, y)


def _negative_element_band(x: _Array, lambd: Any, y: _Array) -> _Array:
    if not hasattr(lambd, "shape") or isinstance(lambd, np.generic):
        return y
    values = np.broadcast_to(np.asarray(lambd), y.shape)
    return _at((values < 0) & (np.abs(x) <= np.abs(values)), 0, y)


def _promoting(x: _Array, lambd: Any, y: _Array) -> _Array:
    return y.astype(np.float64) if isinstance(lambd, np.float64) and y.dtype == np.float32 else y


_LAMBDA = (
    Mutant("default-quarter", "the default is 0.25", "HS-LAM-1/default",
           _lambda(lambda k, t, x, lam: 0.25 if lam == 0.5 else lam)),
    Mutant("default-open", "λ = 0.5 is not the default's rounding but its neighbour",
           "HS-LAM-1/default", _lambda(lambda k, t, x, lam: 0.5001 if lam == 0.5 else lam)),
    _value("lambda-not-rounded", "λ compares in float64", "HS-LAM-2/rounded", _unrounded),
    _value("lambda-rounded-twice", "λ reaches 16 bits through float32", "HS-LAM-2/rounded-once",
           _rounded_twice, dtypes=("float16", "bfloat16"), needs=frozenset({"float16"})),
    _value("lambda-truncated", "λ is rounded toward zero", "HS-LAM-2/rounded", _truncated),
    _value("lambda-promotes", "a np.float64 λ turns float32 into float64", "HS-LAM-2/dtype",
           _promoting, needs=frozenset({"float64"})),
    Mutant("lambda-integer", "an integer λ is refused", "HS-LAM-2/types",
           whole(lambda k, t, x, lam, o: k(x, "no" if type(lam) is int else lam, o)), raises=True),
    Mutant("negative-absolute", "λ < 0 acts as |λ|", "HS-LAM-3/identity",
           _lambda(lambda k, t, x, lam: abs(lam))),
    Mutant("negative-zero", "λ < 0 acts as 0", "HS-LAM-3/identity",
           _lambda(lambda k, t, x, lam: max(lam, 0))),
    Mutant("tiny-negative-zero", "a negative λ that rounds to -0 acts as 0", "HS-LAM-3/identity",
           _lambda(lambda k, t, x, lam: 0.0 if -1e-300 < lam < 0 else lam)),
    _value("negative-cleans-zero", "-0 becomes +0 under a negative λ", "HS-LAM-3/identity",
           lambda x, lam, y: _at(y == 0, 0, y)),
    _value("infinity-survives", "infinite elements are kept under λ = inf", "HS-LAM-4/plus-infinity",
           lambda x, lam, y: _at(np.isinf(x), x, y) if x.dtype.kind == "f" else y),
    _value("infinity-zeroes-nan", "λ = inf zeroes NaN too", "HS-LAM-4/plus-infinity",
           lambda x, lam, y: np.zeros_like(y) if _t(x, lam) == np.inf else y),
    Mutant("minus-infinity-zeroes", "λ = -inf zeroes everything", "HS-LAM-4/minus-infinity",
           _lambda(lambda k, t, x, lam: math.inf if lam == -math.inf else lam)),
    Mutant("nan-lambda-accepted", "λ = NaN acts as the identity", "HS-LAM-5/nan",
           whole(_accepts_nan)),
    Mutant("overflow-clipped", "λ beyond the dtype acts as infinity", "HS-LAM-5/overflow",
           whole(_clips)),
    Mutant("message-terse", "a refused λ is not named", "HS-LAM-5/nan", whole(_terse), raises=True),
    Mutant("lambda-parsed", "λ may be a string", "HS-LAM-5/not-a-number", whole(_parses)),
    Mutant("lambda-bool", "λ may be a bool", "HS-LAM-5/not-a-number",
           whole(lambda k, t, x, lam, o: k(x, int(lam) if isinstance(lam, bool) else lam, o))),
    Mutant("array-first-element", "an array λ counts for its first element", "HS-LAM-6/broadcast",
           whole(_first_of_array), needs=frozenset({"array_lambd"})),
    Mutant("array-enlarges", "an array λ enlarges the result", "HS-LAM-6/enlarging",
           whole(_enlarges), needs=frozenset({"array_lambd"})),
    _value("array-nan-zeroes", "a NaN element of λ zeroes", "HS-LAM-6/special-elements",
           _nan_lambda_zeroes, needs=frozenset({"array_lambd"})),
    _value("array-negative-band", "a negative element of λ acts as |λ|",
           "HS-LAM-6/special-elements", _negative_element_band, needs=frozenset({"array_lambd"})),
)  # fmt: skip


def _minimum(y: _Array) -> int:
    return int(np.iinfo(y.dtype).min) if y.dtype.kind == "i" else 0


def _wrapped(kernel: Kernel, tools: Tools, x: Any, lambd: Any) -> Any:
    """Take λ modulo the type's width, as a C cast does."""
    name = tools.backend.dtype_name(x)
    if not tools.backend.is_integer(name) or not isinstance(lambd, int) or lambd < 0:
        return lambd
    width = int(name.removeprefix("u").removeprefix("int"))
    return (lambd + (1 << (width - 1))) % (1 << width) - (1 << (width - 1))


def _ceiling(kernel: Kernel, tools: Tools, x: Any, lambd: Any) -> Any:
    finite = isinstance(lambd, float) and math.isfinite(lambd)
    return (
        math.ceil(lambd)
        if finite and tools.backend.is_integer(tools.backend.dtype_name(x))
        else lambd
    )


def _by_float(kernel: Kernel, tools: Tools, x: Any, lambd: Any) -> Any:
    big = isinstance(lambd, int) and abs(lambd) < 2**70
    return float(lambd) if big and tools.backend.is_integer(tools.backend.dtype_name(x)) else lambd


def _as_signed(x: _Array, lambd: Any, y: _Array) -> _Array:
    if x.dtype.kind != "u" or not isinstance(lambd, (int, float)) or not math.isfinite(lambd):
        return y
    signed = x.view(x.dtype.name[1:]).astype(object)
    return _at(np.abs(signed).astype(float) <= lambd, 0, y)


def _naive(x: _Array, lambd: Any, y: _Array) -> _Array:
    if x.dtype.kind != "c":
        return y
    part = x.real.dtype.type
    size = x.real * x.real + x.imag * x.imag
    return np.where(size <= part(float(lambd)) ** 2, np.zeros_like(x), x)


def _by_parts(x: _Array, lambd: Any, y: _Array) -> _Array:
    if x.dtype.kind != "c":
        return y
    result = x.copy()
    result.real[np.abs(x.real) <= float(lambd)] = 0
    result.imag[np.abs(x.imag) <= float(lambd)] = 0
    return result


def _nan_part_zeroed(x: _Array, lambd: Any, y: _Array) -> _Array:
    return _at(np.isnan(x), 0, y) if x.dtype.kind == "c" else y


def _takes_bool(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    if tools.backend.dtype_name(x) == "bool":
        return x
    return kernel(x, lambd, out)


def _unnamed(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    try:
        return kernel(x, lambd, out)
    except TypeError as error:
        raise TypeError("unsupported") from error


_TYPES = (
    _value("minimum-zeroed", "INT_MIN is zeroed: its absolute value overflows", "HS-TYP-2/minimum",
           lambda x, lam, y: _at(x == _minimum(x), 0, y) if x.dtype.kind == "i" else y,
           dtypes=_INTEGERS, needs=frozenset({"integers"})),
    _value("minimum-in-vector", "INT_MIN is zeroed in full vectors only", "HS-VAL-6/lanes-minimum",
           lambda x, lam, y: _at((x == _minimum(x)) & _vector_part(x), 0, y) if x.dtype.kind == "i" else y,
           dtypes=_INTEGERS, needs=frozenset({"integers"})),
    Mutant("integer-ceiling", "a fractional λ is rounded up", "HS-TYP-2/fractions",
           _lambda(_ceiling), dtypes=_INTEGERS, needs=frozenset({"integers"})),
    Mutant("integer-wraps", "λ beyond the type wraps around", "HS-TYP-2/huge",
           _lambda(_wrapped), dtypes=_INTEGERS, needs=frozenset({"integers"})),
    Mutant("integer-by-float", "λ goes through a double", "HS-TYP-2/exact",
           _lambda(_by_float), dtypes=("int64", "uint64"), needs=frozenset({"int64"})),
    _value("unsigned-as-signed", "unsigned integers compare as signed", "HS-TYP-2/minimum",
           _as_signed, dtypes=("uint8", "uint16"), needs=frozenset({"uint8"})),
    _value("integer-becomes-float", "the result is a float", "HS-TYP-2/minimum",
           lambda x, lam, y: y.astype(np.float32) if x.dtype.kind == "i" else y,
           dtypes=_INTEGERS, needs=frozenset({"integers", "float32"})),
    _value("complex-overflow", "|z| squares its parts", "HS-TYP-3/overflow", _naive,
           dtypes=_COMPLEX, needs=frozenset({"complex"})),
    _value("complex-by-parts", "real and imaginary parts shrink apart", "HS-TYP-3/magnitude",
           _by_parts, dtypes=_COMPLEX, needs=frozenset({"complex"})),
    _value("complex-nan-zeroed", "NaN in a part zeroes z", "HS-TYP-3/nan-parts", _nan_part_zeroed,
           dtypes=_COMPLEX, needs=frozenset({"complex"})),
    Mutant("bool-accepted", "bool arrays pass", "HS-TYP-4/undeclared", whole(_takes_bool)),
    Mutant("refusal-unnamed", "a refusal names neither dtype nor backend", "HS-TYP-4/undeclared",
           whole(_unnamed), raises=True),
)  # fmt: skip

MUTANTS: Sequence[Mutant] = (*_VALUES, *_LAMBDA, *_TYPES)
