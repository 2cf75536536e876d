"""What a figure was measured on: machine, versions, date.

Invariants
----------
- A record names hardware and versions, never a host, a user or a folder.
- Versions are those of the distributions that can change a figure.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from shrinkops._target import Target

from ._work import cores

__all__ = ["SCHEMA", "read_record", "record", "write_record"]

SCHEMA = 1

_DISTRIBUTIONS = (
    "shrinkops",
    "numpy",
    "torch",
    "jax",
    "jaxlib",
    "ml_dtypes",
    "cupy",
    "cupy-cuda12x",
    "cupy-cuda13x",
    "dask",
    "numba",
    "numexpr",
    "PyWavelets",
)


def record(targets: Iterable[Target], figures: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return figures with what they were measured on, as JSON has it."""
    return {
        "schema": SCHEMA,
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": {
            "processor": _processor(),
            "cores": cores(),
            "system": f"{platform.system()} {platform.machine()}",
            "gpu": _gpu(),
        },
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": dict(_versions()),
        "kernels": {t.text: t.backend.kernel_in_use() for t in targets},
        "figures": list(figures),
    }


def write_record(path: Path, content: dict[str, Any]) -> None:
    """Write a record, one key per line, so that two of them can be compared."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_record(path: Path) -> dict[str, Any]:
    """Read a record.

    Raises
    ------
    ValueError
        The file is not a record of this version.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path.name} is not a record: {error}") from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise ValueError(f"{path.name} has schema {schema!r}, expected {SCHEMA}; record it again")
    found: dict[str, Any] = content
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _gpu() -> str:
    """Return the name of the first GPU that an imported library sees, or ""."""
    import sys

    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return str(torch.cuda.get_device_name(0))
    cupy = sys.modules.get("cupy")
    if cupy is not None:
        try:
            return str(cupy.cuda.runtime.getDeviceProperties(0)["name"].decode())
        except Exception:  # whatever a driver that is not there raises
            return ""
    return ""


def _versions() -> Iterable[tuple[str, str]]:
    for name in _DISTRIBUTIONS:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
