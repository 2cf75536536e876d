"""The curve of each operation with its closed band, and what it does to a record.

``.. plot:: figures/operations.py softshrink`` draws the operation of that name; ``family``
draws all of them in one.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from style import BAND, INPUT, KEPT

import shrinkops

LAMBD = 0.5
LABELS = {
    "hardshrink": "the closed band is zero, the rest is kept",
    "softshrink": "the rest moves towards zero by λ",
    "shrink": "the rest moves towards zero by the bias, here λ/2",
    "firmshrink": "a straight line up to μ, here 2λ, then kept",
    "garrote": "x - λ²/x: much near the band, little far from it",
}
OTHERS = {"shrink": (LAMBD / 2,), "firmshrink": (2 * LAMBD,)}


def _apply(name, x):
    return getattr(shrinkops, name)(x, LAMBD, *OTHERS.get(name, ()))


def _curve(axes, name):
    """Draw lines between neighbouring samples, broken where the function jumps."""
    x = np.linspace(-1.5, 1.5, 6001)
    y = _apply(name, x)
    y[1:][np.abs(np.diff(y)) > LAMBD / 4] = np.nan
    axes.axvspan(-LAMBD, LAMBD, color=BAND, alpha=0.35, lw=0)
    axes.plot(x, x, color=INPUT, lw=1, ls="--")
    axes.plot(x, y, color=KEPT, lw=2.4)
    edges = np.array([-LAMBD, LAMBD])
    beyond = _apply(name, np.nextafter(edges, 2 * edges))
    if abs(beyond[1]) > 0.01:
        axes.plot(edges, beyond, "o", ms=6.5, mfc="white", mec=KEPT, mew=1.8, zorder=3)
        axes.plot(edges, _apply(name, edges), "o", ms=6.5, color=KEPT, zorder=3)
    axes.set(
        xlabel="x",
        xticks=[-1, -LAMBD, 0, LAMBD, 1],
        xticklabels=["-2λ", "-λ", "0", "λ", "2λ"],
        yticks=[-1, 0, 1],
        yticklabels=["-2λ", "0", "2λ"],
        aspect="equal",
    )


def _record(axes, name):
    """Draw a record: the small values go, the large ones come out as the operation says."""
    generator = np.random.default_rng(7)
    n = np.arange(120)
    values = 0.16 * generator.standard_normal(n.size)
    values[generator.choice(n.size, 14, replace=False)] += generator.choice([-1.1, 1.1], 14)
    result = _apply(name, values)
    kept = np.abs(values) > LAMBD
    axes.axhspan(-LAMBD, LAMBD, color=BAND, alpha=0.35, lw=0)
    axes.vlines(n[~kept], 0, values[~kept], color=INPUT, lw=1)
    axes.plot(n[~kept], values[~kept], ".", color=INPUT, ms=4, label="zeroed")
    if name != "hardshrink":
        axes.plot(n[kept], values[kept], "o", mfc="white", mec=INPUT, ms=4.5, label="as it was")
    axes.vlines(n[kept], 0, result[kept], color=KEPT, lw=1.6)
    label = "kept, bit for bit" if name == "hardshrink" else "the result"
    axes.plot(n[kept], result[kept], "o", color=KEPT, ms=4.5, label=label)
    axes.set(
        title=f"{n.size} values, {kept.sum()} of them outside the band",
        xlabel="position",
        yticks=[-1, -LAMBD, 0, LAMBD, 1],
        yticklabels=["-2λ", "-λ", "0", "λ", "2λ"],
        xlim=(-2, n.size + 1),
    )
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3)


def _page(name):
    def draw():
        _, (curve, record) = plt.subplots(
            1, 2, figsize=(9.6, 3.8), width_ratios=[1, 1.35], layout="constrained"
        )
        _curve(curve, name)
        curve.set_title(f"{name}: {LABELS[name]}", fontsize=9)
        _record(record, name)

    return draw


hardshrink, softshrink, shrink, firmshrink, garrote = map(_page, LABELS)


def family():
    """Draw the five curves side by side."""
    _, axes = plt.subplots(1, 5, figsize=(12, 2.9), sharey=True, layout="constrained")
    for one, name in zip(axes, LABELS, strict=True):
        _curve(one, name)
        one.set_title(name)
