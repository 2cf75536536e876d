"""
The five operations on one image
================================

The same noisy photograph, and what each operation makes of its wavelet coefficients at the
same threshold. hardshrink keeps edges and some noise; softshrink is smooth and pale; firmshrink
and garrote lie between.
"""

import matplotlib.pyplot as plt
import numpy as np
import pywt.data

import shrinkops

clean = pywt.data.camera().astype(np.float32)[60:260, 150:350]
noisy = clean + 25 * np.random.default_rng(0).standard_normal(clean.shape, np.float32)
coefficients = pywt.wavedec2(noisy, "sym4", mode="periodization", level=3)

# %%
# σ from the finest diagonal details, and a threshold somewhat below the universal one.

sigma = np.median(np.abs(coefficients[-1][-1])) / 0.6745
lambd = 2.5 * sigma


def denoise(operation, *parameters):
    """Shrink the details and transform back."""
    shrunk = shrinkops.map_details(operation, coefficients, *parameters)
    return pywt.waverec2(shrunk, "sym4", mode="periodization")


def decibels(estimate):
    """Return the signal-to-noise ratio."""
    return 10 * np.log10(clean.var() / np.mean((estimate - clean) ** 2))


pictures = {
    "noisy": noisy,
    "hardshrink": denoise(shrinkops.hardshrink, lambd),
    "softshrink": denoise(shrinkops.softshrink, lambd),
    "firmshrink, μ = 2λ": denoise(shrinkops.firmshrink, lambd, 2 * lambd),
    "garrote": denoise(shrinkops.garrote, lambd),
    "shrink, bias λ/2": denoise(shrinkops.shrink, lambd, lambd / 2),
}

# %%

figure, axes = plt.subplots(2, 3, figsize=(9, 6.4), layout="constrained")
for axis, (name, picture) in zip(axes.flat, pictures.items(), strict=True):
    axis.imshow(picture, cmap="gray", vmin=0, vmax=255)
    axis.set_title(f"{name}: {decibels(picture):.1f} dB", fontsize=10)
    axis.set_axis_off()
plt.show()
