"""``shrinkops new-backend``: what it writes installs, conforms, is measured and has tests."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

pytest.importorskip("array_api_strict", reason="the library that the backend is written for")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("new-backend")
    done = subprocess.run(
        [sys.executable, "-m", "shrinkops", "new-backend", "acme", "--framework",
         "array_api_strict"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "dtypes: float32, float64, int8," in done.stdout
    assert "features: array_lambd, out" in done.stdout
    return folder / "shrinkops-acme"


@pytest.fixture(scope="module")
def run(written):
    """Install the distribution, and run Python beside it."""
    site = written.parent / "site"
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
    done = subprocess.run(
        [sys.executable, *pip, "--target", str(site), str(written)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

    def call(*arguments):
        variables = {**os.environ, "PYTHONPATH": str(site), "SHRINKOPS_BLOCK": "torch,jax,cupy"}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=written, env=variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


def test_it_conforms(run):
    output = run("-m", "shrinkops", "conformance", "acme", "--operation", "hardshrink")
    assert "acme from shrinkops-acme 0.1.0, on array_api_strict" in output
    assert re.search(r"hardshrink of backend 'acme' CONFORMS to specification \d", output)


def test_it_is_measured(run):
    output = run("-m", "shrinkops", "bench", "acme", "--size", "10", "--blocks", "5", "--json", "-")
    assert json.loads(output)["figures"]


def test_its_own_tests_pass(run, written):
    text = (written / "tests" / "test_conformance.py").read_text(encoding="utf-8")
    assert len([line for line in text.splitlines() if line and not line.startswith('"')]) == 2
    output = run("-m", "pytest", "-q", "-k", "VAL-1 or values or entry", "-p", "no:cacheprovider")
    assert re.search(r"\d+ passed", output)


def test_it_is_formatted_as_this_project_is(written):
    for command in ("check", "format --check"):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command.split(), "--no-cache", "--isolated",
             "--line-length", "100", str(written)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("numpy", "--framework", "numpy"), "a backend 'numpy' is there already"),
        (("Acme Inc", "--framework", "numpy"), "is no name of a backend"),
        (("acme", "--framework", "nosuchlibrary"), "nosuchlibrary cannot be imported"),
        (("acme", "--framework", "json"), "json is no Array API namespace: it has no asarray"),
        (("acme", "--framework", "array_api_strict", "--folder", "here"), "here is there already"),
        (("acme", "--framework", "array_api_strict", "--folder", "no/no"), "there is no folder"),
    ],
)
def test_refusals(invoke, monkeypatch, tmp_path, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    result = invoke("new-backend", *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
