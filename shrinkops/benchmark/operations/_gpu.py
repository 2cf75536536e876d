"""Peers on the memory of a CuPy array: a kernel by hand, and other libraries on the same card.

Invariants
----------
- They work on the very arrays that are timed, through DLPack: no copy, no other device.
- A library with streams of its own is waited for by its own means, and clocked by the host.

None of them has run: no GPU was at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from shrinkops.benchmark._calls import Call, wall_clock
from shrinkops.benchmark._work import Work

__all__ = ["elementwise", "jax_on", "torch_on"]


def elementwise(expression: str) -> Callable[[Work], Call]:
    """Return a peer's ``build``: CuPy's elementwise kernel of a C expression of x, t and u."""

    def build(work: Work) -> Call:
        import cupy

        dtype = work.x.dtype.type
        numbers = [dtype(p.value) for p in work.parameters]
        names = [f"T {name}" for name, _ in zip("tu", numbers, strict=False)]
        kernel = cupy.ElementwiseKernel(
            ", ".join(["T x", *names]), "T y", f"y = {expression}", "shrinkops_peer"
        )
        return work.call(kernel, work.x, *numbers, *([] if work.out is None else [work.out]))

    return build


def torch_on(name: str) -> Callable[[Work], Call]:
    """Return a peer's ``build``: PyTorch's own operator of a name."""

    def build(work: Work) -> Call:
        import torch

        share: Any = torch.utils.dlpack.from_dlpack
        operator: Any = getattr(torch, name, None) or getattr(torch._C._nn, name)
        keywords = {} if work.out is None else {"out": share(work.out)}
        call = work.call(operator, share(work.x), work.lambd, **keywords)
        # The result is no CuPy array; both libraries use the device's default stream.
        return replace(call, synchronize=lambda _: work.adapter.synchronize(work.x))

    return build


def jax_on(function: Callable[..., Any]) -> Callable[[Work], Call]:
    """Return a peer's ``build``: a function jitted by JAX, which makes a new output each time."""

    def build(work: Work) -> Call:
        import jax

        x = jax.dlpack.from_dlpack(work.x)
        call = work.call(jax.jit(function), x, work.lambd)
        return replace(call, synchronize=jax.block_until_ready, clock=wall_clock, each=True)

    return build
