"""The target's own call, in each mode, and how its result is read and checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from shrinkops._numbers.formats import FORMATS, FloatFormat
from shrinkops._plugins.choice import choose
from shrinkops.operations._function import public_function

from ._calls import Call
from ._check import check_derivative, check_subject
from ._work import Skip, Work

__all__ = ["Subject", "make_subject"]

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Subject:
    """A call of the target that has been checked, ready to be timed."""

    call: Call
    read: Callable[[Any], _Array]


def make_subject(work: Work) -> Subject:
    """Return the target's call in the mode of the case, after its results are checked.

    Raises
    ------
    Skip
        The mode does not exist for the target.
    WrongResultError
        It does not compute the operation.
    """
    function = _function(work)
    lambd = work.lambd
    read = work.adapter.to_numpy
    if work.case.mode == "derivative":
        return _derivative(work, function)
    if work.case.mode == "jit":
        function = work.adapter.jit(function)

    def on(x: Any) -> Call:
        if work.out is None:
            return work.call(function, x, lambd)
        out = work.out if x is work.x else work.adapter.from_numpy(read(x), work.device)
        return work.call(function, x, lambd, out=out)

    call = on(work.x)
    check_subject(work, call, on, read)
    return Subject(call, read)


def _function(work: Work) -> Callable[..., Any]:
    """Return what a user calls: the public function where it comes to this backend."""
    target = work.target
    if target.registered and choose(type(work.x)).entry.backend is target.backend:
        return public_function(work.operation.name)
    return target.function(work.operation)


def _derivative(work: Work, function: Callable[..., Any]) -> Subject:
    build = _PULLBACKS.get(work.framework)
    if build is None:
        raise Skip(f"the kit cannot differentiate through {work.framework}")
    form = FORMATS[work.case.dtype]
    if not isinstance(form, FloatFormat):
        raise Skip(f"{work.case.dtype} has no derivative")
    cotangent = np.flip(work.host_x).copy()  # random, and no multiple of x
    pull = build(work, function, work.adapter.from_numpy(cotangent, work.device))
    check_derivative(work, cotangent, work.adapter.to_numpy(pull()))
    return Subject(pull, work.adapter.to_numpy)


def _torch_pullback(work: Work, function: Callable[..., Any], cotangent: Any) -> Call:

    import torch

    x = work.x.detach().clone().requires_grad_()
    y = function(x, work.lambd)

    def backward(c: Any) -> Any:
        (gradient,) = torch.autograd.grad(y, x, c, retain_graph=True)
        return gradient

    return work.call(backward, cotangent)


def _jax_pullback(work: Work, function: Callable[..., Any], cotangent: Any) -> Call:
    import jax

    def both_passes(x: Any, c: Any) -> Any:
        _, pull = jax.vjp(lambda x: function(x, work.lambd), x)
        return pull(c)[0]

    return work.call(jax.jit(both_passes), work.x, cotangent)


_PULLBACKS: dict[str, Callable[[Work, Callable[..., Any], Any], Call]] = {
    "torch": _torch_pullback,
    "jax": _jax_pullback,
}
"""By framework: torch's backward pass alone, JAX's forward and backward pass in one."""
