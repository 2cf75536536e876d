"""λ: rounded once to x's type, never promoting; numbers, arrays, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import shrinkops

hardshrink = shrinkops.hardshrink


@pytest.mark.parametrize(
    ("name", "lambd"),
    [("float16", 0.3), ("bfloat16", 0.1), ("float32", np.float64(0.1)), ("float8_e4m3fn", 0.3)],
)
def test_equal_to_the_rounded_lambda_is_zero(name: str, lambd: Any, dtype_named: Any) -> None:
    """HS-LAM-2, the discriminating cases."""
    dtype = dtype_named(name)
    x = np.array([float(lambd)], np.float32).astype(dtype)
    for form in (lambd, np.array(lambd), np.array([lambd]), Fraction(float(lambd))):
        got = hardshrink(x, form)
        assert got.dtype == dtype
        assert got.tobytes() == bytes(dtype.itemsize)


def test_default_is_one_half() -> None:
    assert hardshrink(np.array([0.5, 0.6])).tolist() == [0.0, 0.6]


def test_rounded_once_not_twice(dtype_named: Any) -> None:
    """Just above a midpoint of bfloat16: rounding by way of float32 goes down instead of up."""
    dtype = dtype_named("bfloat16")
    lambd = 1 + 2.0**-8 + 2.0**-40
    x = np.array([1 + 2.0**-7], np.float32).astype(dtype)
    assert float(hardshrink(x, lambd)[0]) == 0
    assert float(hardshrink(x, np.array([lambd]))[0]) == 0
    extended = np.array([np.longdouble(1) + np.longdouble(2) ** -11 + np.longdouble(2) ** -60])
    if extended[0] > 1 + 2.0**-11:  # longdouble is wider than float64 here
        half = np.array([1 + 2.0**-10], np.float16)
        assert hardshrink(half, extended)[0] == 0
    large = np.array([2**62 + 2**54 + 1])
    x = np.array([2.0**62 + 2.0**55], np.float32).astype(dtype)
    assert float(hardshrink(x, large)[0]) == 0


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_every_half_is_the_number_that_it_is(dtype: str) -> None:
    x = np.array([-3, -0.5, -0.0, 6e-8, 1e-5, 0.3, 1, np.nan, np.inf], dtype)
    halves = np.arange(0, 1 << 16, 7, np.uint16).view(np.float16)
    for half in halves[~np.isnan(halves)]:
        assert hardshrink(x, half).tobytes() == hardshrink(x, float(half)).tobytes()


@pytest.mark.parametrize("lambd", [Decimal("0.5"), Fraction(1, 2), np.float16(0.5), 1, np.int8(1)])
def test_real_numbers_of_any_type(lambd: Any) -> None:
    x = np.array([0.25, 2.0], np.float32)
    assert hardshrink(x, lambd).tolist() == [0.0, 2.0]
    assert hardshrink(x, lambd).dtype == np.float32


def test_negative_is_identity_bit_for_bit() -> None:
    x = np.array([-0.0, np.nan, 1.0, -1e-45], np.float32)
    for lambd in (-1.0, float("-inf"), -1e-300, np.array([-1e-300]), np.array([np.nan])):
        got = hardshrink(x, lambd)
        assert got.tobytes() == x.tobytes()
        assert not np.shares_memory(got, x)


def test_array_lambda_corners(float_name: str, dtype_named: Any) -> None:
    """NaN keeps, -0 is the band {0}, infinity zeroes all but NaN, beyond the type does too."""
    dtype = dtype_named(float_name)
    x = np.array([1.0] * 5 + [0.0, np.nan, -0.0, -0.0], np.float32).astype(dtype)
    lambd = np.array([np.nan, -0.0, np.inf, 1e300, -1e-300, -1e-300, np.inf, -0.0, -1.0])
    if dtype == np.float64:
        lambd[3] = 1e308
    for form in (lambd, np.repeat(lambd, 2)[::2], lambd.astype(np.longdouble)):
        got = hardshrink(x, form).astype(np.float64)
        assert got[:6].tolist() == [1.0, 1.0, 0.0, 0.0, 1.0, 0.0]
        assert np.isnan(got[6])
        assert got[7:].tolist() == [0.0, 0.0]
        assert not np.signbit(got[7])
        assert np.signbit(got[8]) == np.signbit(np.float64(x[8]))


def test_array_lambda_of_own_type(float_name: str, dtype_named: Any) -> None:
    """The same without a conversion on the way: NaN, -0 and negative patterns as they are."""
    dtype = dtype_named(float_name)
    x = np.array([1.0, 1.0, -0.0, -1.0], np.float32).astype(dtype)
    lambd = np.array([np.nan, -2.0, -0.0, 2.0], np.float32).astype(dtype)
    for form in (lambd, np.repeat(lambd, 2)[::2]):
        got = hardshrink(x, form).astype(np.float64)
        assert got.tolist() == [1.0, 1.0, 0.0, 0.0]
        assert not np.signbit(got[2:]).any()


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float8_e4m3", "float8_e5m2"])
def test_ties_go_to_even(name: str, dtype_named: Any) -> None:
    """λ half way between two numbers rounds to the even one, up or down."""
    dtype = dtype_named(name)
    one = np.ones(1, np.float32).astype(dtype)
    unsigned = f"u{dtype.itemsize}"
    steps = (one.view(unsigned) + np.arange(4, dtype=unsigned)).view(dtype)
    values = steps.astype(np.float64)
    for lower in range(3):
        tie = float((values[lower] + values[lower + 1]) / 2)
        even = lower + lower % 2  # of the two neighbours
        want = [0.0 if i <= even else values[i] for i in range(4)]
        for form in (tie, np.float64(tie), np.full(4, tie)):
            assert hardshrink(steps, form).astype(np.float64).tolist() == want


def test_array_lambda_broadcasts(equal: Any) -> None:
    x = np.random.default_rng(0).standard_normal((3, 4, 50)).astype(np.float32)
    lambd = np.array([0.1, 0.5, 1.0, 2.0]).reshape(4, 1)
    got = hardshrink(x, lambd)
    for channel in range(4):
        one = hardshrink(np.ascontiguousarray(x[:, channel]), float(lambd[channel, 0]))
        assert equal(np.ascontiguousarray(got[:, channel]), one)
    strided = np.repeat(lambd, 100, axis=1)[:, ::2]
    assert equal(hardshrink(x, strided), got)
    assert equal(hardshrink(x, strided.astype(">f8")), got)


@pytest.mark.parametrize(
    ("x", "lambd", "words"),
    [
        (np.zeros(2, np.float16), 1e5, ["100000.0", "float16", "65504"]),
        (np.zeros(2, np.float32), 1e39, ["1e+39", "float32", "3.40"]),
        (np.zeros(2, np.float32), -1e39, ["-1e+39", "float32"]),
        (np.zeros(2, np.complex64), 1e39, ["1e+39", "complex64"]),
        (np.zeros(2), float("nan"), ["nan", "float64"]),
        (np.zeros(2), np.float32("nan"), ["nan", "float64"]),
        (np.zeros(2, np.int8), float("nan"), ["nan", "int8"]),
        (np.zeros(2), 10**400, ["float64"]),
        (np.zeros((2, 1)), np.ones(3), ["(3,)", "(2, 1)"]),
        (np.zeros(1), np.ones(3), ["(3,)", "(1,)"]),
        (np.zeros(()), np.ones(3), ["(3,)"]),
        (np.zeros(3), np.ones((1, 3)), ["(1, 3)", "(3,)"]),
    ],
)
def test_refused_with_value_error(x: Any, lambd: Any, words: list[str]) -> None:
    out = np.full_like(x, 7)
    before = out.tobytes()
    with pytest.raises(ValueError, match="lambd") as caught:
        hardshrink(x, lambd, out=out)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert out.tobytes() == before


@pytest.mark.parametrize(
    "lambd",
    [True, np.True_, None, "0.5", 1j, np.complex64(1), [0.5], np.array([True]), np.array(["a"]),
     np.array([1j]), np.array([0.5], object), np.array([1], "m8[s]")],
)  # fmt: skip
@pytest.mark.parametrize("name", ["float32", "int8", "complex64"])
def test_refused_with_type_error(lambd: Any, name: str) -> None:
    with pytest.raises(TypeError, match="lambd"):
        hardshrink(np.zeros(1, name), lambd)


def test_integer_minimum_is_kept_below_its_magnitude() -> None:
    x = np.array([-128, -127, 127], np.int8)
    assert hardshrink(x, 127).tolist() == [-128, 0, 0]
    assert hardshrink(x, 127.9).tolist() == [-128, 0, 0]
    assert hardshrink(x, 128).tolist() == [0, 0, 0]
    assert hardshrink(x, np.array([127, 126, 200])).tolist() == [-128, -127, 0]


CHANNELS = [
    ((4, 9), (4, 1)),
    ((2, 4, 9), (4, 1)),
    ((2, 4, 3, 5), (4, 1, 1)),
    ((2, 4, 3, 5), (1, 4, 1, 1)),
    ((2, 4, 3, 5), (2, 4, 1, 1)),
    ((2, 4, 3, 5), (2, 1, 1, 1)),
    ((2, 4, 3, 5), (2, 1, 3, 1)),
    ((2, 4, 3, 5), (1, 4, 1, 5)),
    ((2, 4), (1,)),
    ((1, 4), (1, 1)),
    ((0, 4), (0, 1)),
    ((3, 0), (3, 1)),
]
TYPES = ["float16", "float32", "float64", "bfloat16", "float8_e4m3fn", "float8_e5m2fnuz",
         "int8", "uint16", "int64", "uint64", "complex64", "complex128", "longdouble"]  # fmt: skip


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("lambd_type", ["own", "float64", "int64", "uint64", "float32"])
@pytest.mark.parametrize(("shape", "lambd_shape"), CHANNELS)
def test_thresholds_per_channel(
    name: str, lambd_type: str, shape: Any, lambd_shape: Any, dtype_named: Any, equal: Any
) -> None:
    """The short way for channels gives what a λ for every element gives."""
    dtype = dtype_named(name)
    random = np.random.default_rng(4)
    x = np.asarray(random.standard_normal(shape) * 4)
    x = np.abs(x).astype(dtype) if dtype.kind == "u" else x.astype(dtype)
    lambd = np.asarray(random.standard_normal(lambd_shape) * 3)
    if lambd.size > 3 and lambd_type not in ("int64", "uint64"):
        lambd.flat[:4] = [np.nan, np.inf, -0.0, -1e-300]
    if lambd_type == "own":
        kinds = {"c": f"f{dtype.itemsize // 2}", "i": "float64", "u": "float64"}
        lambd_dtype = kinds.get(dtype.kind, dtype)
    else:
        lambd_dtype = lambd_type
    if np.dtype(lambd_dtype).kind == "u":
        lambd = np.abs(lambd)
    lambd = lambd.astype(lambd_dtype)
    full = np.array(np.broadcast_to(lambd, shape))
    want = hardshrink(x, full)
    assert equal(hardshrink(x, lambd), want)
    out = np.full_like(x, 1)
    assert hardshrink(x, lambd, out=out) is out
    assert equal(out, want)
    fortran = np.asfortranarray(x)
    assert equal(np.ascontiguousarray(hardshrink(fortran, lambd)).reshape(shape), want)
    assert hardshrink(x, lambd, out=x) is x
    assert equal(x, want)


def test_lambda_per_channel_inside_out() -> None:
    """λ that lies in the memory of out is read before it is written over."""
    memory = np.full((5, 8), 2.0, np.float32)
    x, want = memory[:4].copy() + 1, memory[:4] + 1
    lambd = memory[:4].reshape(-1)[:4].reshape(4, 1)
    assert hardshrink(x, lambd, out=memory[:4]) is not None
    assert np.array_equal(memory[:4], want)


def test_beyond_the_type_for_an_element(dtype_named: Any) -> None:
    for name in ("float16", "bfloat16", "float8_e4m3fn", "complex64"):
        x = np.ones((3, 2), np.float32).astype(dtype_named(name))
        got = hardshrink(x, np.array([[1e300], [-1e300], [np.nan]]))
        assert np.asarray(got).astype(np.complex64).real.tolist() == [[0, 0], [1, 1], [1, 1]]
