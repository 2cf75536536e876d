"""Backends with one fault each, for ``module:attribute`` targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from shrinkops_jax import JaxBackend
from shrinkops_numpy import NumpyBackend

from shrinkops.adapter import Adapter


class _Generic(NumpyBackend):
    """NumPy's own arithmetic in place of the kernel."""

    def kernel(self, operation: Any) -> Any:
        from shrinkops._call.guard import guarded

        return guarded(self, operation)


class OpenBand(_Generic):
    """Keeps elements that are equal to λ."""

    def native(self, operation: str) -> Any:
        def native(x: Any, threshold: Any, out: Any) -> Any:
            return np.where(np.abs(x) >= threshold.value, x, x.dtype.type(0))

        return native


class DropsNan(_Generic):
    """Turns NaN into 0."""

    def native(self, operation: str) -> Any:
        def native(x: Any, threshold: Any, out: Any) -> Any:
            with np.errstate(invalid="ignore"):
                return np.where(np.abs(x) > threshold.value, x, x.dtype.type(0))

        return native


class HalfRight(_Generic):
    """Leaves the end of a long array as it was."""

    def native(self, operation: str) -> Any:
        def native(x: Any, threshold: Any, out: Any) -> Any:
            result = np.where(np.abs(x) <= threshold.value, x.dtype.type(0), x)
            result[500:] = x[500:]
            return result

        return native


class _NoWait(Adapter):
    def __init__(self, backend: Any) -> None:
        super().__init__(backend)
        self._real = JaxBackend().adapter()

    def from_numpy(self, array: Any, device: Any = None) -> Any:
        return self._real.from_numpy(array, device)

    def synchronize(self, x: Any) -> None:
        """Do not wait: the fault."""


class Impatient(JaxBackend):
    """Never waits for XLA, which computes after it has returned."""

    name = "impatient"

    def adapter(self) -> Any:
        return _NoWait(self)


class Slow(NumpyBackend):
    """Computes everything twice."""

    def kernel(self, operation: Any) -> Any:
        kernel = super().kernel(operation)

        def twice(x: Any, lambd: Any, out: Any) -> Any:
            kernel(x, lambd, out)
            return kernel(x, lambd, out)

        return twice
