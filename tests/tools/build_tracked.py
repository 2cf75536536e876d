"""The build backend: scikit-build-core, with an sdist of what git tracks and of nothing else.

A key, a note or a module that merely lies in the tree is in no release. In a tree that is no
checkout (an unpacked sdist) there is nothing to tell apart, and scikit-build-core does it all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from scikit_build_core import build as _backend
from scikit_build_core.build import *  # noqa: F403  every other hook is its own

ROOT = Path(__file__).parents[2]


def tracked(root: Path) -> list[str] | None:
    """Return the files that git tracks and that are there; None where no git can tell."""
    if not (root / ".git").exists():
        return None
    done = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z"], capture_output=True, text=True, check=True
    )
    return [name for name in done.stdout.split("\0") if name and (root / name).is_file()]


def build_sdist(sdist_directory: str, config_settings: dict[str, Any] | None = None) -> str:
    """Build the sdist from a copy that holds the tracked files alone; see PEP 517."""
    names = tracked(ROOT)
    if names is None:
        return _backend.build_sdist(sdist_directory, config_settings)
    target = str(Path(sdist_directory).absolute())
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            copy = Path(folder, name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy)
        os.chdir(folder)
        try:
            return _backend.build_sdist(target, config_settings)
        finally:
            os.chdir(before)
