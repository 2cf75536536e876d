"""JAX over many devices: eight of them, simulated on the CPU, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("jax")

PROGRAM = """
import jax, jax.numpy as jnp, numpy as np, shrinkops
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P

assert len(jax.devices()) == 8
mesh = Mesh(np.array(jax.devices()).reshape(4, 2), ("rows", "columns"))
spec = P("rows", "columns")
sharding = NamedSharding(mesh, spec)
host = np.random.default_rng(0).normal(size=(64, 16)).astype(np.float32)
x = jax.device_put(host, sharding)
row = jax.device_put(np.full(16, 0.3, np.float32), NamedSharding(mesh, P("columns")))
COLLECTIVES = ("all-gather", "all-reduce", "all-to-all", "collective-permute", "reduce-scatter")
PARAMETERS = dict(hardshrink=(0.3,), softshrink=(0.3,), shrink=(0.3, 0.2),
                  firmshrink=(0.3, 0.9), garrote=(0.3,))

for name, parameters in PARAMETERS.items():
    function = getattr(shrinkops, name)
    rest = parameters[1:]
    expected = np.asarray(function(jnp.asarray(host), *parameters))

    def check(result):
        assert result.sharding.is_equivalent_to(sharding, 2), (name, result.sharding)
        assert np.array_equal(np.asarray(result).view("u4"), expected.view("u4")), name

    check(function(x, *parameters))
    for jitted, arguments in (
        (jax.jit(lambda v: function(v, *parameters)), (x,)),
        (jax.jit(lambda v, t: function(v, t, *rest)), (x, row)),
        (jax.jit(jax.shard_map(lambda v: function(v, *parameters), mesh=mesh,
                               in_specs=spec, out_specs=spec)), (x,)),
        (jax.jit(jax.shard_map(lambda v, t: function(v, t, *rest), mesh=mesh,
                               in_specs=(spec, P("columns")), out_specs=spec)), (x, row)),
    ):
        check(jitted(*arguments))
        text = jitted.lower(*arguments).compile().as_text()
        found = [word for word in COLLECTIVES if word in text]
        assert not found, (name, found)
    gradient = jax.jit(jax.grad(lambda v: function(v, *parameters).sum()))
    assert gradient(x).sharding.is_equivalent_to(sharding, 2)
    text = gradient.lower(x).compile().as_text()
    assert not [word for word in COLLECTIVES if word in text], name
print("kept")
"""


def test_the_sharding_is_kept_and_nothing_is_communicated() -> None:
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == "kept"
