"""The plain call on every path: which rows belong to which clause."""

from __future__ import annotations

from shrinkops.conformance._collect import Collector
from shrinkops.conformance._context import Context

from .parameters import ARRAYS
from .paths import Paths

__all__ = ["CHECKS"]

check = Collector()
CHECKS = check.checks

_ALL = ("float", "integer", "complex")


@check(
    "ARR-2/paths", "thresholds, layouts, shapes, modes and repetitions in pairs: every invariant",
    kinds=_ALL, since="1.1",
)  # fmt: skip
def plain(context: Context) -> None:
    Paths(context).run(lambda row: row["lambd kind"] not in ARRAYS and row["out"] == "none")


@check(
    "LAM-6/paths", "arrays of thresholds crossed with every other dimension: every invariant",
    kinds=_ALL, needs=("array_lambd",), since="1.1",
)  # fmt: skip
def arrays(context: Context) -> None:
    Paths(context).run(lambda row: row["lambd kind"] in ARRAYS)


@check(
    "ARR-4/paths", "out crossed with every other dimension: every invariant",
    kinds=_ALL, needs=("out",), since="1.1",
)  # fmt: skip
def outs(context: Context) -> None:
    Paths(context).run(lambda row: row["lambd kind"] not in ARRAYS and row["out"] != "none")
