"""JAX as people use it: every setting, every transformation, every element type.

Cases are those of public reports (A16 to A18, G03, G04, G10, G15 of the project's list) and
others of their kinds, for all five operations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import shrinkops

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402 - after the skip
import ml_dtypes  # noqa: E402 - comes with JAX
from jax import export  # noqa: E402
from jax.experimental import checkify  # noqa: E402

PARAMETERS: dict[str, tuple[float, ...]] = {
    "hardshrink": (0.3,),
    "softshrink": (0.3,),
    "shrink": (0.3, 0.2),
    "firmshrink": (0.3, 0.9),
    "garrote": (0.3,),
}
EACH = pytest.mark.parametrize("name", PARAMETERS)
FINITE = np.random.default_rng(0).normal(size=30).astype(np.float32)
POINTS = np.concatenate([FINITE, np.float32([0, -0.0, 0.3, np.inf, -np.inf, 1e-40])])


def call(name: str, x: Any, *parameters: Any) -> Any:
    return getattr(shrinkops, name)(x, *(parameters or PARAMETERS[name]))


def same(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    kind = f"u{a.dtype.itemsize}"
    with np.errstate(invalid="ignore"):
        nan = np.asarray(a != a) & np.asarray(b != b)
    return a.dtype == b.dtype and bool(((a.view(kind) == b.view(kind)) | nan).all())


def total(name: str) -> Any:
    return lambda *arguments: call(name, *arguments).sum()


# What the debugging settings of JAX see


@EACH
def test_without_jit_the_bits_are_the_same(name: str) -> None:
    x = jnp.asarray(POINTS)
    expected = call(name, x)
    with jax.disable_jit():
        assert same(call(name, x), expected)
        assert same(call(name, x, *map(jnp.float32, PARAMETERS[name])), expected)


@EACH
@pytest.mark.parametrize("jit", [True, False])
def test_debug_nans_tells_of_a_nan_in_x_and_of_nothing_else(name: str, jit: bool) -> None:
    x, nan, zero = jnp.asarray(FINITE), jnp.array([jnp.nan, 1.0]), jnp.zeros(3)
    lambd = jnp.array([jnp.nan, 0.5])  # HS-LAM-6: such an element has an empty band
    numbers = tuple(map(jnp.float32, PARAMETERS[name]))
    nothing = (jnp.float32(0),) * len(numbers)
    with jax.disable_jit(not jit), jax.debug_nans(True):
        with pytest.raises(FloatingPointError):
            call(name, nan)
        call(name, x[:2], lambd, *numbers[1:])
        with jax.debug_infs(True):
            call(name, x)
            call(name, zero, *nothing)
            jax.grad(total(name), argnums=(0, 1))(x, *numbers)
            jax.grad(total(name), argnums=(0, 1))(zero, *nothing)


@EACH
def test_checkify_finds_nothing(name: str) -> None:
    x, numbers = jnp.asarray(FINITE), tuple(map(jnp.float32, PARAMETERS[name]))
    for function in (
        lambda *a: call(name, *a),
        jax.grad(total(name), argnums=(0, 1)),
    ):
        checked = checkify.checkify(function, errors=checkify.all_checks)
        for parameters in (numbers, (jnp.float32(0),) * len(numbers)):
            checked(x, *parameters)[0].throw()


@EACH
def test_no_implicit_promotion(name: str) -> None:
    x = jnp.asarray(POINTS).reshape(6, 6)
    rows = tuple(jnp.full(6, p) for p in PARAMETERS[name])
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        assert same(call(name, x, *rows), call(name, x))
        for dtype in (jnp.bfloat16, jnp.float16, jnp.float8_e4m3fn):
            assert same(call(name, x.astype(dtype), *rows), call(name, x.astype(dtype)))
        gradients = jax.grad(total(name), argnums=(0, 1))(x, *rows)
        assert [g.shape for g in gradients] == [(6, 6), (6,)]


# Transformations


@EACH
def test_export_and_serialisation(name: str) -> None:
    shape = export.symbolic_shape("n, m")
    rest = PARAMETERS[name][1:]
    exported = export.export(jax.jit(lambda v, t: call(name, v, t, *rest)))(
        jax.ShapeDtypeStruct(shape, jnp.float32), jax.ShapeDtypeStruct((), jnp.float32)
    )
    loaded = export.deserialize(exported.serialize(vjp_order=1))
    x, t = jnp.asarray(POINTS).reshape(6, 6), jnp.float32(0.3)
    assert same(loaded.call(x, t), call(name, x))
    along = jax.grad(lambda v: loaded.call(v, t).sum())(x)
    assert same(along, jax.grad(total(name))(x, t, *rest))


@EACH
def test_donation_control_flow_and_trees(name: str) -> None:
    x, rest = jnp.asarray(POINTS), PARAMETERS[name][1:]
    given = jnp.array(x)
    assert same(jax.jit(lambda v: call(name, v), donate_argnums=0)(given), call(name, x))
    assert given.is_deleted()
    steps = jnp.array([0.1, 0.2], jnp.float32)
    last, _ = jax.lax.scan(lambda c, t: (call(name, c, t, *rest), None), x, steps)
    assert same(last, call(name, call(name, x, steps[0], *rest), steps[1], *rest))
    layer = getattr(shrinkops, name.capitalize())(*PARAMETERS[name])
    tree = {"a": x, "b": (x[:3], None)}
    assert jax.tree.structure(jax.jit(lambda t: jax.tree.map(layer, t))(tree)) == (
        jax.tree.structure(tree)
    )
    assert same(jax.jit(lambda v, f: f(v), static_argnums=1)(x, layer), call(name, x))


@EACH
def test_vmap_over_the_threshold_alone(name: str) -> None:
    x, rest = jnp.asarray(POINTS), PARAMETERS[name][1:]
    steps = jnp.array([0.1, 0.25], jnp.float32)
    mapped = jax.vmap(lambda t: call(name, x, t, *rest))(steps)
    for row, t in zip(mapped, steps, strict=True):
        assert same(row, call(name, x, float(t), *rest))
    finite = jnp.asarray(FINITE)
    each = jax.vmap(jax.grad(lambda t: call(name, finite, t, *rest).sum()))(steps)
    one = [jax.grad(total(name), argnums=1)(finite, t, *rest) for t in steps]
    assert np.allclose(each, one)


@EACH
def test_derivatives_of_every_order_and_parameter(name: str) -> None:
    with jax.enable_x64(True):
        x = jnp.array([[-2.0, -0.5, 0.1, 0.7], [1.5, 0.4, -0.25, 3.0]])
        arguments = (x, *(jnp.full(4, p) for p in PARAMETERS[name]))
        positions = tuple(range(len(arguments)))
        first = jax.jit(jax.grad(total(name), argnums=positions))
        assert [g.shape for g in first(*arguments)] == [a.shape for a in arguments]
        directions = tuple(jnp.cos(jnp.arange(a.size, dtype=a.dtype)).reshape(a.shape)
                           for a in arguments)  # fmt: skip
        forward = jax.jit(lambda *a: jax.jvp(total(name), a, directions)[1])
        step = 1e-6
        ahead, back = (
            tuple(a + sign * step * d for a, d in zip(arguments, directions, strict=True))
            for sign in (1, -1)
        )
        reverse = sum(
            float((g * d).sum()) for g, d in zip(first(*arguments), directions, strict=True)
        )
        value = jax.jit(total(name))
        assert np.isclose(forward(*arguments), reverse)
        assert np.isclose((value(*ahead) - value(*back)) / (2 * step), reverse, rtol=1e-5)
        second = jax.jit(lambda *a: jax.jvp(first, a, directions)[1])(*arguments)
        for exact, plus, minus in zip(second, first(*ahead), first(*back), strict=True):
            assert np.allclose(exact, (plus - minus) / (2 * step), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", ["softshrink", "firmshrink", "garrote"])
def test_derivatives_of_complex_numbers(name: str) -> None:
    with jax.enable_x64(True):
        z = jnp.array([1 + 2j, 0.1 - 0.1j, -0.5 + 0.3j])
        t = jnp.float64(0.3)
        rest = PARAMETERS[name][1:]

        def energy(z: Any, t: Any) -> Any:
            return (jnp.abs(call(name, z, t, *rest) - 1) ** 2).sum()

        value, step = jax.jit(energy), 1e-6
        by_z, by_t = jax.jit(jax.grad(energy, argnums=(0, 1)))(z, t)
        slope = (value(z, t + step) - value(z, t - step)) / (2 * step)
        assert np.isclose(by_t, slope, rtol=1e-5)
        for direction in (1.0, 1j):
            slope = (value(z + step * direction, t) - value(z - step * direction, t)) / (2 * step)
            assert np.isclose((by_z * direction).real.sum(), slope, rtol=1e-5)


@EACH
def test_derivatives_are_by_selection(name: str) -> None:
    x = jnp.array([0.1, -0.2, jnp.nan, jnp.inf, 2.0])
    numbers = tuple(map(jnp.float32, PARAMETERS[name]))
    _, pullback = jax.vjp(lambda *a: call(name, *a), x, *numbers)
    along, *others = pullback(jnp.array([jnp.nan, jnp.inf, 1.0, 1.0, 1.0]))
    assert along.tolist()[:4] == [0, 0, 1, 1]
    assert all(np.isfinite(o) for o in others)
    assert jax.grad(total(name), argnums=1)(x[2:4], *numbers) == 0


def test_the_exact_gradients_of_thresholds() -> None:
    x = jnp.array([-2.0, 0.7, 0.1])
    for name, expected in {
        "hardshrink": (0.0,),
        "softshrink": (0.0,),  # +1 of -2, -1 of 0.7
        "shrink": (0.0, 0.0),
        "firmshrink": (0.9 * (0.7 - 0.9) / 0.6**2, 0.3 * (0.3 - 0.7) / 0.6**2),
        "garrote": (2 * 0.3 / 2.0 - 2 * 0.3 / 0.7,),
    }.items():
        numbers = tuple(map(jnp.float32, PARAMETERS[name]))
        positions = tuple(range(1, 1 + len(numbers)))
        assert np.allclose(jax.grad(total(name), argnums=positions)(x, *numbers), expected)


def test_a_threshold_of_zero_is_learned_too() -> None:
    x = jnp.array([4.0, -1.0, 0.0])
    slopes = jax.vmap(jax.grad(shrinkops.softshrink, argnums=1))(x, jnp.zeros(3))
    assert slopes.tolist() == [-1.0, 1.0, 0.0]


# Element types


def reference(name: str, x: Any, parameters: tuple[float, ...]) -> Any:
    """The specification's formulas, written once more, in NumPy."""
    work = np.float64 if x.dtype.itemsize == 8 else np.float32
    t, *others = (work(x.dtype.type(p)) for p in parameters)
    wide = x.astype(work)
    a, s = np.abs(wide), np.where(np.signbit(wide), work(-1), work(1))
    with np.errstate(all="ignore"):
        result = {
            "hardshrink": lambda: wide,
            "softshrink": lambda: wide - s * t,
            "shrink": lambda: wide - s * others[0],
            "firmshrink": lambda: np.where(
                a >= others[0],
                wide,
                s * np.minimum((a - t) * (others[0] / (others[0] - t)), a),
            ),
            "garrote": lambda: s * np.minimum((a - t) * (1 + t / a), a),
        }[name]()
        result = np.where(np.isinf(a), wide, result)
        result = np.where((a <= t) | (result == 0), work(0), result)
        return result.astype(x.dtype)


@EACH
@pytest.mark.parametrize(
    "dtype",
    ["float16", "bfloat16", "float8_e5m2", "float8_e4m3fn", "float8_e4m3fnuz", "float4_e2m1fn"],
)
def test_every_pattern_of_narrow_floats(name: str, dtype: str) -> None:
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    count = 16 if kind.name == "float4_e2m1fn" else 1 << 8 * kind.itemsize
    x = np.arange(count).astype(f"u{kind.itemsize}").view(kind)
    for parameters in (PARAMETERS[name], (0.5, 1.0)[: len(PARAMETERS[name])]):
        expected = reference(name, x, parameters)
        assert same(call(name, jnp.asarray(x), *parameters), expected)
        traced = jax.jit(getattr(shrinkops, name))(jnp.asarray(x), *map(kind.type, parameters))
        assert same(traced, expected)


@EACH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_random_bits_in_and_out_of_a_users_jit(name: str, dtype: Any) -> None:
    kind = f"u{np.dtype(dtype).itemsize}"
    rng = np.random.default_rng(1)
    x = np.concatenate(
        [
            rng.integers(0, np.iinfo(kind).max, 20_000, kind).view(dtype),
            rng.normal(size=20_000).astype(dtype),
        ]
    )
    with jax.enable_x64(True):
        v = jnp.asarray(x)
        expected = reference(name, x, PARAMETERS[name])
        assert same(call(name, v), expected)
        # λ is a constant here: nothing that XLA knows of it may change a bit.
        assert same(jax.jit(lambda v: call(name, v))(v), expected)
        # A product before and a sum after: neither is contracted with what is inside.
        inner = jax.jit(lambda v: call(name, v * 3) + 1)(v)
        assert same(inner, call(name, v * 3) + 1)


@EACH
def test_no_excess_precision_crosses_the_border(name: str) -> None:
    x = jnp.asarray(np.random.default_rng(2).normal(size=4000), jnp.float32)

    def function(v: Any) -> Any:
        return call(name, v.astype(jnp.bfloat16)).astype(jnp.float32)

    assert same(jax.jit(function)(x), call(name, x.astype(jnp.bfloat16)).astype(jnp.float32))


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e4m3b11fnuz", "float4_e2m1fn"])
def test_an_upper_threshold_beyond_formats_without_infinity(dtype: str) -> None:
    kind = np.dtype(getattr(ml_dtypes, dtype))
    x = jnp.asarray(np.arange(16 if dtype == "float4_e2m1fn" else 256, dtype=np.uint8).view(kind))
    soft = shrinkops.softshrink(x, 1.0)
    assert same(shrinkops.firmshrink(x, 1.0, np.inf), soft)
    assert same(shrinkops.firmshrink(x, 1.0, jnp.float32(np.inf)), soft)
    hard = shrinkops.hardshrink(x, 1.0)
    for below in (-1, 0, jnp.nan):  # not at least λ: as λ
        assert same(shrinkops.firmshrink(x, 1.0, jnp.asarray(below)), hard)


@pytest.mark.parametrize("mu", [1e30, np.inf, 1e6])
def test_an_upper_threshold_far_above_a_complex_number(mu: float) -> None:
    with jax.enable_x64(True):
        z, gain = jnp.array([0.75 + 1j, 3e-5 + 4e-5j]), 1.0 if mu > 1e20 else mu / (mu - 2e-5)
        got = np.asarray(shrinkops.firmshrink(z, 2e-5, mu))
        size = np.abs(np.asarray(z))
        assert np.allclose(got, np.asarray(z) * ((size - 2e-5) * gain / size), rtol=1e-14, atol=0)


@pytest.mark.parametrize(
    ("shape", "lambd"), [((254,), ()), ((4, 5, 6), (5, 1)), ((4, 5, 7), (5, 1)), ((3, 16), (16,))]
)
def test_subnormals_of_bfloat16_survive(shape: tuple[int, ...], lambd: tuple[int, ...]) -> None:
    bits = 0x8001 + np.arange(np.prod(shape)).reshape(shape) % 127
    x = jnp.asarray(bits.astype(np.uint16).view(ml_dtypes.bfloat16))
    assert same(shrinkops.hardshrink(x, 0.0), x)
    assert same(shrinkops.hardshrink(x, jnp.zeros(lambd, jnp.bfloat16)), x)


@pytest.mark.parametrize("name", ["hardshrink", "softshrink"])
@pytest.mark.parametrize("width", [2, 4, 8])
@pytest.mark.parametrize("signed", [True, False])
def test_every_narrow_integer(name: str, width: int, signed: bool) -> None:
    low, high = (-(1 << width - 1), 1 << width - 1) if signed else (0, 1 << width)
    dtype = getattr(jnp, f"{'' if signed else 'u'}int{width}")
    values = list(range(low, high))
    x = jnp.asarray(values).astype(dtype)
    for lambd in (0, 1, high - 1, high, 1 << 40, float("inf")):
        less = lambd if name == "softshrink" else 0
        kept = [0 if abs(v) <= lambd else v - less * (1 if v > 0 else -1) for v in values]
        result = call(name, x, lambd)
        assert result.dtype == dtype
        assert result.tolist() == kept
    traced = call(name, x, jnp.ones((), dtype))
    assert traced.tolist() == call(name, x, 1).tolist()


def test_integers_have_no_limit() -> None:
    x = jnp.array([2**32 - 1, 2**31 + 5, 7], jnp.uint32)
    assert shrinkops.hardshrink(x, 2**31 + 5).tolist() == [2**32 - 1, 0, 0]
    assert shrinkops.softshrink(x, 2**31 + 5).tolist() == [2**31 - 6, 0, 0]
    for lambd in (1e10, float("inf"), 10**30, np.uint64(2**63)):
        assert shrinkops.hardshrink(x, lambd).tolist() == [0, 0, 0]
    signed = jnp.array([-(2**31), -5, 5], jnp.int32)
    assert shrinkops.hardshrink(signed, jnp.array(2**31, jnp.uint32)).tolist() == [0, 0, 0]
    assert shrinkops.hardshrink(signed, jnp.array(2**31 - 1, jnp.uint32)).tolist()[0] == -(2**31)
    assert shrinkops.hardshrink(signed, jnp.float32(3e38)).tolist() == [0, 0, 0]
    assert shrinkops.hardshrink(signed, jnp.float32(5.5)).tolist() == [-(2**31), 0, 0]
    assert shrinkops.hardshrink(signed, jnp.float32(-0.5)).tolist() == signed.tolist()
    with jax.enable_x64(True):
        long = jnp.array([-(2**63), 2**63 - 1, 3])
        assert shrinkops.hardshrink(long, jnp.uint64(2**63)).tolist() == [0, 0, 0]
        assert shrinkops.hardshrink(long, 2**63 - 1).tolist() == [-(2**63), 0, 0]
        assert shrinkops.softshrink(long, 2**62).tolist() == [-(2**62), 2**62 - 1, 0]


@pytest.mark.parametrize("name", ["hardshrink", "softshrink", "firmshrink", "garrote"])
def test_complex_numbers(name: str) -> None:
    rng = np.random.default_rng(3)
    z = (rng.normal(size=500) + 1j * rng.normal(size=500)).astype(np.complex64)
    z[:4] = [0, np.inf + 1j, 2e38 + 2e38j, 0.1 + 0.1j]
    wide = z.astype(np.complex128)
    with np.errstate(all="ignore"):
        size = np.hypot(wide.real, wide.imag)
        t, u = map(float, map(np.float32, (0.3, 0.9)))
        factor = {
            "hardshrink": np.ones(500),
            "softshrink": (size - t) / size,
            "firmshrink": np.minimum((size - t) * u / (u - t) / size, 1),
            "garrote": 1 - (t / size) ** 2,
        }[name]
        expected = np.where(size <= t, 0, np.where(np.isinf(size), wide, wide * factor))
    result = np.asarray(call(name, jnp.asarray(z)))
    assert result[1] == z[1]
    finite = np.isfinite(size)
    error = np.abs(result[finite] - expected[finite])
    assert (error <= 4 * np.spacing(np.abs(expected[finite]).astype(np.float32))).all()
    assert np.isnan(np.asarray(call(name, jnp.array([jnp.nan + 0j]))))


# Decisions


@EACH
def test_weak_types_stay_weak(name: str) -> None:
    assert call(name, jnp.asarray(0.25)).weak_type
    assert not call(name, jnp.float32(0.25)).weak_type
    if name in ("hardshrink", "softshrink"):
        assert call(name, jnp.asarray(3), 1).weak_type


def test_a_number_that_crosses_jit_as_an_argument_is_already_float32() -> None:
    # G03: JAX makes a float32 of it before anything of ours runs.
    lambd = 0.5019531252328306
    x = jnp.array([0.50390625], jnp.bfloat16)
    eager = shrinkops.hardshrink(x, lambd)
    crossed = jax.jit(shrinkops.hardshrink)(x, lambd)
    assert same(crossed, shrinkops.hardshrink(x, np.float32(lambd)))
    assert same(jax.jit(lambda v: shrinkops.hardshrink(v, lambd))(x), eager)
    assert same(jax.jit(shrinkops.hardshrink, static_argnames="lambd")(x, lambd=lambd), eager)
    with jax.enable_x64(True):
        assert same(jax.jit(shrinkops.hardshrink)(x, lambd), eager)


@EACH
def test_64_bits_stay_64_bits_outside_enable_x64(name: str) -> None:
    with jax.enable_x64(True):
        x = jnp.array([1e-300, 0.25, 1.5, -1.5])
        expected = call(name, x)
    for result in (call(name, x), jax.jit(lambda v: call(name, v))(x)):
        assert result.dtype == np.float64
        assert same(result, expected)


# How it is compiled


@pytest.fixture
def traces() -> Any:
    seen: list[str] = []
    listening = True

    def listener(event: str, duration: float, **_: Any) -> None:
        if listening and event.endswith("jaxpr_trace_duration"):
            seen.append(event)

    jax.monitoring.register_event_duration_secs_listener(listener)
    yield seen
    listening = False


@EACH
def test_one_function_per_operation_type_and_kind_of_parameter(name: str, traces: Any) -> None:
    from shrinkops_jax._kernels import compiled

    numbers = (True,) * len(PARAMETERS[name])
    function = compiled(name, "float", numbers)
    assert compiled(name, "float", numbers) is function
    x = jnp.asarray(np.resize(POINTS, 41))
    call(name, x)
    traces.clear()
    before = function._cache_size()
    for lambd in (0.1, 0.2, 0, np.float64(0.25), np.float32(0.3)):
        call(name, x, lambd, *PARAMETERS[name][1:])
    assert traces == []
    assert function._cache_size() == before


@EACH
def test_inside_a_users_jit_it_is_one_loop(name: str) -> None:
    x = jax.ShapeDtypeStruct((4096,), jnp.float32)

    def layer(v: Any) -> Any:
        return call(name, v * 2 - 1) + 3

    text = jax.jit(layer).lower(x).compile().as_text()
    entry = text[text.index("\nENTRY") :]
    assert entry.count(" fusion(") == 1, entry
    assert not any(word in entry for word in ("custom-call", "call(%", "while(", "copy(")), entry
