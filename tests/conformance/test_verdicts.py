"""What the kit says: of our own backends, and of what people use today."""

from __future__ import annotations

import pytest

from shrinkops.conformance._ledger import Ledger
from shrinkops.conformance._model import State
from shrinkops.conformance._report import Exit
from shrinkops.conformance._session import environments, plan_for, run_suite
from shrinkops.conformance._wild import judge
from shrinkops.conformance.hardshrink import SUITE

WILD = {wild.name: wild for wild in SUITE.wild()}


@pytest.mark.slow
@pytest.mark.parametrize("target", ["numpy", "torch", "jax"])
def test_first_party_backends_conform_without_a_ledger(target):
    (environment,) = environments(target, names=["hardshrink"])
    run = run_suite(environment, plan_for(environment), Ledger())
    assert [(r.item.identifier, r.message) for r in run.failures] == []
    assert run.status is Exit.CONFORMS
    assert run.counts.provisional_failed == 0


# The table of the field, and what the kit must find of it.
DEVIATIONS = [
    ("np.where", "HS-VAL-3/lanes", "float32"),
    ("np.where", "HS-LAM-5/nan", "float32"),
    ("np.where", "HS-LAM-2/dtype", "float32"),
    ("np.where", "HS-LAM-2/rounded", "bfloat16"),
    ("np.where", "HS-TYP-2/minimum", "int8"),
    ("np.where", "HS-ARR-6/subclasses", "float32"),
    ("np.where", "HS-TYP-4/undeclared", ""),
    ("mask", "HS-VAL-4/inside", "float32"),
    ("PyWavelets", "HS-VAL-1/boundary", "float32"),
    ("PyWavelets", "HS-LAM-4/infinite-elements", "float32"),
    ("PyWavelets", "HS-LAM-5/nan", "float32"),
    ("torch", "HS-LAM-5/nan", "float32"),
    ("torch", "HS-LAM-2/rounded-once", "float16"),
    ("torch", "HS-TYP-2/minimum", "int8"),
    ("torch", "HS-DER-1/reverse", "float32"),
    ("jax", "HS-VAL-3/lanes", "float32"),
    ("jax", "HS-VAL-5/lambda-zero", "float32"),
    ("jax", "HS-LAM-5/nan", "float32"),
    ("jax", "HS-LAM-5/overflow", "float32"),
    ("numexpr", "HS-VAL-3/lanes", "float32"),
    ("numexpr", "HS-LAM-5/nan", "float32"),
    ("SigPy", "HS-VAL-3/lanes", "float64"),
    ("Keras", "HS-VAL-3/lanes", "float32"),
    ("ONNX Runtime", "HS-VAL-3/lanes", "float32"),
    ("ONNX Runtime", "HS-VAL-2/kept-whole", "float64"),
    ("Paddle", "HS-VAL-1/boundary", "float32"),
    ("Paddle", "HS-VAL-4/inside", "float32"),
    ("Paddle", "HS-LAM-4/infinite-elements", "float32"),
    ("Paddle", "HS-DER-1/edge", "float32"),
    ("Paddle", "HS-DER-2/in-band", "float32"),
]
RIGHT = [
    ("np.where", "HS-VAL-1/boundary", "float32"),
    ("np.where", "HS-VAL-4/inside", "float32"),
    ("np.where", "HS-VAL-5/lambda-zero", "float32"),
    ("np.where", "HS-LAM-4/infinite-elements", "float32"),
    ("PyWavelets", "HS-VAL-3/lanes", "float32"),
    ("PyWavelets", "HS-VAL-4/inside", "float32"),
    ("torch", "HS-VAL-1/boundary", "float32"),
    ("torch", "HS-VAL-3/lanes", "float32"),
    ("torch", "HS-LAM-4/infinite-elements", "float32"),
    ("torch", "HS-DER-1/edge", "float32"),
    ("torch", "HS-DER-2/in-band", "float32"),
    ("jax", "HS-DER-1/edge", "float32"),
    ("numexpr", "HS-VAL-1/boundary", "float32"),
    ("numexpr", "HS-VAL-4/inside", "float32"),
    ("Paddle", "HS-VAL-3/lanes", "float32"),
    ("Paddle", "HS-VAL-5/lambda-zero", "float32"),
]


@pytest.mark.parametrize(
    ("name", "check", "dtype", "state"),
    [(*row, State.FAILED) for row in DEVIATIONS] + [(*row, State.PASSED) for row in RIGHT],
)
def test_the_corners_of_what_people_use(name, check, dtype, state):
    if not WILD[name].installed:
        pytest.skip(f"needs {', '.join(WILD[name].needs)}")
    results = [r for r in judge(SUITE, WILD[name], [check]) if r.item.dtype == dtype]
    assert [r.state for r in results] == [state], [r.message for r in results]


def test_every_corner_names_a_check():
    assert {corner.check for corner in SUITE.corners()} <= set(SUITE.manifest)
