"""
How much depends on λ
=====================

The error of each operation over λ, for one signal and one noise. Each has its best λ, and it is a
different one: hardshrink's is the largest, softshrink's the smallest. Stein's estimate finds
softshrink's without knowing the clean signal.
"""

import matplotlib.pyplot as plt
import numpy as np
import pywt.data

import shrinkops

clean = pywt.data.ecg().astype(np.float64)
noisy = clean + 0.25 * clean.std() * np.random.default_rng(1).standard_normal(clean.size)
coefficients = pywt.wavedec(noisy, "sym4", mode="periodization", level=4)
sigma = np.median(np.abs(coefficients[-1])) / 0.6745


def error(operation, *parameters):
    """Return the mean squared error of the estimate, as a share of that of the noisy signal."""
    shrunk = shrinkops.map_details(operation, coefficients, *parameters)
    estimate = pywt.waverec(shrunk, "sym4", mode="periodization")
    return np.mean((estimate - clean) ** 2) / np.mean((noisy - clean) ** 2)


# %%
# Every operation, over a range of thresholds.

ratios = np.linspace(0, 4, 81)
curves = {
    "hardshrink": [error(shrinkops.hardshrink, r * sigma) for r in ratios],
    "softshrink": [error(shrinkops.softshrink, r * sigma) for r in ratios],
    "firmshrink, μ = 2λ": [error(shrinkops.firmshrink, r * sigma, 2 * r * sigma) for r in ratios],
    "garrote": [error(shrinkops.garrote, r * sigma) for r in ratios],
}

# %%
# Stein's unbiased risk estimate for softshrink: no clean signal goes in.

details = np.concatenate(coefficients[1:]) / sigma


def risk(lambd):
    """Estimate the squared error per detail, in units of the noise."""
    inside = np.abs(details) <= lambd
    return 1 - 2 * inside.mean() + np.mean(np.minimum(details**2, lambd**2))


best = ratios[np.argmin([risk(r) for r in ratios])]

# %%

figure, axis = plt.subplots(figsize=(8, 4.4), layout="constrained")
for name, values in curves.items():
    (line,) = axis.plot(ratios, values, label=name)
    low = int(np.argmin(values))
    axis.plot(ratios[low], values[low], "o", color=line.get_color())
axis.axvline(best, color="grey", ls="--", lw=1)
axis.annotate("Stein's choice", (best, 0.85), xytext=(6, 0), textcoords="offset points")
universal = np.sqrt(2 * np.log(noisy.size))
axis.axvline(universal, color="grey", ls=":", lw=1)
axis.annotate(
    "universal", (universal, 0.85), xytext=(-6, 0), textcoords="offset points", ha="right"
)
axis.set(xlabel="λ / σ", ylabel="error, of the noisy signal's", xlim=(0, 4), ylim=(0, 1))
axis.legend(frameon=False)
plt.show()
