"""softshrink, shrink, firmshrink and garrote: the same bits by every way that a call can take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import shrinkops

CASES = {
    "softshrink": [(0.5,), (0.3,), (0.0,), (float("inf"),)],
    "shrink": [(0.5, 0.25), (0.3, 1.0), (0.5, -2.0), (-1.0, 0.5)],
    "firmshrink": [(0.5, 1.0), (0.3, 0.7), (0.5, 0.5), (0.25, float("inf"))],
    "garrote": [(0.5,), (0.3,), (0.0,), (float("inf"),)],
}
FLOATS = ("float16", "bfloat16", "float32", "float64", "longdouble", "float8_e4m3fn",
          "float8_e5m2", "float8_e4m3fnuz")  # fmt: skip
TYPES = {
    "softshrink": (*FLOATS, "complex64", "complex128", "int8", "uint8", "int32", "uint64"),
    "shrink": FLOATS,
    "firmshrink": (*FLOATS, "complex64", "complex128"),
    "garrote": (*FLOATS, "complex64", "complex128"),
}
PAIRS = [(name, dtype) for name, types in TYPES.items() for dtype in types]


def values(dtype: np.dtype[Any], n: int = 600) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(5)
    numbers = random.standard_normal(n) * 2
    numbers[:12] = [0, -0.0, np.nan, np.inf, -np.inf, 0.5, -0.5, 0.3, 1, -1, 1e-40, 2]
    if dtype.kind in "iu":
        whole = random.integers(-9, 9, n)
        return (np.abs(whole) if dtype.kind == "u" else whole).astype(dtype)
    with np.errstate(all="ignore"):
        if dtype.kind == "c":
            x = np.empty(n, dtype)
            x.real, x.imag = numbers, random.permutation(numbers)
            return x
        return numbers.astype(dtype)


def numbers_for(dtype: np.dtype[Any], parameters: tuple[float, ...]) -> tuple[Any, ...]:
    """Whole ones for integers."""
    if dtype.kind not in "iu":
        return parameters
    return tuple(2**63 if p == float("inf") else int(p * 10) for p in parameters)


def view(a: Any) -> bytes:
    """All bits but those of padding and of a NaN."""
    a = np.ascontiguousarray(a)
    if a.dtype.kind == "c":
        a = a.view(f"f{a.dtype.itemsize // 2}")
    if a.dtype == np.longdouble:
        return repr(a.ravel().tolist()).encode()
    if a.dtype.kind not in "iu":
        a = np.where(a != a, np.ones_like(a) * np.nan, a).astype(a.dtype)
    return a.tobytes()


@pytest.mark.parametrize(("name", "dtype_name"), PAIRS)
def test_every_way_gives_the_same_bits(name: str, dtype_name: str, dtype_named: Any) -> None:
    dtype = dtype_named(dtype_name)
    operation = getattr(shrinkops, name)
    x = values(dtype)
    for given in CASES[name]:
        parameters = numbers_for(dtype, given)
        result = operation(x, *parameters)
        want = view(result)
        out = np.full_like(x, 1)
        assert operation(x, *parameters, out=out) is out
        assert view(out) == want
        assert view(operation(np.repeat(x, 2)[::2], *parameters)) == want
        assert view(operation(x[::-1], *parameters)[::-1]) == want
        scalars = np.array([operation(v, *parameters) for v in x[:40]], dtype)
        assert view(scalars) == view(result[:40])
        if dtype.itemsize > 1 and dtype_name != "bfloat16":
            swapped = operation(x.astype(dtype.newbyteorder()), *parameters)
            assert swapped.dtype == dtype.newbyteorder()
            assert view(swapped.astype(dtype)) == want
        shape = (6, 100)
        for length in (shape, (6, 1), (1, 1), (100,)):
            whole = np.uint64 if dtype.kind in "iu" else np.float64
            arrays = [np.full(length, p, whole) for p in parameters]
            assert view(operation(x.reshape(shape), *arrays)) == want
            assert view(operation(x.reshape(shape), arrays[0], *parameters[1:])) == want
        same = x.copy()
        assert operation(same, *parameters, out=same) is same
        assert view(same) == want


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble", "complex128"])
def test_elements_that_leave_x_as_it_is(name: str, dtype: str) -> None:
    """A negative or NaN element of λ; a μ below λ, and NaN, count as λ."""
    if name == "shrink" and dtype == "complex128":
        return
    operation = getattr(shrinkops, name)
    second = CASES[name][0][1:]
    x = np.array([3, -3, 0.25, -0.0, np.nan], dtype)
    for bad in (-1.0, np.nan, -np.inf, -5e-324):
        got = operation(x, np.full(5, bad), *second)
        assert view(got) == view(x)
        assert view(operation(x.reshape(1, 5), np.full((1, 1), bad), *second)[0]) == view(x)
    if name == "firmshrink":
        hard = shrinkops.hardshrink(x, 1.0)
        for low in (0.5, np.nan, -1.0):
            assert view(operation(x, np.full(5, 1.0), np.full(5, low))) == view(hard)


def test_laws_between_the_operations() -> None:
    """Shrink joins hardshrink to softshrink, and firmshrink does."""
    for dtype in ("float16", "float32", "float64", "longdouble"):
        x = values(np.dtype(dtype))
        for t in (0.0, 0.3, 1.0):
            hard, soft = shrinkops.hardshrink(x, t), shrinkops.softshrink(x, t)
            assert view(shrinkops.shrink(x, t, 0.0)) == view(hard)
            assert view(shrinkops.shrink(x, t, t)) == view(soft)
            assert view(shrinkops.firmshrink(x, t, t)) == view(hard)
            assert view(shrinkops.firmshrink(x, t, np.inf)) == view(soft)
            for shrunk in (shrinkops.garrote(x, t), shrinkops.firmshrink(x, t, t + 1)):
                finite = np.isfinite(x)
                assert np.all(np.abs(shrunk[finite]) <= np.abs(hard[finite]))
                assert np.all(np.abs(shrunk[finite]) >= np.abs(soft[finite]) * (1 - 4e-3))


def test_integers_of_softshrink() -> None:
    x = np.array([-128, -127, -3, 0, 3, 127], np.int8)
    assert shrinkops.softshrink(x, 2).tolist() == [-126, -125, -1, 0, 1, 125]
    assert shrinkops.softshrink(x, 127).tolist() == [-1, 0, 0, 0, 0, 0]
    assert shrinkops.softshrink(x, 128).tolist() == [0] * 6
    assert shrinkops.softshrink(x, np.array([-1, 127, 2, 0, 200, 0])).tolist() == [
        -128, 0, -1, 0, 0, 127
    ]  # fmt: skip
    large = np.array([2**64 - 1, 2**63], np.uint64)
    assert shrinkops.softshrink(large, 2**63).tolist() == [2**63 - 1, 0]
    with pytest.raises(ValueError, match="not whole"):
        shrinkops.softshrink(x, 1.5)
    with pytest.raises(TypeError, match="integers"):
        shrinkops.softshrink(x, np.full(6, 1.0))


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_keeps_its_digits_next_to_the_band(dtype: str) -> None:
    """The magnitude less λ has all of its digits where the two are almost equal."""
    part = np.dtype(dtype).type(0).real.dtype
    re = part.type(0.6)
    im = np.nextafter(part.type(0.8), part.type(1))
    z = np.array([complex(re, im)], dtype)
    t = part.type(1)
    from fractions import Fraction

    excess = Fraction(float(re)) ** 2 + Fraction(float(im)) ** 2 - 1
    got = shrinkops.softshrink(z, t)
    want = float(excess / 2 * Fraction(float(im)))  # |z| - 1 is half of |z|² - 1, all but
    assert excess > 0
    assert got[0].imag == pytest.approx(want, rel=1e-5)


def test_numpy_scalars_as_parameters_go_the_short_way(compiled: bool) -> None:
    """What NumPy's functions return is read as it is, and costs what a float costs."""
    from shrinkops_numpy import _kernels

    if not compiled:
        pytest.skip("there is no short way without a compiler")
    taken: list[Any] = []
    short = _kernels._ufunc.make_call("firmshrink", lambda *given: taken.append(given))
    x = np.linspace(-2, 2, 9, dtype=np.float32)
    for kind in (np.float64, np.float32, np.int64, np.uint8, np.array, int, float):
        got = short(x, kind(1), kind(2), None)
        assert not taken, kind
        assert view(got) == view(shrinkops.firmshrink(x, 1.0, 2.0))
    for refused in (True, np.True_, 1j, np.timedelta64(1), None, "1"):
        short(x, refused, 2.0, None)
        assert taken.pop()[1] is refused


@pytest.mark.parametrize("name", ["softshrink", "garrote", "firmshrink"])
@pytest.mark.parametrize("lambd", [0.0, 5e-324, 1e-320, 1.0])
def test_the_largest_complex_numbers_stay_finite_under_a_small_threshold(
    name: str, lambd: float
) -> None:
    largest = np.finfo(np.float64).max
    z = np.array([complex(-largest / 4, largest), complex(largest, largest / 2)])
    function = getattr(shrinkops, name)
    assert (function(z, lambd) == z).all()
    assert (function(z, np.full(2, lambd)) == z).all()
