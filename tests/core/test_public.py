"""The public surface, and the callable."""

from __future__ import annotations

import copy
import inspect
import math
import pickle

import numpy as np
import pytest

import shrinkops


def test_all_is_what_is_public() -> None:
    public = {
        name
        for name, value in vars(shrinkops).items()
        if not name.startswith("_") and not inspect.ismodule(value) and name != "annotations"
    }
    assert public | {"__version__"} == set(shrinkops.__all__)


def test_the_signature_is_the_one_of_the_specification() -> None:
    assert str(inspect.signature(shrinkops.hardshrink)).startswith(
        "(x: '_Array', lambd: 'SupportsFloat' = 0.5, *, out"
    )
    assert list(inspect.signature(shrinkops.Hardshrink).parameters) == ["lambd"]


def test_hardshrink_the_callable() -> None:
    m = shrinkops.Hardshrink()
    assert repr(m) == "Hardshrink(0.5)"
    assert m == shrinkops.Hardshrink(0.5)
    assert m != shrinkops.Hardshrink(0.25)
    assert m != 0.5
    assert hash(m) == hash(shrinkops.Hardshrink(0.5))
    assert pickle.loads(pickle.dumps(m)) == m
    assert copy.deepcopy(m) == m
    x = np.array([0.5, 0.75, -1.0])
    assert m(x).tolist() == [0.0, 0.75, -1.0]
    out = np.empty_like(x)
    assert m(x, out=out) is out
    with pytest.raises(AttributeError, match="immutable"):
        m.lambd = 1.0
    assert m.lambd == 0.5


@pytest.mark.parametrize("bad", ["x", None, True, 1j, np.ones(2)])
def test_the_callable_refuses_what_is_no_number(bad: object) -> None:
    with pytest.raises(TypeError, match="Hardshrink: lambd must be a real number"):
        shrinkops.Hardshrink(bad)


def test_the_callable_refuses_nan() -> None:
    with pytest.raises(ValueError, match="nan is not a threshold"):
        shrinkops.Hardshrink(math.nan)


def test_every_public_name_is_documented() -> None:
    for name in shrinkops.__all__:
        if name not in ("__version__", "hookimpl"):
            assert inspect.getdoc(getattr(shrinkops, name)), name
