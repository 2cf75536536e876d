from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

collect_ignore = ["third_party.py", "unseen_family.py", "unseen_libraries.py"]
"""The first declares an operation when it is imported, which its own test undoes; the second is a
script beside another."""

HERE = Path(__file__).parent


@pytest.fixture
def run(tmp_path):
    """Run Python with arguments in an empty folder; wrong backends can be imported."""

    def call(*arguments, expect=0):
        environment = {**os.environ, "PYTHONPATH": str(HERE), "COLUMNS": "120"}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=570, check=False,
        )  # fmt: skip
        assert done.returncode == expect, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    return call


@pytest.fixture
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
