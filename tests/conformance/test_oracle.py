"""What the kit computes itself warns of nothing: a warning would convict, or hide why."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest

from shrinkops.conformance._numbers import NUMBERS
from shrinkops.conformance._script import _bits
from shrinkops.conformance.rules.oracle import Oracle
from shrinkops.operations.garrote import OPERATION as GARROTE

ml_dtypes = pytest.importorskip("ml_dtypes", reason="its element types are optional")


def test_nan_of_bfloat16_without_a_formula() -> None:
    oracle = Oracle(GARROTE, NUMBERS["bfloat16"])
    quiet, signalling, kept = 0x7FC0, 0x7F81, 0x4000
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        want = oracle._row((quiet, signalling, kept), (Fraction(1, 2),))
    assert list(want.within[:2]) == [0, 0]
    assert want.within[2] > 0


def test_the_bits_that_a_reproduction_names() -> None:
    array = np.uint16([0x7F81, 0x3F80]).view(ml_dtypes.bfloat16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = [_bits(NUMBERS["bfloat16"], array, index) for index in (0, 1)]
    assert found == [["nan"], ["803f"]]
