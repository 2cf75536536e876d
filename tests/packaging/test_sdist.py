"""The sdist holds what git tracks, and nothing that merely lies in the tree."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_OUT = (".ci/", ".git", ".pre-commit", "asv_benchmarks/")
STRAYS = (
    ".env", "notes.txt", "junk/id_rsa", "junk/script.py", "shrinkops/.env", "backends/todo.org",
    "docs/private.key", "docs/_build/page.json", "tests/dump.npy", "dist/old.tar.gz",
    "build/cache.json", "shrinkops/__pycache__/x.pyc", "shrinkops/stray.py", "tests/test_stray.py",
    "backends/shrinkops_numpy/stray.c", "backends/shrinkops_torch/py.typed.bak", "docs/stray.md",
)  # fmt: skip


@pytest.fixture(scope="module")
def tracked():
    if not (ROOT / ".git").exists():
        pytest.skip("this tree is no checkout: nobody knows what git tracks")
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_it_holds_what_git_tracks_and_no_stray(tracked, tmp_path):
    tree = tmp_path / "tree"
    for name in tracked:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tree / name)
    for command in (["init", "-q"], ["add", "-f", "--", *tracked]):
        subprocess.run(["git", "-C", str(tree), *command], check=True)
    for name in STRAYS:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("secret", encoding="utf-8")
    backend = tomllib.loads((tree / "pyproject.toml").read_text("utf-8"))["build-system"]
    code = f"from {backend['build-backend']} import build_sdist; build_sdist({str(tmp_path)!r})"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {backend['backend-path']!r}; {code}"],
        cwd=tree, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        members = {m.name.partition("/")[2] for m in archive.getmembers() if m.isfile()}
    wanted = {name for name in tracked if not name.startswith(LEFT_OUT)}
    assert members - wanted == {"PKG-INFO"}
    assert wanted - members == set()
