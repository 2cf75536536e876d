"""What the operations with arithmetic are compared with: one idiom each, in every library.

Invariants
----------
- An idiom is written once, as its users write it, and timed in NumPy, JAX, PyTorch and CuPy.
- Idioms and libraries round by formulas of their own, so they are compared to within units in
  the last place of x; none is timed that computes something else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from shrinkops.benchmark._calls import Call
from shrinkops.benchmark._peers import Peer
from shrinkops.benchmark._work import Work

from ._gpu import elementwise, jax_on, torch_on

__all__ = ["peers_of", "suite_for"]

_FLOATS = frozenset({"float32", "float64"})
_TORCH = _FLOATS | {"float16", "bfloat16"}


def _soft(xp: Any, x: Any, t: float) -> Any:
    return xp.sign(x) * xp.maximum(xp.abs(x) - t, x * 0)


def _shrink(xp: Any, x: Any, t: float, b: float = 0.0) -> Any:
    return xp.where(x > t, x - b, xp.where(x < -t, x + b, x * 0))


def _firm(xp: Any, x: Any, t: float, u: float = 1.0) -> Any:
    size = xp.abs(x)
    line = xp.sign(x) * u * (size - t) / (u - t)
    return xp.where(size <= t, x * 0, xp.where(size > u, x, line))


def _garrote(xp: Any, x: Any, t: float) -> Any:
    return xp.where(xp.abs(x) > t, x - t * t / x, x * 0)


_IDIOMS: dict[str, tuple[str, Callable[..., Any]]] = {
    "softshrink": ("sign * maximum", _soft),
    "shrink": ("where of where", _shrink),
    "firmshrink": ("where of where", _firm),
    "garrote": ("where", _garrote),
}


_IN_C = {
    "softshrink": "abs(x) <= t ? T(0) : x < 0 ? x + t : x - t",
    "shrink": "abs(x) <= t ? T(0) : x < 0 ? x + u : x - u",
    "firmshrink": "abs(x) <= t ? T(0) : abs(x) > u ? x : (x < 0 ? x + t : x - t) * (u / (u - t))",
    "garrote": "abs(x) <= t ? T(0) : x - t * t / x",
}
"""The same in C, as an elementwise kernel takes it."""


def _of_jax(function: Callable[..., Any]) -> Callable[..., Any]:
    def jitted(x: Any, t: Any) -> Any:
        import jax.numpy as jnp

        return function(jnp, x, t)

    return jitted


def _idiom(function: Callable[..., Any]) -> Callable[[Work], Call]:
    def build(work: Work) -> Call:
        def idiom(x: Any, lambd: float) -> Any:
            with np.errstate(all="ignore"):
                return function(np, x, lambd)

        return work.host_call(idiom, work.host_x, work.lambd)

    return build


def _library_idiom(library: str, function: Callable[..., Any]) -> Callable[[Work], Call]:
    def build(work: Work) -> Call:
        xp: Any = __import__(library, fromlist=["where"])
        return work.call(lambda x, lambd: function(xp, x, lambd), work.x, work.lambd)

    return build


def _jitted(function: Callable[..., Any]) -> Callable[[Work], Call]:
    def build(work: Work) -> Call:
        import jax

        return work.call(jax.jit(_of_jax(function)), work.x, work.lambd)

    return build


def _pywt(mode: str) -> Callable[[Work], Call]:
    def build(work: Work) -> Call:
        import pywt

        if mode == "firm":
            return work.host_call(pywt.threshold_firm, work.host_x, work.lambd, 1.0)

        def threshold(x: Any, lambd: float) -> Any:
            with np.errstate(all="ignore"):
                return pywt.threshold(x, lambd, mode)

        return work.host_call(threshold, work.host_x, work.lambd)

    return build


def _sigpy(work: Work) -> Call:
    import sigpy

    return work.host_call(sigpy.soft_thresh, work.lambd, work.host_x)


def _fastprox(work: Work) -> Call:
    import fastprox

    return work.host_call(
        fastprox.soft_threshold, work.host_x, work.lambd, out=work.host_out, threads=1
    )


def _torch_softshrink(work: Work) -> Call:
    import torch

    native = torch._C._nn.softshrink
    if work.out is None:
        return work.call(native, work.x, work.lambd)
    return work.call(native, work.x, work.lambd, out=work.out)


def _torch_on_host(work: Work) -> Call:
    import torch

    native, x = torch._C._nn.softshrink, torch.from_numpy(work.host_x)
    if work.case.mode != "out":
        return work.host_call(native, x, work.lambd)
    return work.host_call(native, x, work.lambd, out=torch.from_numpy(work.host_out))


def _copyto(work: Work) -> Call:
    import jax.numpy as jnp

    return work.call(jnp.copy, work.x)


_NUMEXPR = {
    "softshrink": "where(abs(x) <= t, zero, where(x > 0, x - t, x + t))",
    "shrink": "where(abs(x) <= t, zero, where(x > 0, x - zero, x + zero))",
    "firmshrink": "where(abs(x) <= t, zero, where(abs(x) > u, x, "
    "where(x > 0, u, -u) * (abs(x) - t) / (u - t)))",
    "garrote": "where(abs(x) <= t, zero, x - t * t / x)",
}


def _numexpr(expression: str) -> Callable[[Work], Call]:
    def build(work: Work) -> Call:
        import numexpr

        scalar = work.host_x.dtype.type
        names = {"x": work.host_x, "t": scalar(work.lambd), "u": scalar(1), "zero": scalar(0)}
        return work.host_call(numexpr.evaluate, expression, local_dict=names, out=work.host_out)

    return build


def _loop(name: str, zero: Any, upper: Any) -> Callable[[Any, Any], Any]:
    """Return the operation of one element, as numba compiles it."""
    if name == "softshrink":  # without a branch, which random signs would mislead
        return lambda x, t: x - min(max(x, -t), t)
    if name == "shrink":
        return lambda x, t: zero if abs(x) <= t else x - zero if x > zero else x + zero
    if name == "garrote":
        return lambda x, t: zero if abs(x) <= t else x - t * t / x

    def firm(x: Any, t: Any) -> Any:
        size = abs(x)
        if size <= t:
            return zero
        line = upper * (size - t) / (upper - t)
        return x if size > upper else line if x > zero else -line

    return firm


def _numba(name: str) -> Callable[[Work], Call]:
    def build(work: Work) -> Call:
        import numba

        dtype, scalar = work.case.dtype, work.host_x.dtype.type
        vectorize: Any = numba.vectorize
        kernel = vectorize([f"{dtype}({dtype}, {dtype})"])(_loop(name, scalar(0), scalar(1)))
        return work.host_call(kernel, work.host_x, scalar(work.lambd), work.host_out)

    return build


_MODES = {"softshrink": "soft", "firmshrink": "firm", "garrote": "garrote"}
"""PyWavelets' names."""


def peers_of(name: str) -> tuple[Peer, ...]:
    """Return the peers of an operation with arithmetic."""
    label, function = _IDIOMS[name]
    near = partial(Peer, rounds=True)
    peers = [
        near(f"np: {label}", "numpy", "numpy", _idiom(function)),
        near(f"torch: {label}", "torch", "torch", _library_idiom("torch", function)),
        near(f"jitted jnp: {label}", "jax", "jax", _jitted(function)),
        near(f"jnp: {label}", "jax", "jax", _library_idiom("jax.numpy", function)),
        Peer("jnp.copy", "jax", "jax", _copyto, copies=True),
        near(f"cp: {label}", "cupy", "cupy", _library_idiom("cupy", function)),
        near("cp.ElementwiseKernel", "cupy", "cupy", elementwise(_IN_C[name]), dtypes=_FLOATS),
        near("jax, same GPU", "jax", "cupy", jax_on(_of_jax(function)), dtypes=_FLOATS),
    ]
    peers += [
        near("numexpr", "numexpr", "numpy", _numexpr(_NUMEXPR[name]), dtypes=_FLOATS),
        near("numba", "numba", "numpy", _numba(name), dtypes=_FLOATS),
    ]
    if name in _MODES:
        peers.append(near("pywt", "pywt", "numpy", _pywt(_MODES[name])))
    if name == "softshrink":
        host = _TORCH - {"bfloat16"}
        peers += [
            near("sigpy", "sigpy", "numpy", _sigpy),
            near("fastprox", "fastprox", "numpy", _fastprox, dtypes=_FLOATS),
            near("torch, same buffer", "torch", "numpy", _torch_on_host, dtypes=host),
            near("torch.softshrink", "torch", "torch", _torch_softshrink, dtypes=_TORCH),
            near("torch, same GPU", "torch", "cupy", torch_on("softshrink"), dtypes=host),
        ]
    return tuple(peers)


def suite_for(peers: tuple[Peer, ...]) -> dict[str, tuple[str, ...]]:
    """Return the peers that an asv suite tracks besides the copy, by target."""
    suite = {
        library: tuple(p.name for p in peers if p.takes == library)
        for library in ("numpy", "torch", "jax", "cupy")
    }
    return {**suite, "": suite["numpy"][:1]}
