"""A strict suite of somebody else, with plugins: the same with shrinkops installed and without."""

from __future__ import annotations

import re
import subprocess

INI = """
[pytest]
filterwarnings = error
xfail_strict = true
addopts = --strict-markers --strict-config -p no:cacheprovider --cov=theirs --cov-report=term
"""
THEIRS = "def half(x):\n    return x / 2\n"
TESTS = """
import pytest
import theirs
def pytest_generate_tests(metafunc):
    metafunc.parametrize("n", range(6))
def test_half(n):
    assert theirs.half(2 * n) == n
"""
CONFTEST = """
def pytest_addoption(parser):
    parser.addoption("--backend", default="theirs")
    parser.addoption("--spec", default="theirs")
"""


def outcome(environment, folder, *arguments):
    done = subprocess.run(
        [str(environment.python), "-m", "pytest", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "100", "PYTHONWARNINGS": "error"},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    kept = re.findall(r"^theirs\.py.*|\d+ (?:passed|failed|error|warning)\w*", done.stdout, re.M)
    return done.returncode, kept, done.stderr


def test_nothing_changes(built, new_environment, tmp_path):
    environment = new_environment(
        "packaging-other-suite", "numpy", "pluggy", "pytest", "pytest-cov", "pytest-randomly",
        "pytest-xdist",
    )  # fmt: skip
    files = {"pytest.ini": INI, "theirs.py": THEIRS, "test_a.py": TESTS, "conftest.py": CONFTEST}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    forms = [("-q",), ("-q", "-n", "2", "--backend", "x")]
    before = [outcome(environment, tmp_path, *form) for form in forms]
    assert [status for status, *_ in before] == [0, 0], before
    environment.install("--no-deps", str(built.wheel))
    assert [outcome(environment, tmp_path, *form) for form in forms] == before
    code = "import shrinkops, pytest; raise SystemExit(pytest.main(['-q', '-p', 'no:randomly']))"
    done = subprocess.run(
        [str(environment.python), "-c", code],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
