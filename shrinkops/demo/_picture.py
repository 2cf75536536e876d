"""The demo's picture: the record noisy, denoised and clean, and the operation's curve.

Invariants
----------
- No pyplot: no global state, no window, whatever the user's matplotlib settings are.
- The curve is what the operation returns, not a drawing of what it should.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from ._records import Record
from ._wavelets import Decomposition, jumps, method, snr

__all__ = ["draw", "formats"]

_NOISY, _DENOISED, _CLEAN, _BAND = "#9a9a9a", "#0072b2", "#222222", "#e69f00"
_STYLE: dict[str, Any] = {
    "backend": "agg",
    "text.parse_math": False,  # a file's name may hold a dollar
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "svg.fonttype": "none",
}
_WIDEST = 2048  # samples of a long signal that are shown, from its middle
_SIZES = {(1, 2): (10, 7.5), (1,): (11, 3.9), (2,): (12, 3.9)}  # by the records' dimensions


def formats() -> list[str]:
    """Return the endings of a picture's name that can be written."""
    return ["pdf", "png", "svg"]


def draw(
    records: Sequence[Record],
    decompositions: Sequence[Decomposition],
    shrunk: Sequence[list[Any]],
    operation: str,
    output: Path,
) -> None:
    """Write the picture of up to one signal and one image; the ending chooses the format."""
    results = [
        (record, decomposition.reconstruct(details))
        for record, decomposition, details in zip(records, decompositions, shrunk, strict=True)
    ]
    kinds = tuple(record.noisy.ndim for record in records)
    settings: Any = {**matplotlib.rcParamsDefault, **_STYLE}
    with matplotlib.rc_context(settings):
        figure = Figure(
            figsize=_SIZES[kinds], layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08)
        )
        parts: Any = figure.subfigures(len(kinds), 1, height_ratios=[1, 1.1][: len(kinds)])
        rows = np.atleast_1d(parts)
        for row, ndim, result in zip(rows, kinds, results, strict=True):
            if ndim == 2:
                *both, right = row.subplots(1, 3, width_ratios=[1, 1, 0.98])
                _images(both, *result)
            elif len(kinds) == 2:
                _signal(row.subplots(), *result)
            else:
                left, right = row.subplots(1, 2, width_ratios=[2.1, 1])
                _signal(left, *result)
        _curve(right, decompositions[-1], operation)
        figure.savefig(output, dpi=160)


def _after(record: Record, estimate: NDArray[np.floating]) -> tuple[str, str]:
    """Word the signal-to-noise ratios before and after."""
    if record.clean is None:
        return "as it is", "denoised"
    before, after = snr(record.clean, record.noisy), snr(record.clean, estimate)
    return f"noisy, {before:.1f} dB", f"denoised, {after:.1f} dB"


def _signal(axes: Any, record: Record, denoised: NDArray[np.floating]) -> None:
    size = denoised.size
    start = max(0, (size - _WIDEST) // 2)
    shown = slice(start, min(size, start + _WIDEST))
    where = np.arange(size)[shown]
    before, after = _after(record, denoised)
    traces = [(record.noisy, before, _NOISY, 0.8), (denoised, after, _DENOISED, 1.2)]
    if record.clean is not None:
        traces.append((record.clean, "clean", _CLEAN, 1.0))
    step = 0.85 * float(np.ptp(record.noisy[shown]))
    for level, (values, label, colour, width) in enumerate(traces):
        offset = -level * step
        axes.plot(where, values[shown] + offset, color=colour, linewidth=width)
        axes.annotate(
            label,
            (1, float(np.median(values[shown])) + offset),
            xycoords=("axes fraction", "data"),
            xytext=(8, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            weight="bold",
        )
    part = "" if where.size == size else f", samples {where[0]} to {where[-1]} of {size}"
    axes.set_title(f"{record.title}{part}")
    axes.set_xlabel("sample")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.margins(x=0)


def _images(axes: Sequence[Any], record: Record, denoised: NDArray[np.floating]) -> None:
    reference = record.noisy if record.clean is None else record.clean
    low, high = np.percentile(reference, [0.5, 99.5])
    labels = _after(record, denoised)
    for part, values, label in zip(axes, (record.noisy, denoised), labels, strict=True):
        part.imshow(values, cmap="gray", vmin=low, vmax=high, interpolation="antialiased")
        part.set_title(f"{record.title}: {label}")
        part.set_axis_off()


def _curve(axes: Any, decomposition: Decomposition, operation: str) -> None:
    """Draw the operation with its closed band over the finest coefficients that it met."""
    lambd, shrink = decomposition.thresholds[-1], method(operation)
    reach = 2.6 * lambd or float(np.max(np.abs(decomposition.details))) or 1.0
    x = np.linspace(-reach, reach, 1041)
    y = shrink(x, lambd)
    counts = axes.twinx()
    near = decomposition.details[np.abs(decomposition.details) <= reach]
    counts.hist(near, bins=104, range=(-reach, reach), color="#dddddd", log=True)
    counts.set_ylim(0.5, None)
    counts.set_axis_off()
    for place, text in ((0, "zeroed"), (-0.7, "kept"), (0.7, "kept")):
        axes.annotate(text, (place * reach, -0.95 * reach), ha="center", color="#555555")
    axes.set_zorder(counts.get_zorder() + 1)
    axes.patch.set_visible(False)
    axes.axvspan(-lambd, lambd, color=_BAND, alpha=0.18, linewidth=0)
    axes.plot(x, x, color="#888888", linewidth=0.8, linestyle=(0, (4, 3)))
    for piece in (x < -lambd, np.abs(x) <= lambd, x > lambd):
        axes.plot(x[piece], y[piece], color=_DENOISED, linewidth=2.2, solid_capstyle="butt")
    edge = np.array([-lambd, lambd])
    if jumps(operation):  # the full circle is the value
        beyond = shrink(np.nextafter(edge, 2 * edge), lambd)
        axes.plot(edge, beyond, "o", color=_DENOISED, markerfacecolor="white", markersize=5)
        axes.plot(edge, shrink(edge, lambd), "o", color=_DENOISED, markersize=5)
    ticks = {-lambd: "−λ", lambd: "λ", 0.0: "0"}  # one tick where λ is 0
    axes.set_xticks([*ticks], ticks.values())
    axes.set_yticks([*ticks], ticks.values())
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_box_aspect(1)
    counts.set_box_aspect(1)
    axes.set_title(f"{operation}, λ = {lambd:.3g}")
    axes.set_xlabel("detail coefficient (grey: log count)")
