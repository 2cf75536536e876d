"""PyTorch: the modules, where ``torch.nn.Hardshrink`` and its kin stand."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from typing import Any

import pytest

import shrinkops

torch = pytest.importorskip("torch")
nn = pytest.importorskip("shrinkops_torch.nn")

MODULES = (
    (nn.Hardshrink, (0.3,)),
    (nn.Softshrink, (0.3,)),
    (nn.Shrink, (0.3, 0.1)),
    (nn.Firmshrink, (0.3, 0.7)),
    (nn.Garrote, (0.3,)),
)


@pytest.mark.parametrize(("cls", "numbers"), MODULES)
def test_a_module_is_its_function_in_a_network(cls: Any, numbers: tuple[float, ...]) -> None:
    function = getattr(shrinkops, cls.__name__.lower())
    module = cls(*numbers)
    x = torch.randn(5, 4)
    assert torch.equal(module(x), function(x, *numbers))
    assert repr(module) == f"{cls.__name__}({', '.join(map(str, numbers))})"
    net = torch.nn.Sequential(torch.nn.Linear(4, 4), module)
    assert list(net.state_dict()) == ["0.weight", "0.bias"]
    assert repr(module) in repr(net)
    want = net(x)
    for again in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal(again(x), want)
    stream = io.BytesIO()
    torch.save(net, stream)
    stream.seek(0)
    assert torch.equal(torch.load(stream, weights_only=False)(x), want)
    assert torch.equal(torch.fx.symbolic_trace(net)(x), want)
    assert torch.equal(torch.compile(net, backend="eager", fullgraph=True)(x), want)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TorchScript itself is deprecated
        assert torch.equal(torch.jit.script(net)(x), want)


@pytest.mark.parametrize(("cls", "numbers"), MODULES)
@pytest.mark.parametrize("channels", [None, 3])
def test_learned_numbers_are_parameters(
    cls: Any, numbers: tuple[float, ...], channels: int | None
) -> None:
    module = cls(*numbers, learnable=True, num_parameters=channels)
    names = [name for name, _ in module.named_parameters()]
    function = getattr(shrinkops, cls.__name__.lower())
    assert names == list(function.operation.parameter_names)
    assert "learnable=True" in repr(module)
    x = (torch.arange(24.0) / 12 - 1).reshape(2, 3, 4)  # some between each number and the next
    shape = (-1, 1) if channels else ()
    assert torch.equal(module(x), function(x, *(p.view(shape) for p in module.parameters())))
    module(x).sum().backward()
    for parameter in module.parameters():
        assert parameter.grad.shape == (() if channels is None else (channels,))
    other = cls(*numbers, learnable=True, num_parameters=channels)
    with torch.no_grad():
        other.lambd += 0.125
    assert not torch.equal(other(x), module(x))
    other.load_state_dict(module.state_dict())
    assert torch.equal(other(x), module(x))
    assert torch.equal(copy.deepcopy(module)(x), module(x))
    last = cls(*numbers, num_parameters=4, axis=-1)
    assert not list(last.parameters())
    assert list(last.state_dict()) == names
    assert torch.equal(last(x), cls(*numbers)(x))
    assert torch.equal(torch.fx.symbolic_trace(module)(x), module(x))


def test_a_learned_threshold_is_found() -> None:
    torch.manual_seed(0)
    x = torch.randn(1000, dtype=torch.float64)
    target = shrinkops.softshrink(x, 0.75)
    module = nn.Softshrink(0.25, learnable=True, dtype=torch.float64)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    for _ in range(60):
        optimizer.zero_grad()
        ((module(x) - target) ** 2).mean().backward()
        optimizer.step()
    assert abs(module.lambd.item() - 0.75) < 1e-3


def test_thresholds_of_channels_as_a_tensor_and_what_is_refused() -> None:
    module = nn.Hardshrink(torch.tensor([0.25, 1.0]))
    assert module(torch.full((1, 2, 2), 0.5)).tolist() == [[[0.5, 0.5], [0.0, 0.0]]]
    assert list(module.state_dict()) == ["lambd"]
    with pytest.raises(ValueError, match=r"Softshrink: lambd=-1\.0 is negative"):
        nn.Softshrink(-1.0)
    with pytest.raises(ValueError, match=r"mu=0\.5 must not be below lambd=1\.0"):
        nn.Firmshrink(1.0, 0.5)
    with pytest.raises(TypeError, match="lambd must be a real number"):
        nn.Garrote("0.5")
    with pytest.raises(ValueError, match="expected one number or one for each channel"):
        nn.Shrink(torch.ones(2, 2))
    with pytest.raises(ValueError, match="num_parameters=0 is not positive"):
        nn.Hardshrink(num_parameters=0)
