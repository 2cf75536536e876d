"""PyTorch: the family's values and derivatives, eager, transformed and compiled.

Values are judged by NumPy's arithmetic step by step, derivatives by the declaration's exact
pieces, complex results by decimals of fifty digits.
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import shrinkops

torch = pytest.importorskip("torch")

NUMPY: dict[str, Any] = {
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "float32": np.float32,
    "float64": np.float64,
    "float8_e5m2": ml_dtypes.float8_e5m2,
    "float8_e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8_e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "float8_e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
}
INTEGER = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
CALLS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("hardshrink", (0.3,)),
    ("hardshrink", (0.0,)),
    ("softshrink", (0.3,)),
    ("softshrink", (0.0,)),
    ("softshrink", (math.inf,)),
    ("shrink", (0.3, 0.1)),
    ("shrink", (0.3, 2.0)),
    ("shrink", (0.3, -1.0)),
    ("shrink", (-1.0, 0.3)),
    ("firmshrink", (0.3, 0.7)),
    ("firmshrink", (0.3, 0.3)),
    ("firmshrink", (0.0, 1.0)),
    ("firmshrink", (0.3, math.inf)),
    ("garrote", (0.3,)),
    ("garrote", (0.0,)),
    ("garrote", (1e-7,)),
)
FAMILY = (
    ("hardshrink", (0.5,)),
    ("softshrink", (0.5,)),
    ("shrink", (0.5, 0.25)),
    ("firmshrink", (0.5, 1.25)),
    ("garrote", (0.5,)),
)


def patterns(name: str) -> np.ndarray[Any, Any]:
    """All patterns of 8 and 16 bits; random ones and corners of wider types."""
    kind = np.dtype(NUMPY[name])
    carrier = np.dtype(f"u{kind.itemsize}")
    if kind.itemsize <= 2:
        return np.arange(2 ** (8 * kind.itemsize), dtype=carrier).view(kind)
    random = np.random.default_rng(0)
    bits = random.integers(0, 2 ** (8 * kind.itemsize), 20000, dtype=carrier).view(kind)
    normal = random.normal(size=20001).astype(kind)
    limits = np.finfo(kind)
    corners = [0.0, 0.3, 0.7, 1.0, limits.tiny, limits.smallest_subnormal, limits.max, math.inf]
    edges = np.array([*corners, *(-c for c in corners), math.nan], kind)
    beside = [np.nextafter(edges, kind.type(to)) for to in (-9, 9)]
    return np.concatenate([bits, normal, edges, *beside])


def expected(operation: str, x: np.ndarray[Any, Any], numbers: tuple[float, ...]) -> Any:
    """The specification's formulas, one NumPy operation for each of theirs."""
    kind = x.dtype
    wide = np.dtype(np.float32) if kind.itemsize < 4 else kind
    t, *others = (
        wide.type(n) if math.isinf(n) else np.array(n, np.float64).astype(kind).astype(wide)
        for n in numbers
    )
    with np.errstate(all="ignore"):
        source = x.astype(wide)
        size, sign = np.abs(source), np.sign(source)
        if operation == "softshrink":
            result = source - sign * t
        elif operation == "shrink":
            result = source - sign * others[0]
        elif operation == "firmshrink":
            (u,) = others
            c = u / (u - t) if t < u < math.inf else wide.type(1)
            result = np.where(size >= u, source, sign * np.minimum((size - t) * c, size))
        elif operation == "garrote":
            result = sign * np.minimum((size - t) * (wide.type(1) + t / size), size)
        else:
            result = source
        result = np.where(np.isinf(source), source, result)
        if kind.itemsize == 1 and np.isnan(np.array(math.inf).astype(kind)):
            largest = float(ml_dtypes.finfo(kind).max)  # the format has no infinity
            result = np.where(np.isnan(result), result, np.clip(result, -largest, largest))
        result = np.where(size <= t, wide.type(0), result).astype(kind)
        return np.where(np.isnan(source) | (t < 0), x, result)


def tensor(array: np.ndarray[Any, Any], name: str) -> Any:
    return torch.from_numpy(array.view(f"i{array.itemsize}").copy()).view(getattr(torch, name))


def bits(x: Any) -> Any:
    return x.detach().view(INTEGER[x.dtype.itemsize])


def same(a: Any, b: Any) -> bool:
    """Compare bit for bit, a NaN's payload aside."""
    nan = a.detach().to(torch.float64).isnan() & b.detach().to(torch.float64).isnan()
    return bool(((bits(a) == bits(b)) | nan).all())


@pytest.mark.parametrize("name", NUMPY)
def test_values_bit_for_bit_by_every_way(name: str) -> None:
    array = patterns(name)
    x = tensor(array, name)
    for operation, numbers in CALLS:
        function = getattr(shrinkops, operation)
        want = tensor(expected(operation, array, numbers), name)
        assert same(function(x, *numbers), want), (operation, numbers)
        out = torch.empty_like(x)
        assert function(x, *numbers, out=out) is out
        assert same(out, want), (operation, numbers, "out")
        tensors = [torch.tensor(n, dtype=torch.float64) for n in numbers]
        assert same(function(x, *tensors), want), (operation, numbers, "tensors")
        leaf = x.clone().requires_grad_()
        assert same(function(leaf, *numbers), want), (operation, numbers, "with a derivative")


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_compiled_values_are_the_eager_ones_in_one_graph(dtype: str) -> None:
    from torch._dynamo.testing import CompileCounterWithBackend

    x = tensor(patterns(dtype)[::7], dtype)
    for operation, numbers in FAMILY[1:]:
        torch._dynamo.reset()
        function = getattr(shrinkops, operation)
        counter = CompileCounterWithBackend("aot_eager")
        compiled = torch.compile(function, fullgraph=True, dynamic=True, backend=counter)
        for k in range(4):
            moved = tuple(n + k / 8 for n in numbers)
            assert same(compiled(x, *moved), function(x, *moved)), (operation, moved)
        assert counter.frame_count == 1, operation


def test_ten_values_of_each_parameter_cost_one_further_graph() -> None:
    """HS-TRF-2: torch.compile takes the first number that it sees for a constant."""
    from torch._dynamo.testing import CompileCounter

    x = torch.randn(16)
    for operation, numbers in FAMILY:
        for index in range(len(numbers)):
            torch._dynamo.reset()
            counter = CompileCounter()
            function = getattr(shrinkops, operation)
            compiled = torch.compile(function, fullgraph=True, backend=counter)
            for k in range(10):
                moved = list(numbers)
                moved[index] += k / 64
                assert same(compiled(x, *moved), function(x, *moved))
            assert counter.frame_count == 2, (operation, index)


def exact(operation: Any, value: float, numbers: tuple[float, ...]) -> list[Fraction]:
    """The derivatives by x and by each parameter, from the declaration's pieces."""
    names = operation.parameter_names
    size, *fractions = (Fraction(n) for n in (abs(value), *numbers))
    sign = 1 if value > 0 else -1
    found = [Fraction(0)] * (1 + len(names))
    for piece in operation.pieces:
        edge = fractions[names.index(piece.above)]
        if size > edge or (piece.includes_edge and size == edge):
            partials = [piece.partials.get(name, lambda *_: 0) for name in names]
            found = [
                Fraction(piece.slope(size, *fractions)),
                *(sign * Fraction(partial(size, *fractions)) for partial in partials),
            ]
    return found


POINTS = [-2.0, -1.25, -0.75, -0.5, -0.25, 0.0, 0.5, 0.5625, 1.0, 1.25, 3.0]


@pytest.mark.parametrize(("name", "numbers"), FAMILY)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_first_derivatives_are_those_of_the_definition(
    name: str, numbers: tuple[float, ...], dtype: Any
) -> None:
    function = getattr(shrinkops, name)
    x = torch.tensor(POINTS, dtype=dtype)
    tensors = [torch.full_like(x, n) for n in numbers]
    want = torch.tensor(
        [[float(v) for v in exact(function.operation, p, numbers)] for p in POINTS],
        dtype=torch.float64,
    ).T
    close = {"rtol": 4 * torch.finfo(dtype).eps, "atol": 0.0}
    for dense in (function, lambda *a: function(a[0], *(t.clone() for t in a[1:]))):
        leaves = [v.clone().requires_grad_() for v in (x, *tensors)]
        gradients = torch.autograd.grad(dense(*leaves).sum(), leaves)
        for got, right in zip(gradients, want, strict=True):
            assert torch.allclose(got.double(), right, **close), (got, right)
    for index, right in enumerate(want):
        tangents = [torch.zeros_like(v) for v in (x, *tensors)]
        tangents[index] += 1
        got = torch.func.jvp(function, (x, *tensors), tuple(tangents))[1]
        assert torch.allclose(got.double(), right, **close), (index, got, right)


@pytest.mark.parametrize(("name", "numbers"), FAMILY)
def test_cotangents_are_selected_and_nan_and_infinity_are_kept(
    name: str, numbers: tuple[float, ...]
) -> None:
    function = getattr(shrinkops, name)
    x = torch.tensor([0.25, -0.5, 0.0, math.nan, math.inf, -math.inf, 2.0], requires_grad=True)
    tensors = [torch.tensor(n, requires_grad=True) for n in numbers]
    for way in (numbers, tensors):
        result = function(x, *way)
        assert same(result[3:6], x.detach()[3:6])
        (ones,) = torch.autograd.grad(result, x, torch.ones(7), retain_graph=True)
        assert ones[:6].tolist() == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
        (spoilt,) = torch.autograd.grad(result, x, torch.full((7,), math.nan), retain_graph=True)
        assert spoilt[:3].tolist() == [0.0, 0.0, 0.0]
    cotangent = torch.tensor([math.nan, math.inf, math.nan, math.nan, 0.0, 0.0, 1.0])
    cotangent[3] = 1.0
    for gradient in torch.autograd.grad(result, tensors, cotangent):
        assert gradient.shape == ()
        assert gradient.isfinite()


@pytest.mark.parametrize(("name", "numbers"), FAMILY)
def test_gradients_are_reduced_to_the_shape_of_the_parameter(
    name: str, numbers: tuple[float, ...]
) -> None:
    function = getattr(shrinkops, name)
    x = torch.randn(4, 3, 5, dtype=torch.float64)
    wide = [torch.full((4, 3, 5), n, dtype=torch.float64, requires_grad=True) for n in numbers]
    whole = torch.autograd.grad(function(x, *wide).sum(), wide)
    for shape in ((), (3, 1), (1, 3, 1), (5,), (4, 1, 5)):
        leaves = [torch.full(shape, n, dtype=torch.float32, requires_grad=True) for n in numbers]
        reduced = torch.autograd.grad(function(x, *leaves).sum(), leaves)
        for got, full in zip(reduced, whole, strict=True):
            assert got.shape == shape
            assert got.dtype is torch.float32
            assert torch.allclose(got.double(), full.sum_to_size(shape), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "numbers"), FAMILY)
def test_every_order_and_transformation_agrees(name: str, numbers: tuple[float, ...]) -> None:
    function = getattr(shrinkops, name)
    x = torch.tensor([-2.0, -0.75, 0.25, 0.8125, 1.0, 3.0], dtype=torch.float64)
    tensors = [torch.full_like(x, n) for n in numbers]
    arguments = (x, *tensors)
    where = tuple(range(len(arguments)))
    if name != "hardshrink":
        leaves = [v.clone().requires_grad_() for v in arguments]
        assert torch.autograd.gradcheck(function, leaves, check_forward_ad=True)
        assert torch.autograd.gradgradcheck(function, leaves)
    elementwise = lambda *v: function(*(u[None] for u in v))[0]  # noqa: E731
    gradient = torch.func.vmap(torch.func.grad(elementwise, where))
    hessian = torch.func.vmap(torch.func.hessian(elementwise, where))
    first, second = gradient(*arguments), hessian(*arguments)
    torch._dynamo.reset()
    compiled_first = torch.compile(gradient, backend="aot_eager", fullgraph=True)(*arguments)
    for got, want in zip(compiled_first, first, strict=True):
        assert torch.allclose(got, want, rtol=1e-14, atol=1e-15)
    # Not torch.func.hessian: PyTorch 2.13 does not compile a vmap of that, of any function.
    by_last = lambda *v: torch.func.grad(elementwise, where[-1])(*v)  # noqa: E731
    again = torch.func.vmap(torch.func.grad(by_last, where))
    compiled_second = torch.compile(again, backend="aot_eager", fullgraph=True)(*arguments)
    for got, want in zip(compiled_second, second[-1], strict=True):
        assert torch.allclose(got, want, rtol=1e-13, atol=1e-14)
    leaves = [v.clone().requires_grad_() for v in arguments]
    plain = torch.compile(function, backend="aot_eager", fullgraph=True)
    got_all = torch.autograd.grad(plain(*leaves).sum(), leaves)
    for got, want in zip(got_all, first, strict=True):
        assert torch.equal(got, want)


INTEGERS = tuple(
    getattr(torch, f"{sign}int{width}") for sign in ("", "u") for width in (8, 16, 32, 64)
)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", ["hardshrink", "softshrink"])
def test_integers_are_exact(name: str, dtype: Any) -> None:
    low, high = torch.iinfo(dtype).min, torch.iinfo(dtype).max
    values = sorted({low, low + 1, 0, 1, 2, 3, 7, high // 2, high // 2 + 1, high - 1, high})
    carrier = torch.int64 if dtype is torch.uint64 else dtype
    wrapped = [v - 2**64 if carrier is torch.int64 and v > 2**63 - 1 else v for v in values]
    x = torch.tensor(wrapped, dtype=carrier).view(dtype)
    read = lambda y: y.numpy().astype(object).tolist()  # noqa: E731
    function = getattr(shrinkops, name)
    torch._dynamo.reset()
    compiled = torch.compile(function, fullgraph=True, dynamic=True, backend="aot_eager")
    for lambd in (0, 2, 3, high // 2 + 1, high, high + 1, 2**70):
        kept = [abs(v) > lambd for v in values]
        move = lambd if name == "softshrink" else 0
        want = [
            (v - move if v > 0 else v + move) if k else 0 for v, k in zip(values, kept, strict=True)
        ]
        assert read(function(x, lambd)) == want, lambd
        if lambd < 2**63:
            assert read(function(x, torch.tensor([lambd]))) == want, lambd
        assert read(compiled(x, lambd)) == want, (lambd, "compiled")
        out = torch.zeros_like(x)
        assert function(x, lambd, out=out) is out
        assert read(out) == want
    if name == "hardshrink":
        assert read(function(x, torch.tensor([-1.5]))) == values
        assert read(function(x, torch.tensor([math.inf]))) == [0] * len(values)
        assert read(function(x, torch.tensor([2.5]))) == read(function(x, 2))


def magnitude(name: str, size: Any, t: Any, u: Any) -> Any:
    if name == "hardshrink":
        return size
    if name == "softshrink":
        return size - t
    if name == "garrote":
        return size - t * t / size
    return min((size - t) * u / (u - t), size) if size < u else size


@pytest.mark.parametrize("name", ["hardshrink", "softshrink", "firmshrink", "garrote"])
@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_complex_numbers_within_four_units_in_the_last_place(name: str, dtype: Any) -> None:
    generator = torch.Generator().manual_seed(1)
    z = torch.randn(300, dtype=torch.complex128, generator=generator)
    near = z / z.abs() * (0.5 * (1 + 10 ** (-12 * torch.rand(300, generator=generator).double())))
    near = torch.where(near.abs() < 0.5 * (1 + 1e-6), near * 1.001, near)
    z = torch.cat([z, near]).to(dtype)
    part = torch.float32 if dtype is torch.complex64 else torch.float64
    eps = decimal.Decimal(torch.finfo(part).eps)
    function = getattr(shrinkops, name)
    numbers = (0.5, 1.25) if name == "firmshrink" else (0.5,)
    result = function(z, *numbers)
    with decimal.localcontext(prec=50):
        for value, got in zip(z.tolist(), result.tolist(), strict=True):
            real, imaginary = decimal.Decimal(value.real), decimal.Decimal(value.imag)
            size = (real * real + imaginary * imaginary).sqrt()
            t, u = decimal.Decimal("0.5"), decimal.Decimal("1.25")
            if size <= t:
                assert got == 0
                continue
            factor = magnitude(name, size, t, u) / size
            error = (decimal.Decimal(got.real) - real * factor) ** 2
            error += (decimal.Decimal(got.imag) - imaginary * factor) ** 2
            unit = size * factor * eps
            assert error.sqrt() <= 4 * unit / 2 * 2, (value, got)


def test_complex_corners() -> None:
    big, inf, nan = 3e38, math.inf, math.nan
    z = torch.view_as_complex(
        torch.tensor(
            [[big, big], [1e-40, 1e-40], [nan, 0], [0.1, nan], [inf, 1], [inf, nan], [-0.0, -0.0]]
        )
    )
    for name in ("hardshrink", "softshrink", "firmshrink", "garrote"):
        function = getattr(shrinkops, name)
        for lambd in (0.5, torch.tensor(0.5)):
            result = function(z, lambd)
            assert result[0].real > 2.9e38
            assert result[1] == 0
            assert result[2].real.isnan()
            assert result[3].imag.isnan()
            assert result[4] == z[4]
            assert result[5].real.isinf()
            assert result[5].imag.isnan()
            assert not torch.signbit(torch.view_as_real(result[6:])).any()
        everything = function(z, inf) if name != "firmshrink" else function(z, inf, inf)
        assert everything[4] == 0
        assert everything[3].imag.isnan()
        same_bits = function(z.conj(), 0.5)
        assert torch.equal(same_bits[4:5], z[4:5].conj())
        w = torch.tensor([3 + 4j, 0.3 + 0.4j, 0j], dtype=torch.complex128, requires_grad=True)
        t = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(
            function(w, t), w, torch.full((3,), complex(nan, nan), dtype=torch.complex128)
        )
        assert gradient[1:].tolist() == [0, 0]
        points = torch.tensor(
            [3 + 4j, 0.6 - 0.7j, 0.1j], dtype=torch.complex128, requires_grad=True
        )
        if name != "hardshrink":
            assert torch.autograd.gradcheck(function, (points, t))
            assert torch.autograd.gradgradcheck(function, (points, t))


@pytest.mark.parametrize(("name", "numbers"), FAMILY[1:])
def test_subnormals_under_the_flush_mode(name: str, numbers: tuple[float, ...]) -> None:
    """What is kept or zeroed is exact; a result that is subnormal may be 0."""
    x = torch.tensor([1, 713, 714, 715, 8388607], dtype=torch.int32).repeat(5).view(torch.float32)
    function: Callable[..., Any] = getattr(shrinkops, name)
    others = numbers[1:] if name != "firmshrink" else (1e-42,)
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor has no flush mode")
    try:
        result = function(x, 1e-42, *others)
    finally:
        torch.set_flush_denormal(False)
    assert not result[bits(x) <= 714].any()
