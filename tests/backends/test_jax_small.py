"""What the processor flushes: only λ, an element or a result may count as 0, nothing between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from shrinkops import firmshrink, garrote

_TYPES = [np.float32, ml_dtypes.bfloat16]


def _differ(wanted: Any, got: Any, smallest: float) -> Any:
    """Return where a result is neither the wanted one nor, where that is subnormal, +0."""
    size = np.abs(wanted.astype(np.float64))
    unsigned = np.dtype(f"u{wanted.dtype.itemsize}")
    bits = np.asarray(got).view(unsigned)
    return (bits != wanted.view(unsigned)) & ~((size < smallest) & (bits == 0))


@pytest.mark.parametrize("dtype", _TYPES, ids=["float32", "bfloat16"])
@pytest.mark.parametrize(("function", "ratios"), [(firmshrink, (1.3, 2, 3, 1e9)), (garrote, (0,))])
def test_differences_of_small_numbers_are_numbers(
    dtype: Any, function: Callable[..., Any], ratios: tuple[float, ...]
) -> None:
    smallest = float(ml_dtypes.finfo(dtype).smallest_normal)
    for base in (smallest, 3 * smallest, smallest * 2**20, smallest * 2.0**26):
        draw = np.random.default_rng(5).uniform(0.9, 3, 997)
        x = (base * draw * np.resize([1, -1], 997)).astype(dtype)
        x = x[np.abs(x.astype(np.float64)) >= smallest]
        for ratio in ratios:
            numbers = [float(np.array(base).astype(dtype))]
            numbers += [float(np.array(base * ratio).astype(dtype))] if ratio else []
            wanted = function(x, *numbers)
            arrays = [jnp.full((1,), number, dtype) for number in numbers]
            for parameters in (numbers, arrays):
                got = function(jnp.asarray(x), *parameters)
                assert not _differ(wanted, got, smallest).any()


def test_thresholds_broadcast_inside_jit_divide_as_those_from_outside() -> None:
    t, u = np.float32(4.2535293e37), np.float32(6.3802939e37)
    x = np.linspace(t, u, 1001, dtype=np.float32)

    @jax.jit
    def spread(x: Any, t: Any, u: Any) -> Any:
        return firmshrink(x, jnp.broadcast_to(t, x.shape), jnp.broadcast_to(u, x.shape))

    wanted = firmshrink(x, t, u)
    assert np.array_equal(np.asarray(spread(jnp.asarray(x), t, u)), wanted)


def test_derivatives_under_the_largest_mu() -> None:
    x = jnp.array([0.5000001, 1.0, 1.5e38], jnp.float32)
    largest = float(np.finfo(np.float32).max)
    lambd = jnp.full((1,), 0.5, jnp.float32)

    def along(v: Any) -> Any:
        return firmshrink(x, v, largest)

    slope = jax.jvp(along, (lambd,), (jnp.ones_like(lambd),))[1]
    wanted = [-1.0, -1.0, (1.5e38 - largest) / largest]
    assert np.allclose(slope, wanted, rtol=1e-6, atol=0)


def test_a_ratio_below_the_normal_numbers_does_not_vanish_when_doubled() -> None:
    x = jnp.array([2.0**127, 1.0], jnp.float32)
    lambd = jnp.full((1,), 0.75, jnp.float32)
    slope = jax.jvp(lambda v: garrote(x, v), (lambd,), (jnp.ones_like(lambd),))[1]
    assert slope[1] == -1.5
    lambd = jnp.full((1,), 1.5, jnp.float32)  # 1.5 / 2**127 is subnormal, twice that is not
    slope = jax.jvp(lambda v: garrote(x, v), (lambd,), (jnp.ones_like(lambd),))[1]
    assert slope[0] == -1.5 * 2.0**-126
