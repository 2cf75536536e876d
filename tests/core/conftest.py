"""A folder of installed plugins, and programs that are run with it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, ClassVar

import pytest

HERE = Path(__file__).parent

PRELUDE = """
import os, sys, threading, time, warnings
import numpy as np, shrinkops
from programs import ACME, install
from shrinkops._plugins.registry import registry

def names():
    found = registry.backends().entries
    return sorted(e.name for e in found if e.distribution != "shrinkops")

def aside():
    return sorted(q.name for q in registry.backends().quarantined)

def works(x=None):
    y = shrinkops.hardshrink(np.array([0.25, 1.0]) if x is None else x)
    return np.asarray(y).tolist() == [0.0, 1.0]

def refused(x):
    try:
        shrinkops.hardshrink(x)
    except shrinkops.UnsupportedArrayError as error:
        return str(error)

def make(name, handles=lambda self, cls: False, **attributes):
    kinds = {"framework": "numpy", "dtypes": frozenset({"float64"}), "handles": handles}
    return type(name, (shrinkops.Backend,), {"name": name} | kinds | attributes)()
"""


class Site:
    """A folder that is on the path of the programs."""

    QUICK: ClassVar = {"SHRINKOPS_BLOCK": "torch,jax,cupy"}
    """Variables with which ``shrinkops.backends()`` imports no large library."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        spec = importlib.util.spec_from_file_location("programs", HERE / "programs.py")
        assert spec is not None
        assert spec.loader is not None
        self._programs: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self._programs)
        self.acme: str = self._programs.ACME

    def install(self, name: str, source: str | None = None, point: str = "") -> None:
        """Write a distribution of one module with one entry point."""
        self._programs.install(self.folder, name, source or self.acme, point)

    def run(
        self,
        code: str,
        warnings: str = "error",
        timeout: float = 180,
        prelude: str = PRELUDE,
        **variables: str,
    ) -> str:
        """Return what a program prints; it fails where its status is not 0."""
        path = [str(self.folder), str(HERE), os.environ.get("PYTHONPATH", "")]
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SHRINKOPS_")}
        done = subprocess.run(
            [sys.executable, "-W", warnings, "-c", prelude + textwrap.dedent(code)],
            capture_output=True,
            text=True,
            env={**kept, "PYTHONPATH": os.pathsep.join(filter(None, path)), **variables},
            cwd=self.folder,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)
