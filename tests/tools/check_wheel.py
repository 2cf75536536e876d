"""Check wheels before they are published, or the installed one: ``check_wheel.py FOLDER``.

A wheel that is built without a compiler has the name of one built with it, and installs and
works; so a release asks here whether the compiled kernel is in it.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

LARGEST = 400_000
"""Bytes in a wheel of what computes: the core and the backends, without the tools."""

TOOLS = tuple(f"shrinkops/{name}/" for name in ("_commands", "benchmark", "conformance", "demo"))


def problems(wheel: Path) -> list[str]:
    """Return what is wrong with a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        entries = archive.infolist()
    size = sum(e.compress_size for e in entries if not e.filename.startswith(TOOLS))
    found = []
    if not any(name.startswith("shrinkops_numpy/_ufunc.") for name in names):
        found.append("no compiled kernel")
    if "-cp311-abi3-" not in wheel.name:
        found.append("not for the limited API of Python 3.11")
    if size > LARGEST:
        found.append(f"{size:,} bytes without the tools, more than {LARGEST:,}")
    return found


def installed() -> None:
    """Compute with the installed one, by the compiled kernel."""
    import numpy as np
    import shrinkops_numpy._ufunc  # noqa: F401  (it must be there)

    import shrinkops

    for operation in (shrinkops.hardshrink, shrinkops.softshrink):
        x = np.array([-2.0, -0.5, 0.25, np.nan, 1.0], np.float32)
        y = operation(x)
        assert y.dtype == x.dtype
        assert y[1] == y[2] == 0
        assert np.isnan(y[3])
    print(shrinkops.backends())


if __name__ == "__main__":
    if sys.argv[1:] == ["--installed"]:
        installed()
        sys.exit()
    wheels = sorted(Path(sys.argv[1]).glob("shrinkops-*.whl"))
    report = [f"{wheel.name}: {text}" for wheel in wheels for text in problems(wheel)]
    print("\n".join(report) or f"{len(wheels)} wheels are as they should be")
    sys.exit(bool(report) or not wheels)
