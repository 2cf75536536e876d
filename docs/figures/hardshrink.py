"""The curve of hardshrink with its closed band, and what it does to a record."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from style import BAND, INPUT, KEPT

import shrinkops

LAMBD = 0.5

figure, (curve, record) = plt.subplots(
    1, 2, figsize=(9.6, 3.8), width_ratios=[1, 1.35], layout="constrained"
)

# The curve: lines between neighbouring samples, broken where the function jumps.
x = np.linspace(-1.5, 1.5, 6001)
y = shrinkops.hardshrink(x, LAMBD)
y[1:][np.abs(np.diff(y)) > LAMBD / 2] = np.nan
curve.axvspan(-LAMBD, LAMBD, color=BAND, alpha=0.35, lw=0)
curve.plot(x, x, color=INPUT, lw=1, ls="--")
curve.plot(x, y, color=KEPT, lw=2.4)
edges = np.array([-LAMBD, LAMBD])
curve.plot(edges, edges, "o", ms=6.5, mfc="white", mec=KEPT, mew=1.8, zorder=3)
curve.plot(edges, shrinkops.hardshrink(edges, LAMBD), "o", ms=6.5, color=KEPT, zorder=3)
curve.set(
    title="hardshrink(x, 0.5): the closed band is zero",
    xlabel="x",
    xticks=[-1.5, -1, -LAMBD, 0, LAMBD, 1, 1.5],
    xticklabels=["-1.5", "-1", "-λ", "0", "λ", "1", "1.5"],
    yticks=[-1, 0, 1],
    aspect="equal",
)

# A record: the small values go, the large ones stay as they are.
generator = np.random.default_rng(7)
n = np.arange(120)
values = 0.16 * generator.standard_normal(n.size)
values[generator.choice(n.size, 14, replace=False)] += generator.choice([-1.1, 1.1], 14)
result = shrinkops.hardshrink(values, LAMBD)
kept = result != 0
record.axhspan(-LAMBD, LAMBD, color=BAND, alpha=0.35, lw=0)
record.vlines(n[~kept], 0, values[~kept], color=INPUT, lw=1)
record.plot(n[~kept], values[~kept], ".", color=INPUT, ms=4, label="zeroed")
record.vlines(n[kept], 0, result[kept], color=KEPT, lw=1.6)
record.plot(n[kept], result[kept], "o", color=KEPT, ms=4.5, label="kept, bit for bit")
record.set(
    title=f"{n.size} values, {kept.sum()} of them outside the band",
    xlabel="position",
    yticks=[-1, -LAMBD, 0, LAMBD, 1],
    yticklabels=["-1", "-λ", "0", "λ", "1"],
    xlim=(-2, n.size + 1),
)
record.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
