"""A strict suite of somebody else, with plugins: the same with shrinkops installed and without.

Installed from its wheel, and as an editable checkout, whose files pytest would rewrite.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

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


@pytest.fixture
def environment(new_environment):
    return new_environment(
        "packaging-other-suite", "numpy", "pluggy", "pytest", "pytest-cov", "pytest-randomly",
        "pytest-xdist",
    )  # fmt: skip


def test_nothing_changes(built, environment, tmp_path):
    files = {"pytest.ini": INI, "theirs.py": THEIRS, "test_a.py": TESTS, "conftest.py": CONFTEST}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    forms = [("-q",), ("-q", "-n", "2", "--backend", "x")]
    before = [outcome(environment, tmp_path, *form) for form in forms]
    assert [status for status, *_ in before] == [0, 0], before
    installed = (str(built.wheel),)
    editable = ("--editable", str(ROOT))
    for way in (installed, editable):  # and the one after the other
        environment.install("--no-deps", *way, variables={"CC": "no-compiler-is-needed-for-this"})
        assert [outcome(environment, tmp_path, *form) for form in forms] == before
        _imported_first(environment, tmp_path)
    place = environment.run("-c", "import shrinkops; print(shrinkops.__file__)").stdout.strip()
    assert Path(place).is_relative_to(ROOT)


def _imported_first(environment, folder):
    """Run the tests from a program that uses shrinkops, as an IDE or a notebook does."""
    code = "import shrinkops, pytest; raise SystemExit(pytest.main(['-q', '-p', 'no:randomly']))"
    done = subprocess.run(
        [str(environment.python), "-c", code],
        cwd=folder, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
