"""
A denoiser trained with each operation
======================================

A network of one layer sees patches of a photograph: it analyses them with learned filters,
shrinks each answer by the threshold of its channel, and puts the patch together again. It is
trained once with each operation of the family, with PyTorch and with JAX, from one definition.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pywt.data
import torch
from scipy.fft import dct

import shrinkops

torch.manual_seed(0)
generator = np.random.default_rng(0)
WIDTH, NOISE = 8, 0.1


def photograph(picture):
    """Return it with numbers from 0 to 1, clean and noisy."""
    clean = picture.astype(np.float32) / 255
    return clean, clean + np.float32(NOISE) * generator.standard_normal(clean.shape, np.float32)


def patches(picture):
    """Return every patch as a row, without its mean."""
    rows = np.lib.stride_tricks.sliding_window_view(picture, (WIDTH, WIDTH))
    return np.ascontiguousarray(rows.reshape(-1, WIDTH * WIDTH))


clean, noisy = photograph(pywt.data.ascent()[:256, :256])
chosen = generator.choice(249 * 249, (60, 512), replace=False)
batches = [(patches(noisy)[rows], patches(clean)[rows]) for rows in chosen]

# %%
# The network, as a function of arrays. It begins as the cosine transform, and each channel has
# the threshold 0.2 but for the patch's mean, which passes.

OPERATIONS = {
    "hardshrink": ("lambd",),
    "softshrink": ("lambd",),
    "shrink": ("lambd", "bias"),
    "firmshrink": ("lambd", "mu"),
    "garrote": ("lambd",),
}
cosine = dct(np.eye(WIDTH), norm="ortho")
filters = np.kron(cosine, cosine).astype(np.float32)
level = np.full(WIDTH * WIDTH, 0.2, np.float32)
level[0] = 0
beginning = {"analyse": filters, "compose": filters.T.copy(), "lambd": level}
beginning |= {"bias": level / 2, "mu": 2 * level + np.float32(0.01)}


def start(name):
    """Return the weights of the network with this operation."""
    return {key: beginning[key] for key in ("analyse", "compose", *OPERATIONS[name])}


def denoise(name, weights, x):
    """Return the patches without their noise."""
    parameters = [weights[key] for key in OPERATIONS[name]]
    return getattr(shrinkops, name)(x @ weights["analyse"], *parameters) @ weights["compose"]


def loss(name, weights, x, target):
    """Return the mean squared error."""
    return ((denoise(name, weights, x) - target) ** 2).mean()


# %%
# Trained in the way of each library: modules and optimizer here, pure functions there.


def with_torch(name, epochs=2):
    """Return weights and losses of PyTorch."""
    weights = {k: torch.tensor(w, requires_grad=True) for k, w in start(name).items()}
    optimizer = torch.optim.Adam(weights.values(), 0.003)
    data = [tuple(map(torch.from_numpy, batch)) for batch in batches]
    losses = []
    for x, target in data * epochs:
        optimizer.zero_grad()
        value = loss(name, weights, x, target)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return {k: w.detach().numpy() for k, w in weights.items()}, losses


def with_jax(name, epochs=2):
    """Return weights and losses of JAX."""

    @jax.jit
    def step(n, weights, mean, square, x, target):
        value, slopes = jax.value_and_grad(lambda w: loss(name, w, x, target))(weights)
        mean = jax.tree.map(lambda m, s: 0.9 * m + 0.1 * s, mean, slopes)
        square = jax.tree.map(lambda q, s: 0.999 * q + 0.001 * s * s, square, slopes)
        weights = jax.tree.map(
            lambda w, m, q: w - 0.003 * m / (1 - 0.9**n) / (jnp.sqrt(q / (1 - 0.999**n)) + 1e-8),
            weights,
            mean,
            square,
        )
        return weights, mean, square, value

    weights = jax.tree.map(jnp.asarray, start(name))
    mean = square = jax.tree.map(jnp.zeros_like, weights)
    losses = []
    for n, (x, target) in enumerate(batches * epochs, 1):
        weights, mean, square, value = step(float(n), weights, mean, square, x, target)
        losses.append(value)
    return jax.tree.map(np.asarray, weights), [float(v) for v in losses]


trained = {name: with_torch(name) for name in OPERATIONS}
by_jax = {name: with_jax(name) for name in OPERATIONS}

# %%
# Judged on another photograph. A patch begins at every pixel; each pixel is the mean of the
# patches that hold it. Training sees single patches, so the operations that begin well gain
# nothing by it, and all five end close together: what differs is how far from the end they begin.

test_clean, test_noisy = photograph(pywt.data.camera()[60:188, 180:308])


def restored(name, weights):
    """Return the photograph denoised by NumPy, whatever library trained the weights."""
    rows = denoise(name, weights, patches(test_noisy))
    high, wide = (side - WIDTH + 1 for side in test_noisy.shape)
    total, count = np.zeros_like(test_noisy), np.zeros_like(test_noisy)
    for place in range(WIDTH * WIDTH):
        part = np.s_[place // WIDTH :, place % WIDTH :]
        total[part][:high, :wide] += rows[:, place].reshape(high, wide)
        count[part][:high, :wide] += 1
    return total / count


def decibels(picture):
    """Return the signal-to-noise ratio by the peak."""
    return -10 * np.log10(np.mean((picture - test_clean) ** 2))


print(f"{'':12}{'before':>8}{'PyTorch':>9}{'JAX':>8}    dB")
for name in OPERATIONS:
    runs = (start(name), trained[name][0], by_jax[name][0])
    print(f"{name:12}" + "".join(f"{decibels(restored(name, w)):8.2f}" for w in runs))

# %%


def averaged(losses):
    """Return the losses over ten batches each."""
    return np.reshape(losses, (-1, 10)).mean(1)


COLOURS = dict(
    zip(OPERATIONS, ("#0b5fa5", "#f2c14e", "#4f9d69", "#b5446e", "#7b5ea7"), strict=True)
)
figure = plt.figure(figsize=(8.6, 9), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=(2, 1))
pictures = {"noisy": test_noisy}
pictures |= {name: restored(name, weights) for name, (weights, _) in trained.items()}
for axis, (name, picture) in zip(top.subplots(2, 3).flat, pictures.items(), strict=True):
    axis.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="antialiased")
    axis.set_title(f"{name}: {decibels(picture):.1f} dB", fontsize=9.5)
    axis.set_axis_off()

left, right = bottom.subplots(1, 2, width_ratios=(1.15, 1))
for name, colour in COLOURS.items():
    epochs = averaged(trained[name][1])
    others = averaged(by_jax[name][1])
    left.plot(10 * np.arange(1, epochs.size + 1), epochs, color=colour, lw=5, alpha=0.35)
    left.plot(10 * np.arange(1, epochs.size + 1), others, color=colour, lw=1.4, label=name)
left.set(xlabel="batch", ylabel="mean squared error")
left.set_title("the loss: PyTorch broad, JAX narrow")
left.legend(fontsize=8.5)

for name, colour in COLOURS.items():
    right.plot(np.sort(trained[name][0]["lambd"]), color=colour, lw=2)
right.set(xlabel="channel, from the smallest", ylabel="λ", title="the thresholds learned")
plt.show()
