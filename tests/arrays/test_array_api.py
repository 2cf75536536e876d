"""The fallback: libraries of the Array API standard that have no backend of their own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from shrinkops_array_api import ArrayApiBackend

import shrinkops

OPERATIONS = {
    "hardshrink": (0.5,),
    "softshrink": (0.5,),
    "shrink": (0.5, 0.25),
    "firmshrink": (0.5, 1.0),
    "garrote": (0.5,),
}
VALUES = np.array([-2.0, -0.5, -0.0, 0.3, 0.75, np.nan, np.inf], np.float32)
LIBRARIES = ("array_api_strict", "ndonnx", "mlx.core")


def _adapter(library: str) -> Any:
    pytest.importorskip(library, reason="optional library")
    return ArrayApiBackend(library).adapter()


@pytest.fixture(params=["2021.12", "2022.12", "2023.12", "2024.12", "2025.12"])
def strict(request: Any) -> Iterator[Any]:
    """array_api_strict at a version of the standard."""
    xp = pytest.importorskip("array_api_strict", reason="optional library")
    with pytest.warns() if request.param in ("2021.12",) else _quiet():
        xp.set_array_api_strict_flags(api_version=request.param)
    yield xp
    xp.reset_array_api_strict_flags()


def _quiet() -> Any:
    import warnings

    return warnings.catch_warnings()


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_bits(operation: str, library: str) -> None:
    adapter = _adapter(library)
    function, parameters = getattr(shrinkops, operation), OPERATIONS[operation]
    backend = adapter.backend
    for name in sorted(backend.dtypes & {"float16", "float32", "float64"}):
        values = VALUES.astype(name)
        x = adapter.from_numpy(values)
        y = (
            function(x, *parameters)
            if _is_served(x)
            else backend.kernel(function.operation)(x, *parameters, None)
        )
        assert type(y) is type(x)
        assert y.dtype == x.dtype
        got, want = adapter.to_numpy(y), function(values, *parameters)
        np.testing.assert_array_equal(got, want)  # a NaN's payload aside
        np.testing.assert_array_equal(np.signbit(got)[:5], np.signbit(want)[:5])
        assert adapter.to_numpy(x).tobytes() == values.tobytes()


def _is_served(x: Any) -> bool:
    """Whether the fallback serves it here, where a plugin for the type may be installed."""
    return shrinkops.explain(x).backend == "array_api"


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_is_found_out(library: str) -> None:
    backend = _adapter(library).backend
    assert {"float32", "float64", "int8", "int64", "uint8"} <= backend.dtypes
    assert "bool" not in backend.dtypes
    assert "out" in backend.features
    # ndonnx and MLX lose bits of large numbers in uint64, and the trial sees it.
    assert ("uint64" in backend.dtypes) == (library == "array_api_strict")
    assert ("bfloat16" in backend.dtypes) == (library == "mlx.core")
    kernel = backend.kernel(shrinkops.hardshrink.operation)
    xp = backend.namespace()
    with pytest.raises(TypeError, match="bool"):
        kernel(xp.asarray([True]), 0.5, None)
    with pytest.raises(ValueError, match="nan"):
        kernel(xp.asarray([1.0]), np.nan, None)
    whole = kernel(xp.asarray([-128, 5, 127], dtype=xp.int8), 127, None)
    assert _adapter(library).to_numpy(whole).tolist() == [-128, 0, 0]
    lambd = xp.asarray([0.5, -1.0, 2.0], dtype=xp.float32)
    some = kernel(xp.asarray([0.25, 0.25, 1.0], dtype=xp.float32), lambd, None)
    assert _adapter(library).to_numpy(some).tolist() == [0.0, 0.25, 0.0]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_version_of_the_standard(operation: str, strict: Any) -> None:
    function, parameters = getattr(shrinkops, operation), OPERATIONS[operation]
    kernel = ArrayApiBackend("array_api_strict").kernel(function.operation)
    x = strict.asarray(VALUES.copy())
    y = kernel(x, *parameters, None)
    assert np.asarray(y).tobytes() == function(VALUES, *parameters).tobytes()
    assert kernel(x, *parameters, x) is x
    assert np.asarray(x).tobytes() == function(VALUES, *parameters).tobytes()
    whole = strict.asarray([-5, 1, 3])
    if "integer" in function.operation.kinds:
        assert (
            np.asarray(kernel(whole, 2, None)).tolist()
            == function(np.array([-5, 1, 3]), 2).tolist()
        )
    if "complex" in function.operation.kinds and strict.__array_api_version__ >= "2022.12":
        z = np.array([3 + 4j, 0.1j, -1])
        got = np.asarray(kernel(strict.asarray(z), *parameters, None))
        np.testing.assert_allclose(got, function(z, *parameters), rtol=1e-15)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_exported_model_agrees(operation: str) -> None:
    ndx = pytest.importorskip("ndonnx", reason="optional library")
    runtime = pytest.importorskip("onnxruntime", reason="optional library")
    function, parameters = getattr(shrinkops, operation), OPERATIONS[operation]
    x = ndx.argument(shape=("N",), dtype=ndx.float32)
    model = ndx.build({"x": x}, {"y": function(x, *parameters)})
    session = runtime.InferenceSession(model.SerializeToString())
    (got,) = session.run(None, {"x": VALUES})
    assert got.tobytes() == function(VALUES, *parameters).tobytes()


def test_a_class_of_ones_own() -> None:
    """The least: a class that names a namespace, in a process where nothing else was imported."""
    script = """
        import shrinkops, array_api_strict as xp

        class Mine:
            def __array_namespace__(self, api_version=None):
                return xp

        told = shrinkops.explain(Mine)
        assert told.backend == "array_api", told
        assert "at priority -200" in told.reason
        rows = {row.name: row for row in shrinkops.backends()}
        assert rows["array_api"].state == "ready"
    """
    pytest.importorskip("array_api_strict", reason="optional library")
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, timeout=180)


class TestMaskedArrays:
    """marray: the masked arrays of a namespace, found as any other library's are."""

    def test_the_mask_is_that_of_x(self) -> None:
        marray = pytest.importorskip("marray", reason="optional library")
        xp = marray.masked_namespace(np)
        values, mask = np.array([-3.0, 0.25, 1.0]), [False, True, False]
        for operation, parameters in OPERATIONS.items():
            function = getattr(shrinkops, operation)
            x = xp.asarray(values, mask=mask)
            y = function(x, *parameters)
            assert type(y) is type(x)
            assert y.mask.tolist() == mask
            assert not np.shares_memory(y.mask, x.mask)
            assert y.data[~y.mask].tolist() == function(values, *parameters)[~y.mask].tolist()
            out = xp.zeros(3)
            assert function(x, *parameters, out=out) is out
            assert out.mask.tolist() == mask

    def test_a_missing_threshold_is_none(self) -> None:
        marray = pytest.importorskip("marray", reason="optional library")
        strict = pytest.importorskip("array_api_strict", reason="optional library")
        for plain in (np, strict):
            xp = marray.masked_namespace(plain)
            lambd = xp.asarray(plain.asarray([1.0, 9.0]), mask=plain.asarray([False, True]))
            y = shrinkops.hardshrink(xp.asarray(plain.asarray([0.25, 0.5])), lambd)
            assert not plain.any(y.mask)
            assert np.asarray(y.data).tolist() == [0.0, 0.5]
            whole = xp.asarray(plain.asarray([2, 9]), mask=plain.asarray([False, True]))
            big = xp.asarray(plain.asarray([3, 2**60 + 1]))
            y = shrinkops.softshrink(big, whole)
            assert np.asarray(y.data).tolist() == [1, 2**60 + 1]
            assert not plain.any(y.mask)
            y = shrinkops.shrink(xp.asarray(plain.asarray([2.0, 2.0])), 0.5, lambd)
            assert np.asarray(y.data).tolist() == [1.0, 2.0]


def test_ragged_arrays() -> None:
    ragged = pytest.importorskip("ragged", reason="optional library")
    x = ragged.array([[1.0, 0.2], [], [3.0]])
    for operation, parameters in OPERATIONS.items():
        y = getattr(shrinkops, operation)(x, *parameters)
        assert type(y) is type(x)
        want = [getattr(shrinkops, operation)(np.array(row), *parameters) for row in x.tolist()]
        assert y.tolist() == [row.tolist() for row in want]
    y = shrinkops.hardshrink(x, ragged.array([[2.0, 0.1], [], [0.1]]))
    assert y.tolist() == [[0.0, 0.2], [], [3.0]]
