"""Every kernel of a backend called in the sizes, layouts and ways that its loops differ in.

Invariants
----------
- Expectations are the generic definition's, computed by NumPy; floats and integers are compared
  bit for bit but for the payload of a NaN, complex numbers within 8 units of their own size.
- Short arrays and many calls, so that a sanitizer can watch each of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from shrinkops._call.generic import evaluate
from shrinkops._call.parameters import round_parameter
from shrinkops._numbers.formats import FORMATS, Format
from shrinkops._target import Target, operations
from shrinkops.adapter import Adapter, numpy_dtype
from shrinkops.operations._declaration import Operation

__all__ = ["exercise"]

_Array = np.ndarray[Any, Any]
_SIZES = (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 255, 1000, 4099)
"""Around the elements of a 16-byte access, of every width, and of a block of threads."""

_QUICK_SIZES = (0, 1, 17, 1000)
_COMPILED_SIZES = (1, 1000)
"""Where each shape costs a compilation, and the loops are the compiler's own."""

_PARAMETERS: dict[str, tuple[tuple[float, ...], ...]] = {
    "shrink": ((0.5, 0.25), (0.3, -2.0), (-1.0, 0.5)),
    "firmshrink": ((0.5, 1.0), (0.3, 0.3), (0.25, np.inf)),
    "hardshrink": ((0.5,), (-1.0,), (np.inf,)),
}
_LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "dense": lambda x: x,
    "off its alignment": lambda x: x[1:],
    "every other": lambda x: x[::2],
}


def exercise(target: Target, device: Any, *, quick: bool = False) -> tuple[int, list[str]]:
    """Call what the target declares; return how many calls, and what was wrong with them.

    Parameters
    ----------
    target : Target
    device : object
        Of the adapter's.
    quick : bool
        Fewer sizes.
    """
    adapter = target.backend.adapter()
    sizes: Sequence[int] = _QUICK_SIZES if quick else _SIZES
    if adapter.compiles:
        sizes = _COMPILED_SIZES
    calls, wrong = 0, []
    with ExitStack() as stack:
        stack.enter_context(adapter.session())
        for operation, dtype in itertools.product(operations().values(), target.backend.dtypes):
            form = FORMATS.get(dtype)
            if form is None or form.kind not in operation.kinds:
                continue
            function = target.function(operation)
            for size in sizes:
                for label, got, wanted in _cases(
                    adapter, function, operation, _data(dtype, 2 * size + 1), size, device
                ):
                    calls += 1
                    if not _agree(got, wanted):
                        wrong.append(f"{operation.name}, {dtype}, {size} elements, {label}")
    return calls, wrong


def _data(dtype: str, size: int) -> _Array:
    rng = np.random.default_rng(7)
    kind, form = numpy_dtype(dtype), FORMATS[dtype]
    if form.kind == "integer":
        top = min(100, 2 ** (form.width - 1) - 1)
        return rng.integers(0 if dtype.startswith("u") else -top - 1, top + 1, size).astype(kind)
    values = rng.normal(size=size)
    values[::7] = 0.5  # λ itself
    values[3::11] = np.resize([np.nan, np.inf, -np.inf, -0.0, -0.5, 1e-45], values[3::11].shape)
    if form.kind == "complex":
        return (values + 1j * rng.normal(size=size)).astype(kind)
    with np.errstate(all="ignore"):
        narrowed: _Array = values.astype(np.float32 if kind.itemsize < 4 else kind).astype(kind)
    return narrowed


def _cases(
    adapter: Adapter,
    function: Callable[..., Any],
    operation: Operation,
    data: _Array,
    size: int,
    device: Any,
) -> Iterator[tuple[str, _Array, _Array]]:
    capabilities = adapter.backend.capabilities
    for parameters in _parameters(operation, FORMATS[data.dtype.name]):
        for name, lay in _LAYOUTS.items():
            a = data[: {"dense": size, "off its alignment": size + 1}.get(name, 2 * size)]
            wanted = _wanted(operation, np.ascontiguousarray(lay(a)), parameters)
            x = lay(adapter.from_numpy(a, device))
            label = f"{name}, {parameters}"
            yield label, adapter.to_numpy(function(x, *parameters)), wanted
            if "out" in capabilities:
                out = adapter.from_numpy(np.zeros_like(wanted), device)
                yield f"{label}, out", adapter.to_numpy(function(x, *parameters, out=out)), wanted
    if "array_lambd" not in capabilities or FORMATS[data.dtype.name].kind != "float":
        return
    first = _parameters(operation, FORMATS[data.dtype.name])[0]
    arrays = [np.full(size, p, data.dtype) for p in first]
    x, *given = (adapter.from_numpy(a, device) for a in (data[:size], *arrays))
    wanted = _wanted(operation, data[:size], first)
    yield "parameters as arrays", adapter.to_numpy(function(x, *given)), wanted


def _parameters(operation: Operation, form: Format) -> tuple[tuple[float, ...], ...]:
    if form.kind == "integer":
        return ((50 if form.width > 4 else 3,), (0,))
    return _PARAMETERS.get(operation.name, ((operation.default, *operation.defaults[1:]),))


def _wanted(operation: Operation, a: _Array, values: tuple[float, ...]) -> _Array:
    kind, form = a.dtype, FORMATS[a.dtype.name]
    if form.kind == "integer" and form.width < 8:  # NumPy cannot compute with them; these fit
        a = a.astype(np.int8)
        form = FORMATS["int8"]
    parameters: list[Any] = [
        round_parameter(operation, parameter, value, form)
        for parameter, value in zip(operation.parameters, values, strict=True)
    ]
    with np.errstate(all="ignore"):
        result: _Array = evaluate(
            operation, np, np.ndarray.astype, a, form, parameters, [None] * len(parameters)
        )
    return result.astype(kind, copy=False)


def _agree(got: _Array, wanted: _Array) -> bool:
    if got.dtype != wanted.dtype or got.shape != wanted.shape:
        return False
    with np.errstate(all="ignore"):
        nan = (got != got) & (wanted != wanted)
        if wanted.dtype.kind == "c":
            size = np.hypot(wanted.real, wanted.imag)
            error = np.hypot(got.real - wanted.real, got.imag - wanted.imag)
            return bool(((error <= 8 * np.spacing(size)) | (got == wanted) | nan).all())
    bits = f"u{wanted.dtype.itemsize}"
    same = np.ascontiguousarray(got).view(bits) == np.ascontiguousarray(wanted).view(bits)
    return bool((same | nan).all())
