"""PyTorch: operation × type × λ × layout × transformation, drawn at random, judged exactly."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

sys.path.insert(0, str(Path(__file__).parent))
from crossed import Crossed, faults, types_of

_FLOATS = ["float16", "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2"]
_FLOATS += ["float8_e4m3fnuz", "float8_e5m2fnuz"]
_INTEGERS = [f"{sign}int{width}" for sign in ("", "u") for width in (8, 16, 32, 64)]
_TYPES = types_of(_FLOATS, _INTEGERS)
_CARRIERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def _tensor(array: Any) -> torch.Tensor:
    if array.dtype.kind == "c":
        return torch.from_numpy(array.copy())
    carrier = _CARRIERS[array.dtype.itemsize]
    raw = np.ascontiguousarray(array).reshape(-1).view(str(carrier)[6:]).copy()
    name = getattr(torch, array.dtype.name)
    return torch.from_numpy(raw).view(name).reshape(array.shape)


def _array(tensor: torch.Tensor) -> Any:
    plain = tensor.detach().resolve_conj().resolve_neg().contiguous()
    if plain.is_complex():
        return plain.numpy()
    name = str(plain.dtype)[6:]
    dtype = getattr(ml_dtypes, name) if name.startswith(("float8", "bfloat")) else np.dtype(name)
    return plain.view(_CARRIERS[plain.dtype.itemsize]).numpy().view(dtype)


def _laid_out(x: torch.Tensor, draw: Random) -> torch.Tensor:
    how = draw.randrange(7)
    if how == 1 and x.dim() == 2:
        return x.t().contiguous().t()
    if how == 2 and x.dim():
        wide = torch.zeros((*x.shape, 2), dtype=x.dtype)
        wide[..., 0].copy_(x)
        return wide[..., 0]
    if how == 3 and x.is_floating_point() and x.dtype.itemsize > 1:
        return torch._neg_view(-x)
    if how == 4 and x.is_complex():
        return x.conj().resolve_conj().conj()
    if how == 5 and x.is_floating_point():
        return torch.nn.Parameter(x.clone())
    if how == 6 and x.is_complex():
        return x.clone().requires_grad_()
    return x


def _eager(f: Any, x: Any, parameters: Any) -> Any:
    return f(x, *parameters)


def _filled(f: Any, x: Any, parameters: Any) -> Any:
    out = torch.empty_like(x.detach())
    with torch.no_grad():
        assert f(x, *parameters, out=out) is out
    return out


def _inference(f: Any, x: Any, parameters: Any) -> Any:
    with torch.inference_mode():
        return f(x, *parameters)


def _mapped(f: Any, x: Any, parameters: Any) -> Any:
    arrays = any(isinstance(p, torch.Tensor) for p in parameters)
    if not x.dim() or not len(x) or arrays:
        return f(x, *parameters)
    return torch.func.vmap(lambda v: f(v, *parameters))(x)


def _differentiated(f: Any, x: Any, parameters: Any) -> Any:
    if not (x.is_floating_point() or x.is_complex()):
        return f(x, *parameters)
    return torch.func.vjp(lambda v: f(v, *parameters), x)[0]


def _functional(f: Any, x: Any, parameters: Any) -> Any:
    return torch.func.functionalize(lambda v: f(v, *parameters))(x)


def _graph(f: Any, x: Any, parameters: Any) -> Any:
    return make_fx(lambda v: f(v, *parameters))(x)(x)


def _compiled(f: Any, x: Any, parameters: Any) -> Any:
    torch._dynamo.reset()
    call = torch.compile(lambda v: f(v, *parameters), backend="eager", fullgraph=True)
    return call(x)


def _on(way: Any) -> Any:
    def call(f: Any, x: Any, parameters: Any, draw: Random) -> Any:
        given = [_tensor(p) if isinstance(p, np.ndarray) and p.ndim else p for p in parameters]
        laid = _laid_out(_tensor(x), draw)
        return way(f, laid, given)

    return call


_WAYS = [_eager, _filled, _inference, _mapped, _differentiated, _functional]


@pytest.mark.parametrize(
    ("ways", "first", "count"), [(_WAYS, 0, 500), ([_graph], 500, 20), ([_compiled], 540, 6)],
    ids=["eager", "traced", "compiled"],
)  # fmt: skip
def test_calls_drawn_at_random(ways: list[Any], first: int, count: int) -> None:
    named = {way.__name__: _on(way) for way in ways}
    found = []
    for number in range(first, first + count):
        case = Crossed(6, number, _TYPES)
        if "_compiled" in named and case.refusal():
            continue  # the compiler wraps what is raised
        found += faults(case, named, _array)
    assert not found, "\n".join(found[:10])
