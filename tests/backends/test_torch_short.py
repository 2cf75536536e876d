"""The short way of hardshrink: the same values; who looks on is shown PyTorch's own calls."""

from __future__ import annotations

import warnings
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch.func import grad, jacfwd
from torch.utils._python_dispatch import TorchDispatchMode

from shrinkops import firmshrink, garrote, hardshrink, softshrink

DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("lambd", [0.5, 0.3, 0.1, 1e-4, 65504.0, 1e-38, 2, np.float64(0.3)])
def test_a_number_is_rounded_once_to_every_type(dtype: torch.dtype, lambd: Any) -> None:
    t = torch.tensor(float(lambd), dtype=torch.float64).to(dtype)
    x = torch.stack([t, -t, torch.nextafter(t.float(), torch.tensor(9e9)).to(dtype) * 2, t / 2])
    wanted = torch.where(x.abs() <= t, torch.zeros_like(x), x)
    for _ in range(2):  # what is remembered is what was computed
        assert torch.equal(hardshrink(x, lambd), wanted)
        out = torch.full_like(x, 7)
        assert hardshrink(x, lambd, out=out) is out
        assert torch.equal(out, wanted)
        assert not torch.signbit(out[1])


class _Watch(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("filled", [False, True])
def test_modes_and_scripts_see_the_call(filled: bool) -> None:
    x = torch.tensor([0.25, 1.0])

    def call(x: Any) -> Any:
        return hardshrink(x, 0.3, out=torch.empty_like(x) if filled else None)

    with _Watch() as watch:
        assert call(x).tolist() == [0.0, 1.0]
    assert any("hardshrink" in name for name in watch.seen)
    script = torch.jit.trace(call, (x,), check_trace=False)
    for other in ([-0.3, 0.4], [-0.3, 0.4, 0.1]):
        wanted = [0.0, pytest.approx(0.4), 0.0][: len(other)]
        assert script(torch.tensor(other)).tolist() == wanted
    assert "hardshrink" in str(script.inlined_graph) or "where" in str(script.inlined_graph)


@pytest.mark.parametrize("function", [hardshrink, softshrink, garrote, firmshrink])
def test_a_script_fills_out_without_comparing_shapes(function: Any) -> None:
    x, out = torch.tensor([0.25, 1.0]), torch.empty(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error", torch.jit.TracerWarning)
        script = torch.jit.trace(lambda v, w: function(v, 0.3, out=w), (x, out), check_trace=False)
        with pytest.raises(ValueError, match="shape"):
            torch.jit.trace(lambda v, w: function(v, 0.3, out=w), (x, torch.empty(3)))
    other, filled = torch.tensor([-2.0, 0.1, 0.5]), torch.empty(3)
    assert torch.equal(script(other, filled), function(other, 0.3))
    assert torch.equal(filled, function(other, 0.3))
    inside = torch.jit.trace(lambda v: function(v, 0.3, out=v), (x.clone(),), check_trace=False)
    held = other.clone()
    inside(held)
    assert torch.equal(held, filled)


@pytest.mark.filterwarnings("ignore:Sparse")
def test_layouts_that_have_no_contiguity_come_to_their_own_way() -> None:
    x = torch.tensor([[0.25, 1.0]]).to_sparse_csr()
    with pytest.raises(TypeError, match="out= is not filled"):
        hardshrink(x, 0.3, out=x.clone())


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.uint64], ids=str)
def test_whole_numpy_floats_are_thresholds_of_integers_under_compile(dtype: torch.dtype) -> None:
    top = torch.iinfo(dtype).max
    x = torch.tensor(
        [5, 2, 0, top, -7 if dtype.is_signed else 7, torch.iinfo(dtype).min], dtype=dtype
    )
    graphs = []

    def backend(module: Any, _: Any) -> Any:
        graphs.append(module)
        return module

    torch._dynamo.reset()
    compiled = torch.compile(lambda x, t: softshrink(x, t), backend=backend, fullgraph=True)
    for t in (2.0, 3.0, 0.0, 2.0**63, 2.0**64, np.inf):
        assert torch.equal(compiled(x, np.float64(t)), softshrink(x, t)), t
    assert len(graphs) == 1
    with pytest.raises(RuntimeError, match="not whole"):
        compiled(x, np.float64(2.5))


@pytest.mark.parametrize("orders", list(product((grad, jacfwd), repeat=3)))
def test_third_derivatives_are_the_same_in_every_mode(orders: Any) -> None:
    v, half = torch.tensor([0.75], dtype=torch.float64), torch.tensor(0.5, dtype=torch.float64)
    garrotes: Any = lambda x: garrote(x.reshape(1)).sum()  # noqa: E731
    firms: Any = lambda t: firmshrink(v, t).sum()  # noqa: E731
    phases: Any = lambda x: garrote(torch.complex(x, 0 * x).reshape(1)).real.sum()  # noqa: E731
    for differentiate in orders:
        garrotes, firms = differentiate(garrotes), differentiate(firms)
        phases = differentiate(phases)
    one = torch.tensor(1.0, dtype=torch.float64)
    assert float(garrotes(one)) == pytest.approx(1.5)
    assert float(firms(half)) == pytest.approx(-24.0)
    assert float(phases(one)) == pytest.approx(1.5)


@pytest.mark.filterwarnings("ignore:The PyTorch API of MaskedTensors")
def test_masked_tensors_keep_their_mask() -> None:
    x = torch.masked.masked_tensor(torch.tensor([0.2, 1.0, 3.0]), torch.tensor([True, False, True]))
    for function, want in ((hardshrink, 3.0), (softshrink, 2.5)):
        y = function(x, 0.5)
        assert type(y) is type(x)
        assert y.get_mask().tolist() == [True, False, True]
        assert y.get_data()[[0, 2]].tolist() == [0.0, want]
    with pytest.raises(TypeError, match="MaskedTensor"):
        hardshrink(x, 0.5, out=x)


@pytest.mark.parametrize("number", [288235856529981439, 2**62 + 2**38 + 1, 2**70 + 2**46 - 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_large_integer_is_rounded_once_under_a_compiler(number, dtype):
    torch._dynamo.reset()
    near = float(number) * (1 + torch.arange(-3, 4) * torch.finfo(dtype).eps / 2).double()
    x = near.to(dtype)
    compiled = torch.compile(hardshrink, backend="eager", fullgraph=True)
    assert torch.equal(compiled(x, number), hardshrink(x, number))
