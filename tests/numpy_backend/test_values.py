"""Values: the closed band, kept bits, NaN, zero's sign, at every position of every layout."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest

import shrinkops

Array = np.ndarray[Any, Any]
LAMBDAS = (0.0, 0.1, 0.3, 0.5, 1.0, 5.0, float("inf"), -0.25, float("-inf"))
settings = hypothesis.settings(deadline=None, max_examples=60)


def rounded(lambd: float, dtype: Any) -> float:
    """Round λ by NumPy's own conversion, for the types where that is one step."""
    return float(np.array(lambd, np.float32 if dtype.itemsize < 2 else np.float64).astype(dtype))


def nearest(lambd: float, dtype: Any) -> float:
    """Round λ by search among a narrow type's values, ties to an even pattern."""
    if dtype.itemsize > 2 or np.isinf(lambd):
        return rounded(lambd, dtype) if np.isfinite(lambd) else lambd
    patterns = np.arange(1 << (8 * dtype.itemsize - 1), dtype=f"u{dtype.itemsize}")
    with np.errstate(all="ignore"):
        values = patterns.view(dtype).astype(np.float64)
    finite = values[np.isfinite(values)]
    exact = abs(Fraction(lambd))
    near = int(np.searchsorted(finite, abs(lambd)))
    choice = range(max(near - 1, 0), min(near + 2, len(finite)))
    best = min(choice, key=lambda i: (abs(Fraction(float(finite[i])) - exact), i % 2))
    magnitude = float(finite[best]) or (float(finite[1]) if lambd < 0 else 0.0)
    return -magnitude if lambd < 0 else magnitude


@pytest.mark.parametrize("lambd", LAMBDAS)
def test_all_patterns_of_narrow_types(
    float_name: str, lambd: float, dtype_named: Any, oracle: Any, equal: Any
) -> None:
    dtype = dtype_named(float_name)
    if dtype.itemsize > 2:
        patterns = np.random.default_rng(0).integers(0, 2**63, 20000).astype(f"u{dtype.itemsize}")
        patterns = np.concatenate([patterns, ~patterns])
    else:
        patterns = np.arange(1 << (8 * dtype.itemsize), dtype=f"u{dtype.itemsize}")
    x = patterns.view(dtype)
    want = oracle(x, nearest(lambd, dtype))
    with np.errstate(all="raise"):  # HS-VAL-7
        assert equal(shrinkops.hardshrink(x, lambd), want)
        assert equal(shrinkops.hardshrink(x, np.full(x.shape, lambd)), want)
        # By way of integers: x.byteswap() does nothing to a bfloat16 of ml_dtypes 0.5.
        swapped = patterns.byteswap().view(dtype.newbyteorder())
        if dtype.itemsize > 1 and swapped.dtype != dtype:
            got = shrinkops.hardshrink(swapped, lambd)
            assert got.dtype == swapped.dtype
            assert equal(got.view(patterns.dtype).byteswap().view(dtype), want)


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "bfloat16", "float8_e4m3fn"])
@pytest.mark.parametrize("stride", [1, 2, -1])
def test_special_value_at_every_position(name: str, stride: int, dtype_named: Any) -> None:
    """Lengths 0 to 130, four offsets; one kept element walks through zeroed ones."""
    dtype = dtype_named(name)
    specials = np.array([np.nan, -3.0], dtype)
    for offset in range(4):
        base = np.full(offset + 130 * abs(stride), -0.25, dtype)
        for n in range(131):
            x = base[offset : offset + n * abs(stride)][::stride]
            assert len(x) == n
            zeros = bytes(n * dtype.itemsize)
            assert shrinkops.hardshrink(x, 0.5).tobytes() == zeros
            for position in range(n):
                special = specials[position % 2]
                x[position] = special
                got = shrinkops.hardshrink(x, 0.5).tobytes()
                start, stop = position * dtype.itemsize, (position + 1) * dtype.itemsize
                assert got[start:stop] == special.tobytes(), (n, position, offset)
                assert got[:start] + got[stop:] == zeros[dtype.itemsize :], (n, position, offset)
                x[position] = -0.25


@pytest.mark.parametrize("byte", [1, 3])
def test_misaligned_operands(byte: int, oracle: Any, equal: Any) -> None:
    values = np.random.default_rng(1).standard_normal(1000).astype(np.float32)
    memory = np.zeros(4100, np.uint8)
    x = memory[byte : byte + 4000].view(np.float32)
    x[:] = values
    out = np.zeros(4100, np.uint8)[byte : byte + 4000].view(np.float32)
    assert not x.flags.aligned
    assert equal(shrinkops.hardshrink(x, 0.5), oracle(values, 0.5))
    assert shrinkops.hardshrink(x, 0.5, out=out) is out
    assert equal(np.ascontiguousarray(out), oracle(values, 0.5))


@settings
@hypothesis.given(data=st.data())
def test_any_layout(data: st.DataObject, oracle: Any, equal: Any) -> None:
    name = data.draw(st.sampled_from(["float16", "float32", "float64"]))
    dtype = np.dtype(name)
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=7))
    bits = data.draw(hnp.arrays(f"u{dtype.itemsize}", shape))
    x = bits.view(dtype)
    x = x.transpose(data.draw(st.permutations(range(x.ndim))))
    index = data.draw(hnp.basic_indices(x.shape, allow_newaxis=False, allow_ellipsis=False))
    x = np.asarray(x[index])
    if data.draw(st.booleans()):
        x = x.byteswap().view(dtype.newbyteorder())
    if data.draw(st.booleans()):
        x = np.broadcast_to(x, (2, *x.shape))
    lambd = data.draw(st.floats(0, 60000, width=16))
    got = shrinkops.hardshrink(x, lambd)
    native = np.ascontiguousarray(x).astype(dtype, order="C").reshape(x.shape)
    assert got.dtype == x.dtype
    assert equal(np.ascontiguousarray(got).astype(dtype).reshape(x.shape), oracle(native, lambd))
    assert not np.shares_memory(got, x)


@settings
@hypothesis.given(data=st.data())
def test_integers_are_exact(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["int8", "uint8", "int16", "int32", "int64", "uint64"]))
    limits = np.iinfo(name)
    ends = st.sampled_from([limits.min, limits.min + 1, 0, limits.max - 1, limits.max])
    values = data.draw(st.lists(st.integers(limits.min, limits.max) | ends, max_size=80))
    x = np.array(values, name)
    edge = st.sampled_from([-1, 0, limits.max, abs(int(limits.min)), limits.max + 1, 2**70])
    lambd = data.draw(
        st.integers(-3, 2**66) | edge | st.floats(allow_nan=False) | st.fractions(-1, 300)
    )
    want = [v if Fraction(v) > lambd or Fraction(v) < -lambd else 0 for v in values]
    got = shrinkops.hardshrink(x, lambd)
    assert got.dtype == x.dtype
    assert got.tolist() == want


def exact(number: Any) -> Any:
    """Return a NumPy scalar as a number that Python compares exactly."""
    if isinstance(number, np.integer):
        return int(number)
    return float(number) if np.isinf(number) else Fraction(*number.as_integer_ratio())


@settings
@hypothesis.given(data=st.data())
def test_integers_with_array_lambda_are_exact(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["int8", "uint8", "int16", "uint32", "int64", "uint64"]))
    limits = np.iinfo(name)
    n = data.draw(st.integers(0, 300))
    x = data.draw(hnp.arrays(name, n))
    x[: n // 3] = limits.min
    x[n // 3 : n // 2] = limits.max
    kind = data.draw(
        st.sampled_from(["float16", "float32", "float64", "longdouble", "int8", "int64", "uint64"])
    )
    lambd = data.draw(hnp.arrays(kind, n))
    got = shrinkops.hardshrink(x, lambd)
    want = []
    for v, t in zip(x.tolist(), lambd, strict=True):
        keep = bool(np.isnan(t))
        if not keep:
            bound = exact(t)
            keep = v > bound or v < -bound
        want.append(v if keep else 0)
    assert got.tolist() == want


@pytest.mark.parametrize("name", ["complex64", "complex128"])
@pytest.mark.parametrize("lambd", [0.0, 0.5, 1e-30, 1e30, 1e-44, float("inf"), -1.0])
def test_complex(name: str, lambd: float, equal: Any) -> None:
    dtype = np.dtype(name)
    part = np.dtype(f"f{dtype.itemsize // 2}")
    info = np.finfo(part)
    random = np.random.default_rng(2)
    scale = random.choice([1e-40, 1e-20, 1.0, 1e20, 1e37], (5000, 1))
    parts = (random.standard_normal((5000, 2)) * scale).astype(part)
    corners = [0.0, -0.0, np.nan, np.inf, -np.inf, info.max, info.tiny, info.smallest_subnormal]
    parts = np.concatenate([parts, [(a, b) for a in corners for b in corners]]).astype(part)
    x = parts.view(dtype).reshape(-1)
    t = float(part.type(lambd))
    with np.errstate(all="ignore"):
        # Wider than either part, so exact enough to tell which side of t an element is on.
        wide = np.hypot(parts[:, 0].astype(np.longdouble), parts[:, 1].astype(np.longdouble))
        wide[np.isnan(parts).any(axis=1)] = np.nan
        dropped = (wide <= t) & (t >= 0)
        unsure = np.zeros(len(x), bool)
        if 0 < t < np.inf:
            unsure = np.abs(wide - t) <= 2 * float(np.spacing(part.type(t)))
    with np.errstate(all="raise"):
        for layout in (x, x[::-1][::-1].copy(), np.repeat(x, 2)[::2]):
            for threshold in (lambd, np.full(x.shape, lambd, part)):
                got = shrinkops.hardshrink(layout, threshold)
                want = np.where(dropped, dtype.type(0), x)
                assert got.dtype == dtype
                a, b = got[~unsure], want[~unsure]
                assert np.array_equal(a.view(part).view(f"u{part.itemsize}"),
                                      b.view(part).view(f"u{part.itemsize}"))  # fmt: skip


@pytest.mark.parametrize("lambd", ["0.1", "0", "-0.5", "inf"])
def test_longdouble(lambd: str) -> None:
    t = np.longdouble(lambd)
    around = [t, np.nextafter(t, np.longdouble(9)), np.nextafter(t, np.longdouble(-9))]
    x = np.array([*around, 0, np.nan, np.inf, np.finfo(np.longdouble).max, 1e-4940], np.longdouble)
    x = np.concatenate([x, -x])
    with np.errstate(all="ignore"):
        keep = (x > t) | (x < -t) | np.isnan(x)
    want = np.where(keep, x, np.longdouble(0))
    with np.errstate(all="raise"):
        kept = shrinkops.hardshrink(x, np.full(x.shape, np.nan, np.longdouble))
        np.testing.assert_array_equal(kept, x)
        for threshold in (t, np.full(x.shape, t)):
            got = shrinkops.hardshrink(x, threshold)
            assert got.dtype == np.longdouble
            np.testing.assert_array_equal(got, want)
            assert np.array_equal(np.signbit(got), np.signbit(want))


def test_subnormals_at_zero_threshold() -> None:
    """HS-VAL-5: λ = 0 keeps 1e-40 in float32."""
    x = np.array([1e-40, -1e-40, 0.0, -0.0], np.float32)
    assert shrinkops.hardshrink(x, 0.0).tolist() == [x[0], x[1], 0.0, 0.0]
    assert not np.signbit(shrinkops.hardshrink(x, 0.0)[3])
