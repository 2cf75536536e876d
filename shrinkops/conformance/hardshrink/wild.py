"""What people call hardshrink today, as backends without a single check of their own.

Each kernel is the idiom itself; what it raises or returns is what its users get.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shrinkops._plugins.backend import Backend, Kernel
from shrinkops.conformance._wild import Corner, Wild
from shrinkops.operations._declaration import Operation

from . import wild_libraries as libraries

__all__ = ["CORNERS", "WILD"]

_CHECKS = ("HS-VAL-*", "HS-LAM-[1-5]*", "HS-TYP-*", "HS-ARR-[136]*", "HS-DER-*")

_REVERSE = ("HS-DER-1/edge", "HS-DER-1/reverse", "HS-DER-2/in-band", "HS-DER-2/nan-cotangent")
"""For libraries without forward mode and without derivatives of derivatives."""

_WIDE = ("float32", "float64")

CORNERS: Sequence[Corner] = (
    Corner("x equal to λ", "HS-VAL-1/boundary", _WIDE),
    Corner("NaN in x", "HS-VAL-3/lanes", _WIDE),
    Corner("zeroed negative", "HS-VAL-4/inside", _WIDE),
    Corner("float64 kept whole", "HS-VAL-2/kept-whole", ("float64",)),
    Corner("float32 1e-40, λ = 0", "HS-VAL-5/lambda-zero", ("float32",)),
    Corner("the same in chunks", "HS-VAL-6/chunks", _WIDE),
    Corner("no floating-point flag", "HS-VAL-7/quiet", _WIDE),
    Corner("bfloat16, a Python float as λ", "HS-LAM-2/rounded", ("bfloat16",)),
    Corner("16 bits, λ rounded once", "HS-LAM-2/rounded-once", ("float16", "bfloat16")),
    Corner("float32, a np.float64 as λ", "HS-LAM-2/dtype", ("float32",)),
    Corner("infinite λ, infinite x", "HS-LAM-4/infinite-elements", _WIDE),
    Corner("NaN as λ", "HS-LAM-5/nan", _WIDE),
    Corner("λ beyond the dtype", "HS-LAM-5/overflow", ("float32",)),
    Corner("lowest integer", "HS-TYP-2/minimum"),
    Corner("bool arrays", "HS-TYP-4/undeclared"),
    Corner("masks and subclasses", "HS-ARR-6/subclasses", _WIDE),
    Corner("gradient at ±λ", "HS-DER-1/edge"),
    Corner("gradient at NaN, by position", "HS-DER-1/reverse"),
    Corner("NaN cotangent in the band", "HS-DER-2/in-band"),
)


def _backend(module: str, cls: str, idiom: Callable[[Any, Any], Any], **attributes: Any) -> Backend:
    """Return a library's backend whose kernel is an idiom, without the shared checks."""
    import importlib

    base: type[Backend] = getattr(importlib.import_module(module), cls)

    class Wild(base):  # type: ignore[misc, valid-type]
        """A declaration for what declares nothing."""

        def kernel(self, operation: Operation) -> Kernel:
            del operation
            return lambda x, lambd, out: idiom(x, lambd)  # noqa: ARG005  they have no out

    for name, value in attributes.items():
        setattr(Wild, name, value)
    backend: Backend = Wild()
    return backend


def _numpy(idiom: Callable[[Any, Any], Any], dtypes: frozenset[str]) -> Callable[[], Backend]:
    return lambda: _backend(
        "shrinkops_numpy", "NumpyBackend", idiom, dtypes=dtypes, features=frozenset()
    )


def _where(x: Any, lambd: Any) -> Any:
    import numpy as np

    return np.where(np.abs(x) > lambd, x, 0)


def _mask(x: Any, lambd: Any) -> Any:
    import numpy as np

    return x * (np.abs(x) > lambd)


def _pywt(x: Any, lambd: Any) -> Any:
    import pywt

    return pywt.threshold(x, lambd, "hard")


def _torch(x: Any, lambd: Any) -> Any:
    import torch

    return torch.nn.functional.hardshrink(x, lambd)


def _inductor() -> Backend:
    import torch

    compiled = torch.compile(torch.nn.functional.hardshrink, dynamic=True)
    return _backend(
        "shrinkops_torch", "TorchBackend", compiled,
        dtypes=frozenset({"float32", "int8"}), features=frozenset(),
    )  # fmt: skip


def _jax(x: Any, lambd: Any) -> Any:
    import jax.numpy as jnp

    return jnp.where(jnp.abs(x) > lambd, x, 0)


_FLOATS = frozenset({"float16", "float32", "float64"})
_PLAIN = _FLOATS | {"bfloat16", "int8", "int32"}

WILD: Sequence[Wild] = (
    Wild(
        "np.where", "np.where(np.abs(x) > lambd, x, 0)", ("numpy", "ml_dtypes"),
        _numpy(_where, _PLAIN), _CHECKS,
    ),
    Wild("mask", "x * (np.abs(x) > lambd)", ("numpy", "ml_dtypes"), _numpy(_mask, _PLAIN), _CHECKS),
    Wild(
        "PyWavelets", 'pywt.threshold(x, lambd, "hard")', ("pywt",),
        _numpy(_pywt, _FLOATS | {"int8", "int32"}), _CHECKS,
    ),
    Wild(
        "torch", "torch.nn.functional.hardshrink(x, lambd)", ("torch",),
        lambda: _backend(
            "shrinkops_torch", "TorchBackend", _torch,
            dtypes=_FLOATS | {"bfloat16", "int8"}, features=frozenset({"autodiff"}),
        ),
        _CHECKS,
    ),
    Wild(
        "torch.compile", "torch.compile(torch.nn.functional.hardshrink)(x, lambd)", ("torch",),
        _inductor,
        ("HS-VAL-6/lanes-minimum", "HS-TYP-2/minimum"),
    ),
    Wild(
        "jax", "jnp.where(jnp.abs(x) > lambd, x, 0)", ("jax",),
        lambda: _backend(
            "shrinkops_jax", "JaxBackend", _jax,
            dtypes=_FLOATS | {"bfloat16", "int8"}, features=frozenset({"autodiff"}),
        ),
        _CHECKS,
    ),
    Wild(
        "numexpr", 'numexpr.evaluate("where(abs(x) > lambd, x, 0)")', ("numexpr",),
        _numpy(libraries.numexpr, frozenset({"float32", "float64", "int32"})), _CHECKS,
    ),
    Wild(
        "SigPy", "sigpy.thresh.hard_thresh(lambd, x)", ("sigpy",),
        _numpy(libraries.sigpy, frozenset({"float32", "float64"})), _CHECKS,
    ),
    Wild(
        "Keras", "keras.ops.hard_shrink(x, lambd)  # NumPy backend", ("keras",),
        _numpy(libraries.keras, _FLOATS | {"int8", "int32"}), _CHECKS,
    ),
    Wild(
        "ONNX Runtime", 'Shrink(x, lambd=lambd, bias=0)', ("onnxruntime", "onnx"),
        _numpy(libraries.onnx_runtime, _FLOATS | {"int8", "int32"}), _CHECKS,
    ),
    Wild(
        "Paddle", "paddle.nn.functional.hardshrink(x, lambd)", ("paddle",),
        libraries.paddle_backend, (*_CHECKS[:-1], *_REVERSE),
    ),
)  # fmt: skip
