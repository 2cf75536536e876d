"""What the annotations promise: the type of an array goes through. Read by mypy, see test_types."""

from __future__ import annotations

from typing import Any, assert_type

import jax
import numpy as np
import numpy.typing as npt
import torch

import shrinkops
from shrinkops import Hardshrink, hardshrink


def numpy_arrays(
    singles: npt.NDArray[np.float32],
    matrix: np.ndarray[tuple[int, int], np.dtype[np.int8]],
    scalar: np.float64,
) -> None:
    assert_type(hardshrink(singles), npt.NDArray[np.float32])
    assert_type(hardshrink(singles, 0.25), npt.NDArray[np.float32])
    assert_type(hardshrink(singles, lambd=singles), npt.NDArray[np.float32])
    assert_type(hardshrink(singles, out=singles), npt.NDArray[np.float32])
    assert_type(hardshrink(matrix, 3), np.ndarray[tuple[int, int], np.dtype[np.int8]])
    assert_type(hardshrink(scalar), np.float64)


def torch_tensors(tensor: torch.Tensor) -> None:
    assert_type(hardshrink(tensor), torch.Tensor)
    assert_type(hardshrink(tensor, tensor, out=tensor), torch.Tensor)
    assert_type(Hardshrink()(tensor), torch.Tensor)


def jax_arrays(array: jax.Array) -> None:
    assert_type(hardshrink(array), jax.Array)
    assert_type(Hardshrink(0.25)(array), jax.Array)


def callables(singles: npt.NDArray[np.float32]) -> None:
    module = Hardshrink(lambd=0.25)
    assert_type(module, Hardshrink)
    assert_type(module(singles), npt.NDArray[np.float32])
    assert_type(module(singles, out=singles), npt.NDArray[np.float32])
    assert_type({module: 1}[Hardshrink(0.25)], int)


def answers(singles: npt.NDArray[np.float32]) -> None:
    table = shrinkops.backends()
    assert_type(table[0].name, str)
    assert_type([row.capabilities for row in table[1:]], list[frozenset[str]])
    assert_type(shrinkops.explain(singles).backend, str | None)
    assert_type(shrinkops.__version__, str)


class Acme(shrinkops.Backend):
    name = "acme"
    framework = "acme"
    dtypes = frozenset({"float32"})

    def handles(self, cls: type) -> bool:
        return cls.__module__ == "acme"

    def namespace(self) -> Any:
        raise NotImplementedError


@shrinkops.hookimpl
def shrinkops_backends() -> list[shrinkops.Backend]:
    return [Acme()]


def registration() -> None:
    assert_type(shrinkops.register(Acme), list[str])
    shrinkops.unregister("acme")
    shrinkops.refresh()
