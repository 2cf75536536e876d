"""The installed plugin, as its users meet it. The full proof is the conformance kit's."""

from __future__ import annotations

import array_api_strict as xp
import numpy as np
import pytest

import shrinkops


def test_entry_point_brings_the_backend():
    explanation = shrinkops.explain(xp.zeros(3))
    assert explanation.backend == "array_api_strict"
    assert explanation.distribution == "shrinkops-array-api-strict"


@pytest.mark.parametrize("dtype", [xp.float32, xp.float64], ids=str)
def test_values(dtype):
    x = xp.asarray([-2.0, -0.5, -0.0, 0.25, np.nan, np.inf], dtype=dtype)
    with np.errstate(all="raise"):
        result = shrinkops.hardshrink(x)
    assert type(result) is type(x)
    assert result.dtype == dtype
    kept = np.asarray([-2.0, 0.0, 0.0, 0.0, np.nan, np.inf])
    np.testing.assert_array_equal(np.asarray(result), kept)
    assert not np.signbit(np.asarray(result)[1:4]).any()


def test_integers_are_two_sided():
    x = xp.asarray([-128, -127, 127], dtype=xp.int8)
    result = shrinkops.hardshrink(x, 127)
    assert np.asarray(result).tolist() == [-128, 0, 0]


def test_array_of_thresholds():
    x = xp.ones((2, 3), dtype=xp.float32)
    lambd = xp.asarray([[1e300], [0.5]], dtype=xp.float64)  # beyond float32: inf
    with np.errstate(all="raise"):
        result = shrinkops.hardshrink(x, lambd)
    assert np.asarray(result).tolist() == [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]


def test_out_is_filled_where_it_overlaps_the_input():
    base = xp.arange(5.0)
    out = base[1:]
    assert shrinkops.hardshrink(base[:-1], 1.5, out=out) is out
    assert np.asarray(base).tolist() == [0.0, 0.0, 0.0, 2.0, 3.0]


def test_result_shares_no_memory():
    x = xp.asarray([3.0, 4.0])
    result = shrinkops.hardshrink(x, -1.0)
    result[0] = 9.0
    assert np.asarray(x).tolist() == [3.0, 4.0]


def test_other_dtypes_are_refused():
    with pytest.raises(TypeError, match="bool is not supported by the 'array_api_strict'"):
        shrinkops.hardshrink(xp.asarray([True]))
