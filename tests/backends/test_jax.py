"""JAX: jit, grad, vmap, subnormals, and no retracing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import shrinkops

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402 - after the skip

POINTS = np.array([-2.0, -0.5, -0.25, 0.0, 0.5, 0.75, np.nan, np.inf], np.float32)
KEPT = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]


def same(a: Any, b: Any) -> bool:
    integer = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}[a.dtype.itemsize]
    both = np.asarray(jnp.isnan(a) & jnp.isnan(b))
    return bool(((np.asarray(a).view(integer) == np.asarray(b).view(integer)) | both).all())


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_jit_gives_the_bits_of_eager_calls(dtype: Any) -> None:
    x = jnp.asarray(np.arange(2**16, dtype=np.uint16).view(dtype))
    for lambd in (0.0, 1e-7, 0.1, 0.3, 0.5, -1.0, math.inf):
        closed = jax.jit(lambda v, t=lambd: shrinkops.hardshrink(v, t))
        assert same(closed(x), shrinkops.hardshrink(x, lambd)), lambd


def test_a_traced_lambd_is_rounded_and_never_retraces() -> None:
    traces = 0

    def function(x: Any, lambd: Any) -> Any:
        nonlocal traces
        traces += 1
        return shrinkops.hardshrink(x, lambd)

    jitted = jax.jit(function)
    x = jnp.asarray(np.arange(2**16, dtype=np.uint16).view(np.float16))
    for lambd in (0.5, 0.25, 2.0, -1.0, 0.0):
        assert same(jitted(x, lambd), shrinkops.hardshrink(x, lambd)), lambd
    assert traces == 1


def test_eager_calls_never_retrace_for_a_new_lambd(jax_traces: list[str]) -> None:
    x = jnp.ones(7)
    shrinkops.hardshrink(x, 0.5)
    jax_traces.clear()
    for lambd in (0.1, 0.2, 3, -1.0, math.inf):
        shrinkops.hardshrink(x, lambd)
    assert jax_traces == []


@pytest.fixture
def jax_traces() -> Any:
    seen: list[str] = []
    listening = True

    def listener(event: str, duration: float, **_: Any) -> None:
        if listening and "trace" in event:
            seen.append(event)

    jax.monitoring.register_event_duration_secs_listener(listener)
    yield seen
    listening = False


@pytest.mark.parametrize("jitted", [False, True])
def test_subnormals_survive_xla(jitted: bool) -> None:
    x = jnp.asarray(np.arange(1, 5000, dtype=np.uint32).view(np.float32))
    function = jax.jit(shrinkops.hardshrink) if jitted else shrinkops.hardshrink
    assert same(function(x, 0.0), x)
    kept = np.asarray(shrinkops.hardshrink(x, float(np.uint32(700).view(np.float32))))
    assert kept.view(np.uint32).tolist() == [b if b > 700 else 0 for b in range(1, 5000)]


def test_reverse_forward_and_second_derivatives() -> None:
    x = jnp.asarray(POINTS)
    total = lambda v, t: shrinkops.hardshrink(v, t).sum()  # noqa: E731
    assert jax.grad(total)(x, 0.5).tolist() == KEPT
    assert jax.grad(total, argnums=1)(x, 0.5) == 0
    assert jax.grad(total, argnums=1)(x, jnp.float32(0.5)) == 0
    _, pullback = jax.vjp(lambda v: shrinkops.hardshrink(v, 0.5), x)
    (cotangent,) = pullback(jnp.full(8, jnp.nan))
    assert [math.isnan(v) for v in cotangent.tolist()] == [bool(k) for k in KEPT]
    assert jnp.nansum(jnp.abs(cotangent)) == 0
    _, tangent = jax.jvp(lambda v: shrinkops.hardshrink(v, 0.5), (x,), (jnp.full(8, jnp.inf),))
    assert jnp.isinf(tangent).tolist() == [bool(k) for k in KEPT]
    second = jax.grad(lambda v: jax.grad(total)(v, 0.5).sum())(x)
    assert second.tolist() == [0.0] * 8


def test_vmap_and_its_compositions() -> None:
    x = jnp.asarray(np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32))
    thresholds = jnp.array([0.1, 0.5, 1.0])
    mapped = jax.vmap(shrinkops.hardshrink)(x, thresholds)
    assert same(mapped, shrinkops.hardshrink(x, thresholds[:, None]))
    gradient = jax.jit(jax.vmap(jax.grad(lambda v: shrinkops.hardshrink(v).sum())))(x)
    assert gradient.tolist() == (jnp.abs(x) > 0.5).astype(jnp.float32).tolist()


def test_scan_and_remat() -> None:
    def step(carry: Any, _: Any) -> tuple[Any, None]:
        return shrinkops.hardshrink(carry * 0.9, 0.5), None

    last, _ = jax.lax.scan(step, jnp.array([4.0, 0.6]), length=3)
    assert last.tolist()[1] == 0.0
    gradient = jax.grad(lambda v: jax.checkpoint(shrinkops.hardshrink)(v).sum())(jnp.array([1.0]))
    assert gradient.tolist() == [1.0]


def test_a_strongly_typed_scalar_does_not_promote() -> None:
    with jax.enable_x64(True):
        x = jnp.array([0.3, 0.5], jnp.float16)
        result = shrinkops.hardshrink(x, jnp.float64(0.3))
        assert result.dtype == jnp.float16
        assert result.tolist()[0] == 0.0


def test_nothing_is_transferred() -> None:
    x = jnp.ones(5)
    shrinkops.hardshrink(x, 0.5)
    with jax.transfer_guard_device_to_host("disallow"):
        shrinkops.hardshrink(x, 0.5)
        shrinkops.hardshrink(x, jnp.float32(0.5))


def test_the_sharding_is_kept() -> None:
    mesh = jax.sharding.Mesh(np.array(jax.devices()), ("rows",))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("rows"))
    x = jax.device_put(jnp.ones((8, 2)), sharding)
    assert shrinkops.hardshrink(x).sharding == sharding
