"""The pure kernel as a real ``numpy.ufunc``, made through ctypes where nothing was compiled.

pandas, xarray, sparse and the rest accept nothing less than a ufunc. NumPy's C API, found in
the capsules that it publishes for extension modules, builds one whose loops are Python
callables. Plain ndarrays never come here; they go through `shrinkops_numpy._pure` directly.

Invariants
----------
- The same loops, promotion and result types as ``src/ufunc.c``, from the same table.
- Only functions, slots and structures that NumPy 2.0's headers publish are used.
- Everything that NumPy keeps a pointer to is kept alive for good.
- A loop cannot raise through C: what could fail was checked before, and a failure left over
  (no memory for a block) is printed by Python and leaves that block unwritten.
"""

from __future__ import annotations

import ctypes
import importlib
from ctypes import POINTER, c_char_p, c_int, c_ssize_t, c_void_p, py_object
from typing import Any

import numpy as np

from ._pure import BLOCK_BYTES, rule_for
from ._thresholds import component, rounded_array

__all__ = ["hardshrink", "register_float"]

# Entries of NumPy's function tables and numbers of slots: fixed by its ABI since 2.0.
_FROM_FUNC_AND_DATA, _ADD_LOOP, _ADD_PROMOTER = 1, 43, 44
_RESOLVE, _STRIDED = 2, 5
_REQUIRES_PYAPI, _NO_FLOAT_ERRORS = 1, 2
_NO_CASTING = 0
_NO_IDENTITY = -1


class _Slot(ctypes.Structure):
    _fields_ = (("slot", c_int), ("function", c_void_p))


class _Spec(ctypes.Structure):
    _fields_ = (
        ("name", c_char_p),
        ("nin", c_int),
        ("nout", c_int),
        ("casting", c_int),
        ("flags", c_int),
        ("dtypes", POINTER(c_void_p)),
        ("slots", POINTER(_Slot)),
    )


class _Context(ctypes.Structure):
    _fields_ = (("caller", c_void_p), ("method", c_void_p), ("descriptors", POINTER(c_void_p)))


_StridedLoop: Any = ctypes.PYFUNCTYPE(
    c_int, POINTER(_Context), POINTER(c_void_p), POINTER(c_ssize_t), POINTER(c_ssize_t), c_void_p
)
_Resolve: Any = ctypes.PYFUNCTYPE(
    c_int, c_void_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p), POINTER(c_ssize_t)
)
_Promoter: Any = ctypes.PYFUNCTYPE(
    c_int, c_void_p, POINTER(c_void_p), POINTER(c_void_p), POINTER(c_void_p)
)

_python = ctypes.pythonapi
_python.PyCapsule_GetPointer.restype = c_void_p
_python.PyCapsule_GetPointer.argtypes = [py_object, c_char_p]
_python.PyCapsule_New.restype = py_object
_python.PyCapsule_New.argtypes = [c_void_p, c_char_p, c_void_p]
_python.Py_IncRef.argtypes = [c_void_p]
_python.Py_IncRef.restype = None

_capsule = importlib.import_module("numpy._core._multiarray_umath")._UFUNC_API
_table = ctypes.cast(_python.PyCapsule_GetPointer(_capsule, None), POINTER(c_void_p))
_LONG_DOUBLE = type(np.dtype(np.longdouble))
_alive: list[Any] = []
_loops: dict[type, str] = {}
"""λ's rule for each DType class that has loops: "same", "integer" or "part"."""


def _object(address: int | None) -> Any:
    return None if not address else ctypes.cast(address, py_object).value


def _give(array: Any, index: int, value: Any) -> None:
    """Store a new reference to an object."""
    _python.Py_IncRef(id(value))
    array[index] = id(value)


@_Resolve  # type: ignore[untyped-decorator]
def _resolve(_method: Any, _dtypes: Any, given: Any, loop: Any, _offset: Any) -> int:
    """X keeps its descriptor, byte order and all, and gives it to the result; λ becomes native."""
    x, lambd = _object(given[0]), _object(given[1])
    for index, descriptor in enumerate((x, lambd.newbyteorder("="), x)):
        _give(loop, index, descriptor)
    return _NO_CASTING


@_StridedLoop  # type: ignore[untyped-decorator]
def _strided(context: Any, data: Any, dimensions: Any, strides: Any, _auxiliary: Any) -> int:
    dtype, lambd_dtype = (_object(context.contents.descriptors[i]) for i in range(2))
    native = dtype.newbyteorder("=")
    count = dimensions[0]
    if count == 0:
        return 0
    x = _at(data[0], count, strides[0], dtype)
    lambd = _at(data[1], count, strides[1], lambd_dtype)
    out = _at(data[2], count, strides[2], dtype)
    rule = rule_for(native)
    if lambd_dtype.kind == "f" and native.kind not in "iuc":
        lambd = _rounded(lambd, native, strides[1])
    block_size = BLOCK_BYTES // dtype.itemsize
    scratch = np.empty(min(block_size, count) * dtype.itemsize, np.uint8)
    constant = rule.bounds(lambd[:1]) if strides[1] == 0 else None
    for start in range(0, count, block_size):
        part = slice(start, start + block_size)
        bounds = rule.bounds(lambd[part]) if constant is None else constant
        if native == dtype:
            rule.apply(x[part], bounds, out[part], scratch)
        else:
            block = x[part].astype(native)
            rule.apply(block, bounds, block, scratch)
            out[part] = block
    return 0


def _rounded(lambd: Any, dtype: np.dtype[Any], stride: int) -> Any:
    """Round float64 thresholds to x's type; one is one, however often it is read."""
    if lambd.dtype == dtype:
        return lambd
    return rounded_array(lambd[:1] if stride == 0 else lambd, dtype)


def _at(address: int, count: int, stride: int, dtype: np.dtype[Any]) -> Any:
    """Return memory as a 1-d array, without owning it."""
    span = abs(stride) * max(count - 1, 0) + dtype.itemsize
    offset = -stride * max(count - 1, 0) if stride < 0 else 0
    memory: Any = (ctypes.c_char * span).from_address(address - offset)
    raw = np.ndarray((count,), f"V{dtype.itemsize}", memory, offset, (stride,))
    return raw.view(dtype)


@_Promoter  # type: ignore[untyped-decorator]
def _promote(_ufunc: Any, given: Any, signature: Any, new: Any) -> int:
    """λ never promotes x (HS-LAM-2); -1 lets NumPy word the missing loop."""
    x, lambd = (_object(signature[i]) or _object(given[i]) for i in range(2))
    rule = _loops.get(x)
    if rule is None or not _is_real(lambd):
        return -1
    if rule == "integer":
        wanted = _exact_class(lambd)
    elif rule == "part":
        wanted = type(component(x()))
    else:
        wanted = x if lambd is x or x is _LONG_DOUBLE else type(np.dtype(np.float64))
    for index, value in enumerate((x, wanted, x)):
        _give(new, index, value)
    return 0


def _is_real(lambd: Any) -> bool:
    if lambd in _loops:
        return _loops[lambd] != "part"
    return lambd.__name__ in ("_PyLongDType", "_PyFloatDType")


def _exact_class(lambd: Any) -> type:
    if lambd.__name__ == "_PyLongDType":
        return type(np.dtype(np.int64))
    dtype = None if lambd.__name__ == "_PyFloatDType" else lambd()
    if dtype is not None and dtype.kind in "iu":
        return type(np.dtype(f"{dtype.kind}8"))
    extended = dtype is not None and dtype.num == np.dtype(np.longdouble).num
    return type(np.dtype(np.longdouble if extended else np.float64))


def _make() -> Any:
    create = ctypes.PYFUNCTYPE(
        py_object,
        c_void_p,
        c_void_p,
        c_void_p,
        c_int,
        c_int,
        c_int,
        c_int,
        c_char_p,
        c_char_p,
        c_int,
    )(_table[_FROM_FUNC_AND_DATA])
    add_promoter = ctypes.PYFUNCTYPE(c_int, py_object, py_object, py_object)(_table[_ADD_PROMOTER])
    ufunc = create(
        None, None, None, 0, 2, 1, _NO_IDENTITY, b"hardshrink",
        b"x where its magnitude exceeds lambd, 0 elsewhere; of x's dtype whatever lambd's.", 0,
    )  # fmt: skip
    name = ctypes.create_string_buffer(b"numpy._ufunc_promoter")
    _alive.append(name)
    promoter = _python.PyCapsule_New(
        ctypes.cast(_promote, c_void_p), ctypes.cast(name, c_char_p), None
    )
    add_promoter(ufunc, (np.dtype, np.dtype, np.dtype), promoter)
    return ufunc


def _add(dtype: np.dtype[Any], lambd: np.dtype[Any]) -> None:
    add_loop = ctypes.PYFUNCTYPE(c_int, py_object, POINTER(_Spec))(_table[_ADD_LOOP])
    classes = (c_void_p * 3)(id(type(dtype)), id(type(lambd)), id(type(dtype)))
    slots = (_Slot * 3)(
        _Slot(_RESOLVE, ctypes.cast(_resolve, c_void_p)),
        _Slot(_STRIDED, ctypes.cast(_strided, c_void_p)),
        _Slot(0, None),
    )
    spec = _Spec(
        b"hardshrink", 2, 1, _NO_CASTING, _REQUIRES_PYAPI | _NO_FLOAT_ERRORS,
        ctypes.cast(classes, POINTER(c_void_p)), ctypes.cast(slots, POINTER(_Slot)),
    )  # fmt: skip
    _alive.append((classes, slots, spec, dtype, lambd))
    add_loop(hardshrink, spec)


hardshrink: Any = _make()
"""The ufunc."""


def register_float(dtype: np.dtype[Any]) -> None:
    """Add the loop of a floating dtype."""
    if type(dtype) not in _loops:
        _add(dtype, dtype)
        if dtype.num not in (np.dtype(np.float64).num, np.dtype(np.longdouble).num):
            _add(dtype, np.dtype(np.float64))
        _loops[type(dtype)] = "same"


def _register_builtin() -> None:
    exact = [np.dtype(t) for t in (np.float64, np.int64, np.uint64, np.longdouble)]
    for code in "bBhHiIlLqQ":
        dtype = np.dtype(code)
        for lambd in {type(d): d for d in exact}.values():
            _add(dtype, lambd)
        _loops[type(dtype)] = "integer"
    for code in "FD":
        dtype = np.dtype(code)
        _add(dtype, component(dtype))
        _loops[type(dtype)] = "part"
    for code in "efdg":
        register_float(np.dtype(code))


_register_builtin()
