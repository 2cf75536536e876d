"""What the annotations promise: the type of an array goes through. Read by mypy, see test_types."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, assert_type

import jax
import numpy as np
import numpy.typing as npt
import torch

import shrinkops
from shrinkops import (
    Firmshrink,
    Garrote,
    Hardshrink,
    Shrink,
    Softshrink,
    firmshrink,
    garrote,
    hardshrink,
    map_details,
    shrink,
    softshrink,
)


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


def every_operation(
    singles: npt.NDArray[np.float32], tensor: torch.Tensor, array: jax.Array
) -> None:
    assert_type(softshrink(singles), npt.NDArray[np.float32])
    assert_type(softshrink(tensor, tensor), torch.Tensor)
    assert_type(softshrink(array, array), jax.Array)
    assert_type(shrink(singles, 0.5, 0.25), npt.NDArray[np.float32])
    assert_type(shrink(tensor, lambd=tensor, bias=tensor), torch.Tensor)
    assert_type(shrink(array, bias=array), jax.Array)
    assert_type(firmshrink(singles, 0.5, 1.0, out=singles), npt.NDArray[np.float32])
    assert_type(firmshrink(tensor, mu=tensor), torch.Tensor)
    assert_type(firmshrink(array, array, array), jax.Array)
    assert_type(garrote(singles, np.float64(0.5)), npt.NDArray[np.float32])
    assert_type(garrote(tensor, 1), torch.Tensor)
    assert_type(garrote(array), jax.Array)
    assert_type(Softshrink(0.25)(tensor), torch.Tensor)
    assert_type(Shrink(0.5, bias=0.25)(singles), npt.NDArray[np.float32])
    assert_type(Firmshrink(lambd=0.5, mu=1.0)(array), jax.Array)
    assert_type(Garrote()(singles, out=singles), npt.NDArray[np.float32])


def numbers_as_lambd(singles: npt.NDArray[np.float32]) -> None:
    for lambd in (1, 0.5, Fraction(1, 2), Decimal("0.5"), np.float16(0.5), np.int8(1)):
        assert_type(hardshrink(singles, lambd), npt.NDArray[np.float32])


def collections(
    levels: list[npt.NDArray[np.float32]], pair: tuple[torch.Tensor, torch.Tensor]
) -> None:
    assert_type(map_details(hardshrink, levels, 0.5), list[npt.NDArray[np.float32]])
    assert_type(map_details(softshrink, levels, [0.5, 0.25]), list[npt.NDArray[np.float32]])
    assert_type(map_details(Hardshrink(0.3), pair), tuple[torch.Tensor, torch.Tensor])


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
