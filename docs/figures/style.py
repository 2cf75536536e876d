"""Colours and strokes that the figures share; readable on white, apart in grey."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

RECORDS = Path(__file__).parents[1] / "records"

INPUT = "#8a8f98"
KEPT = "#0b5fa5"
BAND = "#f2c14e"

mpl.rcParams.update(
    {
        "font.family": "DejaVu Sans",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 10.5,
        "axes.titlelocation": "left",
        "legend.frameon": False,
    }
)
