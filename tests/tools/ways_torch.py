"""PyTorch's transformations, modes, layouts and classes, for ``transformed.py``."""

from __future__ import annotations

import copy
import io
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from shrinkops_torch import TorchBackend, nn
from torch.utils.checkpoint import checkpoint

sys.path.insert(0, str(Path(__file__).parent))
from transformed import Case, Library, Way, curvature, shares, slopes

_ADAPTER = TorchBackend().adapter()
_REAL = ("float", "integer")
_DIFFERENTIABLE = ("float", "complex")
_NATIVE = ("float32", "float64", "bfloat16", "complex64")


class Network(torch.nn.Module):  # type: ignore[misc]
    """A case as a module; arrays are buffers."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.function = case.function
        self.numbers = () if case.by_array else case.parameters
        for index, parameter in enumerate(case.parameters if case.by_array else ()):
            self.register_buffer(f"parameter{index}", parameter)

    def forward(self, x: Any) -> Any:
        """Return the case's operation of x."""
        return self.function(x, *(self.numbers or self.buffers()))


def _compiled(case: Case, **options: Any) -> Any:
    torch._dynamo.reset()
    return torch.compile(lambda v, *p: case.function(v, *p), fullgraph=True, **options)(
        case.x, *case.parameters
    )


def _compiled_out(case: Case) -> Any:
    torch._dynamo.reset()
    out = torch.empty_like(case.x)
    torch.compile(
        lambda v, o: case.function(v, *case.parameters, out=o), fullgraph=True, backend="aot_eager"
    )(case.x, out)
    return out


def _leaf(case: Case) -> Any:
    return case.x.clone().requires_grad_()


def _total(y: Any) -> Any:
    return (y.real if y.is_complex() else y if y.dtype.itemsize > 1 else y.float()).sum()


def _gradient(case: Case, call: Any = None) -> Any:
    leaf = _leaf(case)
    return torch.autograd.grad(_total((call or case.call)(leaf)), leaf)[0]


def _second(case: Case) -> Any:
    leaf = _leaf(case)
    (first,) = torch.autograd.grad(_total(case.call(leaf)), leaf, create_graph=True)
    if not first.requires_grad:
        return torch.zeros_like(leaf)
    return torch.autograd.grad(_total(first), leaf, materialize_grads=True)[0]


def _by_parameter(case: Case) -> Any:
    first = case.parameters[0].clone().requires_grad_()
    y = case.function(case.smooth, first, *case.parameters[1:])
    return torch.autograd.grad(_total(y), first)[0]


def _compiled_gradient(case: Case) -> Any:
    torch._dynamo.reset()
    return _gradient(case, torch.compile(case.call, fullgraph=True, backend="aot_eager"))


def _out(case: Case) -> Any:
    out = torch.empty_like(case.x)
    assert case.function(case.x, *case.parameters, out=out) is out
    return out


def _in_place(case: Case) -> Any:
    x = case.x.clone()
    return case.function(x, *case.parameters, out=x)


def _exported(case: Case, **options: Any) -> Any:
    return torch.export.export(Network(case), (case.x,), **options).module()(case.x)


def _saved(case: Case) -> Any:
    buffer = io.BytesIO()
    torch.export.save(torch.export.export(Network(case), (case.x,)), buffer)
    buffer.seek(0)
    return torch.export.load(buffer).module()(case.x)


def _onnx(case: Case) -> Any:
    import onnxruntime

    program = torch.onnx.export(Network(case).eval(), (case.x,), dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    (got,) = session.run(None, {session.get_inputs()[0].name: case.x.numpy()})
    return torch.from_numpy(got)


def _autocast(case: Case) -> Any:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return case.call(case.x)


def _inference(case: Case) -> Any:
    with torch.inference_mode():
        return case.call(case.x).clone()


def _made_fx(case: Case) -> Any:
    from torch.fx.experimental.proxy_tensor import make_fx

    return make_fx(lambda v: case.call(v))(case.x)(case.x)


def _like(case: Case, y: Any, x: Any) -> bool:
    return bool(y.shape == case.x.shape and y.dtype == case.x.dtype and type(y) is type(x))


def _meta(case: Case) -> bool:
    x = case.x.to("meta")
    y = case.function(x, *(p.to("meta") if case.by_array else p for p in case.parameters))
    return _like(case, y, x) and y.device.type == "meta"


def _fake(case: Case) -> bool:
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode() as mode:
        x = mode.from_tensor(case.x)
        own = [mode.from_tensor(p) if case.by_array else p for p in case.parameters]
        return _like(case, case.function(x, *own), x)


class _Named(torch.Tensor):
    pass


def _subclass(case: Case) -> Any:
    y = case.call(case.x.as_subclass(_Named))
    assert type(y) is _Named
    return y.as_subclass(torch.Tensor)


def _parameter(case: Case) -> Any:
    differentiable = case.x.is_floating_point() or case.x.is_complex()
    y = case.call(torch.nn.Parameter(case.x, requires_grad=differentiable))
    assert type(y) is torch.Tensor
    return y.detach()


def _sparse(case: Case, layout: Any) -> bool:
    # The pattern is written out, for not every dtype can be made sparse from a dense tensor.
    if layout is torch.sparse_coo:
        places = torch.tensor([[0, 1, 1], [3, 0, 2]])
        x = torch.sparse_coo_tensor(places, case.x[0, :3].clone(), case.x.shape, is_coalesced=True)
    else:
        rows, columns = torch.tensor([0, 1, 3]), torch.tensor([3, 0, 2])
        x = torch.sparse_csr_tensor(rows, columns, case.x[0, :3].clone(), case.x.shape)
    own = [p[0] if case.by_array else p for p in case.parameters]
    y = case.function(x, *own)
    want = case.function(case.x[0, :3].clone(), *own)
    return y.layout is layout and _bits(y.values()) == _bits(want)


def _bits(x: Any) -> bytes:
    return bytes(_ADAPTER.to_numpy(x).tobytes())


def _nested(case: Case, layout: Any) -> Any:
    parts = [case.x[:1], case.x]
    y = case.call(torch.nested.nested_tensor(parts, layout=layout))
    assert y.layout is layout
    return y.unbind()[1]


def _distributed(case: Case) -> Any:
    import torch.distributed as dist
    from torch.distributed.tensor import DTensor, Shard

    if not dist.is_initialized():
        dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    mesh = dist.device_mesh.init_device_mesh("cpu", (1,))
    y = case.call(DTensor.from_local(case.x, mesh, [Shard(0)], run_check=False))
    assert y.placements == (Shard(0),)
    return y.to_local()


def _module(case: Case) -> Any:
    cls = getattr(nn, case.name.capitalize())
    module = torch.nn.Sequential(cls(*(p[0] if case.by_array else p for p in case.parameters)))
    return pickle.loads(pickle.dumps(copy.deepcopy(module)))(case.x)


def _traced(case: Case) -> Any:
    return torch.jit.trace(Network(case), (case.x,), check_trace=False)(case.x)


def _scripted(case: Case) -> Any:
    cls = getattr(nn, case.name.capitalize())
    return torch.jit.script(cls(*case.parameters))(case.x)


def _vmapped(case: Case) -> Any:
    return torch.func.vmap(case.call)(case.x)


def _forward(case: Case) -> Any:
    return torch.func.jvp(case.call, (case.x,), (torch.ones_like(case.x),))[1]


def _mapped_gradient(case: Case) -> Any:
    return torch.func.vmap(torch.func.grad(lambda v: _total(case.call(v))))(case.x)


def _opcheck(case: Case) -> Any:
    """Check PyTorch's operator on what the operation is for it, under fake tensors and autograd."""
    from torch._subclasses import fake_tensor

    with fake_tensor.FakeTensorMode(allow_non_fake_inputs=True) as mode:
        y = torch.func.functionalize(case.call)(mode.from_tensor(case.x))
    return bool(y.shape == case.x.shape and y.stride() == case.call(case.x).stride())


_WAYS = (
    Way("eager", lambda c: c.call(c.x)),
    Way("`out=`", _out),
    Way("`out=x`", _in_place),
    Way("`backward`", _gradient, slopes, _DIFFERENTIABLE),
    Way("`backward` by λ", _by_parameter, shares, ("float",), by=(True,)),
    Way("forward mode", _forward, slopes, ("float",)),
    Way("double backward", _second, curvature, ("float",)),
    Way("`func.vmap`", _vmapped),
    Way("`vmap(grad)`", _mapped_gradient, slopes, ("float",)),
    Way("`compile`", lambda c: _compiled(c, backend="aot_eager")),
    Way("`compile`, inductor", _compiled, dtypes=("float32", "complex64", "int32")),
    Way("`compile(dynamic=True)`", lambda c: _compiled(c, backend="aot_eager", dynamic=True)),
    Way("`compile` with `out=`", _compiled_out),
    Way("`backward` of compiled", _compiled_gradient, slopes, ("float",)),
    Way("`export`", _exported),
    Way("`export(strict=True)`", lambda c: _exported(c, strict=True)),
    Way("`export`, saved and loaded", _saved),
    Way("ONNX, by onnxruntime", _onnx, dtypes=("float32", "float64", "int32")),
    Way("`fx.symbolic_trace`", lambda c: torch.fx.symbolic_trace(Network(c))(c.x)),
    Way("`make_fx`", _made_fx),
    Way("`func.functionalize`", lambda c: torch.func.functionalize(c.call)(c.x)),
    Way("`jit.trace`", _traced),
    Way("`jit.script` of a module", _scripted, by=(False,)),
    Way("`autocast`", _autocast),
    Way("`checkpoint`", lambda c: checkpoint(c.call, c.x, use_reentrant=False)),
    Way("gradient through `checkpoint`",
        lambda c: _gradient(c, lambda v: checkpoint(c.call, v, use_reentrant=False)),
        slopes, _DIFFERENTIABLE),
    Way("`inference_mode`", _inference),
    Way("meta tensor", _meta),
    Way("fake tensor", _fake),
    Way("strides of fake and real", _opcheck),
    Way("negative bit", lambda c: c.call(torch._neg_view(c.x.neg())), kinds=("float",),
        dtypes=("float32", "float64", "bfloat16")),
    Way("conjugate bit", lambda c: c.call(torch.conj_physical(c.x).conj()), kinds=("complex",)),
    Way("not contiguous", lambda c: c.call(c.x.t().contiguous().t())),
    Way("sparse COO", lambda c: _sparse(c, torch.sparse_coo)),
    Way("sparse CSR", lambda c: _sparse(c, torch.sparse_csr)),
    Way("nested, jagged", lambda c: _nested(c, torch.jagged)),
    Way("nested, strided", lambda c: _nested(c, torch.strided)),
    Way("`DTensor`, one process", _distributed),
    Way("subclass", _subclass),
    Way("`Parameter`", _parameter),
    Way("`shrinkops_torch.nn`, copied and pickled", _module),
    Way("function, pickled",
        lambda c: pickle.loads(pickle.dumps(c.function))(c.x, *c.parameters)),
)  # fmt: skip


def _fetch(x: Any) -> Any:
    return np.asarray(_ADAPTER.to_numpy(x))


LIBRARY = Library(
    "PyTorch",
    "torch",
    ("float32", "float64", "bfloat16", "float8_e4m3fn", "int32", "uint64", "complex64"),
    _WAYS,
    _ADAPTER.from_numpy,
    _fetch,
    ("torch", "numpy"),
)
