"""Time per element over size, log-log, with the copy of the same bytes as the floor."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._compare import Comparison
from ._peers import COPY

__all__ = ["check_format", "chosen", "curves", "plot"]

Curve = list[tuple[int, float]]


def curves(figures: Sequence[Comparison]) -> tuple[dict[str, Curve], dict[str, Curve]]:
    """Return the curves of targets and peers, and those of the copies, by label.

    Each is a list of elements and nanoseconds per element, by size.
    """
    lines: dict[str, dict[int, float]] = defaultdict(dict)
    floors: dict[str, dict[int, float]] = defaultdict(dict)
    for figure in figures:
        case = figure.case
        each = figure.seconds.median / case.size * 1e9
        what = f"{case.dtype}, {case.mode}" + ("" if case.device == "cpu" else f", {case.device}")
        lines[f"{figure.target} ({what})"].setdefault(case.size, each)
        if figure.peer != COPY or case.mode != "out":
            lines[f"{figure.peer} ({what})"].setdefault(case.size, each / figure.ratio.median)
        if figure.over_copy is not None:
            label = f"copy ({case.dtype})"
            floors[label].setdefault(case.size, each / figure.over_copy.median)
    return _sorted(lines), _sorted(floors)


def _sorted(found: dict[str, dict[int, float]]) -> dict[str, Curve]:
    return {label: sorted(points.items()) for label, points in found.items()}


def check_format(path: Path) -> None:
    """Refuse a file whose suffix names no format, before anything is measured for it.

    Raises
    ------
    ValueError
        It lists the suffixes that there are.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    known = sorted(FigureCanvasAgg.get_supported_filetypes())
    if path.suffix.removeprefix(".") not in known:
        raise ValueError(f"cannot draw into {path.name!r}; its suffix must be {', '.join(known)}")


_TARGETS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
_PEER, _FLOOR = "#8a8a8a", "#e69f00"
_PEERS = 4
_STYLE: dict[str, Any] = {
    "backend": "agg",
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
}


def chosen(lines: dict[str, Curve], targets: set[str]) -> list[str]:
    """Return which curves are drawn: the targets, and a few peers from the quickest to the slowest.

    The first peer, which is what most people write, is always among them.
    """
    ours = [label for label in lines if label.partition(" (")[0] in targets]
    peers = [label for label in lines if label not in ours]
    if len(peers) > _PEERS:
        ranked = sorted(peers, key=lambda label: lines[label][-1][1])
        steps = (round(i * (len(ranked) - 1) / (_PEERS - 2)) for i in range(_PEERS - 1))
        kept = {peers[0], *(ranked[i] for i in steps)}
        peers = [label for label in peers if label in kept]
    return ours + peers


def plot(figures: Sequence[Comparison], path: Path) -> None:
    """Draw the curves into a file, labelled at their ends; its suffix is the format."""
    import matplotlib
    from matplotlib.figure import Figure  # no pyplot: nothing global, no display

    lines, floors = curves(figures)
    targets = {figure.target for figure in figures}
    drawn = chosen(lines, targets)
    cases = {label.partition(" (")[2] for label in drawn}
    settings: Any = {**matplotlib.rcParamsDefault, **_STYLE}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(9, 4.6), layout="constrained")
        axes = figure.add_subplot()
        axes.set_xscale("log")
        axes.set_yscale("log")
        ends: list[tuple[float, float, str, str, bool]] = []
        colours = iter(_TARGETS * len(drawn))
        for label in drawn:
            name = label.partition(" (")[0]
            ours = name in targets
            colour = next(colours) if ours else _PEER
            axes.plot(
                *zip(*lines[label], strict=True),
                color=colour,
                linewidth=2.4 if ours else 1.1,
                marker="o",
                markersize=4,
                zorder=3 if ours else 2,
            )
            text = name if len(cases) == 1 else label
            ends.append((*lines[label][-1], text, colour, ours))
        for label, points in floors.items():
            axes.plot(
                *zip(*points, strict=True), color=_FLOOR, linewidth=1.6, linestyle=(0, (4, 2))
            )
            text = "copy" if len(floors) == 1 else label
            ends.append((*points[-1], text, _FLOOR, False))
        _label(axes, ends)
        axes.set_xlabel("elements")
        axes.set_ylabel("nanoseconds per element")
        operation = figures[0].operation if figures else ""
        case = f", {cases.pop().rstrip(')')}" if len(cases) == 1 else ""
        left = len(lines) - len(drawn)
        more = f"; {left} more peers are in the table" if left else ""
        axes.set_title(f"{operation}{case}: time per element, lower is better{more}")
        axes.grid(visible=True, axis="y", color="#e5e5e5", linewidth=0.7)
        axes.set_axisbelow(True)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150)


def _label(axes: Any, ends: list[tuple[float, float, str, str, bool]]) -> None:
    """Write each name where its line ends, moved apart where two would overlap."""
    low, high = (math.log(limit) for limit in axes.get_ylim())
    height = 0.055 * (high - low)
    right, before = max(x for x, *_ in ends), -math.inf
    for _, y, text, colour, bold in sorted(ends, key=lambda end: end[1]):
        before = max(math.log(y), before + height)
        axes.annotate(
            text,
            (right, math.exp(before)),
            xytext=(8, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            weight="bold" if bold else "normal",
            annotation_clip=False,
        )
