"""A distribution as an installer leaves it, for the tests and the programs that they start."""

from __future__ import annotations

import textwrap
from pathlib import Path

ACME = """
from shrinkops import Backend, hookimpl
class Acme(Backend):
    name = "acme"
    framework = "decimal"
    dtypes = frozenset({"float64"})
    def handles(self, cls):
        return False
@hookimpl
def shrinkops_backends():
    return [Acme()]
"""
"""A healthy plugin for a library that is there; no class is its own."""


def install(site: str | Path, name: str, source: str = ACME, point: str = "") -> None:
    """Write a distribution of one module with one entry point."""
    module = name.replace("-", "_")
    info = Path(site) / f"{module}-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (Path(site) / f"{module}.py").write_text(textwrap.dedent(source))
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[shrinkops]\n{point or f'{module} = {module}'}\n")
