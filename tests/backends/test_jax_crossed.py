"""JAX: operation × type × λ × transformation, drawn at random, judged exactly."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from crossed import Crossed, faults, types_of

_FLOATS = ["float16", "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2fnuz"]
_TYPES = types_of(_FLOATS, ["int8", "int64", "uint8", "uint32"])


def _eager(f: Any, x: Any, parameters: Any) -> Any:
    return f(x, *parameters)


def _closed(f: Any, x: Any, parameters: Any) -> Any:
    return jax.jit(lambda v: f(v, *parameters))(x)


def _traced(f: Any, x: Any, parameters: Any) -> Any:
    given = [i for i, p in enumerate(parameters) if isinstance(p, jax.Array)]

    def call(v: Any, *arrays: Any) -> Any:
        mixed = list(parameters)
        for i, array in zip(given, arrays, strict=True):
            mixed[i] = array
        return f(v, *mixed)

    return jax.jit(call)(x, *(parameters[i] for i in given))


def _mapped(f: Any, x: Any, parameters: Any) -> Any:
    if not x.ndim or any(isinstance(p, jax.Array) for p in parameters):
        return f(x, *parameters)
    return jax.vmap(lambda v: f(v, *parameters))(x)


def _differentiated(f: Any, x: Any, parameters: Any) -> Any:
    if not jnp.issubdtype(x.dtype, jnp.inexact):
        return f(x, *parameters)
    return jax.vjp(lambda v: f(v, *parameters), x)[0]


def _interpreted(f: Any, x: Any, parameters: Any) -> Any:
    with jax.disable_jit():
        return f(x, *parameters)


_WAYS = [_eager, _closed, _traced, _mapped]


def _on(way: Any) -> Any:
    def call(f: Any, x: Any, parameters: Any, draw: Random) -> Any:
        given = [jnp.asarray(p) if isinstance(p, np.ndarray) and p.ndim else p for p in parameters]
        return way(f, jnp.asarray(x), given)

    return call


@pytest.mark.parametrize(
    ("ways", "first", "count"),
    [(_WAYS, 0, 24), ([_differentiated], 24, 3), ([_interpreted], 27, 1)],
    ids=["values", "differentiated", "interpreted"],
)  # fmt: skip
def test_calls_drawn_at_random(ways: list[Any], first: int, count: int) -> None:
    named = {way.__name__: _on(way) for way in ways}
    found = []
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    try:
        for number in range(first, first + count):
            found += faults(Crossed(11, number, _TYPES, flushes=True), named, np.asarray)
    finally:
        jax.config.update("jax_enable_x64", before)
    assert not found, "\n".join(found[:10])
