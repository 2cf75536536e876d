"""
A network that learns its thresholds
====================================

LISTA (Gregor and LeCun, 2010) unrolls a few steps of iterative soft thresholding into the layers
of a network, whose matrices and thresholds are learned. It is written once, as functions of
arrays, and trained with PyTorch and with JAX.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import torch

from shrinkops import softshrink

# %%
# Sparse codes of 64 numbers, one in ten not zero, seen through a matrix as 32 measurements.

LAYERS, PENALTY = 6, 0.05
generator = np.random.default_rng(3)
matrix = generator.standard_normal((64, 32)).astype(np.float32) / np.sqrt(32).astype(np.float32)


def draw(count):
    """Return sparse codes and their measurements."""
    codes = generator.standard_normal((count, 64)) * (generator.random((count, 64)) < 0.1)
    return codes.astype(np.float32), codes.astype(np.float32) @ matrix


codes, measurements = draw(1000)
test_codes, test_measurements = draw(500)

# %%
# The network. Its initial weights are those of iterative soft thresholding (ISTA): a step down
# the gradient, and λ the step times the penalty.


def lista(weights, y):
    """Return the estimate after each layer."""
    estimates, code = [], 0.0
    for layer in range(len(weights["lambd"])):
        inner = y @ weights["encode"] + (code @ weights["mix"] if layer else 0.0)
        code = softshrink(inner, weights["lambd"][layer])
        estimates.append(code)
    return estimates


def loss(weights, y, codes):
    """Return the mean squared error of the last layer."""
    return ((lista(weights, y)[-1] - codes) ** 2).mean()


step = np.float32(1 / np.linalg.norm(matrix, 2) ** 2)
start = {
    "encode": step * matrix.T,
    "mix": np.eye(64, dtype=np.float32) - step * matrix @ matrix.T,
    "lambd": np.full((LAYERS, 1), step * np.float32(PENALTY)),
}

# %%
# Adam, for whatever arrays come; only the gradient is each library's own.


def train(gradient, weights, steps=150, rate=0.003):
    """Return the weights, and the loss at each step."""
    mean = {name: 0 * w for name, w in weights.items()}
    square = dict(mean)
    losses = []
    for n in range(1, steps + 1):
        slopes, value = gradient(weights)
        losses.append(float(value))
        for name, slope in slopes.items():
            mean[name] = 0.9 * mean[name] + 0.1 * slope
            square[name] = 0.99 * square[name] + 0.01 * slope**2
            size = (square[name] / (1 - 0.99**n)) ** 0.5 + 1e-8
            weights = {**weights, name: weights[name] - rate * mean[name] / (1 - 0.9**n) / size}
    return weights, losses


def with_torch():
    """Train with PyTorch."""
    y, target = torch.from_numpy(measurements), torch.from_numpy(codes)
    gradient = torch.func.grad_and_value(lambda weights: loss(weights, y, target))
    return train(gradient, {name: torch.from_numpy(w) for name, w in start.items()})


def with_jax():
    """Train with JAX."""
    y, target = jnp.asarray(measurements), jnp.asarray(codes)
    both = jax.jit(jax.value_and_grad(lambda weights: loss(weights, y, target)))
    return train(lambda w: both(w)[::-1], {name: jnp.asarray(w) for name, w in start.items()})


weights, losses = with_torch()
jax_weights, jax_losses = with_jax()

# %%
# The two learn the same thresholds, up to the rounding of their matrix products.

learned = np.asarray(weights["lambd"]).ravel()
difference = np.abs(learned - np.asarray(jax_weights["lambd"]).ravel()).max()
print("thresholds learned:", learned.round(4))
print(f"largest difference between the libraries: {difference:.1e}")
assert difference < 1e-3

# %%


def decibels(estimate):
    """Return the error of codes that training did not see, in dB."""
    return 10 * np.log10(np.sum((estimate - test_codes) ** 2) / np.sum(test_codes**2))


trained = {name: np.asarray(w) for name, w in weights.items()}
ista = {**start, "lambd": np.full((200, 1), start["lambd"][0])}
ours = [decibels(z) for z in lista(trained, test_measurements)]
theirs = [decibels(z) for z in lista(ista, test_measurements)]

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.7), layout="constrained")
left.semilogy(losses, color="#f2c14e", lw=6, label="PyTorch")
left.semilogy(jax_losses, color="#0b5fa5", lw=1.6, label="JAX")
left.set(xlabel="step of training", ylabel="mean squared error", title="the loss")
left.legend()

layers = np.arange(1, LAYERS + 1)
middle.axhline(float(start["lambd"][0, 0]), color="#8a8f98", ls="--", lw=1.2)
middle.annotate(
    "at the start",
    (LAYERS, float(start["lambd"][0, 0])),
    xytext=(0, 5),
    textcoords="offset points",
    color="#8a8f98",
    ha="right",
)
middle.plot(layers, learned, "o-", color="#f2c14e", ms=10, lw=4)
middle.plot(layers, np.asarray(jax_weights["lambd"]).ravel(), "o-", color="#0b5fa5", ms=4)
middle.set(xlabel="layer", ylabel="λ", title="the thresholds learned", ylim=(0, None))

right.plot(np.arange(1, len(theirs) + 1), theirs, color="#8a8f98", lw=1.6)
right.plot(layers, ours, "o-", color="#0b5fa5", lw=2.4, ms=4)
right.set(xscale="log", xlabel="layers, or steps", ylabel="error, dB")
right.set_title("codes that training did not see")
right.annotate(
    "LISTA",
    (layers[-1], ours[-1]),
    xytext=(6, -3),
    textcoords="offset points",
    color="#0b5fa5",
    weight="bold",
)
right.annotate(
    "ISTA",
    (60, theirs[59]),
    xytext=(6, 6),
    textcoords="offset points",
    color="#8a8f98",
    weight="bold",
)
plt.show()
