"""The CUDA source of every kernel, made from one template.

Invariants
----------
- Imports neither CuPy nor NumPy, so that a compiler alone can check it.
- A kernel's name is ``shrinkops_<operation>_<dtype>``; its arguments are x, y, n, the limit and
  a second number: a bias, the bits of μ, or whether an integer's band is empty.
"""

from __future__ import annotations

from importlib.resources import files

__all__ = ["CASES", "TEMPLATE", "case", "elementwise_body", "kernel_name", "kernel_source"]

TEMPLATE = files(__package__ or "").joinpath("kernels.cuh").read_text(encoding="utf-8")

_FORMATS = {
    "float16": "Float16",
    "bfloat16": "BFloat16",
    "float32": "Float32",
    "float64": "Float64",
}
_COMPONENTS = {"complex64": "Float32", "complex128": "Float64"}
_INTEGERS = {
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long long",
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "uint32": "unsigned int",
    "uint64": "unsigned long long",
}
_OPERATIONS = ("hardshrink", "softshrink", "shrink", "firmshrink", "garrote")


def case(operation: str, dtype: str) -> str | None:
    """Return the C++ type that computes an operation on a dtype, None where there is none."""
    if operation not in _OPERATIONS:
        return None
    name = f"shrinkops::{operation.capitalize()}"
    if dtype in _FORMATS:
        return f"shrinkops::Real<shrinkops::{_FORMATS[dtype]}, {name}>"
    if dtype in _COMPONENTS and operation != "shrink":
        return f"shrinkops::Complex<shrinkops::{_COMPONENTS[dtype]}, {name}>"
    if dtype in _INTEGERS and operation in ("hardshrink", "softshrink"):
        unsigned = _INTEGERS[f"u{dtype.removeprefix('u')}"]
        soft = "true" if operation == "softshrink" else "false"
        return f"shrinkops::Integer<{_INTEGERS[dtype]}, {unsigned}, {soft}>"
    return None


CASES = tuple(
    (operation, dtype)
    for operation in _OPERATIONS
    for dtype in (*_FORMATS, *_COMPONENTS, *_INTEGERS)
    if case(operation, dtype)
)
"""Every operation and dtype that has a kernel."""


def kernel_name(operation: str, dtype: str) -> str:
    """Return the name of a kernel."""
    return f"shrinkops_{operation}_{dtype}"


def kernel_source(*cases: tuple[str, str]) -> str:
    """Return the source of the kernels of some operations and dtypes."""
    defined = (
        f"SHRINKOPS_DEFINE({kernel_name(operation, dtype)}, {case(operation, dtype)})\n"
        for operation, dtype in cases
    )
    return TEMPLATE + "\n" + "".join(defined)


def elementwise_body(operation: str, dtype: str) -> str:
    """Return the statements of one element, of ``T x``, ``limit`` and ``second`` into ``T y``."""
    kind = case(operation, dtype)
    if dtype not in _COMPONENTS:
        return f"y = {kind}::shrunk(x, limit, second)"
    return (
        f"{kind}::element z = {{x.real(), x.imag()}}; "
        f"z = {kind}::shrunk(z, limit, second); y = T(z.re, z.im)"
    )
