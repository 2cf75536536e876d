"""The text report of an acceptance, from what its JSON report holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shrinkops._commands.text import Column, layout

from ._parts import State

__all__ = ["lines"]

_PARTS = (Column("part"), Column("state"), Column("s", right=True), Column("", folds=True))
_FIGURES = (
    Column("target"), Column("operation"), Column("case"), Column("GB/s", right=True),
    Column("against"), Column("its time over ours", right=True), Column("A/A", right=True),
    Column(""),
)  # fmt: skip


def lines(content: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the report.

    Parameters
    ----------
    content : dict
        The JSON report.
    """
    machine = content["machine"]
    yield f"Acceptance of {', '.join(content['acceptance'])} on a {content['device']}"
    where = f"{machine['processor']}, {machine['cores']} cores; {machine['system']}"
    yield f"{content['date']}; {where}"
    yield f"{content['python']}; " + ", ".join(f"{n} {v}" for n, v in content["versions"].items())
    for part in content["parts"]:
        if part["work"] == "machine" and part["state"] == State.PASSED:
            yield f"{part['target']}: " + ", ".join(f"{k} {v}" for k, v in part["result"].items())
    yield ""
    rows = [[p["name"], p["state"], f"{p['seconds']:.0f}", p["reason"]] for p in content["parts"]]
    yield from _table(_PARTS, rows)
    figures = [
        (p["target"], figure)
        for p in content["parts"] for figure in p["result"].get("figures", ())
    ]  # fmt: skip
    if figures:
        yield ""
        yield from _table(_FIGURES, [_figure(*pair) for pair in figures])
    for part in content["parts"]:
        yield from _details(part)
    yield ""
    yield f"{content['verdict']} (status {content['status']})"


def _details(part: dict[str, Any]) -> Iterator[str]:
    result = part["result"]
    for run in result.get("runs", ()):
        yield f"{part['name']}: {run['verdict']}; {run['counts']}"
        for failure in run["failures"]:
            yield f"  {failure['item']}: {failure['message']}"
    for label in ("wrong", "left out"):
        for text in result.get(label, ()):
            yield f"{part['name']}: {label}: {text}"
    if "output" in result:
        yield f"{part['name']}: the end of its output:"
        yield from (f"  {line}" for line in result["output"].splitlines()[-30:])


def _figure(target: str, figure: dict[str, Any]) -> list[str]:
    case = figure["case"]
    return [
        target, figure["operation"], f"{case['size']:.0e} {case['dtype']}, {case['mode']}",
        f"{figure['bytes per second'] / 1e9:.1f}",
        figure["peer"] + (" *" if figure["departs"] else ""),
        f"{1 / figure['ratio']['median']:.2f}", f"{figure['control']['median']:.3f}",
        "" if figure["verdict"] == "ok" else figure["verdict"],
    ]  # fmt: skip


def _table(columns: tuple[Column, ...], rows: list[list[str]]) -> Iterator[str]:
    for block in layout(columns, rows, None):
        yield from block
