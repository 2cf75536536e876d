"""One build and one clean environment serve every test here, under pytest-xdist too.

Invariants
----------
- What is tested is installed from the built files: commands run in an empty folder,
  without the paths and variables of the surrounding process.
- Whatever is expensive is made once per test run, under a lock between workers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "tests" / "plugins" / "shrinkops-array-api-strict"

_LEFT_OUT = ("PYTHON", "SHRINKOPS_", "PYTEST_", "VIRTUAL_ENV")


def clean_variables() -> dict[str, str]:
    """Return the environment without what would lead a new interpreter back here."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_LEFT_OUT)}
    return {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "NO_COLOR": "1"}


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and an empty folder to start commands from."""

    python: Path
    empty: Path

    def run(
        self,
        *arguments: str,
        site: Path | None = None,
        variables: dict[str, str] | None = None,
        warnings: str = "error",
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run this environment's Python; ``site`` is one more folder of installed packages."""
        given = {**clean_variables(), **(variables or {}), "PYTHONWARNINGS": warnings}
        if site is not None:
            given["PYTHONPATH"] = str(site)
        done = subprocess.run(
            [str(self.python), *arguments],
            cwd=self.empty,
            env=given,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if check and done.returncode:
            pytest.fail(f"{arguments} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def install(self, *arguments: str, variables: dict[str, str] | None = None) -> str:
        """Install with pip, as a user would."""
        command = [sys.executable, "-m", "pip", "--python", str(self.python), "install"]
        done = subprocess.run(
            [*command, "--quiet", *arguments],
            cwd=self.empty,
            env={**clean_variables(), **(variables or {})},
            capture_output=True,
            text=True,
            timeout=600,
        )
        if done.returncode:
            pytest.fail(f"pip install {arguments}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr


@pytest.fixture
def variables() -> dict[str, str]:
    """Return the variables of a clean environment."""
    return clean_variables()


@dataclass(frozen=True)
class Built:
    """The two files of a release."""

    sdist: Path
    wheel: Path


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, request: Any) -> Callable[..., Path]:
    """Return ``shared(name, make)``: a folder that one worker fills with ``make(folder)``."""
    base = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        base = base.parent

    def once(name: str, make: Callable[[Path], None]) -> Path:
        folder, done = base / name, base / f"{name}.done"
        with FileLock(base / f"{name}.lock"):
            if not done.exists():
                folder.mkdir(exist_ok=True)
                make(folder)
                done.touch()
        return folder

    return once


@pytest.fixture(scope="session")
def built(shared: Callable[..., Path]) -> Built:
    """Build the sdist, and the wheel from the sdist."""

    def make(folder: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)],
            env=clean_variables(),
            capture_output=True,
            text=True,
            timeout=600,
        )
        if done.returncode:
            pytest.fail(f"python -m build\n{done.stdout}{done.stderr}")

    folder = shared("packaging-build", make)
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return Built(sdist, wheel)


class NewEnvironment:
    """Makes a virtual environment with some requirements, once per test run."""

    plugin = PLUGIN

    def __init__(self, shared: Callable[..., Path]) -> None:
        self.shared = shared

    def __call__(self, name: str, *requirements: str) -> Environment:
        def make(folder: Path) -> None:
            venv.create(folder / "venv", with_pip=False)
            new = self.parts(folder)
            new.empty.mkdir()
            new.install(*requirements)

        return self.parts(self.shared(name, make))

    @staticmethod
    def parts(folder: Path) -> Environment:
        scripts = "Scripts" if os.name == "nt" else "bin"
        return Environment(folder / "venv" / scripts / "python", folder / "empty")


@pytest.fixture(scope="session")
def new_environment(shared: Callable[..., Path]) -> NewEnvironment:
    """Return ``new_environment(name, *requirements)``."""
    return NewEnvironment(shared)


@pytest.fixture(scope="session")
def environment(built: Built, new_environment: NewEnvironment) -> Environment:
    """Install the wheel and the external plugin, with what they require and pytest."""
    return new_environment("packaging-venv", str(built.wheel), f"{PLUGIN}[test]")
