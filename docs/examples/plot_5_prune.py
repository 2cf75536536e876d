"""
A photograph in a network that is pruned
========================================

A small network learns a photograph: it is given a place and answers how bright it is there.
Then its smallest weights go, by a threshold for each output channel
(:class:`shrinkops_torch.nn.Hardshrink` as a parametrization), and the picture shows what
that costs.
"""

import copy

import matplotlib.pyplot as plt
import numpy as np
import pywt.data
import torch
from shrinkops_torch.nn import Hardshrink
from torch.nn.utils import parametrize

import shrinkops

torch.manual_seed(0)
photograph = pywt.data.camera()[40:232, 140:332].reshape(64, 3, 64, 3).mean((1, 3)) / 255
target = torch.tensor(photograph, dtype=torch.float32).reshape(-1, 1)

# %%
# Places as sines and cosines of random frequencies, and two layers of 128 channels.

line = torch.linspace(-1, 1, 64)
places = torch.cartesian_prod(line, line) @ (8 * torch.randn(2, 64))
features = torch.cat((places.sin(), places.cos()), dim=1)
network = torch.nn.Sequential(
    torch.nn.Linear(128, 128),
    torch.nn.ReLU(),
    torch.nn.Linear(128, 128),
    torch.nn.ReLU(),
    torch.nn.Linear(128, 1),
)


def train(model, steps, rate):
    """Fit the photograph."""
    optimizer = torch.optim.Adam(model.parameters(), rate)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(features), target).backward()
        optimizer.step()


def decibels(model):
    """Return the picture, and its signal-to-noise ratio by the peak."""
    with torch.no_grad():
        picture = model(features)
        error = torch.nn.functional.mse_loss(picture, target).item()
    return picture.reshape(64, 64).numpy(), -10 * np.log10(error)


train(network, 200, 0.005)

# %%
# A threshold for each output channel is the quantile of the magnitudes of its weights. Pruning is
# then one call; as a parametrization it stays in force while the weights that are left are
# trained on, for those in the band get no gradient (:ref:`HS-DER-1 <hs-der-1>`).

LAYERS = (0, 2)


def channels(weight, share):
    """Return λ for each row, that zeroes this share of it."""
    return weight.detach().abs().quantile(share, dim=1)


def pruned(share, per_channel=True):
    """Return the network with this share of its weights zeroed."""
    model = copy.deepcopy(network)
    everything = torch.cat([model[i].weight.detach().abs().ravel() for i in LAYERS])
    with torch.no_grad():
        for i in LAYERS:
            weight = model[i].weight
            lambd = channels(weight, share)[:, None] if per_channel else everything.quantile(share)
            shrinkops.hardshrink(weight, lambd, out=weight)
    return model


def retrained(share, steps=40):
    """Return the network pruned, and what is left of it trained on."""
    model = copy.deepcopy(network)
    for i in LAYERS:
        rule = Hardshrink(channels(model[i].weight, share), axis=0)
        parametrize.register_parametrization(model[i], "weight", rule)
    train(model, steps, 0.002)
    return model


# %%
# One λ for all weights is a little better while little goes; a threshold for each channel is, when
# much goes, because no channel loses everything. Training on is worth more than either.

shares = (0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
at_once = [decibels(pruned(share))[1] for share in shares]
one_lambd = [decibels(pruned(share, per_channel=False))[1] for share in shares]
again = {share: decibels(retrained(share)) for share in (0.5, 0.7, 0.8, 0.9)}

model = retrained(0.8, steps=1)
kept = [float((model[i].weight != 0).float().mean()) for i in LAYERS]
print("kept of each layer:", [round(k, 2) for k in kept])

# %%

figure = plt.figure(figsize=(10, 6.4), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.05))
pictures = {"every weight": decibels(network), "80 % zeroed": decibels(pruned(0.8))}
pictures |= {f"{100 * share:.0f} % zeroed, trained on": again[share] for share in (0.8, 0.9)}
for axis, (name, (picture, quality)) in zip(top.subplots(1, 4), pictures.items(), strict=True):
    axis.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="antialiased")
    axis.set_title(f"{name}: {quality:.1f} dB", fontsize=9)
    axis.set_axis_off()

left, right = bottom.subplots(1, 2, width_ratios=(1.2, 1))
left.plot(shares, one_lambd, "o-", color="#8a8f98", lw=1.2, ms=4, label="one λ for all weights")
left.plot(shares, at_once, "o-", color="#f2c14e", lw=2.4, ms=5, label="λ for each channel")
left.plot(
    [*again],
    [q for _, q in again.values()],
    "o-",
    color="#0b5fa5",
    lw=2.4,
    ms=5,
    label="and trained on",
)
left.set(xlabel="share of the weights that is zero", ylabel="quality of the picture, dB")
left.set_title("what pruning costs")
left.legend(loc="lower left")

weight = network[2].weight.detach()
order = channels(weight, 0.8).argsort()
sizes = weight[order].abs().numpy().T
right.plot(np.arange(128), sizes[::4].T, ".", color="#8a8f98", ms=1.5)
right.fill_between(
    np.arange(128), 0, channels(weight, 0.8)[order], color="#f2c14e", alpha=0.5, lw=0
)
right.plot(channels(weight, 0.8)[order], color="#0b5fa5", lw=2.4)
right.set(xlabel="channel", ylabel="magnitude of the weights", ylim=(0, np.quantile(sizes, 0.995)))
right.set_title("λ of each channel: four in five lie below")
plt.show()
