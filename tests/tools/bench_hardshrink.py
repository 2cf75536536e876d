"""The numbers that hardshrink is meant to reach, as ratios in one run."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # what lies beside, however this is imported
from bench_goals import Ask, Goal

__all__ = ["GOALS"]

_FLOATS = ("float16", "float32", "float64")
_LARGE = (1_000_000, 10_000_000, 100_000_000)
_EACH = (1, 1_000, 100_000, *_LARGE)
_FROM_1E5 = (100_000, 1_000_000, 10_000_000)

GOALS = (
    Goal(
        "NumPy, warm out, 1e6 and up",
        "at most 1.1 x np.copyto; at least 20 x faster than np.where(np.abs(x) > l, x, 0) at 1e6, "
        "10 x beyond, where the copy is the limit",
        (
            Ask("over np.copyto", 1.1, "ratio", "numpy", "copy", _LARGE, _FLOATS),
            Ask("over np.where at 1e6", 1 / 20, "ratio", "numpy", "np.where", _LARGE[:1], _FLOATS),
            Ask("over np.where at 1e7", 1 / 10, "ratio", "numpy", "np.where", _LARGE[1:2], _FLOATS),
        ),
    ),
    Goal(
        "NumPy, each size and dtype",
        "not slower than torch.hardshrink(out=) on one thread over the same buffer",
        (Ask("over torch", 1.0, "ratio", "numpy", "torch, same buffer", _EACH, _FLOATS),),
    ),
    Goal(
        "NumPy, one element",
        "under 600 ns in all, 1.3 x the bare ufunc call",
        (
            Ask("the whole call", 600, "nanoseconds", "numpy", mode="fresh", unit="ns"),
            Ask("over the bare ufunc", 1.3, "ratio", "numpy", "bare ufunc", mode="fresh"),
        ),
    ),
    Goal(
        "dispatch and checks",
        "over the backend's own call: at most 80 ns for NumPy, 110 for torch, 150 for JAX",
        tuple(
            Ask(name, most, "dispatch", name, unit="ns")
            for name, most in (("numpy", 80), ("torch", 110), ("jax", 150))
        ),
    ),
    Goal(
        "import shrinkops",
        "at most 15 ms over `import pluggy`; no framework in sys.modules",
        (
            Ask("after pluggy", 15, "import", unit="ms"),
            Ask("frameworks imported", 0, "frameworks", unit="modules"),
        ),
    ),
    Goal(
        "torch",
        "fresh 1.10, out= 1.15 x torch.hardshrink at 1e4, 1.03 from 1e5",
        (
            Ask("fresh, 1e4", 1.10, "ratio", "torch", "torch.hardshrink", (10_000,), mode="fresh"),
            Ask("out=, 1e4", 1.15, "ratio", "torch", "torch.hardshrink", (10_000,)),
            Ask("fresh", 1.03, "ratio", "torch", "torch.hardshrink", _FROM_1E5, mode="fresh"),
            Ask("out=", 1.03, "ratio", "torch", "torch.hardshrink", _FROM_1E5),
        ),
    ),
    Goal(
        "jax eager",
        "at most 1.1 x a hand-jitted function, 2.5 x faster than the eager idiom at 1e3; "
        "bit compare at copy speed at 1e7",
        (
            Ask(
                "over a hand-jitted function", 1.1, "ratio", "jax", "jitted jnp.where",
                (1_000, 100_000, 1_000_000), mode="fresh",
            ),
            Ask("over jnp.where", 1 / 2.5, "ratio", "jax", "jnp.where", (1_000,), mode="fresh"),
            Ask("over jnp.copy", 1.1, "ratio", "jax", "jnp.copy", (10_000_000,), mode="fresh"),
        ),
    ),
    Goal(
        "cupy",
        "at least 90 % of a device copy's bandwidth for 2-, 4- and 8-byte types",
        (
            Ask(
                "over cp.copyto", 1 / 0.9, "ratio", "cupy", "cp.copyto",
                (10_000_000,), _FLOATS, device="gpu",
            ),
        ),
    ),
    Goal(
        "dask",
        "streams an array larger than the workers' memory; per-chunk cost within 1.2 x of the "
        "NumPy kernel",
        (Ask("per chunk", 1.2, "ratio", "dask", "copy", (1_000_000,), mode="fresh"),),
    ),
    Goal(
        "pure NumPy path, no compiler",
        "at most 6 x np.copyto",
        (
            Ask(
                "over np.copyto", 6, "ratio", "numpy", "copy", (1_000_000, 10_000_000), _FLOATS,
                environment={"SHRINKOPS_NUMPY_KERNEL": "pure"},
            ),
        ),
    ),
)  # fmt: skip
