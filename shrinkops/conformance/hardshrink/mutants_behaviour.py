"""Mutants that treat arrays wrongly: clauses HS-VAL-6, -7, HS-ARR, HS-DSP, HS-TRF."""

# ruff: noqa: ARG001, ARG005, E501  one signature for all defects; a table row is a line

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from shrinkops.conformance._mutants import Kernel, Mutant, Tools, output, whole

__all__ = ["MUTANTS"]

_OUT = frozenset({"out"})


def _strided_only(tools: Tools) -> str:
    x = tools.make(np.arange(8, dtype=np.float32))
    return "" if _dense(x[::2]) is False else "its arrays show no strides"


def _dense(x: Any) -> bool | None:
    """Tell whether an array is dense, None where that cannot be seen."""
    if isinstance(x, np.ndarray):
        return bool(x.flags.c_contiguous)
    asked = getattr(x, "is_contiguous", None)
    return bool(asked()) if asked is not None else None


def _writable(tools: Tools) -> str:
    x = tools.make(np.ones(2, np.float32))
    try:
        x[...] = x
    except Exception:
        return "its arrays cannot be written"
    return ""


def _not_host(tools: Tools) -> str:
    return "its arrays are on the host, and NumPy's" if tools.is_host else ""


def _has_subclasses(tools: Tools) -> str:
    return "" if tools.adapter.subclasses() else "its adapter names no subclasses"


def _two_devices(tools: Tools) -> str:
    if len(tools.adapter.devices()) > 1 or tools.backend.framework == "torch":
        return ""
    return "one device"


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(getattr(x, "shape", None) or ())


def _elements(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    """Read a strided array as if it were dense."""
    y = kernel(x, lambd, out)
    if out is None and _dense(x) is False and getattr(x, "ndim", None):
        return tools.make(tools.read(y)[::-1].copy())
    return y


def _offset(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    """Lose the first element of an array that begins off an even address."""
    y = kernel(x, lambd, out)
    address = x.ctypes.data if isinstance(x, np.ndarray) else x.data_ptr()
    if out is None and x.ndim == 1 and x.shape[0] and address % 16:
        array = tools.read(y)
        array[0] = np.ones((), array.dtype) * 7
        return tools.make(array)
    return y


def _has_address(tools: Tools) -> str:
    x = tools.make(np.ones(2, np.float32))
    return "" if isinstance(x, np.ndarray) or hasattr(x, "data_ptr") else "no address can be seen"


_scratch: list[Any] = [None]


def _shared_scratch(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    """Hand the result over in a buffer that all threads share."""
    _scratch[0] = kernel(x, lambd, out)
    time.sleep(0.001)
    return _scratch[0]


def _warns(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    y = kernel(x, lambd, out)
    array = tools.read(x)
    if array.dtype.kind == "f" and bool((array != array).any()):
        warnings.warn("invalid value encountered", RuntimeWarning, stacklevel=2)
    return y


def _raises_flag(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    y = kernel(x, lambd, out)
    if np.geterr()["invalid"] == "raise":
        np.sqrt(np.float32(-1))
    return y


def _rejects_empty(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    if 0 in _shape(x):
        raise ValueError("empty")
    return kernel(x, lambd, out)


def _writes_x(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    y = kernel(x, lambd, out)
    if out is None and _shape(x):
        x[...] = y
    return y


def _same_object(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    if out is None and isinstance(lambd, (int, float)) and lambd < 0:
        kernel(x, lambd, None)
        return x
    return kernel(x, lambd, out)


def _view_of_x(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    y = kernel(x, lambd, out)
    if out is None and _shape(x) and tools.read(y).tobytes() == tools.read(x).tobytes():
        return x[:]
    return y


def _out_ignored(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    kernel(x, lambd, out if out is None else tools.make(tools.read(out)))
    return kernel(x, lambd, None) if out is None else out


def _out_copied(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    y = kernel(x, lambd, out)
    return y if out is None else tools.make(tools.read(y))


def _out_early(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    if out is not None and out is not x and tools.backend.handles(type(out)):
        out[...] = out * 0
    return kernel(x, lambd, out)


def _out_any_shape(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    try:
        return kernel(x, lambd, out)
    except ValueError:
        if out is None:
            raise
        return out


def _out_any_dtype(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    try:
        return kernel(x, lambd, out)
    except TypeError:
        if out is None or not tools.backend.handles(type(out)):
            raise
        return out


def _out_any_type(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    return kernel(x, lambd, out if tools.backend.handles(type(out)) else None)


def _overlap(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    """Copy forward element by element, whatever overlaps."""
    if out is None or out is x or getattr(x, "ndim", None) != 1 or x.shape != out.shape:
        return kernel(x, lambd, out)
    kernel(x, lambd, tools.make(tools.read(out)))
    for i in range(min(x.shape[0], 40)):
        out[i : i + 1] = kernel(x[i : i + 1], lambd, None)
    out[40:] = kernel(x[40:], lambd, None)
    return out


def _host_copy(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    y = kernel(x, lambd, out)
    return tools.make(tools.read(y)) if out is None else y


def _fallback(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    """Let NumPy compute; the right answer."""
    y = kernel(x, lambd, out)
    if out is not None:
        return y
    array = np.asarray(tools.adapter.to_numpy(x))
    np.where(np.zeros(array.shape, bool), array, array)
    return y


def _stripped(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    y = kernel(x, lambd, out)
    plain = type(tools.make(np.ones(1, np.float32)))
    if out is None and type(y) is not plain and not isinstance(y, np.generic):
        return y.as_subclass(plain) if hasattr(y, "as_subclass") else y.view(plain)
    return y


def _other_type(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    y = kernel(x, lambd, out)
    if out is not None:
        return y
    array = tools.read(y)
    return array.view(np.recarray) if tools.is_host else array


def _other_device(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    y = kernel(x, lambd, out)
    if out is not None:
        return y
    if tools.backend.framework == "torch":
        return y.to("meta")
    return tools.adapter.from_numpy(tools.read(y), tools.adapter.devices()[1])


def _converts_other(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    try:
        return kernel(x, lambd, out)
    except TypeError as error:
        if "one library" not in str(error):
            raise
        return kernel(x, 0.5, None)


def _takes_all(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    """Name one type only where two libraries meet."""
    try:
        return kernel(x, lambd, out)
    except TypeError as error:
        if "one library" in str(error):
            raise TypeError("arrays of two libraries") from error
        raise


def _wrong_under_tracing(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    """Give another answer inside a compiled function than outside."""
    if _traced(tools, x):
        xp = tools.backend.namespace()
        return xp.where((x > 0.5) | (x < -0.5), x, x)
    return kernel(x, lambd, out)


def _traced(tools: Tools, x: Any) -> bool:
    if tools.backend.framework == "torch":
        import torch

        return bool(torch.compiler.is_compiling())
    return type(x).__name__.endswith("Tracer")


def _per_lambda(kernel: Kernel, tools: Tools) -> Kernel:
    """Compile anew for every λ."""
    compiled: dict[Any, Any] = {}
    transform = tools.adapter.jit if "jit" in tools.backend.features else tools.adapter.compile

    def call(x: Any, lambd: Any, out: Any) -> Any:
        if out is not None or not isinstance(lambd, float):
            return kernel(x, lambd, out)
        key = (lambd, tools.backend.dtype_name(x), tuple(x.shape))
        if key not in compiled:
            kernel(x, lambd, None)
            # New code each time, or a library that generalises would see through it.
            names = {"kernel": kernel, "lambd": lambd}
            compiled[key] = transform(eval("lambda v: kernel(v, lambd, None)", names))
        return compiled[key](x)

    return call


def _looks_at_values(kernel: Kernel, tools: Tools, x: Any, lambd: Any, out: Any) -> Any:
    """Branch on an element, which no trace can do."""
    if _shape(x) and 0 not in x.shape and bool((x == x).all()):
        return kernel(x, lambd, out)
    return kernel(x, lambd, out)


def _traces(tools: Tools) -> str:
    known = tools.backend.framework in ("jax", "torch")
    return "" if known else "how it traces is not known"


_ONLY_JIT = frozenset({"jit"})

MUTANTS: Sequence[Mutant] = (
    Mutant("thread-unsafe", "threads share a buffer", "HS-VAL-6/threads", whole(_shared_scratch)),
    Mutant("offset-dependent", "an unaligned first element is lost", "HS-VAL-6/offsets",
           whole(_offset), applies=_has_address),
    Mutant("warns-on-nan", "NaN gives a RuntimeWarning", "HS-VAL-7/quiet", whole(_warns), raises=True),
    Mutant("invalid-flag", "the invalid flag is raised", "HS-VAL-7/quiet", whole(_raises_flag), raises=True),
    Mutant("scalar-becomes-vector", "a 0-d array comes back with one axis", "HS-ARR-1/shapes",
           output(lambda x, lam, y: y.reshape(1) if y.ndim == 0 else y)),
    Mutant("flattened", "the result has one axis", "HS-ARR-1/shapes",
           output(lambda x, lam, y: y.reshape(-1) if y.ndim > 1 else y)),
    Mutant("empty-refused", "an empty array raises", "HS-ARR-1/shapes", whole(_rejects_empty), raises=True),
    Mutant("wider-dtype", "float32 comes back as float64", "HS-ARR-1/type",
           output(lambda x, lam, y: y.astype(np.float64) if y.dtype == np.float32 else y),
           needs=frozenset({"float64"})),
    Mutant("another-type", "the result is of another array class", "HS-ARR-1/type", whole(_other_type)),
    Mutant("another-device", "the result is on another device", "HS-ARR-1/type",
           whole(_other_device), applies=_two_devices),
    Mutant("contiguous-only", "strided arrays are read as dense ones", "HS-ARR-2/strides",
           whole(_elements), applies=_strided_only),
    Mutant("writes-x", "the result is written into x as well", "HS-ARR-3/unwritten",
           whole(_writes_x), applies=_writable),
    Mutant("returns-x", "x itself comes back where nothing is zeroed", "HS-ARR-3/unshared",
           whole(_same_object)),
    Mutant("returns-view", "a view of x comes back where nothing is zeroed", "HS-ARR-3/unshared",
           whole(_view_of_x), applies=_writable),
    Mutant("out-ignored", "out is returned unfilled", "HS-ARR-4/filled", whole(_out_ignored), needs=_OUT),
    Mutant("out-copied", "a copy of out comes back", "HS-ARR-4/filled", whole(_out_copied), needs=_OUT),
    Mutant("out-written-early", "out is written before arguments are checked", "HS-ARR-4/wrong-dtype",
           whole(_out_early), needs=_OUT | {"float64"}),
    Mutant("lambda-checked-late", "out is written before λ is checked", "HS-LAM-5/unwritten",
           whole(_out_early), needs=_OUT),
    Mutant("out-any-shape", "an out of another shape passes", "HS-ARR-4/wrong-shape",
           whole(_out_any_shape), needs=_OUT),
    Mutant("out-any-dtype", "an out of another dtype passes", "HS-ARR-4/wrong-dtype",
           whole(_out_any_dtype), needs=_OUT | {"float64"}),
    Mutant("out-any-type", "a list passes as out", "HS-ARR-4/wrong-type", whole(_out_any_type), needs=_OUT),
    Mutant("overlap-garbage", "an overlapping out is written front to back", "HS-ARR-4/overlap",
           whole(_overlap), needs=_OUT),
    Mutant("host-copy", "the result makes a trip to the host", "HS-ARR-5/resident",
           whole(_host_copy), applies=_not_host),
    Mutant("subclass-stripped", "a subclass comes back as a plain array", "HS-ARR-6/subclasses",
           whole(_stripped), applies=_has_subclasses),
    Mutant("silent-fallback", "another library computes", "HS-DSP-1/provenance",
           whole(_fallback), applies=_not_host),
    Mutant("mixed-converted", "an array λ of another library is taken", "HS-DSP-2/mixed",
           whole(_converts_other)),
    Mutant("mixed-unnamed", "a refusal of two libraries names no type", "HS-DSP-2/mixed",
           whole(_takes_all), raises=True),
    Mutant("wrong-when-traced", "a traced call gives another result", "HS-TRF-1/same-bits",
           whole(_wrong_under_tracing), applies=_traces, needs=frozenset({"autodiff"})),
    Mutant("compiles-per-lambda", "every λ compiles again", "HS-TRF-2/eager",
           lambda kernel, tools: _per_lambda(kernel, tools), needs=_ONLY_JIT),
    Mutant("looks-at-values", "a branch looks at an element", "HS-TRF-1/same-bits",
           whole(_looks_at_values), applies=_traces, needs=_ONLY_JIT, raises=True),
)  # fmt: skip
