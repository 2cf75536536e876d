"""What the tests of the NumPy backend share: its types, and an oracle from the definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import shrinkops

ML_DTYPES = (
    "bfloat16",
    "float8_e3m4",
    "float8_e4m3",
    "float8_e4m3b11fnuz",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
)
FLOATS = ("float16", "float32", "float64", *ML_DTYPES)
INTEGERS = tuple(f"{sign}int{width}" for sign in ("", "u") for width in (8, 16, 32, 64))


def to_dtype(name: str) -> np.dtype[Any]:
    """Return a dtype by name, from ml_dtypes where NumPy has none of that name."""
    if name in ML_DTYPES:
        ml_dtypes = pytest.importorskip("ml_dtypes", reason="its element types are optional")
        return np.dtype(getattr(ml_dtypes, name))
    return np.dtype(name)


def float_oracle(x: np.ndarray[Any, Any], t: float) -> np.ndarray[Any, Any]:
    """Return the definition's result; ``t`` is a number of x's type (bits are kept, NaN too)."""
    x = np.array(x, order="C")
    bits = x.view(f"u{x.dtype.itemsize}")
    with np.errstate(all="ignore"):
        values = x.astype(np.float64)
        keep = (values > t) | (values < -t) | np.isnan(values)
    return np.asarray(np.where(keep, bits, bits.dtype.type(0))).view(x.dtype)


def same_bits(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> bool:
    """Tell whether two arrays agree in dtype, shape and every bit of their values."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    return a.tobytes() == b.tobytes()


@pytest.fixture(name="dtype_named", scope="session")
def _dtype_named() -> Callable[[str], np.dtype[Any]]:
    return to_dtype


@pytest.fixture(name="oracle", scope="session")
def _oracle() -> Callable[[np.ndarray[Any, Any], float], np.ndarray[Any, Any]]:
    return float_oracle


@pytest.fixture(name="equal", scope="session")
def _equal() -> Callable[[np.ndarray[Any, Any], np.ndarray[Any, Any]], bool]:
    return same_bits


@pytest.fixture(name="compiled", scope="session")
def _compiled() -> bool:
    """Whether the compiled kernel serves in this run."""
    row = next(row for row in shrinkops.backends() if row.name == "numpy")
    return row.kernel.startswith("compiled")


@pytest.fixture(name="ufunc", scope="session")
def _ufunc() -> np.ufunc:
    """The ufunc under everything, with loops for the common types."""
    from shrinkops_numpy import _kernels

    for name in ("float16", "float32", "float64"):
        _kernels.ensure_dtype(np.dtype(name))
    result: np.ufunc = _kernels.ufunc()
    return result


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Fill ``float_name`` and ``integer_name`` with every declared type."""
    if "float_name" in metafunc.fixturenames:
        metafunc.parametrize("float_name", FLOATS)
    if "integer_name" in metafunc.fixturenames:
        metafunc.parametrize("integer_name", INTEGERS)
