"""JAX's transformations, settings and ways to run a function, for ``transformed.py``."""

from __future__ import annotations

import functools
import pickle
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import export, lax
from jax.experimental import checkify
from jax.sharding import Mesh, NamedSharding, PartitionSpec

sys.path.insert(0, str(Path(__file__).parent))
from transformed import Case, Library, Way, curvature, shares, slopes

_DIFFERENTIABLE = ("float", "complex")
_enable_x64: Any = vars(jax if hasattr(jax, "enable_x64") else jax.experimental)["enable_x64"]


def _send(array: Any) -> Any:
    with _enable_x64(True):  # so that 64 bits stay 64 bits
        return jax.device_put(array)


def _wide(run: Any) -> Any:
    @functools.wraps(run)
    def within(case: Case) -> Any:
        with _enable_x64(case.dtype in ("float64", "int64", "uint64", "complex128")):
            return run(case)

    return within


def _total(y: Any) -> Any:
    if jnp.issubdtype(y.dtype, jnp.complexfloating):
        return y.real.sum()
    return (y if y.dtype.itemsize > 1 else y.astype(jnp.float32)).sum()


def _gradient(case: Case) -> Any:
    found = jax.grad(lambda v: _total(case.call(v)))(case.x)
    return found.conj() if case.kind == "complex" else found  # JAX gives the conjugate


def _by_parameter(case: Case) -> Any:
    rest = case.parameters[1:]
    return jax.grad(lambda t: _total(case.function(case.smooth, t, *rest)))(case.parameters[0])


def _forward(case: Case) -> Any:
    return jax.jvp(case.call, (case.x,), (jnp.ones_like(case.x),))[1]


def _linearized(case: Case) -> Any:
    return jax.linearize(case.call, case.x)[1](jnp.ones_like(case.x))


def _pulled(case: Case) -> Any:
    return jax.vjp(case.call, case.x)[1](jnp.ones_like(case.x))[0]


def _second(case: Case) -> Any:
    def first(v: Any) -> Any:
        return _total(jax.grad(lambda u: _total(case.call(u)))(v))

    return jax.grad(first)(case.x)


def _hessian(case: Case) -> Any:
    flat = case.x.reshape(-1)
    own = [jnp.tile(p, 2) if case.by_array else p for p in case.parameters]
    found = jax.hessian(lambda v: _total(case.function(v, *own)))(flat)
    return jnp.diagonal(found).reshape(case.x.shape)


def _disabled(case: Case) -> Any:
    with jax.disable_jit():
        return case.call(case.x)


def _watched(case: Case) -> Any:
    with jax.debug_nans(True), jax.debug_infs(True):
        return case.call(case.x)


def _checked(case: Case) -> Any:
    error, y = checkify.checkify(case.call, errors=checkify.all_checks)(case.x)
    error.throw()
    return y


def _strict(case: Case) -> Any:
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        return case.call(case.x)


def _outside(case: Case) -> Any:
    with _enable_x64(False):
        return case.call(case.x)


def _exported(case: Case) -> Any:
    made = export.export(jax.jit(case.call))(case.x)
    return export.deserialize(made.serialize()).call(case.x)


def _scanned(case: Case) -> Any:
    return lax.scan(lambda carry, row: (carry, case.call(row)), 0, case.x)[1]


def _looped(case: Case) -> Any:
    def body(state: Any) -> Any:
        return state[0] + 1, case.call(case.x)

    return lax.while_loop(lambda s: s[0] < 2, body, (0, case.x))[1]


def _branched(case: Case) -> Any:
    return jax.jit(lambda p, v: lax.cond(p, case.call, lambda u: u, v))(True, case.x)


def _donated(case: Case) -> Any:
    return jax.jit(case.call, donate_argnums=0)(case.x + jnp.zeros_like(case.x))


def _mesh() -> Any:
    return Mesh(np.array(jax.devices()), ("rows",))


def _sharded(case: Case) -> Any:
    sharding = NamedSharding(_mesh(), PartitionSpec("rows"))
    y = jax.jit(case.call)(jax.device_put(case.x, sharding))
    assert y.sharding.is_equivalent_to(sharding, 2)
    return y


def _shard_mapped(case: Case) -> Any:
    spec = PartitionSpec("rows")
    mapped = jax.shard_map(case.call, mesh=_mesh(), in_specs=spec, out_specs=spec)
    return jax.jit(mapped)(case.x)


def _shaped(case: Case) -> bool:
    y = jax.eval_shape(case.call, case.x)
    return bool(y.shape == case.x.shape and y.dtype == case.x.dtype)


def _ahead(case: Case) -> Any:
    return jax.jit(case.call).lower(case.x).compile()(case.x)


def _weak(case: Case) -> bool:
    x = jnp.asarray(0.75 if case.kind == "float" else 3)
    y = case.function(x, *case.numbers)
    return bool(x.weak_type and y.weak_type)


def _one_loop(case: Case) -> bool:
    x = jax.ShapeDtypeStruct((4096,), case.x.dtype)
    own = [p[0] if case.by_array else p for p in case.parameters]
    text = jax.jit(lambda v: case.function(v + v, *own) - v).lower(x).compile().as_text()
    entry = text[text.index("\nENTRY") :]
    return bool(entry.count(" fusion(") == 1 and "custom-call" not in entry)


def _counted(case: Case) -> bool:
    function = jax.jit(lambda *a: case.function(*a))
    numbers = case.parameters
    for size in (1, 2, 3):
        function(case.x, *(p * size for p in numbers))
    return bool(function._cache_size() == 1)


_WAYS = (
    Way("eager", lambda c: c.call(c.x)),
    Way("`jit`", lambda c: jax.jit(c.call)(c.x)),
    Way("`jit`, parameters as arguments", lambda c: jax.jit(c.function)(c.x, *c.parameters)),
    Way("one trace for three λ", _counted),
    Way("`lower().compile()`", _ahead),
    Way("one loop in the compiled text", _one_loop, kinds=("float",),
        dtypes=("float32", "float64", "bfloat16")),
    Way("`grad`", _gradient, slopes, _DIFFERENTIABLE),
    Way("`grad` by λ", _by_parameter, shares, ("float",), by=(True,)),
    Way("`jvp`", _forward, slopes, ("float",)),
    Way("`linearize`", _linearized, slopes, ("float",)),
    Way("`vjp`", _pulled, slopes, ("float",)),
    Way("`grad` of `grad`", _second, curvature, ("float",)),
    Way("`hessian`", _hessian, curvature, ("float",)),
    Way("`vmap`", lambda c: jax.vmap(c.call)(c.x)),
    Way("`vmap` over the last axis", lambda c: jax.vmap(c.function, in_axes=(
        1, *((0,) if c.by_array else (None,)) * len(c.parameters)), out_axes=1)(
        c.x, *c.parameters)),
    Way("`vmap(grad)`", lambda c: jax.vmap(jax.grad(lambda v: _total(c.call(v))))(c.x),
        slopes, ("float",)),
    Way("`disable_jit`", _disabled),
    Way("`debug_nans`, `debug_infs`", _watched),
    Way("`checkify`, all checks", _checked),
    Way("promotion strict, rank promotion forbidden", _strict),
    Way("made under `enable_x64`, used outside", _outside, dtypes=("float64", "uint64")),
    Way("weak type kept", _weak, dtypes=("float32",), by=(False,)),
    Way("`export`, serialised", _exported),
    Way("donated", _donated, kinds=("float", "complex")),
    Way("`scan`", _scanned),
    Way("`while_loop`", _looped),
    Way("`cond`", _branched),
    Way("`checkpoint` (remat)", lambda c: jax.checkpoint(c.call)(c.x)),
    Way("sharded, two devices", _sharded),
    Way("`shard_map`, two devices", _shard_mapped),
    Way("`eval_shape`", _shaped),
    Way("function, pickled",
        lambda c: pickle.loads(pickle.dumps(c.function))(c.x, *c.parameters)),
)  # fmt: skip


LIBRARY = Library(
    "JAX",
    "jax",
    ("float32", "float64", "bfloat16", "float8_e4m3fn", "float4_e2m1fn", "int4",
     "uint64", "complex64"),
    tuple(w if "outside" in w.name else w._replace(run=_wide(w.run)) for w in _WAYS),
    _send,
    np.asarray,
    ("jax", "jaxlib", "numpy"),
)  # fmt: skip
