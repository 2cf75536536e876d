"""Backends that are wrong on purpose, importable so that a reproduction can name them."""

from __future__ import annotations

import numpy as np
from shrinkops_numpy import NumpyBackend


class OpenBand(NumpyBackend):
    """Keeps |x| equal to the threshold."""

    dtypes = frozenset({"float32", "float64"})

    def kernel(self, operation):
        right = super().kernel(operation)

        def kernel(x, lambd, out):
            y = right(x, lambd, out)
            if out is None and isinstance(lambd, float) and lambd >= 0:
                y = np.where(np.abs(x) == np.asarray(lambd).astype(x.dtype), x, y)
            return y

        return kernel


class Nothing(NumpyBackend):
    """Declares no element type."""

    dtypes = frozenset()


class NoDevice(NumpyBackend):
    """Its library is there, its device is not."""

    def unavailable(self):
        return "no accelerator was found"


class NoAdapterDevice(NumpyBackend):
    """Its adapter lists no device."""

    def adapter(self):
        adapter = super().adapter()
        adapter.devices = lambda: ()
        return adapter


class MissingLibrary(NumpyBackend):
    """Its library is not installed."""

    framework = "a_library_that_is_not_there"
    install = "pip install a-library-that-is-not-there"


class NoFloat32(NumpyBackend):
    """Lacks the one required element type."""

    dtypes = frozenset({"float64"})


class Greedy(NumpyBackend):
    """Takes whatever comes."""

    name = "greedy"

    def handles(self, cls):
        return True

    def kernel(self, operation):
        right = super().kernel(operation)
        return lambda x, lambd, out: right(np.asarray(x, np.float32), lambd, out)


class WrongAdapter(NumpyBackend):
    """Its adapter loses bits."""

    def adapter(self):
        adapter = super().adapter()
        right = adapter.from_numpy
        adapter.from_numpy = lambda a, device=None: right(np.zeros_like(a), device)
        return adapter


class Crashing(NumpyBackend):
    """Its kernel fails."""

    def kernel(self, operation):
        return lambda x, lambd, out: 1 // 0
