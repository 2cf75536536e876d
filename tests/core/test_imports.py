"""What an import brings in, in processes of their own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

FRAMEWORKS = ("numpy", "torch", "jax", "cupy", "dask")


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_shrinkops_imports_no_framework() -> None:
    code = f"import shrinkops, sys; print([m for m in {FRAMEWORKS} if m in sys.modules])"
    assert run(code) == "[]"


def test_importing_shrinkops_imports_neither_kits_nor_command_line() -> None:
    code = """
import shrinkops, sys
print(sorted(m for m in sys.modules if m.startswith("shrinkops.")
      and m.split(".")[1] in ("conformance", "benchmark", "demo", "adapter", "_cli")))
print([m for m in ("click", "rich", "pytest", "hypothesis", "matplotlib") if m in sys.modules])
"""
    assert run(code) == "[]\n[]"


def test_importing_shrinkops_takes_no_time_that_users_would_feel() -> None:
    """What costs milliseconds by itself, and compiles methods for classes, is not needed yet."""
    code = """
import pluggy, sys
before = set(sys.modules)
import shrinkops
slow = ("dataclasses", "decimal", "fractions", "importlib.metadata", "ctypes", "asyncio", "typing")
print(sorted(set(slow) & (set(sys.modules) - before)))
"""
    assert run(code) == "[]"


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax", "cupy"])
def test_a_declaration_imports_nothing_but_shrinkops(backend: str) -> None:
    code = f"""
import sys, shrinkops_{backend} as plugin
made = plugin.shrinkops_backends()
assert [b.name for b in made][0] == {backend!r}
made[0].dtypes, made[0].features, made[0].array_types(), repr(made[0])
print([m for m in {FRAMEWORKS} if m in sys.modules])
"""
    assert run(code) == "[]"


@pytest.mark.parametrize(
    ("first", "others"),
    [("numpy", ("torch", "jax", "cupy")), ("torch", ("jax", "cupy")), ("jax", ("torch", "cupy"))],
)
def test_a_value_loads_its_own_backend_alone(first: str, others: tuple[str, ...]) -> None:
    if importlib.util.find_spec(first) is None:
        pytest.skip(f"needs {first}")
    make = {
        "numpy": "numpy.ones(3)",
        "torch": "torch.ones(3)",
        "jax": "__import__('jax.numpy').numpy.ones(3)",
    }[first]
    code = f"""
import sys, {first}, shrinkops
before = set(sys.modules)
shrinkops.hardshrink({make})
loaded = set(sys.modules) - before
print([m for m in {others} if m in sys.modules and m not in before])
print(sorted(m for m in loaded if m.startswith("shrinkops_") and m.endswith("._kernels")))
"""
    kernels = [f"shrinkops_{first}._kernels"]
    if first == "torch":  # tensors in memory are computed by NumPy's loops
        kernels.insert(0, "shrinkops_numpy._kernels")
    assert run(code) == f"[]\n{kernels}"


def test_explain_and_errors_import_no_framework() -> None:
    code = """
import sys, shrinkops
print(shrinkops.explain(list).backend)
try:
    shrinkops.hardshrink([1.0])
except shrinkops.UnsupportedArrayError as error:
    print(type(error).__mro__[1].__name__)
print([m for m in ("numpy", "torch", "jax", "cupy") if m in sys.modules])
"""
    assert run(code) == "None\nTypeError\n[]"


@pytest.mark.parametrize(
    ("value", "loaded"), [("1", False), ("0", True), ("", True), ("False", True)]
)
def test_autoload_switch(value: str, loaded: bool) -> None:
    code = "import shrinkops; print(bool(len(shrinkops.backends())))"
    assert run(code, SHRINKOPS_DISABLE_PLUGIN_AUTOLOAD=value) == str(loaded)


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("torch, jax", ["array_api", "cupy", "dask", "numpy", "ufunc"]),
        ("0", ["array_api", "cupy", "dask", "jax", "numpy", "torch", "ufunc"]),
        ("", ["array_api", "cupy", "dask", "jax", "numpy", "torch", "ufunc"]),
    ],
)
def test_block_switch(value: str, left: list[str]) -> None:
    code = """
from shrinkops._plugins.registry import registry
ours = [e.backend.name for e in registry.entries() if e.distribution == "shrinkops"]
print(sorted(ours))
"""
    assert run(code, SHRINKOPS_BLOCK=value) == str(left)


def test_a_blocked_backend_is_named_by_explain_and_refuses() -> None:
    code = """
import numpy, shrinkops
print(shrinkops.explain(numpy.ones(2)))
try:
    shrinkops.hardshrink(numpy.ones(2))
except TypeError as error:
    print(error)
"""
    printed = run(code, SHRINKOPS_BLOCK="numpy,ufunc")
    assert "numpy: blocked by SHRINKOPS_BLOCK" in printed
    assert "hardshrink: no backend takes numpy.ndarray" in printed
