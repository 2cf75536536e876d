"""PyTorch: cases of people who do this job, and others of the same kinds.

Each section is named by its case in the collection of public reports: A19 is a lazily negated
view, A21 an export to ONNX, and so on.
"""

from __future__ import annotations

import contextlib
import copy
import math
import pickle
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import shrinkops
from shrinkops import firmshrink, garrote, hardshrink, shrink, softshrink

torch = pytest.importorskip("torch")

FAMILY: tuple[Callable[..., Any], ...] = (hardshrink, softshrink, shrink, firmshrink, garrote)
INTEGER = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
NAN, INF = math.nan, math.inf


def bits(x: Any) -> Any:
    return x.detach().view(INTEGER[x.dtype.itemsize])


def same(a: Any, b: Any) -> bool:
    nan = a.detach().isnan() & b.detach().isnan()
    return a.shape == b.shape and bool(((bits(a) == bits(b)) | nan).all())


def compiled(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    torch._dynamo.reset()
    return torch.compile(function, backend="eager", **options)  # type: ignore[no-any-return]


# A19: views that are negated or conjugated when they are read


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("lambd", [0.5, 0.0, torch.tensor(0.5), torch.tensor([0.5, 0.5])])
def test_a_lazily_negated_view(function: Any, lambd: Any) -> None:
    x = torch.tensor([3 + 4j, 0.1 - 0.2j]).conj().imag
    assert x.is_neg()
    want = function(x.clone(), lambd)
    assert same(function(x, lambd), want)
    assert same(compiled(lambda v: function(v, lambd), fullgraph=True)(x), want)
    assert same(function(x, lambd, out=torch.empty(2)), want)
    out = torch.zeros(2, dtype=torch.complex64).conj().imag
    assert same(function(x, lambd, out=out).clone(), want)
    if isinstance(lambd, torch.Tensor):
        assert same(function(x, (-1j * lambd).conj().imag), want)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(function(leaf._neg_view(), lambd).sum(), leaf)
    assert gradient.shape == x.shape


def test_a_conjugated_view() -> None:
    z = torch.tensor([3 + 4j, 0.3 + 0.1j, 0.1 - 2j])
    for function in (hardshrink, softshrink, firmshrink, garrote):
        for lambd in (0.5, torch.tensor(0.5)):
            assert torch.equal(function(z.conj(), lambd), function(z, lambd).conj())
            out = torch.empty_like(z)
            assert torch.equal(function(z.conj(), lambd, out=out), function(z, lambd).conj())


# A21: export to ONNX; G05: a NaN's derivative in a graph, whatever its place


class Network(torch.nn.Module):  # type: ignore[misc]
    def __init__(self, function: Any, *parameters: Any) -> None:
        super().__init__()
        self.function, self.parameters_ = function, parameters

    def forward(self, x: Any) -> Any:
        return self.function(x, *self.parameters_)


EXPORTED = (
    *((hardshrink, n) for n in (0.5, 0.0, -1.0, 1e-40, INF, -INF, torch.tensor([0.5]))),
    *((function, 0.3) for function in FAMILY[1:]),
    *((function, torch.tensor(0.3)) for function in FAMILY[1:]),
)


@pytest.mark.parametrize(("function", "lambd"), EXPORTED)
def test_onnx_export_gives_the_bits_of_the_eager_call(
    function: Any, lambd: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    x = torch.tensor([0.25, 1.0, -0.5, -0.75, 3.0, 1e-41, -0.0, NAN, INF, -INF] * 3)
    network = Network(function, lambd)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's exporter warns of itself
        program = torch.onnx.export(network, (x,), dynamo=True, verbose=False)
    session = runtime.InferenceSession(program.model_proto.SerializeToString())
    (got,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    assert same(torch.from_numpy(got), network(x))
    capfd.readouterr()


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("strict", [True, False])
def test_an_exported_program_gives_bits_and_derivatives_at_every_place(
    function: Any, strict: bool
) -> None:
    for lambd in (0.5, 0.0, torch.tensor(0.5)):
        network = Network(function, lambd)
        x = torch.tensor([NAN, 0.25, 2.0, -0.75] * 17)
        program = torch.export.export(network, (x,), strict=strict).module()
        assert same(program(x), network(x))
        leaf = torch.full((17,), NAN).repeat(4).requires_grad_()
        (gradient,) = torch.autograd.grad(program(leaf).sum(), leaf)
        assert gradient.eq(1).all()


@pytest.mark.parametrize(
    ("function", "dtype", "lambd"),
    [
        (hardshrink, torch.float64, torch.tensor([0.5], dtype=torch.float64)),
        (softshrink, torch.bfloat16, torch.tensor(0.5, dtype=torch.float64)),
        (garrote, torch.float8_e4m3fnuz, 0.5),
        (firmshrink, torch.complex64, torch.tensor(0.5)),
        (hardshrink, torch.uint64, 1),
    ],
)
def test_a_traced_script_takes_every_dtype(function: Any, dtype: Any, lambd: Any) -> None:
    x = torch.tensor([3, 0, 1]).to(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        traced = torch.jit.trace(Network(function, lambd), (x,), check_trace=False)
    assert torch.equal(traced(x).view(torch.uint8), function(x, lambd).view(torch.uint8))


def test_a_traced_script_keeps_the_derivative_at_every_place() -> None:
    x = torch.full((17,), NAN)
    for function in FAMILY:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TorchScript is deprecated
            traced = torch.jit.trace(Network(function, 0.5), (x,))
        leaf = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(traced(leaf).sum(), leaf)
        assert gradient.eq(1).all(), function


# A22: sparse, and other layouts


def sparse(name: str) -> Any:
    dense = torch.tensor([[0.25, 0.0, 0.0, 2.0], [0.0] * 4, [0.0, -0.75, 0.0, 0.0], [0.0] * 4])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "in beta state", "invariant checks"
        block = ((2, 2),) if "bs" in name else ()
        return getattr(dense, name)(*block)


LAYOUTS = ("to_sparse", "to_sparse_csr", "to_sparse_csc", "to_sparse_bsr", "to_sparse_bsc")


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("function", FAMILY)
def test_sparse_tensors_keep_their_layout(name: str, function: Any) -> None:
    x = sparse(name)
    for numbers in ((0.5,), (0.0,), (INF,)):
        if function is firmshrink:
            numbers = (*numbers, INF)
        result = function(x, *numbers)
        assert result.layout is x.layout
        assert torch.equal(result.to_dense(), function(x.to_dense(), *numbers))
    assert torch.equal(hardshrink(x, -1.0).to_dense(), x.to_dense())
    with pytest.raises(TypeError, match=r"layout .*sparse.*numbers; call .*x\.values\(\)"):
        function(x, torch.ones(4))
    with pytest.raises(TypeError, match=r"layout .*sparse.*out="):
        function(x, 0.5, out=torch.empty(4, 4))
    values = torch.tensor([0.25, 1.0], requires_grad=True)
    leaf = torch.sparse_coo_tensor([[0, 2]], values, (4,), check_invariants=True)
    torch.sparse.sum(function(leaf)).backward()
    assert values.grad is not None
    assert values.grad[0] == 0


def test_sparse_complex_and_dtypes_that_pytorch_cannot_add() -> None:
    z = torch.tensor([[1 + 1j, 0], [0.1, 2]])
    places = torch.tensor([[0, 2]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CSR is in beta state
        assert same(softshrink(z.to_sparse_csr(), 0.5).to_dense().real, softshrink(z, 0.5).real)
        for dtype in (torch.float8_e5m2, torch.uint16):
            stored = torch.tensor([1, 3]).to(dtype)
            with pytest.raises(TypeError, match="is_coalesced=True"):
                hardshrink(torch.sparse_coo_tensor(places, stored, (4,)), 1.0)
            known = torch.sparse_coo_tensor(places, stored, (4,), is_coalesced=True)
            assert hardshrink(known, 1.0).values().to(torch.int64).tolist() == [0, 3]


def test_what_is_stored_twice_is_added_first_and_nothing_is_shared() -> None:
    x = torch.sparse_coo_tensor([[0, 0, 1]], [0.3] * 3, (4,), check_invariants=True)
    assert hardshrink(x).to_dense().tolist() == pytest.approx([0.6, 0, 0, 0])
    x = sparse("to_sparse")
    result = hardshrink(x, 0.0)
    result.indices().add_(0)
    assert result.indices().data_ptr() != x.indices().data_ptr()
    assert hardshrink(torch.zeros(3).to_sparse()).to_dense().tolist() == [0.0, 0.0, 0.0]


def test_layouts_without_values_are_refused() -> None:
    if not torch.backends.mkldnn.is_available():
        pytest.skip("this PyTorch has no MKL-DNN")
    with pytest.raises(TypeError, match=r"layout torch\._mkldnn.*x\.to_dense\(\)"):
        hardshrink(torch.ones(4, 4).to_mkldnn())


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("layout", [torch.jagged, torch.strided])
def test_nested_tensors(function: Any, layout: Any) -> None:
    parts = [torch.randn(3, 2), torch.randn(5, 2)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "in prototype stage"
        x = torch.nested.nested_tensor(parts, layout=layout)
        for lambd in (0.5, 0.0, torch.tensor(0.5)):
            result = function(x, lambd)
            assert result.layout is layout
            for got, part in zip(result.unbind(), parts, strict=True):
                assert same(got, function(part, lambd))
        if layout is torch.jagged:
            assert result.shape == x.shape
            columns = torch.tensor([0.25, 0.75])
            for got, part in zip(function(x, columns).unbind(), parts, strict=True):
                assert same(got, function(part, columns))
            own = torch.nested.nested_tensor_from_jagged(
                torch.full_like(x.values(), 0.5), x.offsets()
            )
            assert same(function(x, own).values(), function(x, 0.5).values())
            leaf = torch.randn(8, 2, requires_grad=True)
            ragged = torch.nested.nested_tensor_from_jagged(leaf, x.offsets())
            function(ragged).values().sum().backward()
            assert leaf.grad is not None


# A23: out is checked, under a compiler too


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("fullgraph", [True, False])
def test_a_wrong_out_is_refused_untouched(function: Any, fullgraph: bool) -> None:
    x = torch.tensor([0.25, 1.5])
    call = compiled(lambda v, out: function(v, 0.5, out=out), fullgraph=fullgraph)
    for out in (
        torch.full((2,), 7, dtype=torch.int32),
        torch.full((2,), 7.0, dtype=torch.float64),
        torch.full((2,), 7.0, dtype=torch.bfloat16),
        torch.full((3, 2), 7.0),
        torch.full((1,), 7.0),
    ):
        wrong = TypeError if out.dtype is not x.dtype else ValueError
        with pytest.raises(wrong, match="out has"):
            function(x, 0.5, out=out)
        # In a full graph PyTorch's compiler has an error of its own.
        with pytest.raises(Exception if fullgraph else wrong, match=r"out|exception"):
            call(x, out)
        assert (out == 7).all()
    out = torch.empty(2)
    assert call(x, out) is out
    assert same(out, function(x))


@pytest.mark.parametrize("function", FAMILY)
def test_out_where_a_derivative_is_asked_for(function: Any) -> None:
    x = torch.tensor([0.25, 1.5])
    for lambd in (0.5, 0.0, torch.tensor(0.5)):
        for source, out in (
            (x.clone().requires_grad_(), torch.full((2,), 7.0)),
            (x, torch.full((2,), 7.0, requires_grad=True)),
        ):
            with pytest.raises(RuntimeError, match="automatic differentiation"):
                function(source, lambd, out=out)
            assert (out == 7).all()
            with torch.no_grad():
                assert function(source, lambd, out=out) is out
            assert same(out, function(x, lambd))


@pytest.mark.parametrize("function", FAMILY)
def test_out_that_overlaps_is_right_or_refused(function: Any) -> None:
    for lambd in (0.5, 0.0, torch.tensor(0.5)):
        whole = torch.randn(40)
        want = function(whole[:-1].clone(), lambd)
        try:
            function(whole[:-1], lambd, out=whole[1:])
        except RuntimeError:
            pass
        else:
            assert same(whole[1:], want)
        x = torch.randn(6)
        want = function(x, lambd)
        assert function(x, lambd, out=x) is x
        assert same(x, want)
        one = torch.full((1,), 7.0)
        with pytest.raises(RuntimeError):
            function(torch.randn(4), lambd, out=one.expand(4))
        assert one.item() == 7
    expanded = torch.tensor([[0.25], [2.0]]).expand(2, 3)
    result = function(expanded)
    result[0, 0] = 9
    assert expanded[0, 1] == 0.25


# A24: numbers of every type, under a compiler too


NUMBERS = (
    np.float64(0.5), np.float32(0.5), np.float16(0.5), np.int64(1), np.uint8(1),
    Fraction(1, 2), Decimal("0.5"), 1, 2**70, -(2**70), True,
)  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: f"{type(n).__name__} {n}")
def test_every_number_under_a_compiler(number: Any) -> None:
    # As a constant of the graph, and as an argument.
    closed = compiled(lambda v: hardshrink(v, number), fullgraph=True)
    for x in (torch.tensor([0.25, 1.0]), torch.tensor([1, 2, 2**60, -(2**63)])):
        calls: list[Any] = [(closed, (x,))]
        if not x.is_floating_point():
            calls.append((torch.compile(hardshrink, backend="eager", fullgraph=True), (x, number)))
        if isinstance(number, bool):
            for call, arguments in calls:
                with pytest.raises(Exception, match=r"real number|exception"):
                    call(*arguments)
            continue
        want = hardshrink(x, number)
        for call, arguments in calls:
            assert torch.equal(call(*arguments), want)


@pytest.mark.parametrize("dynamic", [None, True])
def test_whole_floats_and_integers_under_a_compiler(dynamic: bool | None) -> None:
    x = torch.tensor([-3, 0, 1, 5])
    call = compiled(softshrink, fullgraph=True, dynamic=dynamic)
    for number in (1.0, 2.0, 3.0, 2):
        assert call(x, number).tolist() == softshrink(x, number).tolist()
    with pytest.raises(Exception, match="exception"):
        call(x, 1.5)


# A25: a gradient through float8


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
@pytest.mark.parametrize("function", FAMILY)
def test_a_gradient_through_float8(function: Any, dtype: Any) -> None:
    for lambd in (0.5, 0.0, torch.tensor(0.5)):
        w = torch.tensor([0.25, 1.5], requires_grad=True)
        call = lambda v, t=lambd: function(v.to(dtype), t).float().sum()  # noqa: E731
        assert function(w.to(dtype), lambd).requires_grad
        (gradient,) = torch.autograd.grad(call(w), w)
        assert gradient[0] == (1 if lambd == 0.0 and function is not firmshrink else gradient[0])
        assert (gradient[0] == 0) == (lambd != 0.0)
        assert gradient[1] >= 1
        (again,) = torch.autograd.grad(compiled(call, fullgraph=True)(w), w)
        assert torch.equal(gradient, again)
        assert torch.equal(torch.func.grad(call)(w.detach()), gradient)
        tangent = torch.func.jvp(call, (w.detach(),), (torch.ones(2),))[1]
        assert tangent == gradient.sum()


# A32: a flush mode and a subnormal threshold


@pytest.fixture
def flushing() -> Iterator[None]:
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor has no flush mode")
    yield
    torch.set_flush_denormal(False)


@pytest.mark.usefixtures("flushing")
def test_a_subnormal_threshold_under_the_flush_mode() -> None:
    x = torch.tensor([2**40, -(2**63), 2**45], dtype=torch.int64).view(torch.float64)
    small = np.int64(2**42).view(np.float64)
    assert hardshrink(x, 0.0).view(torch.int64).tolist() == [2**40, 0, 2**45]
    for lambd in (float(small), small, torch.tensor(2**42).view(torch.float64)):
        for _ in range(2):  # the second call finds what the first one remembered
            assert hardshrink(x, lambd).view(torch.int64).tolist() == [0, 0, 2**45]
        for function in FAMILY[1:]:
            numbers = (lambd, 1.0) if function is firmshrink else (lambd,)
            assert not function(x, *numbers)[:2].view(torch.int64).any()
    minus = -float(small)
    for lambd in (minus, np.float64(minus), torch.tensor(2**42 - 2**63).view(torch.float64)):
        assert same(hardshrink(x, lambd), x)
        assert same(shrink(x, lambd, 0.5), x)
    single = torch.tensor([2**10], dtype=torch.int32).view(torch.float32)
    assert hardshrink(single, np.int32(2**11).view(np.float32)).view(torch.int32)[0] == 0
    with pytest.raises(ValueError, match="is negative"):
        softshrink(x, minus)


# G06: torch.fx


class Traced(torch.nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(2, 2)
        self.threshold = torch.nn.Parameter(torch.tensor(0.1))

    def forward(self, x):  # no annotation, for PyTorch 2.13 does not pickle a lazy one
        return hardshrink(self.linear(x), 0.1) + shrink(x, self.threshold, bias=0.2)


def test_symbolic_trace_records_the_public_function() -> None:
    network, x = Traced(), torch.randn(3, 2)
    graph = torch.fx.symbolic_trace(network)
    targets = [node.target for node in graph.graph.nodes if node.op == "call_function"]
    assert targets[:2] == [hardshrink, shrink]
    for copied in (graph, copy.deepcopy(graph), pickle.loads(pickle.dumps(graph))):
        assert torch.equal(copied(x), network(x))
    assert torch.equal(torch.fx.symbolic_trace(graph)(x), network(x))

    def constant(t: Any) -> Any:
        return softshrink(x, t)

    assert torch.equal(torch.fx.symbolic_trace(constant)(torch.tensor(0.5)), softshrink(x, 0.5))
    made = torch.fx.experimental.proxy_tensor.make_fx(network)(x)
    assert torch.equal(made(x), network(x))


# G11: a number beyond the type


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), np.int64(1), Fraction(1, 2)])
def test_symbolic_trace_spells_every_number(number: Any) -> None:
    x = torch.tensor([2.0, 0.1])
    traced = torch.fx.symbolic_trace(Network(garrote, number))
    assert same(traced(x), garrote(x, number))
    with pytest.raises(TypeError, match=r"torch\.fx cannot hold Fraction\(1, 3\)"):
        torch.fx.symbolic_trace(Network(garrote, Fraction(1, 3)))


def test_a_number_beyond_the_type_is_named_in_short() -> None:
    x = torch.ones(1, dtype=torch.float64)
    for number in (np.longdouble("1e400"), Decimal("1e400"), 10**400):
        if number == INF:
            continue  # a long double that is a double
        with pytest.raises(
            ValueError, match=r"beyond dtype float64, whose largest number is 1\.79"
        ):
            hardshrink(x, number)
    assert hardshrink(x, Decimal("1e-10000000")).item() == 1
    with pytest.raises(ValueError, match="beyond dtype float16"):
        softshrink(torch.ones(1, dtype=torch.float16), 1e5)


# G03: one rounding, whatever type the threshold has


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_threshold_is_rounded_once_by_every_way(dtype: Any) -> None:
    eps = torch.finfo(dtype).eps
    x = torch.tensor([1.0, 1 + eps, 1 + 2 * eps], dtype=dtype)
    half = Fraction(1) + Fraction(eps) / 2
    for lambd in (half + Fraction(1, 2**40), half):
        want = [0.0 if Fraction(v) <= lambd or v <= (1 + eps if lambd > half else 1) else v
                for v in x.tolist()]  # fmt: skip
        ways = (
            lambd,
            float(lambd),
            np.float64(lambd),
            torch.tensor(float(lambd), dtype=torch.float64),
        )
        call = compiled(hardshrink, fullgraph=True, dynamic=True)
        for way in ways:
            assert hardshrink(x, way).tolist() == want
            if not isinstance(way, Fraction) or lambd == half:
                assert call(x, way).tolist() == want
    whole = torch.tensor([2.0**24, 2.0**24 + 2], dtype=torch.float32)
    odd = torch.tensor(2**24 + 1)
    assert hardshrink(whole, odd).tolist() == [0.0, 2.0**24 + 2]
    big = torch.tensor([2.0**60 + 2.0**37], dtype=torch.float32)
    assert hardshrink(big, torch.tensor(2**60 + 2**36 + 1)).item() == 0


# Other ways to call


def test_under_the_modes_and_wrappers_of_pytorch() -> None:
    x = torch.tensor([0.25, 1.5, -2.0])
    for function in FAMILY:
        want = function(x)
        with torch.inference_mode():
            assert same(function(x.clone()), want)
            assert same(function(x.clone(), torch.tensor(0.5)), want)
        with torch.device("meta"):
            assert same(function(x), want)
            assert same(function(x, torch.tensor(0.5, device="cpu")), want)
        default = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            assert same(function(x, 0.5), want)
            assert function(x, 0.0).dtype is torch.float32
        finally:
            torch.set_default_dtype(default)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert same(function(x, 0.5), want)
            leaf = x.clone().requires_grad_()
            assert same(function(leaf, torch.tensor(0.5)), want)
        meta = function(x.to("meta"), 0.0)
        assert (meta.device.type, meta.shape) == ("meta", x.shape)
        from torch._subclasses.fake_tensor import FakeTensorMode

        with FakeTensorMode() as mode:
            fake = mode.from_tensor(x)
            for lambd in (0.5, 0.0, torch.tensor(0.5)):
                assert function(fake, lambd).shape == x.shape
        functional = torch.func.functionalize(function)
        assert same(functional(x), want)
        leaf = x.clone().requires_grad_()
        saved = torch.utils.checkpoint.checkpoint(function, leaf, 0.5, use_reentrant=False)
        (by_checkpoint,) = torch.autograd.grad(saved.sum(), leaf)
        (plain,) = torch.autograd.grad(function(leaf, 0.5).sum(), leaf)
        assert torch.equal(by_checkpoint, plain)


class Mine(torch.Tensor):  # type: ignore[misc]
    pass


class Logged(torch.Tensor):  # type: ignore[misc]
    """A subclass that passes every operation on to the tensor that it holds."""

    held: Any

    @staticmethod
    def __new__(cls, held: Any) -> Any:
        made = torch.Tensor._make_wrapper_subclass(
            cls, held.shape, dtype=held.dtype, device=held.device
        )
        made.held = held
        return made

    def __init__(self, held: Any) -> None:
        pass

    @classmethod
    def __torch_dispatch__(cls, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        unwrapped = torch.utils._pytree.tree_map_only(cls, lambda t: t.held, (args, kwargs or {}))
        result = op(*unwrapped[0], **unwrapped[1])
        return torch.utils._pytree.tree_map_only(torch.Tensor, cls, result)


@pytest.mark.parametrize("function", FAMILY)
def test_subclasses_are_kept(function: Any) -> None:
    x = torch.randn(4)
    for lambd in (0.5, 0.0, torch.tensor(0.5)):
        mine = function(x.as_subclass(Mine), lambd)
        assert type(mine) is Mine
        assert same(mine.as_subclass(torch.Tensor), function(x, lambd))
        leaf = x.clone().requires_grad_()
        mine = function(leaf.as_subclass(Mine), lambd)
        assert type(mine) is Mine
        (gradient,) = torch.autograd.grad(mine.sum(), leaf)
        assert gradient.shape == x.shape
        logged = function(Logged(x), lambd)
        assert type(logged) is Logged
        assert same(logged.held, function(x, lambd))
        parameter = torch.nn.Parameter(x.clone())
        assert type(function(parameter, lambd)) is torch.Tensor
    with contextlib.suppress(TypeError):
        assert type(function(x, x.abs().as_subclass(Mine))) in (Mine, torch.Tensor)


def test_a_threshold_leaves_nothing_of_itself_in_the_result() -> None:
    x = torch.randn(4, dtype=torch.float32)
    for function in FAMILY:
        for lambd in (
            torch.tensor(0.5, dtype=torch.float64),
            torch.tensor([0.5], dtype=torch.bfloat16),
            torch.nn.Parameter(torch.tensor(0.5)),
            torch.tensor(0.5).to(torch.float8_e5m2),
            torch.tensor(1, dtype=torch.uint16),
        ):
            result = function(x, lambd)
            assert (result.dtype, result.shape, type(result)) == (x.dtype, x.shape, torch.Tensor)


def test_what_is_refused_names_the_dtype() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated
        quantized = torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8)
    for x in (torch.ones(2, dtype=torch.bool), quantized):
        with pytest.raises(TypeError, match=f"dtype {str(x.dtype)[6:]} is not supported by"):
            hardshrink(x)
    with pytest.raises(TypeError, match="dtype complex64 is not supported by"):
        shrink(torch.ones(1, dtype=torch.complex64))
    with pytest.raises(TypeError, match="dtype int64 is not supported by"):
        garrote(torch.ones(1, dtype=torch.int64))
    assert shrinkops.explain(torch.ones(1)).backend == "torch"
