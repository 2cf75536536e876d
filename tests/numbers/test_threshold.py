"""λ is rounded once, exactly, and refused in the same words everywhere."""

from __future__ import annotations

import itertools
import math
import re
import struct
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shrinkops.spec import (
    FORMATS,
    FloatFormat,
    IntegerFormat,
    is_real_number,
    round_threshold,
    threshold_bounds,
)

FLOATS = {
    name: f
    for name, f in FORMATS.items()
    if isinstance(f, FloatFormat) and f.kind == "float" and f.width <= 64
}
SMALL = [name for name, f in FLOATS.items() if f.width <= 16]


def all_values(form: FloatFormat) -> list[Fraction]:
    return [
        Fraction(s) * Fraction(2) ** e
        for s, e in (form.value_of(bits) for bits in range(form.max_bits + 1))
    ]


@pytest.mark.parametrize("name", SMALL)
def test_every_number_of_a_small_format_is_its_own_threshold(name: str) -> None:
    form = FLOATS[name]
    for bits, value in enumerate(all_values(form)):
        threshold = round_threshold(value, form, "op")
        assert threshold.bits == bits
        assert threshold.value == value


@pytest.mark.parametrize("name", SMALL)
def test_midpoints_go_to_even_and_their_neighbours_to_the_nearest(name: str) -> None:
    form = FLOATS[name]
    values = all_values(form)
    tiny = Fraction(1, 2**300)
    for bits, (low, high) in enumerate(itertools.pairwise(values)):
        middle = (low + high) / 2
        assert round_threshold(middle, form, "op").bits == bits + (bits & 1)
        assert round_threshold(middle - tiny, form, "op").bits == bits
        assert round_threshold(middle + tiny, form, "op").bits == bits + 1


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_float32_agrees_with_the_c_conversion(value: float) -> None:
    try:
        (expected,) = struct.unpack("<f", struct.pack("<f", value))
    except OverflowError:
        with pytest.raises(ValueError, match="beyond dtype float32"):
            round_threshold(value, FORMATS["float32"], "op")
        return
    threshold = round_threshold(value, FORMATS["float32"], "op")
    if value < 0:
        assert threshold.bits == -1
        assert threshold.value < 0
    else:
        assert threshold.value == expected
        assert struct.pack("<I", threshold.bits) == struct.pack("<f", expected + 0.0)


@given(st.floats(min_value=0, allow_infinity=False))
def test_float64_is_taken_as_it_is(value: float) -> None:
    threshold = round_threshold(value, FORMATS["float64"], "op")
    assert threshold.value == value
    assert struct.pack("<Q", threshold.bits) == struct.pack("<d", value + 0.0)
    assert math.ldexp(threshold.significand, threshold.exponent) == value


def test_there_is_no_double_rounding() -> None:
    # Just above a midpoint of float16, but on it after rounding to float32.
    value = Fraction(1) + Fraction(1, 2**11) + Fraction(1, 2**40)
    assert np.float16(np.float32(float(value))) == 1.0
    assert round_threshold(float(value), FORMATS["float16"], "op").value == 1 + 2**-10


@pytest.mark.parametrize(
    "lambd",
    [
        0.5,
        np.float16(0.5),
        np.float32(0.5),
        np.float64(0.5),
        np.longdouble(0.5),
        "bfloat16",
        "float8_e5m2",
        Fraction(1, 2),
        Decimal("0.5"),
    ],
    ids=lambda v: v if isinstance(v, str) else type(v).__name__,
)
def test_the_type_of_lambd_does_not_matter(lambd: object) -> None:
    if isinstance(lambd, str):
        ml_dtypes = pytest.importorskip("ml_dtypes", reason="its element types are optional")
        lambd = getattr(ml_dtypes, lambd)(0.5)
    assert is_real_number(lambd)
    assert round_threshold(lambd, FORMATS["float32"], "op").value == 0.5


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("infinity", [math.inf, np.float32(np.inf), Decimal("inf")])
def test_infinity_covers_everything_that_is_not_nan(name: str, infinity: object) -> None:
    form = FLOATS[name]
    assert round_threshold(infinity, form, "op").bits == form.top_bits
    assert round_threshold(-infinity, form, "op").bits == -1  # type: ignore[operator]


@pytest.mark.parametrize(
    "bad", [True, np.True_, "0.5", None, 1j, np.complex64(1), [0.5], (0.5,), object(), b"1"]
)
def test_what_is_no_real_number_is_a_type_error(bad: object) -> None:
    with pytest.raises(TypeError, match=r"op: lambd must be a real number .* got .* of type"):
        round_threshold(bad, FORMATS["float32"], "op")


@pytest.mark.parametrize("name", [n for n in FORMATS if n not in ("x87", "binary128")])
def test_nan_names_value_dtype_and_largest_number(name: str) -> None:
    form = FORMATS[name]
    with pytest.raises(ValueError, match=f"lambd=nan .* dtype {name} .*{re.escape(form.largest)}"):
        round_threshold(math.nan, form, "op")
    with pytest.raises(ValueError, match="nan"):
        round_threshold(np.float16("nan"), form, "op")


@pytest.mark.parametrize(
    ("lambd", "name", "largest"),
    [(1e5, "float16", "65504.0"), (-1e5, "float16", "65504.0"), (1e39, "float32", "3.402e38")],
)
def test_overflow_names_value_dtype_and_largest_number(
    lambd: float, name: str, largest: str
) -> None:
    with pytest.raises(ValueError, match="beyond dtype") as caught:
        round_threshold(lambd, FORMATS[name], "op")
    for part in (repr(lambd), name, largest, "smaller"):
        assert part in str(caught.value)


def test_overflow_begins_where_rounding_leaves_the_dtype() -> None:
    assert round_threshold(65519.99, FORMATS["float16"], "op").value == 65504
    with pytest.raises(ValueError, match="65520"):
        round_threshold(65520, FORMATS["float16"], "op")


def test_a_negative_lambd_never_becomes_zero() -> None:
    threshold = round_threshold(-1e-300, FORMATS["float16"], "op")
    assert threshold.value < 0
    assert threshold.bits == -1
    assert round_threshold(-0.0, FORMATS["float16"], "op").bits == 0


@given(
    st.sampled_from([f for f in FORMATS.values() if isinstance(f, IntegerFormat)]),
    st.one_of(
        st.floats(allow_nan=False),
        st.integers(-(2**65), 2**65),
        st.fractions(max_denominator=7),
    ),
    st.data(),
)
def test_integer_bounds_are_exact(form: IntegerFormat, lambd: object, data: st.DataObject) -> None:
    low, high = threshold_bounds(round_threshold(lambd, form, "op"), form)
    smallest, largest = form.limits
    assert smallest <= low <= largest or (low, high) == (1, 0)
    x = data.draw(st.integers(smallest, largest) | st.sampled_from([smallest, largest, 0]))
    assert (low <= x <= high) == (-lambd <= x <= lambd)  # type: ignore[operator]


def test_longdouble_keeps_all_its_bits() -> None:
    if np.finfo(np.longdouble).nmant != 63:
        pytest.skip("longdouble is not the x87 format on this machine")
    value = np.longdouble(1) / 3
    threshold = round_threshold(value, FORMATS["x87"], "op")
    assert np.ldexp(np.longdouble(np.uint64(threshold.significand)), threshold.exponent) == value


def test_a_number_too_long_to_write_is_refused_in_the_same_words() -> None:
    with pytest.raises(ValueError, match=r"lambd=about 2\*\*20001 is beyond dtype float32"):
        round_threshold(2**20000, FORMATS["float32"], "op")


def test_the_largest_number_of_a_format_is_short() -> None:
    assert FORMATS["float64"].largest == "1.797e308"
    assert FORMATS["binary128"].largest == FORMATS["x87"].largest == "1.189e4932"
    assert max(len(dtype.largest) for dtype in FORMATS.values() if dtype.kind != "integer") == 10


@pytest.mark.parametrize("steps", [1, 2, 3, 2**51 + 1])
def test_a_subnormal_number_is_itself_where_a_thread_flushes(steps: int) -> None:
    torch = pytest.importorskip("torch")
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot flush")
    try:
        rounded = round_threshold(Fraction(steps, 2**1074), FORMATS["float64"], "f")
        assert struct.pack("<d", rounded.value) == struct.pack("<q", steps)
    finally:
        torch.set_flush_denormal(False)
