"""Which plugins are installed: the entry points of all distributions, and our own table.

Invariants
----------
- Each distribution is read alone. A damaged one costs its own line, which names the
  file, and never another distribution.
- Our own plugins need no metadata: they are found by their modules, so they are there in
  a zip application, in a frozen one and from a checkout on PYTHONPATH.
- The order does not depend on paths: ours first, then by the names of distributions.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from shrinkops._errors import is_callers
from shrinkops._frozen import Frozen

from .hookspecs import PROJECT
from .records import Point

if TYPE_CHECKING:
    from importlib.metadata import Distribution

__all__ = ["OWN", "Damage", "own_points", "third_party_points"]

OWN = {
    "numpy": "shrinkops_numpy",
    "torch": "shrinkops_torch",
    "jax": "shrinkops_jax",
    "cupy": "shrinkops_cupy",
    "dask": "shrinkops_dask",
    "array_api": "shrinkops_array_api",
}
"""Our own plugins: their names and modules, as in the entry points of pyproject.toml."""


class Damage(Frozen):
    """A file of metadata that cannot be read."""

    file: str
    error: Exception


def own_points() -> list[Point]:
    """Return our own plugins, as far as their modules are there."""
    import importlib.util  # slow to import, and mostly there by now

    version = getattr(sys.modules.get(PROJECT), "__version__", "")
    return [
        Point(name, module, "", PROJECT, version)
        for name, module in OWN.items()
        if module in sys.modules or importlib.util.find_spec(module) is not None
    ]


def third_party_points() -> tuple[list[Point], list[Damage]]:
    """Return the entry points of all other distributions, in the order of names."""
    points: dict[tuple[str, str], Point] = {}
    damages: list[Damage] = []
    for distribution in _distributions(damages):
        try:
            found = [p for p in distribution.entry_points if p.group == PROJECT]
        except Exception as error:
            if is_callers(error):
                raise
            damages.append(Damage(_file(distribution, "entry_points.txt"), error))
            continue
        if not found:
            continue
        name, version = _identity(distribution, damages)
        for entry_point in found:
            try:
                point = Point(
                    entry_point.name, entry_point.module, entry_point.attr or "", name, version
                )
            except Exception as error:  # the value is no reference to an object
                damages.append(Damage(_file(distribution, "entry_points.txt"), error))
                continue
            if name != PROJECT or point.module not in OWN.values():
                points.setdefault((name, point.name), point)
    ordered = sorted(points.values(), key=lambda p: (p.distribution, p.name, p.module))
    return ordered, damages


def _distributions(damages: list[Damage]) -> Iterator[Distribution]:
    """Yield every distribution once; of one that is found twice the first on the path counts."""
    from importlib.metadata import distributions  # takes longer than all of shrinkops

    seen = set()
    found = iter(distributions())
    while True:
        try:
            distribution = next(found)
        except StopIteration:
            return
        except Exception as error:  # a finder of somebody's; nothing can be had after it
            if is_callers(error):
                raise
            damages.append(Damage("a folder of installed distributions", error))
            return
        stem = _stem(distribution)
        key = re.sub(r"[-_.]+", "-", stem.partition("-")[0]).lower() or id(distribution)
        if key not in seen:
            seen.add(key)
            yield distribution


def _stem(distribution: Distribution) -> str:
    """Return ``name-version`` from the folder's name; empty where there is none."""
    path: Any = getattr(distribution, "_path", None)
    if path is None:
        return ""
    return os.path.splitext(os.path.basename(str(path).rstrip("/\\")))[0]


def _file(distribution: Distribution, name: str) -> str:
    path: Any = getattr(distribution, "_path", None)
    if path is None:
        return f"{name} of {distribution!r}"
    try:
        return os.path.abspath(os.path.join(str(path), name))
    except OSError:  # the current folder is gone
        return os.path.join(str(path), name)


def _identity(distribution: Distribution, damages: list[Damage]) -> tuple[str, str]:
    """Return a distribution's name and version, from its folder where its metadata lack them."""
    from email import message_from_string
    from email.policy import compat32

    fields: Any = {}
    try:
        text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO")
        if text:
            fields = message_from_string(text, policy=compat32)
    except Exception as error:
        if is_callers(error):
            raise
        damages.append(Damage(_file(distribution, "METADATA"), error))
    stem, _, rest = _stem(distribution).partition("-")
    return fields.get("Name") or stem or "unknown", fields.get("Version") or rest
