"""out may be an array of thresholds itself, or overlap it: for every type and operation."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import shrinkops
from shrinkops._target import operations


@pytest.mark.parametrize("dtype", [np.float16, np.float32, ml_dtypes.bfloat16,
                                   ml_dtypes.float8_e4m3, ml_dtypes.float8_e5m2])  # fmt: skip
@pytest.mark.parametrize("name", sorted(operations()))
def test_it_is_read_before_it_is_written(name, dtype):
    function = getattr(shrinkops, name)
    x = np.resize(np.array([1, 2, 3, 0], dtype), 60)
    thresholds = np.resize(np.array([0.5, 1.5, 0], dtype), 62)
    rest = {"mu": 2.0} if name == "firmshrink" else {}
    want = function(x, thresholds[:60].copy(), **rest)
    for start in (0, 1, 2):
        held = thresholds.copy()
        got = function(x, held[:60], out=held[start : start + 60], **rest)
        assert got.tobytes() == want.tobytes()
