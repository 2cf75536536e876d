"""Derivatives of the operations with arithmetic, by selection, to any order.

Invariants
----------
- The formulas are the declaration's; they are asked only where the band is left, x is
  finite and λ is a threshold. Elsewhere the derivative is that of a kept element: 1 by x,
  0 by every parameter. In the band a cotangent is never multiplied (XX-DER-2).
- A parameter's derivative is summed to its shape, and has its dtype.
- Two ways lead to the same formulas: a Function, which has every order, and a composition
  of plain operations, which has three. Graphs get the composition: ``torch.compile`` takes no
  Function with a ``jvp``, and inside ``torch.func`` it differentiates the forward. So does a
  forward derivative of a forward derivative, of which a Function's rule is taken as constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.autograd import forward_ad

from shrinkops.spec import Operation, Threshold

from ._bits import kept, limit_of, opaque, working
from ._floats import asked_of, numbers_of, select, value, zero_like

__all__ = ["differentiable", "differentiates", "jet"]


def differentiates(x: Any, parameters: Sequence[Any]) -> bool:
    """Tell whether a derivative, reverse or forward, may be asked for.

    What is mapped hides it: ``requires_grad`` is False inside, whatever is differentiated outside.
    """
    return (
        x.requires_grad
        or is_mapped(x)
        or forward_ad._current_level >= 0
        or any(isinstance(p, torch.Tensor) and p.requires_grad for p in parameters)
    )


def is_mapped(x: Any) -> bool:
    """Tell whether x stands for a slice of a tensor, in ``torch.vmap``."""
    if torch.compiler.is_dynamo_compiling():
        return False
    functorch = torch._C._functorch
    return functorch.peek_interpreter_stack() is not None and functorch.is_batchedtensor(x)


def differentiable(operation: Operation, x: Any, parameters: Sequence[Any]) -> Any:
    """Return the operation of x with its derivatives."""
    if torch.compiler.is_dynamo_compiling() or opaque(x) or _is_forward_twice():
        return _composed(operation, x, parameters)
    plan = _Plan(parameters)
    tensors = [p for p in parameters if not isinstance(p, Threshold)]
    return _Function.apply(operation, plan, x, *tensors)  # type: ignore[no-untyped-call]


def _is_forward_twice() -> bool:
    """Tell whether a forward derivative is taken of another one, which no Function sees."""
    stack = torch._C._functorch.get_interpreter_stack()
    forward = torch._C._functorch.TransformType.Jvp
    return stack is not None and sum(level.key() == forward for level in stack) > 1


class _Plan:
    """Which parameters are numbers; a class of its own, which no transformation looks into."""

    __slots__ = ("parameters",)

    def __init__(self, parameters: Sequence[Any]) -> None:
        self.parameters = [p if isinstance(p, Threshold) else None for p in parameters]

    def join(self, tensors: Sequence[Any]) -> list[Any]:
        """Return all parameters, in their order."""
        left = iter(tensors)
        return [next(left) if p is None else p for p in self.parameters]

    def pick(self, derivatives: Sequence[Any]) -> list[Any]:
        """Return the derivatives by those that are tensors."""
        return [d for p, d in zip(self.parameters, derivatives, strict=True) if p is None]


def _tensors(parameters: Sequence[Any], x: Any) -> list[Any]:
    wide = working(x.dtype)
    return [
        torch.full((), p.value, dtype=wide, device=x.device) if isinstance(p, Threshold) else p
        for p in parameters
    ]


def _slopes(operation: Operation, x: Any, parameters: Sequence[Any]) -> tuple[Any, ...]:
    """Return where x is kept, where formulas are asked, what they say, of what, and x itself.

    Where they are not asked they are given a harmless point.
    """
    values = opaque(x)
    x = x.resolve_neg()
    limit = limit_of(parameters[0], x.dtype, values)
    keep = kept(x, limit, values)
    source = x.to(working(x.dtype))
    asked = asked_of(keep, source, limit)
    numbers = numbers_of(operation, parameters, x)
    # Harmless for every formula: λ = 1, x = 2, and no other parameter below λ.
    at = torch.where(asked, source, 2.0)
    variables = [at, torch.where(asked, numbers[0], 1.0)]
    for declared, number in zip(operation.parameters[1:], numbers[1:], strict=True):
        variables.append(torch.where(asked, number, 4.0 if declared.at_least else 0.0))
    return keep, asked, operation.derivatives(torch, *variables), variables, source


def _backward(
    operation: Operation, x: Any, parameters: Sequence[Any], cotangent: Any, needed: Sequence[bool]
) -> list[Any]:
    keep, asked, slopes, *_ = _slopes(operation, x, parameters)
    wide = cotangent.to(slopes[0].dtype)
    zero = zero_like(wide)
    by_x = None
    if needed[0]:
        by_x = select(keep, torch.where(asked, wide * slopes[0], wide).to(x.dtype))
    gradients = [by_x]
    for parameter, slope, need in zip(parameters, slopes[1:], needed[1:], strict=True):
        if not need or isinstance(parameter, Threshold):
            gradients.append(None)
            continue
        by_element = torch.where(asked, wide * slope, zero)
        gradients.append(by_element.sum_to_size(parameter.shape).to(parameter.dtype))
    return gradients


class _Function(torch.autograd.Function):
    """The operation with its reverse and forward derivatives."""

    generate_vmap_rule = True

    @staticmethod
    def forward(operation: Operation, plan: _Plan, x: Any, *tensors: Any) -> Any:
        return value(operation, x, plan.join(tensors))

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:  # noqa: ARG004
        operation, plan, *tensors = inputs
        ctx.operation, ctx.plan = operation, plan
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, cotangent: Any) -> Any:
        x, *tensors = ctx.saved_tensors
        plan = ctx.plan
        need_x, *needs = ctx.needs_input_grad[2:]
        left = iter(needs)
        needed = [need_x, *(p is None and next(left) for p in plan.parameters)]
        by_x, *by_parameters = _backward(ctx.operation, x, plan.join(tensors), cotangent, needed)
        return None, None, by_x, *plan.pick(by_parameters)

    @staticmethod
    def jvp(ctx: Any, _: Any, __: Any, tangent: Any, *tangents: Any) -> Any:
        x, *tensors = ctx.saved_tensors
        plan = ctx.plan
        keep, asked, slopes, *_ = _slopes(ctx.operation, x, plan.join(tensors))
        zero = zero_like(slopes[0])
        total = zero
        if tangent is not None:
            wide = tangent.to(zero.dtype)
            total = torch.where(asked, wide * slopes[0], wide)
        for by, slope in zip(tangents, plan.pick(slopes[1:]), strict=True):
            if by is not None:
                total = total + torch.where(asked, by.to(zero.dtype) * slope, zero)
        return select(keep, (total + torch.zeros_like(slopes[0])).to(x.dtype))


def jet(operation: Operation, variables: Sequence[Any]) -> Any:
    """Return an expression that is 0 and whose first three derivatives are the operation's.

    It is the integral of the formulas from ``v.detach()`` to v, by the rule of Radau with two
    points, which is exact to the second degree.
    """
    fixed = [v.detach() for v in variables]
    steps = [
        torch.where(start.isfinite(), variable - start, 0.0)
        for start, variable in zip(fixed, variables, strict=True)
    ]
    at = [start + step * (2 / 3) for start, step in zip(fixed, steps, strict=True)]
    total: Any = 0.0
    for first, second, step in zip(
        operation.derivatives(torch, *fixed), operation.derivatives(torch, *at), steps, strict=True
    ):
        total = total + (first + 3 * second) / 4 * step
    return total


def _composed(operation: Operation, x: Any, parameters: Sequence[Any]) -> Any:
    """Return the operation as plain operations: its detached value and its jet."""
    parameters = _tensors(parameters, x)
    plain = value(operation, x.detach(), [p.detach() for p in parameters])
    keep, asked, _, variables, source = _slopes(operation, x, parameters)
    # Where no formula is asked x passes with derivative 1.
    moved = torch.where(asked, plain.to(source.dtype) + jet(operation, variables), source)
    return select(keep, moved.to(x.dtype))
