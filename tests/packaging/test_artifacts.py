"""What the sdist and the wheel hold, and what they must not."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES = [p.rpartition("/")[2] for p in PROJECT["tool"]["scikit-build"]["wheel"]["packages"]]

DATA = {".py", ".json", ".txt", ".css", ".cuh"}


def can_compile() -> bool:
    compilers = ("cc", "gcc", "clang", "cl")
    header = Path(sysconfig.get_path("include"), "Python.h")
    return header.exists() and any(shutil.which(name) for name in compilers)


@pytest.fixture(scope="module")
def wheel_files(built):
    with zipfile.ZipFile(built.wheel) as archive:
        return sorted(archive.namelist())


@pytest.fixture(scope="module")
def sdist_files(built):
    with tarfile.open(built.sdist) as archive:
        return sorted(n.partition("/")[2] for n in archive.getnames())


def test_twine_finds_nothing_to_say(built):
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", str(built.wheel), str(built.sdist)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_wheel_holds_the_packages_and_nothing_else(wheel_files):
    roots = {PurePosixPath(name).parts[0] for name in wheel_files}
    (info,) = (r for r in roots if r.endswith(".dist-info"))
    assert roots - {info} == set(PACKAGES)


def test_every_package_is_typed(wheel_files):
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel_files)


def test_wheel_holds_every_module_of_the_tree_and_its_data(wheel_files):
    for folder in PROJECT["tool"]["scikit-build"]["wheel"]["packages"]:
        base = (ROOT / folder).parent
        files = (p for p in (ROOT / folder).rglob("*") if p.suffix in DATA)
        assert {p.relative_to(base).as_posix() for p in files} <= set(wheel_files)


def test_wheel_holds_code_types_and_data_only(wheel_files):
    known = re.compile(r"\.(py|typed|json|txt|css|cuh|so|pyd)$")
    strays = [n for n in wheel_files if ".dist-info/" not in n and not known.search(n)]
    assert strays == []
    # The pytest plugin and the kits are code of the package; test files are not.
    assert [n for n in wheel_files if re.search(r"(^|/)(tests?|conftest)(/|\.py$)", n)] == []


def test_wheel_has_the_compiled_kernel_where_a_compiler_is(wheel_files):
    compiled = [n for n in wheel_files if n.endswith((".so", ".pyd"))]
    if not can_compile():
        assert compiled == []
        return
    (name,) = compiled
    assert re.fullmatch(r"shrinkops_numpy/_ufunc(\.abi3)?\.(so|pyd)", name)


def test_a_release_would_take_it(built):
    """By the command that the workflow for releases runs."""
    command = [sys.executable, str(ROOT / "tests/tools/check_wheel.py"), str(built.wheel.parent)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode == 0) == can_compile(), done.stdout + done.stderr


def test_wheel_serves_later_pythons(built):
    assert re.search(r"-cp311-abi3-\w+\.whl$", built.wheel.name)


def test_entry_points_are_those_of_the_project(built):
    with zipfile.ZipFile(built.wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("entry_points.txt"))
        parser = configparser.ConfigParser()
        parser.read_string(archive.read(name).decode())
    declared = {"console_scripts": PROJECT["project"]["scripts"]}
    declared |= PROJECT["project"]["entry-points"]
    assert {group: dict(parser[group]) for group in parser.sections()} == declared
    assert set(declared["shrinkops"].values()) <= set(PACKAGES)


def test_sdist_holds_what_a_packager_needs(sdist_files):
    needed = {"pyproject.toml", "CMakeLists.txt", "LICENSE", "README.md"}
    assert needed <= set(sdist_files)
    assert any(n.startswith("backends/shrinkops_numpy/src/") for n in sdist_files)


def test_sdist_holds_no_junk(sdist_files):
    junk = re.compile(
        r"(^|/)(__pycache__|\.venv|\.git|\.mypy_cache|\.ruff_cache|build|dist|_build)(/|$)"
        r"|\.(pyc|so|pyd|o|egg-info|png|npy|log)$"
    )
    assert [n for n in sdist_files if junk.search(n)] == []
