"""CuPy without a GPU: what can be shown on a CPU, with the real library and real compilers.

Nothing here has run on a GPU. The tests of values start by themselves where there is one.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shrinkops
from shrinkops.adapter import find_backend, numpy_dtype
from shrinkops.conformance._numbers import number_of
from shrinkops.conformance.hardshrink import vectors
from shrinkops.spec import FORMATS, round_threshold

cupy = pytest.importorskip("cupy")
from shrinkops_cupy._source import (  # noqa: E402 - after the skip
    CASES,
    TEMPLATE,
    case,
    elementwise_body,
    kernel_name,
    kernel_source,
)

(STATUS,) = [row for row in shrinkops.backends() if row.name == "cupy"]
GPU = STATUS.state == "ready"


def test_the_state_is_true() -> None:
    if GPU:
        assert cupy.cuda.runtime.getDeviceCount() > 0
    else:
        assert STATUS.state == "no device"
        assert f"CuPy {cupy.__version__} finds no CUDA device" in STATUS.reason
    assert STATUS.framework_version == cupy.__version__


def test_the_backend_takes_the_type() -> None:
    told = shrinkops.explain(cupy.ndarray)
    assert told.backend == "cupy"


def test_the_kernel_module_imports_without_a_device() -> None:
    code = "import shrinkops_cupy._kernels as k; print(k.native('hardshrink', 'float32'))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    assert "kernel at" in done.stdout


def test_the_distribution_is_the_one_that_is_installed() -> None:
    name = find_backend("cupy").framework_distribution
    assert importlib.metadata.version(name) == cupy.__version__
    assert name in importlib.metadata.packages_distributions()["cupy"]


def test_every_declared_type_has_a_kernel() -> None:
    backend = find_backend("cupy")
    assert {dtype for _, dtype in CASES} == set(backend.dtypes)


# The kernels' source as C++ on the CPU


@pytest.fixture(scope="module")
def on_cpu(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The very source of the CUDA kernels, compiled for the CPU."""
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        pytest.skip("the kernels' source is compiled here, and there is no C++ compiler")
    folder: Path = tmp_path_factory.mktemp("kernels")
    source = folder / "kernels.cpp"
    source.write_text(kernel_source(*CASES))
    library = folder / "kernels.so"
    options = ["-O1", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([compiler, *options, "-o", library, source], check=True, timeout=300)
    return ctypes.CDLL(str(library))


_C = {
    "i1": ctypes.c_byte,
    "i2": ctypes.c_short,
    "i4": ctypes.c_int,
    "i8": ctypes.c_longlong,
    "u1": ctypes.c_ubyte,
    "u2": ctypes.c_ushort,
    "u4": ctypes.c_uint,
    "u8": ctypes.c_ulonglong,
    "f4": ctypes.c_float,
    "f8": ctypes.c_double,
}
_COMPONENT = {"complex64": "float32", "complex128": "float64"}


def run_on_cpu(library: Any, operation: str, a: Any, parameters: tuple[float, ...]) -> Any:
    """Call a kernel as `_kernels.native` does, with the same numbers."""
    dtype = a.dtype.name
    form = FORMATS[_COMPONENT.get(dtype, dtype)]
    t, *others = (round_threshold(abs(p), form, operation) for p in parameters)
    second: Any = ctypes.c_int(0)
    if form.kind == "integer":
        kind, limit = f"u{a.dtype.itemsize}", max(int(t.value), 0)
        second = ctypes.c_int(parameters[0] < 0)
    else:
        kind, limit = f"i{form.width // 8}", t.bits if parameters[0] >= 0 else -1
        if operation == "firmshrink":
            second = _C[kind](others[0].bits)
        elif operation == "shrink":
            bias = math.copysign(others[0].value, parameters[1])
            second = _C["f8" if form.width == 64 else "f4"](bias)
    result = np.empty_like(a)
    getattr(library, kernel_name(operation, dtype))(
        ctypes.c_void_p(a.ctypes.data),
        ctypes.c_void_p(result.ctypes.data),
        ctypes.c_longlong(a.size),
        _C[kind](limit),
        second,
    )
    return result


PARAMETERS: dict[str, list[tuple[float, ...]]] = {
    "hardshrink": [(0.0,), (0.3,), (0.5,), (1e-7,), (np.inf,), (-1.0,)],
    "softshrink": [(0.0,), (0.3,), (1e-7,), (2.0,), (np.inf,)],
    "shrink": [(0.3, 0.0), (0.3, 0.3), (0.1, 0.7), (0.5, -0.2), (-1.0, 0.3), (0.0, 1.0)],
    "firmshrink": [(0.3, 0.9), (0.5, 0.5), (0.5, np.inf), (0.0, 1.0), (np.inf, np.inf)],
    "garrote": [(0.0,), (0.3,), (1e-7,), (2.0,), (np.inf,)],
}


def points(kind: np.dtype[Any]) -> Any:
    """Every pattern of one or two bytes; of more, random ones and usual numbers."""
    if kind.itemsize <= 2:
        return np.arange(1 << 8 * kind.itemsize).astype(f"u{kind.itemsize}").view(kind)
    rng = np.random.default_rng(0)
    a = rng.integers(0, 256, 40_000 * kind.itemsize, np.uint8).view(kind)
    if kind.kind == "f":
        return np.concatenate([a, rng.normal(size=40_000).astype(kind)])
    if kind.kind == "c":
        return np.concatenate([a, (rng.normal(size=(20_000, 2)) @ [1, 1j]).astype(kind)])
    return a


@pytest.mark.parametrize(("operation", "dtype"), CASES)
def test_the_kernels_on_the_cpu(on_cpu: Any, operation: str, dtype: str) -> None:
    a = points(numpy_dtype(dtype))
    cases = PARAMETERS[operation]
    if FORMATS[dtype].kind == "integer":
        cases = [(0,), (1,), (100,), (np.iinfo(dtype).max,), (1 << 70,)]
        cases += [(-1,)] if operation == "hardshrink" else []
    for parameters in cases:
        with np.errstate(all="ignore"):
            expected = getattr(shrinkops, operation)(a, *parameters)
        result = run_on_cpu(on_cpu, operation, a, parameters)
        assert agree(result, expected), parameters


def test_the_vectors_on_the_cpu(on_cpu: Any) -> None:
    """Hardshrink's specification as data, for every type that has a kernel."""
    known = {dtype for operation, dtype in CASES if operation == "hardshrink"}
    run = 0
    for entry in vectors.document()["cases"]:
        dtype = entry["dtype"]
        if entry["scenario"] != "call" or dtype not in known or "lambda" not in entry:
            continue
        number = number_of(FORMATS[dtype], dtype)
        assert number is not None
        bits, _ = vectors.parse(entry["x"], [], number)
        wanted, either = vectors.parse(entry["expect"], bits, number)
        x, expected = (_from_bits(b, numpy_dtype(dtype)) for b in (bits, wanted))
        result = run_on_cpu(on_cpu, "hardshrink", x, (vectors.value_of(entry["lambda"]),))
        decided = ~np.array(either, bool)
        width = f"V{x.dtype.itemsize}"
        same = result.view(width) == expected.view(width)
        with np.errstate(all="ignore"):
            same |= (result != result) & (expected != expected)
        assert same[decided].all(), entry["id"]
        run += 1
    assert run > 300


def _from_bits(bits: list[int], dtype: np.dtype[Any]) -> Any:
    """Make an array of patterns; a complex number's imaginary part is its upper half."""
    return np.frombuffer(b"".join(b.to_bytes(dtype.itemsize, sys.byteorder) for b in bits), dtype)


def agree(result: Any, expected: Any) -> bool:
    """The same bits, NaN as NaN; complex numbers as near as their accuracy asks."""
    with np.errstate(all="ignore"):
        nan = (result != result) & (expected != expected)
        if result.dtype.kind != "c":
            bits = f"u{result.dtype.itemsize}"
            return bool(((result.view(bits) == expected.view(bits)) | nan).all())
        size = np.hypot(expected.real, expected.imag)
        error = np.hypot(result.real - expected.real, result.imag - expected.imag)
        near = (error <= 8 * np.spacing(size)) | (result == expected) | nan
    return bool(near.mean() > 0.9999)  # at the band's very edge either may be zeroed


# The same source, compiled for GPUs


@pytest.mark.parametrize("architecture", ["sm_75", "sm_80", "sm_90"])
def test_the_kernels_compile_for_gpus(architecture: str, tmp_path: Path) -> None:
    compiler = shutil.which("nvcc")
    if compiler is None:
        pytest.skip("nvcc, which compiles the kernels for GPUs, is not installed")
    source, ptx = tmp_path / "kernels.cu", tmp_path / "kernels.ptx"
    source.write_text(kernel_source(*CASES))
    done = subprocess.run(
        [compiler, "-ptx", f"-arch={architecture}", "--fmad=false", "-o", ptx, source],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    if "Unsupported gpu architecture" in done.stderr:
        pytest.skip(f"this nvcc compiles for no {architecture}")
    assert done.returncode == 0, done.stderr
    kernels = re.split(r"\.visible \.entry ", ptx.read_text())[1:]
    assert len(kernels) == len(CASES)
    for text in kernels:
        name = text.partition("(")[0]
        assert re.search(r"ld\.global(\.nc)?\.v(4\.[bfu]32|2\.[bfu]64)", text), name
        assert re.search(r"st\.global\.v(4\.[bfu]32|2\.[bfu]64)", text), name
        divides = "firmshrink" in name or "garrote" in name or "complex" in name
        assert divides or not re.search(r"\b(div|rem)\.", text), name
        assert "complex" in name or "fma." not in text, name
    assembler = shutil.which("ptxas")
    if assembler is not None:
        cubin = [f"-arch={architecture}", "-o", tmp_path / "kernels.cubin", ptx]
        subprocess.run([assembler, *cubin], check=True, timeout=300)


_ANY = """
extern "C" __global__ void any_{name}(
    const {type} *from, {type} *into, {kind}::limit limit, {kind}::second second) {{
    typedef {type} T;
    T x = from[threadIdx.x], y;
    {body};
    into[threadIdx.x] = y;
}}
"""


def test_the_elementwise_bodies_compile_for_gpus(tmp_path: Path) -> None:
    """What strided arrays and arrays of thresholds take, in CuPy's own types."""
    compiler = shutil.which("nvcc")
    if compiler is None:
        pytest.skip("nvcc, which compiles the kernels for GPUs, is not installed")
    from cupy._core._scalar import get_typename

    text = ["#include <cupy/complex.cuh>", TEMPLATE]
    for operation, dtype in CASES:
        form = FORMATS[dtype]
        stored = np.dtype(f"i{form.width // 8}" if form.kind == "float" else dtype)
        text.append(_ANY.format(
            name=kernel_name(operation, dtype), type=get_typename(stored),
            kind=case(operation, dtype), body=elementwise_body(operation, dtype),
        ))  # fmt: skip
    source = tmp_path / "any.cu"
    source.write_text("\n".join(text))
    include = Path(cupy.__file__).parent / "_core" / "include"
    options = ["-ptx", "-arch=sm_80", "--fmad=false", "-std=c++17", f"-I{include}"]
    done = subprocess.run(
        [compiler, *options, "-o", tmp_path / "any.ptx", source],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[:4000]
    assert (tmp_path / "any.ptx").read_text().count(".visible .entry any_") == len(CASES)


if GPU:

    @pytest.mark.parametrize(("operation", "dtype"), CASES)
    def test_values_on_the_gpu(operation: str, dtype: str) -> None:
        a = points(numpy_dtype(dtype))[-5000:]
        for parameters in PARAMETERS[operation] if FORMATS[dtype].kind != "integer" else [(1,)]:
            with np.errstate(all="ignore"):
                expected = getattr(shrinkops, operation)(a, *parameters)
            for x in (cupy.asarray(a), cupy.asarray(np.concatenate([a[:1], a]))[1:]):
                result = cupy.asnumpy(getattr(shrinkops, operation)(x, *parameters))
                assert agree(result, expected), parameters
