"""Colours and strokes that the figures share; readable on white, apart in grey."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

RECORDS = Path(__file__).parents[1] / "records"

INPUT = "#8a8f98"
KEPT = "#0b5fa5"
BAND = "#f2c14e"

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.prop_cycle": mpl.cycler(color=[KEPT, BAND, "#4f9d69", "#b5446e", "#7b5ea7", INPUT]),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "legend.frameon": False,
}


def apply(*_: object) -> None:
    """Give it to every figure from here on; the gallery calls it before each script."""
    mpl.rcParams.update(STYLE)


apply()
