"""Which kernel serves: the switch, the same tests for each, and the lazy declaration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from shrinkops_numpy import _kernels, prove

import shrinkops

HERE = Path(__file__).parent
SHARED = ("test_values.py", "test_lambd.py", "test_memory.py", "test_foreign.py")
COMPILED = _kernels._ufunc


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def kernel_names() -> list[str]:
    return ["pure"] if COMPILED is None else ["pure", *COMPILED.instruction_sets()]


@pytest.mark.parametrize("kernel", kernel_names())
def test_every_kernel_passes_the_same_tests(kernel: str) -> None:
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", *(str(HERE / n) for n in SHARED)]
    done = run(*command, **{_kernels.SWITCH: kernel})
    assert done.returncode == 0, done.stdout[-5000:]
    code = "import shrinkops; print({r.name: r.kernel for r in shrinkops.backends()}['numpy'])"
    shown = run("-c", code, **{_kernels.SWITCH: kernel})
    assert kernel in shown.stdout, shown.stderr


def test_unknown_kernel_is_an_error() -> None:
    code = "import numpy, shrinkops; shrinkops.hardshrink(numpy.ones(2))"
    done = run("-c", code, **{_kernels.SWITCH: "sse9"})
    assert done.returncode == 1
    assert "SHRINKOPS_NUMPY_KERNEL='sse9'" in done.stderr
    assert "pure" in done.stderr


def test_declaration_imports_nothing_but_shrinkops() -> None:
    code = (
        "import sys, shrinkops_numpy; shrinkops_numpy.shrinkops_backends();"
        "print([m for m in ('numpy', 'ml_dtypes', 'shrinkops_numpy._kernels') if m in sys.modules])"
    )
    assert run("-c", code).stdout.strip() == "[]"


def test_ml_dtypes_is_not_imported_for_plain_arrays() -> None:
    code = (
        "import sys, numpy, shrinkops; shrinkops.hardshrink(numpy.ones(2));"
        "print('ml_dtypes' in sys.modules)"
    )
    assert run("-c", code).stdout.strip() == "False"


@pytest.mark.skipif(COMPILED is None, reason="installed without the compiled kernel")
def test_select_refuses_what_the_processor_lacks() -> None:
    with pytest.raises(ValueError, match="'altivec'"):
        COMPILED.select("altivec")
    with pytest.raises(ValueError, match="3"):
        COMPILED.select(3)
    assert COMPILED.selected() in COMPILED.instruction_sets()


@pytest.mark.parametrize("name", prove.DTYPES)
def test_a_slice_of_the_proof(name: str) -> None:
    if name in prove._EXTENSION:
        pytest.importorskip("ml_dtypes", reason="its element types are optional")
    compared, differences = prove.prove(name, part=(7, 512))
    assert compared >= 256 * len(prove.LAMBDAS)
    assert differences == []


def test_the_proof_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """An open band, the classic mistake, is found and described."""
    right = prove._expected

    def open_band(bits, dtype, t):  # type: ignore[no-untyped-def]
        want = right(bits, dtype, t)
        want[abs(bits.view(dtype).astype("f8")) == t] = 1
        return want

    monkeypatch.setattr(prove, "_expected", open_band)
    _, differences = prove.prove("float16", ["0.5"])
    assert differences
    assert "first 0x3800 gives 0x0, expected 0x1" in differences[0]


def test_prove_command_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert prove.main(["--dtype", "int8", "--lambd", "1", "--quiet"]) == 0
    assert "all equal" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        prove.main(["--slice", "3/2"])
    with pytest.raises(SystemExit):
        prove.main(["--dtype", "int8", "--kernel", "sse9", "--quiet"])


@pytest.mark.parametrize("name", ["float32", "float64", "complex64", "complex128"])
def test_a_thread_that_flushes_subnormals_gets_the_same_bits(name: str) -> None:
    torch = pytest.importorskip("torch", reason="it sets the processor's mode")
    if COMPILED is None:
        pytest.skip("NumPy's own arithmetic follows the mode")
    tiny = np.finfo(np.dtype(name)).smallest_subnormal
    x = (np.arange(1, 300) * tiny).astype(name)
    lambds = (float(40 * tiny), np.full(x.shape, 40 * tiny), -5e-324)
    want = [shrinkops.hardshrink(x, lambd).tobytes() for lambd in lambds]
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor has no flush mode")
    try:
        got = [shrinkops.hardshrink(x, lambd).tobytes() for lambd in lambds]
        flushes = not (np.full(4, tiny) * 1.0).any()
    finally:
        torch.set_flush_denormal(False)
    assert flushes, "the mode is not on, so nothing was shown"
    assert got == want
    assert any(want[0])
