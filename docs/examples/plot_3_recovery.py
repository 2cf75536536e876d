"""
A sky from a quarter of its measurements
========================================

Iterative hard thresholding: a gradient step towards the measurements, then
:func:`shrinkops.hardshrink`. It is written once and run on NumPy, PyTorch and JAX, and every
iterate has the same bits on all three.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import torch

from shrinkops import hardshrink

SIDE = 64

# %%
# Sixty stars on 64 by 64 pixels. What is measured is a quarter of the Hadamard transform of the
# picture with random signs: sums and differences of all pixels, so that no single measurement
# shows a star.

generator = np.random.default_rng(5)
sky = np.zeros(SIDE * SIDE)
places = generator.choice(sky.size, 60, replace=False)
sky[places] = generator.uniform(0.3, 1.0, 60)
signs = generator.choice([-1.0, 1.0], sky.size)
measured = np.zeros(sky.size)
measured[generator.choice(sky.size, sky.size // 4, replace=False)] = 1.0


def hadamard(xp, x):
    """Return the orthonormal Walsh-Hadamard transform, which is its own inverse."""
    half = 1
    while half < SIDE * SIDE:
        pairs = x.reshape(-1, 2, half)
        even, odd = pairs[:, 0], pairs[:, 1]
        x = xp.stack((even + odd, even - odd), 1).reshape(-1)
        half *= 2
    return x / SIDE


measurements = measured * (hadamard(np, signs * sky) + 0.01 * generator.standard_normal(sky.size))

# %%
# The algorithm, for the arrays of any library: λ begins high and sinks, so that the brightest
# stars are found first.


def recover(xp, measurements, measured, signs, steps=30):
    """Return the iterates of iterative hard thresholding."""
    estimate, lambd, iterates = 0 * measurements, 0.6, []
    for _ in range(steps):
        residual = measurements - measured * hadamard(xp, signs * estimate)
        estimate = hardshrink(estimate + 2 * signs * hadamard(xp, residual), lambd)
        lambd = max(0.9 * lambd, 0.1)
        iterates.append(estimate)
    return iterates


arrays = (measurements, measured, signs)
iterates = recover(np, *arrays)
by_torch = recover(torch, *map(torch.from_numpy, arrays))
with jax.enable_x64(True):
    by_jax = recover(jnp, *map(jnp.asarray, arrays))

# %%
# All iterates are compared as 64-bit integers. Nothing but additions, subtractions and
# multiplications by ±1, 0 and a power of two happens besides hardshrink, so no library may
# round differently. With a matrix product in place of the transform only the order of the
# library's sums would differ, and the iterates would agree but for the last few bits.

for ours, theirs, others in zip(iterates, by_torch, by_jax, strict=True):
    assert np.array_equal(ours.view(np.int64), theirs.numpy().view(np.int64))
    assert np.array_equal(ours.view(np.int64), np.asarray(others).view(np.int64))

found = np.flatnonzero(iterates[-1])
print(f"{len(iterates)} iterates, the same bits on NumPy, PyTorch and JAX")
print(
    f"stars found: {len(set(found) & set(places))} of 60, and {len(set(found) - set(places))} more"
)

# %%


def error(estimate):
    """Return the error as a share of the sky."""
    return np.linalg.norm(estimate - sky) / np.linalg.norm(sky)


back = signs * hadamard(np, measurements) * 4
pictures = {
    "the sky": sky,
    "transformed back": back,
    "after 8 steps": iterates[7],
    "after 30 steps": iterates[-1],
}
figure = plt.figure(figsize=(10, 6.2), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=(1, 0.9))
for axis, (name, picture) in zip(top.subplots(1, 4), pictures.items(), strict=True):
    axis.imshow(picture.reshape(SIDE, SIDE), cmap="magma", vmin=0, vmax=0.8)
    axis.set_title(name, fontsize=9.5)
    axis.set_xticks([])
    axis.set_yticks([])

left, right = bottom.subplots(1, 2)
runs = {"NumPy": (iterates, 7.0), "PyTorch": (by_torch, 4.0), "JAX": (by_jax, 1.5)}
for (name, (run, width)), colour in zip(
    runs.items(), ("#f2c14e", "#8a8f98", "#0b5fa5"), strict=True
):
    left.semilogy([error(np.asarray(z)) for z in run], color=colour, lw=width, label=name)
left.set(xlabel="step", ylabel="error, of the sky's", title="three libraries, one curve")
left.legend()
for run, colour in ((sky, "#f2c14e"), (iterates[-1], "#0b5fa5")):
    face = colour if run is sky else "none"
    order = places[np.argsort(-sky[places])]
    right.plot(run[order], "o", color=colour, mfc=face, ms=5 if run is sky else 8, mew=1.4)
right.legend(["the star", "what was found"])
right.set(xlabel="star, from the brightest", ylabel="brightness", ylim=(0, 1.1))
right.set_title("each star's brightness")
plt.show()
