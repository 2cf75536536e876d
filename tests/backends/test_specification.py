"""The value, λ and dispatch clauses on every backend that is ready, bit for bit.

The reference is exact: 16-bit values are float64 numbers, λ is rounded by
searching all values of the dtype. It shares no code with the package.
"""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import shrinkops
from shrinkops._plugins.registry import registry

jax = pytest.importorskip("jax")
torch = pytest.importorskip("torch")

BACKENDS = ("numpy", "torch", "jax")
DTYPES: dict[str, Any] = {
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "float32": np.float32,
    "float64": np.float64,
}
BITS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
LAMBDAS = (
    0.0, 1e-7, 6e-8, 1e-40, 0.1, 0.3, 0.5, 1.0, 2.75, 1000.0, 65504.0, math.inf,
    -0.0, -1e-300, -0.5, -math.inf, 1,
)  # fmt: skip


@pytest.fixture(autouse=True)
def x64() -> Any:
    with jax.enable_x64(True):
        yield


def adapter(name: str) -> Any:
    entry = registry.find(name)
    assert entry is not None, name
    return entry.backend.adapter()


def patterns(dtype: str) -> np.ndarray[Any, Any]:
    """All 16-bit patterns; for wider dtypes the corners of every exponent, both signs."""
    kind = np.dtype(DTYPES[dtype])
    if kind.itemsize == 2:
        return np.arange(2**16, dtype=np.uint16).view(kind)
    bits = BITS[kind.itemsize]
    fraction = {4: 23, 8: 52}[kind.itemsize]
    fields = np.arange(1 << (8 * kind.itemsize - 1 - fraction), dtype=bits) << bits(fraction)
    tails = np.array([0, 1, 2, (1 << fraction) - 1, 1 << (fraction - 1)], bits)
    one_sign = (fields[:, None] | tails).ravel()
    return np.concatenate([one_sign, one_sign | bits(1 << (8 * kind.itemsize - 1))]).view(kind)


def nearest(lambd: float, dtype: str) -> float:
    """Round to a 16-bit dtype by looking at all its values, to the others by NumPy."""
    if math.isinf(lambd) or np.dtype(DTYPES[dtype]).itemsize > 2:
        return float(np.asarray(lambd, DTYPES[dtype]))
    with np.errstate(invalid="ignore"):
        values = np.arange(2**15, dtype=np.uint16).view(DTYPES[dtype]).astype(np.float64)
    values = values[np.isfinite(values)]
    distance = np.abs(values - abs(lambd))
    closest = np.flatnonzero(distance == distance.min())
    return math.copysign(float(values[min(closest, key=lambda i: i & 1)]), lambd)


def reference(x: np.ndarray[Any, Any], lambd: float, dtype: str) -> np.ndarray[Any, Any]:
    """The bits of the result, from exact comparisons in float64."""
    t = nearest(lambd, dtype)
    with np.errstate(invalid="ignore"):
        wide = x.astype(np.float64)
        band = (-t <= wide) & (wide <= t) if lambd >= 0 else np.zeros(x.shape, bool)
    bits = x.view(BITS[x.dtype.itemsize])
    return np.where(band, bits.dtype.type(0), bits)


def same(result: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> None:
    """Bits agree, except that any NaN is as good as another."""
    bits = result.view(expected.dtype)
    with np.errstate(invalid="ignore"):  # converting a signalling NaN
        both = np.isnan(result.astype(np.float64))
        both &= np.isnan(expected.view(result.dtype).astype(np.float64))
    wrong = np.flatnonzero((bits != expected) & ~both)
    assert wrong.size == 0, (
        f"{wrong.size} wrong, first {bits[wrong[0]]:#x}, expected {expected[wrong[0]]:#x}"
    )


@pytest.mark.parametrize("lambd", LAMBDAS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_values(backend: str, dtype: str, lambd: float) -> None:
    library = adapter(backend)
    a = patterns(dtype)
    x = library.from_numpy(a)
    if lambd == 65504.0 or math.isinf(lambd) or lambd <= float(ml_dtypes.finfo(a.dtype).max):
        with np.errstate(all="raise"):
            result = shrinkops.hardshrink(x, lambd)
        assert type(result) is type(x)
        assert result.dtype == x.dtype
        assert result.shape == x.shape
        same(library.to_numpy(result), reference(a, lambd, dtype))
        same(library.to_numpy(x), a.view(BITS[a.dtype.itemsize]))  # x is never written


@pytest.mark.parametrize(
    ("dtype", "lambd"),
    [
        ("float16", 0.3),
        ("bfloat16", 0.1),
        ("float32", np.float64(0.1)),
        ("float32", np.longdouble(0.1)),
        ("float16", np.float32(0.3)),
        ("float16", 1 + 2.0**-11 + 2.0**-40),
        ("bfloat16", 1 + 2.0**-8 + 2.0**-40),
    ],
)
@pytest.mark.parametrize("backend", BACKENDS)
def test_lambd_is_rounded_once_and_never_promotes(backend: str, dtype: str, lambd: Any) -> None:
    library = adapter(backend)
    t = nearest(float(lambd), dtype)
    above = np.nextafter(np.asarray(t, DTYPES[dtype]), np.asarray(np.inf, DTYPES[dtype]))
    a = np.array([t, -t, above, -above], DTYPES[dtype])
    result = shrinkops.hardshrink(library.from_numpy(a), lambd)
    same(library.to_numpy(result), np.where([1, 1, 0, 0], 0, a.view(BITS[a.dtype.itemsize])))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lambd_dtype", ["float64", "float32", "int32"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_array_lambd(backend: str, dtype: str, lambd_dtype: str) -> None:
    """Per channel, rounded once, NaN and negative thresholds included (HS-LAM-6)."""
    library = adapter(backend)
    column = patterns(dtype)
    thresholds = [
        0.3,
        0.1,
        -0.0,
        -1.0,
        math.nan,
        math.inf,
        1 + 2.0**-11 + 2.0**-40,
        1 + 2**-8 + 2**-40,
    ]
    if lambd_dtype == "int32":
        thresholds = [0, 1, -1, 3, 100]
    lambd = np.array(thresholds, lambd_dtype)
    x = library.from_numpy(np.stack([column] * len(lambd)))
    result = library.to_numpy(shrinkops.hardshrink(x, library.from_numpy(lambd[:, None])))
    for row, t in zip(result, lambd, strict=True):
        keep_all = t != t or t < 0
        same(row, reference(column, -1.0 if keep_all else float(t), dtype))


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e5m2"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_an_array_lambd_beyond_a_small_format_zeroes_all_but_nan(backend: str, dtype: str) -> None:
    """Without an infinity, what is beyond the format rounds to NaN: that is no NaN of λ."""
    library = adapter(backend)
    a = np.arange(256, dtype=np.uint8).view(getattr(ml_dtypes, dtype))
    lambd = library.from_numpy(np.array([[1e300], [math.nan]]))
    x = library.from_numpy(np.stack([a, a]))
    beyond, nothing = library.to_numpy(shrinkops.hardshrink(x, lambd))
    assert (np.isnan(beyond) == np.isnan(a)).all()
    assert (beyond.view(np.uint8)[~np.isnan(a)] == 0).all()
    assert (nothing.view(np.uint8) == a.view(np.uint8))[~np.isnan(a)].all()


INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
INTEGER_LAMBDAS = (
    0, 0.5, 1, 1.999, 2, 126, 127, 127.5, 128, 255, 256, -0.25, -1, 2**31 - 1, 2.0**31,
    2**63 - 1, 2.0**63, 2**64, 1e300, math.inf, -math.inf,
)  # fmt: skip


def integers_of(dtype: str) -> np.ndarray[Any, Any]:
    info = np.iinfo(dtype)
    some = {0, 1, 2, 3, 126, 127, 128, info.max, info.max - 1, info.min, info.min + 1}
    some |= {-v for v in some}
    return np.array(sorted(v for v in some if info.min <= v <= info.max), dtype)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_integers_are_exact_over_the_reals(backend: str, dtype: str) -> None:
    library = adapter(backend)
    if dtype not in library.backend.dtypes:
        x = torch.zeros(2, dtype=getattr(torch, dtype))
        with pytest.raises(TypeError, match=f"dtype {dtype} is not supported by the 'torch'"):
            shrinkops.hardshrink(x)
        return
    a = integers_of(dtype)
    for lambd in INTEGER_LAMBDAS:
        result = library.to_numpy(shrinkops.hardshrink(library.from_numpy(a), lambd))
        assert result.dtype == a.dtype
        expected = [0 if -lambd <= int(v) <= lambd else int(v) for v in a]
        assert result.tolist() == expected, lambd


@pytest.mark.parametrize("lambd_dtype", ["float64", "float32", "float16", "int8", "int64"])
@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_integers_under_an_array_lambd(backend: str, dtype: str, lambd_dtype: str) -> None:
    library = adapter(backend)
    if dtype not in library.backend.dtypes:
        return  # refused, see above
    a = integers_of(dtype)
    limits = np.iinfo(lambd_dtype) if "int" in lambd_dtype else None
    with np.errstate(over="ignore"):
        lambd = np.array(
            [v for v in INTEGER_LAMBDAS if limits is None or limits.min <= v <= limits.max],
            lambd_dtype,
        )
    x = library.from_numpy(np.stack([a] * len(lambd)))
    result = library.to_numpy(shrinkops.hardshrink(x, library.from_numpy(lambd[:, None])))
    for row, t in zip(result, lambd.tolist(), strict=True):
        assert row.tolist() == [0 if -t <= int(v) <= t else int(v) for v in a], t


LIBRARIES = {
    "numpy": lambda a: a,
    "torch": lambda a: torch.from_numpy(a.copy()),
    "jax": lambda a: jax.numpy.asarray(a),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("other", BACKENDS)
def test_arrays_of_two_libraries_are_refused_naming_every_type(backend: str, other: str) -> None:
    if backend == other:
        return
    x, foreign = LIBRARIES[backend](np.ones(3)), LIBRARIES[other](np.ones(3))
    for arguments in ({"lambd": foreign}, {"out": foreign}, {"lambd": foreign[0:1], "out": x}):
        with pytest.raises(TypeError) as caught:
            shrinkops.hardshrink(x, **arguments)
        for array in (x, foreign):
            assert type(array).__qualname__ in str(caught.value)


@pytest.mark.parametrize("backend", BACKENDS)
def test_bad_lambd_is_one_class_everywhere(backend: str) -> None:
    x = LIBRARIES[backend](np.ones(3, np.float16))
    for bad in ("0.5", None, True, 1j, [0.5], object()):
        with pytest.raises(TypeError, match="hardshrink: lambd must be a real number"):
            shrinkops.hardshrink(x, bad)
    for value in (math.nan, 1e5, -1e5, np.float64("nan")):
        with pytest.raises(ValueError, match=r"hardshrink: lambd=.*float16.*65504"):
            shrinkops.hardshrink(x, value)
    with pytest.raises(ValueError, match=r"lambd of shape \(2, 3\) does not broadcast to x"):
        shrinkops.hardshrink(x, LIBRARIES[backend](np.ones((2, 3), np.float16)))
    with pytest.raises(TypeError, match="lambd"):
        shrinkops.hardshrink(x, LIBRARIES[backend](np.ones(3, np.complex64)))


@pytest.mark.parametrize("dtype", ["bool", "complex64"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_undeclared_dtypes_are_refused_naming_dtype_and_backend(backend: str, dtype: str) -> None:
    x = LIBRARIES[backend](np.ones(3, dtype))
    if dtype in adapter(backend).backend.dtypes:
        assert shrinkops.hardshrink(x, 2.0).dtype == x.dtype
        return
    with pytest.raises(TypeError, match=f"dtype {dtype} is not supported by the '{backend}'"):
        shrinkops.hardshrink(x)


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_out_is_filled_returned_and_checked(backend: str) -> None:
    make = LIBRARIES[backend]
    x = make(np.array([0.25, 1.0, -0.5, np.nan], np.float32))
    out = make(np.full(4, 7.0, np.float32))
    assert shrinkops.hardshrink(x, out=out) is out
    assert str(adapter(backend).to_numpy(out)) == "[ 0.  1.  0. nan]"
    for wrong, error, message in (
        (make(np.full(3, 7.0, np.float32)), ValueError, r"shape \(3,\), expected \(4,\)"),
        (make(np.full(4, 7.0, np.float64)), TypeError, "float64, expected"),
    ):
        with pytest.raises(error, match=message):
            shrinkops.hardshrink(x, out=wrong)
        assert set(adapter(backend).to_numpy(wrong).tolist()) == {7.0}
    with pytest.raises(ValueError, match="nan"):
        shrinkops.hardshrink(x, math.nan, out=out)
    assert shrinkops.hardshrink(x, out=x) is x


def test_jax_says_why_there_is_no_out() -> None:
    x = jax.numpy.ones(3)
    with pytest.raises(TypeError, match="'jax' backend has no out=: JAX arrays are immutable"):
        shrinkops.hardshrink(x, out=x)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("lambd", [0.5, -1.0, math.inf])
def test_shapes_and_purity(backend: str, lambd: float) -> None:
    library = adapter(backend)
    for shape in ((), (0,), (1,), (3, 0, 2), (2, 3, 4)):
        a = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        x = library.from_numpy(a)
        result = shrinkops.hardshrink(x, lambd)
        assert tuple(result.shape) == shape
        assert result is not x
        if backend != "jax" and a.size:
            result += 1
            assert np.array_equal(library.to_numpy(x), a)
