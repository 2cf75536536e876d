"""The record of a measurement of the kernel: its figures, their page, the plot of growth.

Invariants
----------
- Nothing is measured here, and nothing of the page is written elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

NAMED = ("numpy", "torch")
"""Libraries that the page gives the versions of: the peers."""


@dataclass(frozen=True)
class Row:
    """One figure: what was compared, the target, the ratio with its interval, the control."""

    group: str
    case: str
    target: float | None
    """The ratio may not exceed it; None for a figure without a target."""
    ratio: float
    low: float
    high: float
    control: float
    microseconds: float

    @property
    def verdict(self) -> str:
        """Tell whether the target is met, or undecided within the interval."""
        if self.target is None:
            return ""
        if self.ratio <= self.target:
            return "met"
        return "undecided" if self.low <= self.target else "missed"


NOTES = {
    "NumPy's own allocation": "Where a new array's memory could come from instead. NumPy asks the "
    "system for huge pages from 4 MiB on, as far as they are aligned; a mapping of its own gains "
    "a little in some sizes, and pages filled in by one call lose much. So new arrays are NumPy's, "
    "and nothing is kept back between calls.",
    "out= (cost of a new array)": "Small arrays come from memory that the allocator has at hand. "
    "Beyond some 32 MiB every new array is new pages, which the system fills with zeros before "
    "the kernel writes them: in a loop, pass `out=`.",
    "torch.hardshrink(out=)": "One thread, the same memory. Ratios near 1 are two kernels waiting "
    "for the same memory; from 16 MiB on this one writes around the caches.",
    "np.copyto, layouts": "Without a target: operands that are not one block of memory.",
    "np.copyto, other types": "Without a target.",
}


def markdown(
    about: dict[str, Any], rows: list[Row], line: list[tuple[int, float]], places: int
) -> str:
    """Return the page: ``about`` is a record's head, ``line`` the growth."""
    text = ["# The NumPy kernel, measured", ""]
    text += [
        "Ratios of the processor time of two calls in one process, in turn (A B B A): medians with",
        "their 99 % intervals. A/A is the call against itself, the noise of the figure. Lower",
        f"is better. Against np.copyto and torch, figures of a million elements are of {places}",
        "pairs of arrays: they just fit the caches, and where they lie moves a figure by a tenth.",
        "`python tests/numpy_backend/measure --write docs/records` makes this page.",
        "",
    ]
    machine, versions = about["machine"], about["versions"]
    text += [
        f"- date: {about['date']}",
        f"- processor: {machine['processor']}, {machine['cores']} cores; {machine['system']}",
        f"- kernel: {about['kernel']}",
        f"- {about['python']}, {', '.join(f'{n} {versions[n]}' for n in NAMED if n in versions)}",
    ]
    group = ""
    order = list(dict.fromkeys(row.group for row in rows))
    for row in sorted(rows, key=lambda row: order.index(row.group)):
        if row.group != group:
            group = row.group
            text += ["", f"## Against {group}", ""]
            text += [NOTES[group], ""] if group in NOTES else []
            text += ["| case | ratio | interval | target | | A/A | µs |",
                     "|---|---|---|---|---|---|---|"]  # fmt: skip
        target = "" if row.target is None else f"{row.target:.3g}"
        text.append(
            f"| {row.case} | {row.ratio:.3f} | {row.low:.3f}-{row.high:.3f} | {target} "
            f"| {row.verdict} | {row.control:.3f} | {row.microseconds:.3g} |"
        )
    if line:
        text += ["", "## Growth, float32, warm out=", "", "![growth](numpy-kernel.svg)", "",
                 "| elements | µs | ns per element |", "|---|---|---|"]  # fmt: skip
        text += [f"| {n:,} | {us:.4g} | {us * 1e3 / n:.3g} |" for n, us in line]
    return "\n".join(text) + "\n"


def plot(line: list[tuple[int, float]], path: Path) -> None:
    """Draw the growth on logarithmic axes, where matplotlib is installed."""
    try:
        import matplotlib
    except ImportError:
        print("matplotlib is not installed: no plot")
        return
    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "shrinkops"
    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    n, us = np.array(line).T
    axes.loglog(n, us, "o-", label="shrinkops.hardshrink(x, out=out)")
    axes.loglog(n, n * us[-1] / n[-1], "k:", lw=1, label="linear")
    axes.set(xlabel="float32 elements", ylabel="microseconds per call")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path, metadata={"Date": None})
