"""CuPy without a GPU: what can be shown on a CPU, with the real library.

Nothing here has run on a GPU. The tests of values start by themselves where there is one.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shrinkops

cupy = pytest.importorskip("cupy")

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
    code = "import shrinkops_cupy._kernels as k; print(sorted(k.NATIVE))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['hardshrink']"


@pytest.fixture(scope="module")
def compiled_body(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The CUDA kernel's body, compiled as C for the CPU: the same text, the same integers."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("the kernel's body is compiled here, and there is no C compiler")
    from shrinkops_cupy._kernels import BODY

    folder: Path = tmp_path_factory.mktemp("body")
    loop = "for (long i = 0; i < n; i++) {{ T x = xs[i], y; {body}; ys[i] = y; }}"
    functions = "\n".join(
        f"#define T {c}\n#undef CAST\nvoid run_{name}(const T *xs, T limit, T mask, T *ys, long n)"
        f"{{ {loop.format(body=BODY.replace('T(0)', '(T)0'))} }}\n#undef T"
        for name, c in (("int16", "short"), ("int32", "int"), ("int64", "long long"))
    )
    source = folder / "body.c"
    source.write_text(functions)
    library = folder / "body.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    return ctypes.CDLL(str(library))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("lambd", [0.0, 0.3, 0.5, 1e-7, np.inf, -1.0])
def test_the_kernel_body_on_the_cpu(compiled_body: Any, dtype: str, lambd: float) -> None:
    from shrinkops.spec import FORMATS, round_threshold

    integer = np.dtype(f"i{np.dtype(dtype).itemsize}")
    rng = np.random.default_rng(0)
    bits = np.arange(2**16, dtype=np.uint16).view(np.int16)
    if integer.itemsize > 2:
        bits = rng.integers(np.iinfo(integer).min, np.iinfo(integer).max, 1 << 16, integer)
    result = np.empty_like(bits)
    c_type = {2: ctypes.c_short, 4: ctypes.c_int, 8: ctypes.c_longlong}[integer.itemsize]
    limit = round_threshold(lambd, FORMATS[dtype], "hardshrink").bits
    getattr(compiled_body, f"run_{integer.name}")(
        ctypes.c_void_p(bits.ctypes.data),
        c_type(limit),
        c_type(np.iinfo(integer).max),
        ctypes.c_void_p(result.ctypes.data),
        ctypes.c_long(len(bits)),
    )
    expected = shrinkops.hardshrink(bits.view(dtype), lambd)
    assert np.array_equal(result, expected.view(integer))


if GPU:

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    @pytest.mark.parametrize("lambd", [0.0, 0.3, 0.5, 1e-7, np.inf, -1.0])
    def test_values_on_the_gpu(dtype: str, lambd: float) -> None:
        bits = np.arange(2**16, dtype=np.uint16)
        with np.errstate(invalid="ignore"):
            a = bits.view(np.float16).astype(dtype)
        integer = f"i{a.dtype.itemsize}"
        result = cupy.asnumpy(shrinkops.hardshrink(cupy.asarray(a), lambd))
        expected = shrinkops.hardshrink(a, lambd)
        both = np.isnan(result) & np.isnan(expected)
        assert ((result.view(integer) == expected.view(integer)) | both).all()
