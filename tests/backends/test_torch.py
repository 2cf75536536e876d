"""PyTorch: autograd, functional transforms, compiled graphs, subclasses, flush mode."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import shrinkops

torch = pytest.importorskip("torch")

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
INTEGER = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
# Inductor needs a C++ compiler; without one the graphs are run as they were traced.
COMPILER = "inductor" if shutil.which("g++") or shutil.which("clang++") else "aot_eager"


def bits(x: Any) -> Any:
    return x.detach().view(INTEGER[x.dtype.itemsize])


def same(a: Any, b: Any) -> bool:
    """Compare bit for bit, a NaN's payload aside."""
    return bool(((bits(a) == bits(b)) | (a.isnan() & b.isnan())).all())


def all_patterns(dtype: Any) -> Any:
    if dtype.itemsize == 2:
        return torch.arange(2**16, dtype=torch.int32).to(torch.int16).view(dtype)
    generator = torch.Generator().manual_seed(0)
    wide = torch.randint(-(2**31), 2**31, (1 << 16,), generator=generator).to(torch.int64)
    if dtype.itemsize == 8:
        wide = wide << 32 | torch.randint(0, 2**32, (1 << 16,), generator=generator)
    return wide.to(INTEGER[dtype.itemsize]).view(dtype)


def test_the_example_of_the_source() -> None:
    m = shrinkops.Hardshrink()
    x = torch.randn(2)
    assert torch.equal(m(x), torch.nn.Hardshrink()(x))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("lambd", [0.5, 0.0, 0.3, 1e-7, math.inf, -1.0])
def test_agrees_with_torch_where_torch_is_given_the_rounded_threshold(
    dtype: Any, lambd: float
) -> None:
    x = all_patterns(dtype)
    t = torch.tensor(lambd, dtype=torch.float64).to(dtype).item()
    assert same(shrinkops.hardshrink(x, lambd), torch.nn.functional.hardshrink(x, t))


@pytest.fixture
def flushing() -> Iterator[None]:
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor has no flush mode")
    yield
    torch.set_flush_denormal(False)


@pytest.mark.usefixtures("flushing")
@pytest.mark.parametrize("lambd", [0.0, 1e-42])
def test_subnormals_survive_the_flush_mode(lambd: float) -> None:
    x = torch.tensor([1, 713, 714, 715, 8388607], dtype=torch.int32).repeat(20).view(torch.float32)
    limit = {0.0: 0, 1e-42: 714}[lambd]
    assert bits(shrinkops.hardshrink(x, lambd)).tolist() == [
        b if b > limit else 0 for b in bits(x).tolist()
    ]


@pytest.mark.parametrize("dtype", [torch.float8_e5m2, torch.float8_e4m3fn])
def test_float8(dtype: Any) -> None:
    x = torch.arange(256, dtype=torch.int32).to(torch.uint8).view(dtype)
    result = shrinkops.hardshrink(x, 0.3)
    t = torch.tensor(0.3).to(dtype).float()
    wide = x.float()
    expected = torch.where(wide.abs() <= t, 0, bits(x))
    assert torch.equal(bits(result)[~wide.isnan()], expected[~wide.isnan()])
    assert torch.equal(result.float().isnan(), wide.isnan())
    out = torch.empty_like(x)
    assert shrinkops.hardshrink(x, 0.3, out=out) is out
    assert torch.equal(bits(out), bits(result))
    array = shrinkops.hardshrink(x, torch.tensor([0.3]).to(dtype))
    assert torch.equal(bits(array), bits(result))


POINTS = [-2.0, -0.5, -0.25, 0.0, 0.5, 0.75, math.nan, math.inf]
KEPT = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
TINY = 1e-40


@pytest.mark.parametrize("lambd", [0.5, torch.tensor(0.5), TINY, 0.0])
def test_reverse_forward_and_second_derivatives(lambd: Any) -> None:
    x = torch.tensor(POINTS, requires_grad=True)
    keep = KEPT if lambd not in (TINY, 0.0) else [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0]
    result = shrinkops.hardshrink(x, lambd)
    (gradient,) = torch.autograd.grad(result.sum(), x, create_graph=True)
    assert gradient.tolist() == keep
    if gradient.requires_grad:
        (second,) = torch.autograd.grad(gradient.sum(), x, allow_unused=True)
        assert second is None or second.abs().sum() == 0
    cotangent = torch.full((8,), math.nan)
    (selected,) = torch.autograd.grad(shrinkops.hardshrink(x, lambd), x, cotangent)
    assert selected.isnan().tolist() == [bool(k) for k in keep]
    assert selected[~selected.isnan()].abs().sum() == 0
    _, tangent = torch.func.jvp(
        lambda v: shrinkops.hardshrink(v, lambd), (x.detach(),), (torch.full((8,), math.inf),)
    )
    assert tangent.isinf().tolist() == [bool(k) for k in keep]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("lambd", [0.5, 0.3, 0.0])
def test_derivatives_in_every_lane(dtype: Any, lambd: float) -> None:
    """The derivative of torch.hardshrink loses a NaN in its vector part only."""
    x = torch.tensor([math.nan, 0.25, 1.0, -0.5, -0.75], dtype=dtype).repeat(27)
    band = x.abs() <= torch.tensor(lambd, dtype=dtype)
    ones = torch.ones_like(x)
    expected = torch.where(band, 0, ones)
    function: Callable[[Any], Any] = lambda v: shrinkops.hardshrink(v, lambd)  # noqa: E731
    leaf = x.clone().requires_grad_()
    (reverse,) = torch.autograd.grad(function(leaf), leaf, ones)
    assert torch.equal(reverse, expected)
    _, pullback = torch.func.vjp(function, x)
    assert torch.equal(pullback(ones)[0], expected)
    assert torch.equal(torch.func.jvp(function, (x,), (ones,))[1], expected)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, ones)
        tangent = torch.autograd.forward_ad.unpack_dual(function(dual)).tangent
    assert torch.equal(tangent, expected)
    mapped = torch.func.vmap(function)(leaf.view(9, 15))
    assert torch.equal(torch.autograd.grad(mapped, leaf, ones.view(9, 15))[0], expected)
    batched = torch.func.vmap(torch.func.grad(lambda v: function(v).sum()))(x.view(9, 15))
    assert torch.equal(batched.flatten(), expected)
    (first,) = torch.autograd.grad(function(leaf), leaf, ones, create_graph=True)
    if first.requires_grad:
        second = torch.autograd.grad(first, leaf, ones, allow_unused=True)[0]
        assert second is None or not second.any()


def test_the_derivative_by_lambd_is_zero() -> None:
    x = torch.tensor(POINTS)
    lambd = torch.tensor(0.5, requires_grad=True)
    (gradient,) = torch.autograd.grad(
        shrinkops.hardshrink(x, lambd), lambd, torch.full((8,), math.nan)
    )
    assert gradient.item() == 0
    by_function = torch.func.grad(lambda v: shrinkops.hardshrink(x, v).nansum())(torch.tensor(0.5))
    assert by_function.item() == 0


@pytest.mark.parametrize("lambd", [0.5, 0.0])
def test_vmap_and_its_compositions(lambd: float) -> None:
    x = torch.randn(3, 8)
    function: Callable[[Any], Any] = lambda v: shrinkops.hardshrink(v, lambd)  # noqa: E731
    assert same(torch.func.vmap(function)(x), function(x))
    gradient = torch.func.vmap(torch.func.grad(lambda v: function(v).sum()))(x)
    assert torch.equal(gradient, (x.abs() > lambd).float())
    thresholds = torch.rand(3)
    mapped = torch.func.vmap(shrinkops.hardshrink)(x, thresholds)
    assert same(mapped, shrinkops.hardshrink(x, thresholds[:, None]))


def counting_compiler(counts: list[int]) -> Any:
    from torch._dynamo.backends.registry import lookup_backend

    inner = lookup_backend(COMPILER)

    def compiler(graph: Any, inputs: Any) -> Any:
        counts.append(1)
        return inner(graph, inputs)

    return compiler


@pytest.mark.parametrize("dtype", FLOATS)
def test_compiled_calls_give_the_bits_of_eager_calls_in_one_graph(dtype: Any) -> None:
    torch._dynamo.reset()
    counts: list[int] = []
    compiled = torch.compile(
        shrinkops.hardshrink, fullgraph=True, dynamic=True, backend=counting_compiler(counts)
    )
    x = all_patterns(dtype)
    for lambd in (0.3, 0.1, 0.5, 1 + 2.0**-11 + 2.0**-40, 1 + 2.0**-8 + 2.0**-40, 1e-7, 2.75, 1e4):
        assert same(compiled(x, lambd), shrinkops.hardshrink(x, lambd)), lambd
    assert len(counts) == 1


def test_compiled_subnormals_integers_arrays_and_out() -> None:
    torch._dynamo.reset()
    compiled = torch.compile(shrinkops.hardshrink, fullgraph=True, backend=COMPILER)
    tiny = torch.arange(1, 100, dtype=torch.int32).view(torch.float32)
    assert same(compiled(tiny, 0.0), tiny)
    whole = torch.tensor([-128, -3, -2, 0, 2, 3, 127], dtype=torch.int8)
    assert torch.equal(compiled(whole, 2), shrinkops.hardshrink(whole, 2))
    x, lambd = torch.randn(3, 5), torch.rand(3, 1)
    assert same(compiled(x, lambd), shrinkops.hardshrink(x, lambd))
    out = torch.empty_like(x)
    assert compiled(x, 0.5, out=out) is out
    assert same(out, shrinkops.hardshrink(x))


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.uint8])
def test_compiled_integers_are_one_graph_for_every_lambd(dtype: Any) -> None:
    torch._dynamo.reset()
    counts: list[int] = []
    compiled = torch.compile(
        shrinkops.hardshrink, fullgraph=True, dynamic=True, backend=counting_compiler(counts)
    )
    info = torch.iinfo(dtype)
    x = torch.tensor([info.min, info.min + 1, 0, 1, 2, 3, 127, info.max], dtype=dtype)
    for lambd in (0.5, 2.9, 127.0, 128.0, 2.0**63, -0.5, math.inf):
        assert torch.equal(compiled(x, lambd), shrinkops.hardshrink(x, lambd)), lambd
    assert len(counts) == 1
    for whole in (2, 3, 2**53 + 1, -1):
        assert torch.equal(compiled(x, whole), shrinkops.hardshrink(x, whole)), whole
    assert len(counts) <= 3  # an int is another kind of argument


def test_gradients_through_a_compiled_call() -> None:
    torch._dynamo.reset()
    compiled = torch.compile(shrinkops.hardshrink, fullgraph=True, backend=COMPILER)
    x = torch.tensor(POINTS, requires_grad=True)
    (gradient,) = torch.autograd.grad(compiled(x, 0.5), x, torch.full((8,), math.nan))
    assert gradient.isnan().tolist() == [bool(k) for k in KEPT]


def test_the_first_call_of_a_process_may_be_inside_a_compiled_function() -> None:
    """No graph break when the class is resolved during the trace, nor a recompilation later."""
    code = """
import shrinkops, torch
from torch._dynamo.testing import CompileCounter
counter = CompileCounter()
module = torch.nn.Sequential(torch.nn.Linear(4, 4))
compiled = torch.compile(
    lambda x: shrinkops.hardshrink(module(x)) + 1, backend=counter, fullgraph=True
)
x = torch.randn(2, 4)
first = compiled(x)
assert torch.equal(first, torch.nn.functional.hardshrink(module(x)) + 1)
compiled(x * 2)
print(counter.frame_count)
shrinkops.hardshrink(x)       # publishes the class
compiled(x)
import numpy; shrinkops.hardshrink(numpy.ones(2))   # publishes another
compiled(x)
print(counter.frame_count)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", "1"]


def test_subclasses_and_parameters() -> None:
    class Mine(torch.Tensor):
        pass

    x = torch.randn(4).as_subclass(Mine)
    assert type(shrinkops.hardshrink(x)) is Mine
    assert type(shrinkops.hardshrink(x, 0.0)) is Mine
    parameter = torch.nn.Parameter(torch.randn(4))
    result = shrinkops.hardshrink(parameter)
    assert type(result) is torch.Tensor
    assert result.requires_grad


def test_layout_is_kept() -> None:
    x = torch.randn(2, 3, 4, 5)
    for lambd in (0.5, 0.0, torch.tensor(0.5)):
        last = x.to(memory_format=torch.channels_last)
        assert shrinkops.hardshrink(last, lambd).is_contiguous(memory_format=torch.channels_last)
        assert shrinkops.hardshrink(x.T if x.ndim == 2 else x.mT, lambd).stride() == x.mT.stride()
        strided = torch.randn(20)[::2]
        assert same(
            shrinkops.hardshrink(strided, lambd), shrinkops.hardshrink(strided.clone(), lambd)
        )


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint16, torch.uint64])
def test_layout_is_kept_with_thresholds_of_another_layout(dtype: Any) -> None:
    x = torch.arange(12).reshape(3, 4).to(dtype).T
    thresholds = torch.full((4, 3), 5).to(dtype)
    for f in (shrinkops.hardshrink, shrinkops.softshrink):
        assert f(x, thresholds).stride() == x.stride()


def test_a_negative_threshold_of_complex_is_negative_though_subnormals_are_flushed() -> None:
    z = torch.tensor([0.0 - 0.0j, 1e-310 + 0j], dtype=torch.complex128)
    lambd = torch.tensor([-1e-310], dtype=torch.float64)
    torch.set_flush_denormal(True)
    try:
        y = shrinkops.hardshrink(z, lambd)
    finally:
        torch.set_flush_denormal(False)
    assert torch.view_as_real(y).view(torch.int64).equal(torch.view_as_real(z).view(torch.int64))


@pytest.mark.parametrize("name", ["hardshrink", "softshrink", "shrink", "firmshrink", "garrote"])
@pytest.mark.parametrize(
    ("taken", "written"),
    [
        (slice(0, -1), slice(1, None)), (slice(1, None), slice(0, -1)),
        (slice(0, 20, 2), slice(1, 11)), (slice(0, 10), slice(0, 20, 2)),
        (slice(0, 20, 2), slice(1, 20, 2)),
    ],
)  # fmt: skip
def test_an_out_that_overlaps_is_filled_rightly(name: str, taken: slice, written: slice) -> None:
    function = getattr(shrinkops, name)
    for lambd in (0.5, 0.0, torch.tensor(0.5)):
        whole = torch.randn(21)
        want = function(whole[taken].clone(), lambd)
        out = whole[written]
        assert function(whole[taken], lambd, out=out) is out
        assert torch.equal(out, want)


def test_inference_and_meta_tensors() -> None:
    with torch.inference_mode():
        assert shrinkops.hardshrink(torch.tensor([0.25, 1.0])).tolist() == [0.0, 1.0]
    meta = torch.empty(3, device="meta")
    assert shrinkops.hardshrink(meta).device.type == "meta"
    with pytest.raises(ValueError, match="out is on device meta, expected cpu"):
        shrinkops.hardshrink(torch.ones(3), out=meta)
