"""`map_details` over what the transforms of PyWavelets really return."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

import jax
import numpy as np
import optree
import pytest
import pywt
import torch

from shrinkops import Hardshrink, UnsupportedArrayError, hardshrink, map_details

GENERATOR = np.random.default_rng(3)
SIGNAL, IMAGE, VOLUME = (GENERATOR.standard_normal(shape) for shape in (65, (24, 20), (8, 8, 8)))

# What a transform returns, and how many approximations are in it.
TRANSFORMS = {
    "wavedec": (pywt.wavedec(SIGNAL, "db2", level=3), 1),
    "wavedec, no level": (pywt.wavedec(SIGNAL, "db2", level=0), 1),
    "wavedec2": (pywt.wavedec2(IMAGE, "haar", level=2), 1),
    "wavedecn": (pywt.wavedecn(VOLUME, "haar", level=2), 1),
    "dwt": (pywt.dwt(SIGNAL, "db2"), 1),
    "dwt2": (pywt.dwt2(IMAGE, "db2"), 1),
    "dwtn": (pywt.dwtn(VOLUME, "haar"), 1),
    "swt": (pywt.swt(SIGNAL[:64], "haar", level=3), 3),
    "swt, trimmed": (pywt.swt(SIGNAL[:64], "haar", level=3, trim_approx=True), 1),
    "swt2": (pywt.swt2(IMAGE, "haar", level=2), 2),
    "swt2, trimmed": (pywt.swt2(IMAGE, "haar", level=2, trim_approx=True), 1),
    "swtn": (pywt.swtn(VOLUME, "haar", level=2), 2),
    "swtn, trimmed": (pywt.swtn(VOLUME, "haar", level=2, trim_approx=True), 1),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_detail_is_shrunk_and_no_approximation(name):
    coefficients, approximations = TRANSFORMS[name]
    before, structure = optree.tree_flatten(coefficients)
    after, same = optree.tree_flatten(map_details(hardshrink, coefficients, 0.75))
    assert same == structure
    untouched = [a is b for a, b in zip(after, before, strict=True)]
    assert sum(untouched) == approximations
    for old, new, kept in zip(before, after, untouched, strict=True):
        np.testing.assert_array_equal(new, old if kept else hardshrink(old, 0.75))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_the_result_can_be_transformed_back(name):
    coefficients, _ = TRANSFORMS[name]
    shrunk = map_details(hardshrink, coefficients, -1.0)  # an empty band: nothing changes
    inverse = getattr(pywt, {"wavedec": "waverec", "dwt": "idwt", "swt": "iswt"}.get(name, ""), 0)
    if inverse:
        arguments = shrunk if name == "dwt" else (shrunk,)
        wavelet = "haar" if name == "swt" else "db2"
        np.testing.assert_allclose(inverse(*arguments, wavelet)[:64], SIGNAL[:64], atol=1e-12)


def test_one_lambd_per_level_and_per_array():
    x = np.array([1.0, 2.0, 3.0])
    by_level = map_details(hardshrink, [x, x, x], [1.0, 2.0])
    assert [d.tolist() for d in by_level] == [[1, 2, 3], [0, 2, 3], [0, 0, 3]]
    by_array = map_details(hardshrink, [x, (x, x, x), (x, x, x)], [(0, 1, 2), 2])
    assert [d.tolist() for d in by_array[1]] == [[1, 2, 3], [0, 2, 3], [0, 0, 3]]
    assert [d.tolist() for d in by_array[2]] == [[0, 0, 3]] * 3
    by_key = map_details(hardshrink, [x, {"ad": x, "da": x}], [{"da": 2, "ad": 1}])
    assert {k: d.tolist() for k, d in by_key[1].items()} == {"ad": [0, 2, 3], "da": [0, 0, 3]}
    stationary = map_details(hardshrink, [(x, x), (x, x)], lambd=[1, 2])
    assert [d.tolist() for _, d in stationary] == [[0, 2, 3], [0, 0, 3]]


def test_an_array_is_one_lambd_that_broadcasts():
    x = np.ones((2, 2))
    assert map_details(hardshrink, [x, x], np.array([0.5, 1.0]))[1].tolist() == [[1, 0], [1, 0]]


def test_other_arrays_and_transformations():
    tensors = [torch.ones(2), torch.tensor([0.25, 1.0], requires_grad=True)]
    shrunk = map_details(hardshrink, tensors)
    assert shrunk[0] is tensors[0]
    shrunk[1].sum().backward()
    assert tensors[1].grad.tolist() == [0, 1]
    arrays = [jax.numpy.ones(2), (jax.numpy.array([0.25, 1.0]),)]
    compiled = jax.jit(lambda c, t: map_details(hardshrink, c, t))(arrays, 0.5)
    assert compiled[1][0].tolist() == [0, 1]


def test_containers_come_back_as_what_they_were():
    triple = namedtuple("WaveletDetailTuple2d", "horizontal vertical diagonal")
    x = np.array([0.25, 1.0])
    result = map_details(Hardshrink(0.5), (x, triple(x, None, x), OrderedDict(dd=x, ad=x)))
    assert isinstance(result, tuple)
    assert isinstance(result[1], triple)
    assert result[1].vertical is None
    assert isinstance(result[2], OrderedDict)
    assert list(result[2]) == ["dd", "ad"]


X = np.ones(2)


@pytest.mark.parametrize(
    ("coefficients", "lambd", "error", "says"),
    [
        (X, 0.5, TypeError, "coefficients is of type numpy.ndarray; expected a list"),
        ([], 0.5, TypeError, "coefficients is a list of 0"),
        ([X, X], [1, 2], ValueError, "lambd has 2 entries for 1 levels of details; expected 1"),
        ([X, (X, X)], [(1,)], ValueError, r"1 entries for the 2 arrays of coefficients\[1\]"),
        ([X, X], [[1]], TypeError, r"lambd for coefficients\[1\] is a list of 1"),
        ([X, X], {"d": 1}, TypeError, "lambd is a dict for 1 levels"),
        ([X, {"d": X}], [(1,)], TypeError, "expected a number, or a dict with the keys"),
        ([X, {"d": X}], [{"e": 1}], ValueError, r"has the keys \['e'\] for coefficients\[1\]"),
        ({"ad": X}, 1, ValueError, "no approximation"),
        ([(X, X, X)], 1, TypeError, r"coefficients\[0\] is a tuple of 3; expected a pair"),
    ],
)
def test_refusals(coefficients, lambd, error, says):
    with pytest.raises(error, match=says):
        map_details(hardshrink, coefficients, lambd)


def test_the_place_of_a_refused_detail_is_named():
    with pytest.raises(UnsupportedArrayError) as caught:
        map_details(hardshrink, [X, {"dd": "text"}])
    assert caught.value.__notes__ == ["map_details: in coefficients[1]['dd']"]
    with pytest.raises(TypeError, match="expected a function such as"):
        map_details("hardshrink", [X, X])
    with pytest.raises(TypeError, match="no out="):
        map_details(hardshrink, [X, X], out=X)
