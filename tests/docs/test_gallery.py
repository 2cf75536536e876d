"""What the gallery claims of derivatives, against exact arithmetic.

The scripts run when the site is built, and compare bits and thresholds themselves. Here the
network that learns its thresholds is taken from its script and given numbers for which no
operation rounds, so that its gradients must equal those of rational arithmetic.
"""

from __future__ import annotations

import ast
from fractions import Fraction
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from shrinkops import softshrink

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "plot_4_lista.py"
USED = ("lista", "loss")
LAYERS, PLACES, MEASURED = 3, 8, 4


@pytest.fixture(scope="module")
def network() -> dict[str, Any]:
    """The functions of the script, without its training."""
    tree = ast.parse(SCRIPT.read_text("utf-8"))
    tree.body = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name in USED]
    names: dict[str, Any] = {"softshrink": softshrink}
    exec(compile(tree, str(SCRIPT), "exec"), names)
    return names


@pytest.fixture(scope="module")
def numbers():
    """Weights, measurements and codes that are small multiples of a power of two."""
    generator = np.random.default_rng(11)

    def whole(*shape):
        return generator.integers(-4, 5, shape) / 4.0

    weights = {
        "encode": whole(MEASURED, PLACES),
        "mix": whole(PLACES, PLACES),
        "lambd": generator.integers(1, 4, (LAYERS, 1)) / 8.0,
    }
    return weights, whole(8, MEASURED), whole(8, PLACES)


def exact_thresholds(weights, y, codes):
    """The derivative of the loss by each threshold, by dual numbers in rational arithmetic."""
    matrices = {name: [[Fraction(v) for v in row] for row in w] for name, w in weights.items()}
    slopes = [Fraction(0)] * LAYERS
    for row, target in zip(y, codes, strict=True):
        code = [(Fraction(0), [Fraction(0)] * LAYERS) for _ in range(PLACES)]
        for layer in range(LAYERS):
            lambd = matrices["lambd"][layer][0]
            code = [
                _shrunk(*_inner(row, code, place, matrices), lambd, layer)
                for place in range(PLACES)
            ]
        for (value, by), wanted in zip(code, target, strict=True):
            for layer in range(LAYERS):
                slopes[layer] += 2 * (value - Fraction(wanted)) * by[layer] / codes.size
    return slopes


def _inner(row, code, place, matrices):
    value = sum(Fraction(v) * matrices["encode"][i][place] for i, v in enumerate(row))
    value += sum(c * matrices["mix"][i][place] for i, (c, _) in enumerate(code))
    by = [
        sum((d[layer] * matrices["mix"][i][place] for i, (_, d) in enumerate(code)), Fraction(0))
        for layer in range(LAYERS)
    ]
    return value, by


def _shrunk(value, by, lambd, layer):
    if abs(value) <= lambd:
        return Fraction(0), [Fraction(0)] * LAYERS
    sign = 1 if value > 0 else -1
    by = list(by)
    by[layer] -= sign
    return value - sign * lambd, by


def test_learned_thresholds_have_the_exact_gradient(network, numbers):
    weights, y, codes = numbers
    expected = [float(slope) for slope in exact_thresholds(weights, y, codes)]
    assert all(expected), "each threshold has an influence"

    tensors = {name: torch.from_numpy(w) for name, w in weights.items()}
    arguments = torch.from_numpy(y), torch.from_numpy(codes)
    by_torch = torch.func.grad(lambda w: network["loss"](w, *arguments))(tensors)
    assert by_torch["lambd"].ravel().tolist() == expected

    with jax.enable_x64(True):
        arrays = jax.tree.map(jnp.asarray, (weights, y, codes))
        by_jax = jax.jit(jax.grad(network["loss"]))(*arrays)
    assert by_jax["lambd"].ravel().tolist() == expected
