"""Which kernel serves: the switch, the same tests for each, and the lazy declaration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from shrinkops_numpy import _kernels

import shrinkops

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tools"))
import exact  # noqa: E402
import prove  # noqa: E402

SHARED = ("test_values.py", "test_family.py", "test_lambd.py", "test_memory.py", "test_foreign.py")
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


@pytest.mark.parametrize("operation", prove.PARAMETERS)
@pytest.mark.parametrize("name", prove.DTYPES)
def test_a_slice_of_the_proof(name: str, operation: str) -> None:
    """All patterns of 8 and 16 bits at a few parameters, and of float32 around the edges."""
    if name in prove._EXTENSION:
        pytest.importorskip("ml_dtypes", reason="its element types are optional")
    if not prove._takes(operation, name, ("1",)):
        return
    cases = prove.PARAMETERS[operation][1::2]
    compared, differences = prove.prove(name, operation, cases, part=(7, 16384))
    assert compared >= 256
    assert differences == []


@pytest.mark.parametrize("operation", prove.PARAMETERS)
@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float8_e4m3fn"])
def test_the_two_exact_definitions_agree(name: str, operation: str) -> None:
    """By fractions, element for element, and by float64, array by array."""
    from fractions import Fraction

    if name in prove._EXTENSION:
        pytest.importorskip("ml_dtypes", reason="its element types are optional")
    form, dtype = exact.FORMATS[name], prove._dtype(name)
    bits = np.random.default_rng(0).integers(0, 1 << 8 * dtype.itemsize, 120)
    x = bits.astype(f"u{dtype.itemsize}").view(dtype).astype(np.float64)
    x = np.concatenate([x, np.float64([0.3, 0.5, 0.75, 1, 1.5, 2]).astype(dtype)])
    for texts in prove.PARAMETERS[operation][1:6]:
        parameters = [prove._round(text, dtype) for text in texts]
        if parameters[0] < 0:
            continue
        given = [float(p) if np.isinf(p) else Fraction(p) for p in parameters]
        for value, got in zip(x, exact.array(operation, x, parameters, form), strict=True):
            one = float(value) if not np.isfinite(value) else Fraction(float(value))
            want = exact.element(operation, one, given, form)
            want = value if want is None else float(want)
            assert got == want or (got != got and want != want), (value, parameters)


def test_the_proof_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """An open band, the classic mistake, is found and described."""
    right = prove._expected

    def open_band(operation, bits, dtype, parameters):  # type: ignore[no-untyped-def]
        want = right(operation, bits, dtype, parameters)
        want[abs(bits.view(dtype).astype("f8")) == parameters[0]] = 1
        return want

    monkeypatch.setattr(prove, "_expected", open_band)
    for operation in ("hardshrink", "garrote"):
        _, differences = prove.prove("float16", operation, [("0.5",)])
        assert differences
        assert "first 0x3800 gives 0x0, expected 0x1" in differences[0]


def test_prove_command_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["--operation", "softshrink", "--dtype", "int8", "--quiet"]
    assert prove.main([*command, "--parameters", "1"]) == 0
    assert "all equal" in capsys.readouterr().out
    for refused in (["--slice", "3/2"], [*command, "--parameters", "1,2"]):
        with pytest.raises(SystemExit):
            prove.main(refused)
    with pytest.raises(SystemExit):
        prove.main([*command, "--kernel", "sse9"])


def test_some_of_the_fuzz(capsys: pytest.CaptureFixture[str]) -> None:
    import fuzz

    assert fuzz.main(["--cases", "1500", "--seed", "3"]) == 0
    assert "none wrong" in capsys.readouterr().out


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
