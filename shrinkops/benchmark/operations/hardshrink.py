"""What hardshrink is compared with, and what it is meant to reach.

The kit finds this module by the operation's name; nothing else names either.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from shrinkops.benchmark._calls import Call
from shrinkops.benchmark._peers import Peer, cupy_copy
from shrinkops.benchmark._work import Work

from ._gpu import elementwise, jax_on, torch_on

__all__ = ["PEERS", "SUITE"]


def _np_where(work: Work) -> Call:
    def idiom(x: Any, lambd: float) -> Any:
        return np.where(np.abs(x) > lambd, x, 0)

    return work.host_call(idiom, work.host_x, work.lambd)


def _np_mask(work: Work) -> Call:
    def idiom(x: Any, lambd: float) -> Any:
        return x * (np.abs(x) > lambd)

    return work.host_call(idiom, work.host_x, work.lambd)


def _bare_ufunc(work: Work) -> Call:
    from shrinkops_numpy import _kernels

    lambd = work.host_x.dtype.type(work.lambd)
    if work.case.mode == "out":
        return work.host_call(_kernels.ufunc(), work.host_x, lambd, work.host_out)
    return work.host_call(_kernels.ufunc(), work.host_x, lambd)


def _pywt(work: Work) -> Call:
    import pywt

    return work.host_call(pywt.threshold, work.host_x, work.lambd, "hard")


def _numexpr(work: Work) -> Call:
    import numexpr

    scalar = work.host_x.dtype.type
    names = {"x": work.host_x, "l": scalar(work.lambd), "zero": scalar(0)}
    expression = "where(abs(x) > l, x, zero)"
    return work.host_call(numexpr.evaluate, expression, local_dict=names, out=work.host_out)


def _numba(work: Work) -> Call:
    import numba

    name = work.case.dtype
    scalar = work.host_x.dtype.type
    zero = scalar(0)
    vectorize: Any = numba.vectorize
    kernel = vectorize([f"{name}({name}, {name})"])(lambda x, lambd: zero if abs(x) <= lambd else x)
    return work.host_call(kernel, work.host_x, scalar(work.lambd), work.host_out)


def _torch_on_host(work: Work) -> Call:
    import torch

    x = torch.from_numpy(work.host_x)
    if work.case.mode != "out":
        return work.host_call(torch.hardshrink, x, work.lambd)
    return work.host_call(torch.hardshrink, x, work.lambd, out=torch.from_numpy(work.host_out))


def _torch(work: Work) -> Call:
    import torch

    if work.out is None:
        return work.call(torch.hardshrink, work.x, work.lambd)
    return work.call(torch.hardshrink, work.x, work.lambd, out=work.out)


def _torch_where(work: Work) -> Call:
    import torch

    def idiom(x: Any, lambd: float) -> Any:
        return torch.where(x.abs() > lambd, x, 0.0)

    return work.call(idiom, work.x, work.lambd)


def _jax_jitted(work: Work) -> Call:
    import jax

    return work.call(jax.jit(_by_hand), work.x, work.lambd)


def _jax_eager(work: Work) -> Call:
    import jax.numpy as jnp

    def idiom(x: Any, lambd: float) -> Any:
        return jnp.where(jnp.abs(x) > lambd, x, 0)

    return work.call(idiom, work.x, work.lambd)


def _jax_copy(work: Work) -> Call:
    import jax.numpy as jnp

    return work.call(jnp.copy, work.x)


def _cupy_where(work: Work) -> Call:
    import cupy

    def idiom(x: Any, lambd: float) -> Any:
        return cupy.where(cupy.abs(x) > lambd, x, 0)

    return work.call(idiom, work.x, work.lambd)


def _by_hand(x: Any, lambd: Any) -> Any:
    import jax.numpy as jnp

    return jnp.where(jnp.abs(x) <= lambd, 0, x)


_FLOATS = frozenset({"float32", "float64"})
_TORCH = _FLOATS | {"float16", "bfloat16"}
_IN_C = "abs(x) <= t ? T(0) : x"
_NAN = "HS-VAL-3: NaN becomes 0"
_MINUS = "HS-VAL-4: zeroed negatives become -0"
_EDGE = "HS-VAL-1: |x| = λ is kept"
_FLUSH = "HS-VAL-5: subnormals are taken for 0"

PEERS = (
    #    name                  library            takes    call            departs  dtypes
    Peer("np.where", "numpy", "numpy", _np_where, _NAN),
    Peer("x * mask", "numpy", "numpy", _np_mask, _MINUS),
    Peer("bare ufunc", "shrinkops_numpy", "numpy", _bare_ufunc),
    Peer("pywt.threshold", "pywt", "numpy", _pywt, _EDGE),
    Peer("numexpr", "numexpr", "numpy", _numexpr, _NAN, _FLOATS),
    Peer("numba", "numba", "numpy", _numba, dtypes=_FLOATS),
    Peer("torch, same buffer", "torch", "numpy", _torch_on_host, dtypes=_TORCH - {"bfloat16"}),
    Peer("torch.hardshrink", "torch", "torch", _torch, dtypes=_TORCH),
    Peer("torch.where", "torch", "torch", _torch_where, _NAN, _TORCH),
    Peer("jitted jnp.where", "jax", "jax", _jax_jitted, _FLUSH, _TORCH),
    Peer("jnp.where", "jax", "jax", _jax_eager, _NAN, _TORCH),
    Peer("jnp.copy", "jax", "jax", _jax_copy, copies=True),
    Peer("cp.where", "cupy", "cupy", _cupy_where, _NAN),
    Peer("cp.copyto", "cupy", "cupy", cupy_copy, copies=True),
    Peer(
        "cp.ElementwiseKernel", "cupy", "cupy", elementwise("abs(x) <= t ? T(0) : x"), "", _FLOATS
    ),
    Peer("torch, same GPU", "torch", "cupy", torch_on("hardshrink"), "", _TORCH - {"bfloat16"}),
    Peer("jax, same GPU", "jax", "cupy", jax_on(_by_hand), _FLUSH, _FLOATS),
)

SUITE: dict[str, tuple[str, ...]] = {
    "numpy": ("np.where", "x * mask", "torch, same buffer", "numba", "numexpr", "pywt.threshold"),
    "torch": ("torch.hardshrink", "torch.where"),
    "jax": ("jitted jnp.where", "jnp.where", "jnp.copy"),
    "cupy": ("cp.where", "cp.ElementwiseKernel", "cp.copyto", "torch, same GPU", "jax, same GPU"),
    "": ("np.where",),
}
"""The peers that an asv suite tracks besides the copy, by target; "" for any other."""
