"""``shrinkops explain``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.mark.parametrize(
    ("subject", "backend"),
    [
        ("numpy:ndarray", "numpy"),
        ("numpy:float32", "numpy"),
        ("torch.nn:Parameter", "torch"),
        ("jax:Array", "jax"),
        ("pandas:Series", "ufunc"),
    ],
)
def test_names_the_backend(invoke, subject, backend):
    result = invoke("explain", subject, "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["backend"] == backend
    assert answer["dtype_refused"] == ""
    text = invoke("explain", subject)
    assert text.exit_code == 0
    assert f"{backend!r}" in text.output


def test_no_backend_exits_with_one_and_says_why(invoke):
    result = invoke("explain", "builtins:list")
    assert result.exit_code == 1
    assert "no backend takes list" in result.output


def test_array_in_a_file(invoke, tmp_path):
    path = tmp_path / "record.npy"
    np.save(path, np.zeros((3, 2), np.float32))
    result = invoke("explain", str(path), columns=300)
    assert result.exit_code == 0
    assert f"{path}: float32 array of shape (3, 2)" in result.output
    assert "'numpy'" in result.output


def test_array_in_a_file_of_a_dtype_that_is_refused(invoke, tmp_path):
    path = tmp_path / "record.npy"
    np.save(path, np.array(["a", "b"]))
    result = invoke("explain", str(path), columns=300)
    assert result.exit_code == 1
    assert "'numpy' does not take dtype <U1; its dtypes are " in result.output


def _message(result):
    assert result.exit_code == 2
    return " ".join(result.output.split())


def test_bad_subjects(invoke, tmp_path):
    assert (
        "'ndarray' is neither module:Class, such as numpy:ndarray, nor a .npy file"
    ) in _message(invoke("explain", "ndarray"))
    assert "No module named 'nosuchlibrary'" in _message(invoke("explain", "nosuchlibrary:A"))
    assert (
        "'numpy:nosuch' cannot be loaded: AttributeError: module 'numpy' has no attribute 'nosuch'"
    ) in _message(invoke("explain", "numpy:nosuch"))
    assert ("'math:pi' is a float, expected a class such as numpy:ndarray") in _message(
        invoke("explain", "math:pi")
    )
    missing = tmp_path / "missing.npy"
    assert f"{str(missing)!r}: there is no such file" in _message(invoke("explain", str(missing)))
    text = tmp_path / "text.npy"
    text.write_text("1 2 3")
    assert f"{str(text)!r} is not a .npy file of plain numbers:" in _message(
        invoke("explain", str(text))
    )


def test_a_missing_library_comes_with_the_remedy(bare):
    done = bare("explain", "torch:Tensor", libraries=("click", "rich"))
    assert done.returncode == 2
    text = " ".join(done.stderr.split())
    assert "No module named 'torch'; the remedy: pip install 'shrinkops[torch]'" in text


def test_the_script_finds_a_module_in_the_current_folder(tmp_path):
    (tmp_path / "local_arrays.py").write_text("class Array: pass\n")
    script = Path(sys.executable).with_name("shrinkops")
    done = subprocess.run(
        [script, "explain", "local_arrays:Array"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no backend takes local_arrays.Array" in " ".join(done.stdout.split())
