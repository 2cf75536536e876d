"""Time over that of a copy of the same bytes, from the newest record of each operation.

``.. plot:: figures/performance.py hardshrink`` draws the record of that operation.
"""

from __future__ import annotations

import functools
import json
from collections import defaultdict

import matplotlib.pyplot as plt
from style import BAND, INPUT, KEPT, RECORDS

PEERS = 5


def _draw(record):
    """Draw one panel per backend: its curve, and those of a few peers, over the size."""
    panels = defaultdict(lambda: defaultdict(dict))
    for figure in record["peers"]:
        case, over = figure["case"], figure["over_copy"]
        if over is None or case["dtype"] != "float32" or case["device"] != "cpu":
            continue
        lines = panels[figure["target"], case["mode"]]
        lines[figure["target"]][case["size"]] = over["median"]
        if figure["peer"] != "copy":
            lines[figure["peer"]][case["size"]] = over["median"] / figure["ratio"]["median"]
    names = sorted(panels, key=lambda key: (key[0] != "numpy", key))[:3]
    _, axes = plt.subplots(
        1,
        len(names),
        figsize=(3.9 * len(names), 3.9),
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    for axis, name in zip(axes[0], names, strict=True):
        _panel(axis, *name, panels[name])
    axes[0][0].set_ylabel("time over that of a copy")


def _panel(axis, target, mode, lines):
    ours = lines.pop(target)
    ranked = sorted(lines, key=lambda peer: list(lines[peer].values())[-1])
    step = max(1, -(-len(ranked) // PEERS))
    kept = {*ranked[::step], *list(lines)[:1]}  # the first one is what most people write
    shown = [(peer, lines[peer], INPUT, 1.1) for peer in ranked if peer in kept]
    ends = []
    for label, points, colour, width in [*shown, (target, ours, KEPT, 2.4)]:
        sizes = sorted(points)
        axis.plot(sizes, [points[s] for s in sizes], "o-", ms=3.5, color=colour, lw=width)
        ends.append((points[sizes[-1]], label, colour))
    axis.axhline(1, color=BAND, lw=1.6, ls="--")
    axis.set(xscale="log", yscale="log", xlabel="elements", title=f"{target}, float32, {mode}")
    right, above = max(ours), 0.0
    for value, label, colour in sorted(ends):
        above = max(value, above * 1.45)
        axis.annotate(
            label,
            (right, above),
            xytext=(6, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            fontsize=8.5,
            weight="bold" if colour == KEPT else "normal",
            annotation_clip=False,
        )


for _path in sorted(RECORDS.glob("goals*.json")):  # a later record takes an earlier one's place
    _record = json.loads(_path.read_text("utf-8"))
    if _record["peers"]:
        globals()[_record["operation"]] = functools.partial(_draw, _record)
