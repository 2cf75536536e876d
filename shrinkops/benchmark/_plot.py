"""Time per element over size, log-log, with the copy of the same bytes as the floor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from ._compare import Comparison
from ._peers import COPY

__all__ = ["check_format", "curves", "plot"]

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


def plot(figures: Sequence[Comparison], path: Path) -> None:
    """Draw the curves into a file; its suffix is the format."""
    import matplotlib
    from matplotlib.figure import Figure  # no pyplot: nothing global, no display

    lines, floors = curves(figures)
    measured = {figure.target for figure in figures}
    figure = Figure(figsize=(10, 5), layout="constrained")
    axes = figure.add_subplot()
    colors = matplotlib.colormaps["tab20"]
    axes.set_prop_cycle(color=[colors(i) for i in range(colors.N)])
    for label, points in lines.items():
        width = 2.5 if label.partition(" (")[0] in measured else 1.0
        axes.plot(*zip(*points, strict=True), marker="o", ms=4, linewidth=width, label=label)
    for label, points in floors.items():
        axes.plot(*zip(*points, strict=True), color="0.2", linestyle="--", label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("elements")
    axes.set_ylabel("nanoseconds per element")
    operation = figures[0].operation if figures else ""
    axes.set_title(f"{operation}: time per element; dashed, the copy of the same bytes")
    axes.grid(visible=True, which="both", linewidth=0.3)
    figure.legend(loc="outside right upper", fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
