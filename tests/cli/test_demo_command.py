"""``shrinkops demo``: on every ready backend, on NumPy alone, and with bad input."""

from __future__ import annotations

import re

import array_api_strict
import matplotlib.image
import numpy as np
import pytest
from rich.cells import cell_len

import shrinkops
import shrinkops.demo.command
from shrinkops._target import operations

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def _short_and_clean(monkeypatch, tmp_path):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # so that the demo's own default does not leak
    monkeypatch.setattr(shrinkops.demo.command, "_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)


def _save(path, array):
    np.save(path, array)
    return str(path)


def _noisy_signal(size=512):
    time = np.linspace(0, 1, size)
    return np.sin(9 * time) + 0.1 * np.random.default_rng(5).standard_normal(size)


class TestRuns:
    @pytest.mark.parametrize("columns", [80, 120])
    def test_every_ready_backend_gives_the_same_bits(self, invoke, tmp_path, columns):
        result = invoke("demo", columns=columns)
        assert result.exit_code == 0, result.output
        # A path is one word, however long the folder of this run's is.
        lines = [line for line in result.stdout.splitlines() if str(tmp_path) not in line]
        assert max(cell_len(line) for line in lines) <= columns
        lines = result.stdout.splitlines()
        for name in ("numpy", "torch", "jax"):
            (line,) = [line for line in lines if line.startswith(f"  {name} ")]
            assert ("reference" if name == "numpy" else "identical") in line
            assert "ECG +" in line
        assert lines[-1] == "picture: shrinkops-demo.png"
        picture = tmp_path / "shrinkops-demo.png"
        assert picture.read_bytes().startswith(PNG)
        pixels = matplotlib.image.imread(picture)
        assert pixels.shape[0] > 800
        assert pixels.shape[1] > 1200
        assert pixels.std() > 0.1

    def test_seed_and_snr_decide_the_noise(self, invoke):
        def records(*options):
            result = invoke("demo", *options)
            assert result.exit_code == 0
            return result.stdout.partition("Wavelet")[0]

        first = records("--seed", "1")
        assert records("--seed", "1") == first
        assert records("--seed", "2") != first
        assert records("--seed", "1", "--snr", "3") != first

    @pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
    def test_a_signal_of_ones_own(self, invoke, tmp_path, suffix):
        signal = _save(tmp_path / "mine.npy", _noisy_signal())
        output = tmp_path / f"picture.{suffix}"
        result = invoke("demo", "--signal", signal, "--output", str(output))
        assert result.exit_code == 0
        assert "mine.npy" in result.stdout
        assert "ECG" not in result.stdout
        assert result.stdout.endswith(f"picture: {output}\n")
        assert output.stat().st_size > 5000

    def test_an_image_as_it_is(self, invoke, tmp_path):
        image = np.random.default_rng(0).integers(0, 255, (61, 83)).astype(np.uint8)
        signal = _save(tmp_path / "cost $5.npy", image)
        result = invoke("demo", "--as-is", "--signal", signal)
        assert result.exit_code == 0
        assert "61 × 83" in result.stdout
        assert not re.search(r"[+-]\d+\.\d\d ", result.stdout)

    def test_data_without_noise(self, invoke, tmp_path):
        spike = np.zeros(256)
        spike[100] = 3.0
        result = invoke("demo", "--as-is", "--signal", _save(tmp_path / "[red]0.npy", spike))
        assert result.exit_code == 0
        assert "[red]0.npy" in result.stdout

    def test_the_shortest_and_a_long_signal(self, invoke, tmp_path):
        for size in (32, 33, 100_001):
            signal = _save(tmp_path / f"{size}.npy", _noisy_signal(size))
            assert invoke("demo", "--signal", signal).exit_code == 0

    @pytest.mark.parametrize("operation", sorted(operations()))
    @pytest.mark.parametrize("level", [(), ("--level-dependent",)], ids=["one", "levels"])
    def test_every_operation_and_a_denoised_file(self, invoke, tmp_path, operation, level):
        signal = _save(tmp_path / "mine.npy", _noisy_signal().astype(np.float64))
        output = tmp_path / "denoised.npy"
        options = ("--signal", signal, "--output", str(output), "--operation", operation, *level)
        result = invoke("demo", *options)
        assert result.exit_code == 0, result.output
        assert f"{operation} on every ready backend" in result.stdout
        assert result.stdout.endswith(f"denoised: {output}\n")
        denoised = np.load(output)
        assert denoised.dtype == np.float64
        clean = np.sin(9 * np.linspace(0, 1, 512))
        assert np.mean((denoised - clean) ** 2) < np.mean((np.load(signal) - clean) ** 2)
        rows = [line for line in result.stdout.splitlines() if line.startswith("  mine.npy")]
        assert len(rows) == 1

    def test_a_loss_is_explained(self, invoke):
        result = invoke("demo", "--snr", "30")
        assert result.exit_code == 0
        assert "A negative gain is a loss: ECG -4.36 dB, photo -6.35 dB. Below" in result.stdout

    def test_a_backend_without_the_dtype_is_left_out(self, invoke, tmp_path):
        signal = _save(tmp_path / "mine.npy", _noisy_signal())
        shrinkops.register(Strict)
        try:
            result = invoke("demo", "--signal", signal)
        finally:
            shrinkops.unregister("strict")
        assert result.exit_code == 0
        assert "strict takes no float64, and so was left out" in result.stdout

    def test_numpy_alone(self, bare, tmp_path):
        done = bare("demo", libraries=("click", "rich", "PyWavelets", "matplotlib"))
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert "  numpy " in done.stdout
        assert "identical" not in done.stdout
        for name, extra in (("torch", "torch"), ("jax", "jax"), ("cupy", "cupy-cuda12x")):
            line = f"{name} would join: {name} is not installed: pip install 'shrinkops[{extra}]'"
            assert line in done.stdout
        assert done.stdout.endswith("picture: shrinkops-demo.png\n")
        assert (tmp_path / "folder" / "shrinkops-demo.png").read_bytes().startswith(PNG)


class Strict(shrinkops.Backend):
    """A backend of array_api_strict, for the two below to spoil."""

    name = "strict"
    framework = "array_api_strict"
    dtypes = frozenset({"float32"})

    def handles(self, cls):
        return issubclass(cls, type(array_api_strict.zeros(1)))

    def namespace(self):
        return array_api_strict


class Zeroing(Strict):
    def native(self, operation):
        return lambda x, threshold, out: array_api_strict.zeros_like(x)


class Raising(Strict):
    def native(self, operation):
        def fail(x, threshold, out):
            raise OSError("the device fell off")

        return fail


class TestOtherBackends:
    @pytest.fixture
    def run_with(self, invoke):
        def run(backend):
            shrinkops.register(backend)
            try:
                return invoke("demo")
            finally:
                shrinkops.unregister("strict")

        return run

    def test_one_that_is_right_joins(self, run_with):
        result = run_with(Strict)
        assert result.exit_code == 0, result.output
        (line,) = [line for line in result.stdout.splitlines() if line.startswith("  strict ")]
        assert "identical" in line

    def test_other_bits_are_counted_and_the_status_is_one(self, run_with):
        result = run_with(Zeroing)
        assert result.exit_code == 1
        assert "differ" in result.stdout

    def test_a_failure_is_a_row_and_the_status_is_one(self, run_with):
        result = run_with(Raising)
        assert result.exit_code == 1
        assert "strict failed: OSError: the device fell off" in result.stdout
        assert "picture: shrinkops-demo.png" in result.stdout

    def test_without_any_backend(self, invoke, monkeypatch):
        monkeypatch.setenv("SHRINKOPS_BLOCK", ",".join(row.name for row in shrinkops.backends()))
        shrinkops.refresh()
        try:
            result = invoke("demo")
        finally:
            monkeypatch.undo()
            shrinkops.refresh()
        assert result.exit_code == 2
        assert "no backend is ready" in result.output


def _archive(path):
    with path.open("wb") as file:
        np.savez(file, a=np.zeros(64), b=np.zeros(64))


def _text(path):
    path.write_text("1\n2\n3\n")


def _object(path):
    np.save(path, np.array([1, None] * 32), allow_pickle=True)


def _truncated(path):
    np.save(path, np.zeros(64))
    path.write_bytes(path.read_bytes()[:-9])


def _with(value):
    def write(path):
        array = _noisy_signal()
        array[[3, 7]] = value
        np.save(path, array)

    return write


def _array(array):
    return lambda path: np.save(path, array)


class TestBadInput:
    @pytest.mark.parametrize(
        ("write", "message"),
        [
            (lambda path: None, "there is no such file"),
            (lambda path: path.mkdir(), "not a file"),
            (_text, "not a .npy file, it begins with b'1\\n2\\n3\\n'; from a text file"),
            (_object, "it holds Python objects; save an array of numbers"),
            (_truncated, "a damaged .npy file"),
            (_archive, "an archive of several arrays; save one with numpy.save"),
            (_array(np.array(["a"] * 64)), "dtype <U1 is not numeric; expected integers or real"),
            (_array(np.ones(64, complex)), "dtype complex128 is not numeric"),
            (_array(np.ones(64, bool)), "dtype bool is not numeric"),
            (_array(np.float64(3)), "0-D array of shape (); expected 1-D for a signal or 2-D"),
            (_array(np.ones((40, 40, 3))), "3-D array of shape (40, 40, 3); expected 1-D"),
            (_array(np.arange(31)), "shape (31,) is too short for a signal; expected at least 32"),
            (_array(np.ones((500, 2))), "shape (500, 2) is too short for an image"),
            (_array(np.ones(0)), "shape (0,) is too short for a signal"),
            (_with(np.nan), "2 of 512 values are NaN or infinite; replace them first"),
            (_with(-np.inf), "2 of 512 values are NaN or infinite; replace them first"),
            (_with(1e300), "the largest value is 1e+300; rescale them all to at most 1e+150"),
            (_array(np.full(64, 7)), "every value is 7; there is nothing to denoise"),
        ],
    )
    def test_files(self, invoke, tmp_path, write, message):
        path = tmp_path / "bad.npy"
        write(path)
        result = invoke("demo", "--signal", str(path))
        assert result.exit_code == 2
        text = " ".join(result.stderr.split())
        assert f"Invalid value for --signal: {path}: {message}" in text
        assert "allow_pickle" not in text
        assert result.stdout == ""

    @pytest.mark.parametrize(
        ("output", "message"),
        [
            ("picture.gif", "a picture ends in one of .pdf, .png, .svg"),
            ("picture", "a picture ends in one of .pdf, .png, .svg"),
            ("nowhere/picture.png", "there is no folder"),
            ("folder.png", "this is a folder"),
            ("denoised.npy", "two records would go into one file; give --signal"),
        ],
    )
    def test_outputs(self, invoke, tmp_path, output, message):
        (tmp_path / "folder.png").mkdir()
        result = invoke("demo", "--output", output)
        assert result.exit_code == 2
        text = " ".join(result.stderr.split())
        assert f"Invalid value for --output: {output}: {message}" in text

    def test_operations(self, invoke):
        result = invoke("demo", "--operation", "thrink")
        assert result.exit_code == 2
        assert "'thrink'; there are " in result.stderr

    @pytest.mark.parametrize("option", [("--seed", "-1"), ("--snr", "1000"), ("--snr", "loud")])
    def test_numbers(self, invoke, option):
        result = invoke("demo", *option)
        assert result.exit_code == 2
        assert f"Invalid value for '{option[0]}'" in result.stderr
