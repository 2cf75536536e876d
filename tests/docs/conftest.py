"""The site, built once for all tests and all workers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

DOCS = Path(__file__).parents[2] / "docs"
MADE = {"_generated", "gallery", "__pycache__"}  # not tracked


def sources() -> dict[Path, int]:
    """Return every file that is written by hand, and when it changed."""
    files = (path for path in DOCS.rglob("*") if not MADE & set(path.parts))
    return {path: path.stat().st_mtime_ns for path in files if path.is_file()}


@pytest.fixture(scope="session")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of pages, built as an error where Sphinx warns."""
    common = tmp_path_factory.getbasetemp()
    if common.name.startswith("popen-"):  # a worker of xdist
        common = common.parent
    folder = common / "site"
    with FileLock(common / "site.lock"):
        if not (folder / "built").exists():
            before = sources()
            strict = ["-W", "--keep-going", "-n", "-q"]
            places = ["-d", str(common / "doctrees"), str(DOCS), str(folder)]
            done = subprocess.run(
                [sys.executable, "-m", "sphinx", *strict, *places],
                capture_output=True,
                text=True,
                timeout=600,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            assert sources() == before
            (folder / "built").touch()
    return folder
