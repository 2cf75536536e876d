"""Fixtures: the command line in this process, and in a bare one with chosen libraries only."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from packaging.requirements import Requirement

from shrinkops._cli import cli

Invoke = Callable[..., Result]
Bare = Callable[..., "subprocess.CompletedProcess[str]"]

OURS = ("shrinkops", "shrinkops_numpy", "shrinkops_torch", "shrinkops_jax", "shrinkops_cupy")


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run the command line in this process, 80 columns wide unless said otherwise."""

    def run(*arguments: str, columns: int = 80) -> Result:
        monkeypatch.setenv("COLUMNS", str(columns))
        return CliRunner().invoke(cli, arguments, prog_name="shrinkops", catch_exceptions=False)

    return run


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    """Run ``python -m shrinkops`` where only the named distributions can be imported."""

    def run(*arguments: str, libraries: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        site = tmp_path / "site"
        site.mkdir()
        for name in _closure(("pluggy", "numpy", *libraries)):
            _link(site, name)
        for package in OURS:
            spec = importlib.util.find_spec(package)
            assert spec is not None
            assert spec.origin is not None
            (site / package).symlink_to(Path(spec.origin).parent)
        _link(site, "shrinkops", only=".dist-info")
        folder = tmp_path / "folder"
        folder.mkdir()
        return subprocess.run(
            [sys.executable, "-S", "-m", "shrinkops", *arguments],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(site), "COLUMNS": "80"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def _closure(names: tuple[str, ...]) -> set[str]:
    """Return the distributions and all that they require."""
    found: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            for line in importlib.metadata.requires(name) or ():
                requirement = Requirement(line)
                if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                    queue.append(requirement.name)
    return found


def _link(site: Path, name: str, only: str = "") -> None:
    distribution = importlib.metadata.distribution(name)
    tops = {file.parts[0] for file in distribution.files or () if file.parts[0] != ".."}
    for top in tops:
        target = site / top
        if top.endswith(only) and not target.exists():
            target.symlink_to(str(distribution.locate_file(top)))
