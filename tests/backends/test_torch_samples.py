"""PyTorch's own samples and gradient checks for hardshrink and softshrink, with ours in place.

The samples are those that PyTorch tests its operators with. Where the results differ the
specification differs from PyTorch, and the difference is named here.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import shrinkops

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest", reason="PyTorch's own test data need expecttest")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # PyTorch's test modules warn of themselves
    from torch.testing._internal.common_methods_invocations import op_db

NAMES = {"nn.functional.hardshrink": "hardshrink", "nn.functional.softshrink": "softshrink"}
OPERATORS = [operator for operator in op_db if operator.name in NAMES]


def ours(operator: Any) -> Callable[..., Any]:
    return getattr(shrinkops, NAMES[operator.name])  # type: ignore[no-any-return]


def samples(operator: Any, dtype: Any, requires_grad: bool = False) -> Iterator[Any]:
    torch.manual_seed(0)
    return operator.sample_inputs("cpu", dtype, requires_grad=requires_grad)  # type: ignore[no-any-return]


def test_the_operators_are_there() -> None:
    assert sorted(operator.name for operator in OPERATORS) == sorted(NAMES)


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda o: o.name)
def test_values_agree_on_every_sample_and_dtype(operator: Any) -> None:
    function = ours(operator)
    for dtype in sorted(operator.supported_dtypes("cpu"), key=str):
        torch._dynamo.reset()
        compiled = torch.compile(function, backend="eager", fullgraph=True)
        for index, sample in enumerate(samples(operator, dtype)):
            # PyTorch rounds a number twice for the 16-bit dtypes: both get it rounded.
            lambd = sample.kwargs.get("lambd", 0.5)
            lambd = torch.tensor(lambd, dtype=torch.float64).to(dtype).item()
            want = operator.op(sample.input, lambd)
            # PyTorch's softshrink gives -0 for what it zeroes of a negative x.
            want = torch.where(want == 0, torch.zeros_like(want), want)
            # One sample of each dtype is compiled, for each shape is a graph of its own.
            for call in (function, compiled) if index == 0 else (function,):
                torch.testing.assert_close(call(sample.input, lambd), want, rtol=0, atol=0)


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda o: o.name)
def test_gradient_checks_of_every_sample(operator: Any) -> None:
    function = ours(operator)
    torch._dynamo.reset()
    compiled = torch.compile(function, backend="aot_eager", fullgraph=True)
    for index, sample in enumerate(samples(operator, torch.float64, requires_grad=True)):
        if sample.input.numel() > 64 or index > 5:
            continue
        lambd = sample.kwargs.get("lambd", 0.5)
        call = lambda x, t=lambd: function(x, t)  # noqa: E731
        checks = {"check_batched_grad": True, "check_forward_ad": True}
        assert torch.autograd.gradcheck(call, (sample.input,), **checks)
        assert torch.autograd.gradgradcheck(call, (sample.input,))
        if index < 2:
            assert torch.autograd.gradcheck(lambda x, t=lambd: compiled(x, t), (sample.input,))


REFUSING = [operator for operator in OPERATORS if operator.error_inputs_func is not None]


@pytest.mark.parametrize("operator", REFUSING, ids=lambda o: o.name)
def test_samples_that_pytorch_refuses(operator: Any) -> None:
    for error in operator.error_inputs("cpu"):
        sample = error.sample_input
        lambd = sample.kwargs.get("lambd", 0.5)
        with pytest.raises((ValueError, TypeError)):
            ours(operator)(sample.input, lambd)


def test_where_the_specification_differs() -> None:
    x = torch.tensor([math.nan] * 17 + [-0.25, -0.0], requires_grad=True)
    (theirs,) = torch.autograd.grad(torch.nn.functional.hardshrink(x).sum(), x)
    (gradient,) = torch.autograd.grad(shrinkops.hardshrink(x).sum(), x)
    assert gradient[:17].eq(1).all()
    assert not theirs[:16].any()  # pytorch#81138: a NaN's derivative by its place
    zeroed = torch.nn.functional.softshrink(x.detach()[17:])
    assert torch.signbit(zeroed).any()
    assert not torch.signbit(shrinkops.softshrink(x.detach()[17:])).any()
