"""Memory: out, overlap, layouts, ownership; nothing is written before everything is checked."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import shrinkops

hardshrink = shrinkops.hardshrink
NATIVE = np.dtype(np.float32)
SWAPPED = NATIVE.newbyteorder()


def sample(shape: Any, dtype: Any = np.float32) -> np.ndarray[Any, Any]:
    return (np.random.default_rng(3).standard_normal(shape) * 2).astype(dtype)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int16", "complex64"])
def test_out_is_filled_and_returned(dtype: str, equal: Any) -> None:
    x = sample((7, 90), dtype)
    want = hardshrink(x, 0.75)
    for out in (
        np.full_like(x, 9),
        np.full((90, 7), 9, dtype).T,
        np.full((7, 180), 9, dtype)[:, ::2],
        np.full((7, 90), 9, dtype)[::-1],
    ):
        assert hardshrink(x, 0.75, out=out) is out
        assert equal(np.ascontiguousarray(out), want)
    same = x.copy()
    assert hardshrink(same, 0.75, out=same) is same
    assert equal(same, want)
    assert hardshrink(x, np.full(90, 0.75), out=same) is same


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "complex128", "longdouble"])
@pytest.mark.parametrize("array_lambd", [False, True])
def test_partial_overlap_is_right(dtype: str, array_lambd: bool) -> None:
    """Every shift in both directions, across vector widths, with every pairing of steps."""
    n = 300
    for shift, (a, b) in itertools.product(
        [*range(-20, 21), 33, 64, 100], [(1, 1), (2, 1), (1, 2), (-1, 1), (1, -1), (-1, -1)]
    ):
        base = sample(1200, dtype)
        start = 400
        x = base[start:][: n * abs(a)][::a]
        out = base[start + shift :][: n * abs(b)][::b]
        lambd: Any = np.full(n, 1.5) if array_lambd else 1.5
        want = hardshrink(x.copy(), lambd).tobytes()
        hardshrink(x, lambd, out=out)
        assert out.tobytes() == want, (shift, a, b)


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_lambda_may_be_out(dtype: str) -> None:
    x, lambd = sample(500, dtype), np.abs(sample(500, dtype))[::-1].copy()
    want = hardshrink(x, lambd.copy())
    assert hardshrink(x, lambd, out=lambd) is lambd
    assert lambd.tobytes() == want.tobytes()


def test_layout_is_kept() -> None:
    dense = sample((3, 4, 5))
    for axes in itertools.permutations(range(3)):
        x = dense.transpose(axes)
        for lambd in (0.5, np.full(x.shape, 0.5)):
            got = hardshrink(x, lambd)
            assert got.shape == x.shape
            assert got.strides == x.strides
    fortran = np.asfortranarray(sample((6, 7)))
    assert hardshrink(fortran).flags.f_contiguous
    swapped = fortran.astype(">f4", order="K")
    assert hardshrink(swapped).flags.f_contiguous
    assert hardshrink(swapped).dtype == np.dtype(">f4")


@pytest.mark.parametrize("lambd", [0.5, -1.0, np.array(0.5)])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (5,)])
def test_results_are_new_arrays(shape: tuple[int, ...], lambd: Any) -> None:
    x = sample(shape) if shape else np.array(2.0, np.float32)
    for given in (x, x.astype(">f4"), x.astype(np.longdouble), x.astype(np.int8)):
        before = given.tobytes()
        got = hardshrink(given, lambd)
        assert type(got) is np.ndarray
        assert (got.shape, got.dtype) == (given.shape, given.dtype)
        assert got.base is None or got.base is not given
        assert got.flags.owndata
        assert got.flags.writeable
        assert given.tobytes() == before
        given.flags.writeable = False
        assert hardshrink(given, lambd).tobytes() == got.tobytes()


def test_scalars_stay_scalars(float_name: str, dtype_named: Any) -> None:
    dtype = dtype_named(float_name)
    x = np.array([2.0], np.float32).astype(dtype)[0]
    assert type(hardshrink(x)) is type(x)
    assert float(hardshrink(x)) == 2.0
    out = np.zeros((), dtype)
    assert hardshrink(x, 0.5, out=out) is out
    assert float(out) == 2.0
    assert type(hardshrink(np.int8(-3), 1)) is np.int8
    assert type(hardshrink(np.complex64(3j), 1)) is np.complex64
    assert type(hardshrink(np.longdouble(3), 1)) is np.longdouble


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: np.full(4, 9, np.float32), ValueError, ["(4,)", "(3,)"]),
        (lambda: np.full((1, 3), 9, np.float32), ValueError, ["(1, 3)", "(3,)"]),
        (lambda: np.full(3, 9, np.float64), TypeError, ["float64", "float32"]),
        (lambda: np.full(3, 9, SWAPPED), TypeError, [SWAPPED.str, NATIVE.str]),
        (lambda: [0, 0, 0], TypeError, ["list"]),
        (lambda: np.broadcast_to(np.float32(9), 3), ValueError, ["read-only"]),
        (lambda: np.frombuffer(bytes(12), np.float32), ValueError, ["read-only"]),
    ],
)
@pytest.mark.parametrize("lambd", [0.5, np.full(3, 0.5)])
def test_wrong_out_is_refused(make: Any, error: Any, words: list[str], lambd: Any) -> None:
    x, out = sample(3), make()
    before = np.asarray(out).tobytes()
    with pytest.raises(error) as caught:
        hardshrink(x, lambd, out=out)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert np.asarray(out).tobytes() == before


def test_scalar_as_out_is_refused() -> None:
    with pytest.raises(TypeError, match=r"numpy\.float32"):
        hardshrink(np.float32(1), 0.5, out=np.float32(1))
    with pytest.raises((TypeError, ValueError)):
        hardshrink(np.ones(3, np.float32), 0.5, out=np.float32(1))


@pytest.mark.parametrize(
    "x",
    [np.array([True]), np.array([None]), np.array(["a"]), np.array([b"a"]), np.array([1], "M8[s]"),
     np.array([1], "m8[s]"), np.zeros(2, "f4,f4"), np.zeros(2, np.clongdouble), np.bool_(True),
     np.array(["a"], np.dtypes.StringDType())],
)  # fmt: skip
def test_undeclared_dtypes_are_refused(x: Any) -> None:
    for lambd in (0.5, np.array([0.5])):
        if x.dtype == np.complex128:  # where long double is double, it is declared
            assert hardshrink(x + 3, lambd).tolist() == [3, 3]
            assert hardshrink(x + 0.25, lambd).tolist() == [0, 0]
            continue
        with pytest.raises(TypeError) as caught:
            hardshrink(x, lambd)
        assert str(x.dtype) in str(caught.value)
        assert "'numpy'" in str(caught.value)


def test_float8_without_zero_is_refused() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="its element types are optional")
    with pytest.raises(TypeError, match="float8_e8m0fnu"):
        hardshrink(np.ones(2, ml_dtypes.float8_e8m0fnu))


def test_the_ufunc_itself(ufunc: np.ufunc, compiled: bool) -> None:
    """where=, out=, axes that broadcast, and the name, straight from NumPy's machinery."""
    assert isinstance(ufunc, np.ufunc) == compiled
    assert ufunc.__name__ == "hardshrink"
    x = np.array([3.0, 0.1, -3.0, np.nan], np.float32)
    out = np.full(4, 7, np.float32)
    got = ufunc(x, 0.5, out=out, where=[True, True, False, True])
    assert got is out
    assert got[:3].tolist() == [3.0, 0.0, 7.0]
    assert ufunc(x, np.float64(0.5)).dtype == np.float32
    assert ufunc(np.array([1, 0], np.int8), 0.5).dtype == np.int8
    assert ufunc(x, np.array([[0.05], [5.0]])).shape == (2, 4)
    with pytest.raises(TypeError):
        ufunc(x, 1j)
    with pytest.raises(TypeError):
        ufunc(np.array(["a"]), 0.5)


def test_ufunc_survives_pickling(ufunc: np.ufunc, compiled: bool) -> None:
    import pickle

    assert pickle.loads(pickle.dumps(ufunc)) is ufunc


@pytest.mark.parametrize("dtype", ["float16", "float32", "complex128", "int64"])
def test_large_outputs(dtype: str) -> None:
    """From 16 MiB on the compiled kernel writes around the caches; every edge of that."""
    n = (1 << 24) // np.dtype(dtype).itemsize
    base = (np.arange(n + 100) % 2001 - 1000).astype(dtype)
    base[::3] = 1
    keep = np.abs(base) > 1.5
    for offset, length in [(0, n), (1, n), (3, n - 1), (5, n + 67)]:
        x, kept = base[offset : offset + length], keep[offset : offset + length]
        out = np.full(length + 8, 7, dtype)
        assert hardshrink(x, 1.5, out=out[offset : -8 + offset]) is not None
        assert np.array_equal(out[offset : -8 + offset], np.where(kept, x, 0), equal_nan=True)
        assert np.all(out[:offset] == 7)
        assert np.all(out[-8 + offset :] == 7)
    behind = base.copy()
    hardshrink(behind[1:], 1.5, out=behind[:-1])
    assert np.array_equal(behind[:-1], np.where(keep, base, 0)[1:], equal_nan=True)
    hardshrink(base, 1.5, out=base)
    assert np.count_nonzero(base) == np.count_nonzero(keep)
