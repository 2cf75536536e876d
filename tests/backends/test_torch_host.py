"""Tensors computed where they lie: what the short way sees, writes, and leaves to PyTorch."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from shrinkops_numpy import memory

import shrinkops
from shrinkops._target import operations

torch = pytest.importorskip("torch")
OPERATIONS = sorted(operations())
NARROW = ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2")
pytestmark = pytest.mark.skipif(
    memory.loop("softshrink", "float32") is None, reason="there is no compiled kernel here"
)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("dtype", NARROW)
def test_every_pattern_of_a_narrow_type_is_as_where_pytorch_computes(name: str, dtype: str) -> None:
    function, kind = getattr(shrinkops, name), getattr(torch, dtype)
    bits = {1: (torch.uint8, 8), 2: (torch.int16, 16)}[kind.itemsize]
    x = torch.arange(2 ** bits[1], dtype=torch.int32).to(bits[0]).view(kind)
    with torch.device("cpu"):
        composed = function(x, 0.3)  # a mode watches, so PyTorch's own operations compute
    here = function(x, 0.3)
    same = here.view(bits[0]) == composed.view(bits[0])
    assert bool((same | here.float().isnan() & composed.float().isnan()).all())


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_written_out_counts_as_written_for_autograd(name: str) -> None:
    factor, saved = torch.ones(3, requires_grad=True), torch.randn(3)
    total = (factor * saved).sum()
    getattr(shrinkops, name)(torch.randn(3), out=saved)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()


def test_a_mode_that_watches_calls_sees_pytorchs_own() -> None:
    from torch.utils._python_dispatch import TorchDispatchMode

    seen = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            seen.append(function)
            return function(*args, **(kwargs or {}))

    with Watch():
        shrinkops.softshrink(torch.randn(3))
    assert any("clamp" in str(function) for function in seen)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_each_length_and_offset_ends_where_it_ends(name: str, dtype: str) -> None:
    function, kind = getattr(shrinkops, name), getattr(torch, dtype)
    whole = torch.from_numpy(np.random.default_rng(5).standard_normal(300)).to(kind)
    want = function(whole.clone().reshape(2, 150).t().clone()).t().reshape(-1)
    for start, stop in [(0, 0), (1, 2), (3, 68), (0, 129), (7, 200), (1, 300)]:
        out = torch.full((302,), 7.0).to(kind)
        part = out[1 + start : 1 + stop]
        assert function(whole[start:stop], out=part) is part
        assert torch.equal(part, want[start:stop])
        assert bool((out[: 1 + start] == 7).all() and (out[1 + stop :] == 7).all())


def test_a_loop_declines_what_it_cannot_check() -> None:
    run = memory.loop("firmshrink", "float64")
    x, y = np.linspace(-2, 2, 9), np.full(9, 7.0)
    assert run is not None
    source, target = x.ctypes.data, y.ctypes.data
    for refused in [
        (source, target, 9, 0.5, 0.25),  # mu below lambd
        (source, target, 9, float("nan"), 1.0),
        (source, target, 9, "0.5", 1.0),
        (0, target, 9, 0.5, 1.0),
        (source, source + 8, 9, 0.5, 1.0),
    ]:
        assert run(*refused) is False
    assert (y == 7).all()
    for wrong in [(source, target, 9, 0.5), (source,), (source, target, -1, 0.5, 1.0)]:
        with pytest.raises((TypeError, OverflowError, ValueError)):
            run(*wrong)
    assert run(source, target, 9, 0.5, 1.0)
    assert (y == shrinkops.firmshrink(x)).all()
    assert memory.loop("nothing", "float64") is None
    int4 = memory.loop("shrink", "int4")
    assert int4 is None or int4(source, target, 9, 0.5, 0.0) is False


_VALUES = (0.5, 0.0, -0.0, -1.0, math.nan, math.inf, -math.inf, 1e-45, 1e300, 0.1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_0d_tensor_is_an_element_of_every_shape(name: str, dtype: Any) -> None:
    """It is read as a number only where that gives what an element of an array gives."""
    function = getattr(shrinkops, name)
    x = torch.tensor([-3, -1, -0.5, -0.1, -0.0, 0, 0.1, 0.5, 1, math.inf, math.nan]).to(dtype)
    several = len(operations()[name].parameters)

    def result(parameters: Any) -> Any:
        try:
            return torch.nan_to_num(function(x, *parameters), nan=7.0).double().tolist()
        except (TypeError, ValueError) as error:
            return type(error)

    for values in itertools.product(_VALUES, repeat=several):
        alone = [torch.tensor(v, dtype=torch.float64) for v in values]
        assert result(alone) == result([p.expand(x.shape).clone() for p in alone]), values


def test_a_0d_tensor_that_is_differentiated_by_is_no_number() -> None:
    x = torch.tensor([1.0, -2.0])
    lambd = torch.tensor(0.5, requires_grad=True)
    shrinkops.softshrink(x, lambd).backward(torch.tensor([1.0, 1.0]))
    assert lambd.grad == 0
    values = torch.tensor([0.5, 0.25])
    mapped = torch.vmap(lambda v: shrinkops.softshrink(x, v))(values)
    assert torch.equal(mapped, torch.stack([shrinkops.softshrink(x, v) for v in values]))
    slope = torch.func.jacfwd(lambda v: shrinkops.softshrink(x, v))(values[0])
    assert torch.equal(slope, torch.tensor([-1.0, 1.0]))
