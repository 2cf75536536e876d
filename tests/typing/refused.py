"""What a type checker must refuse: one error in each line with a mark. See test_types."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import shrinkops


def calls(singles: npt.NDArray[np.float32], doubles: npt.NDArray[np.float64]) -> None:
    shrinkops.hardshrink()  # error: call-arg
    shrinkops.hardshrink(singles, 0.5, singles)  # error: call-arg
    shrinkops.hardshrink(singles, lamda=0.5)  # error: call-arg
    halves: npt.NDArray[np.float16] = shrinkops.hardshrink(singles)  # error: arg-type
    shrinkops.Hardshrink()(singles, 0.5)  # error: call-arg
    shrinkops.hardshrink(singles, "0.5")  # error: arg-type
    shrinkops.softshrink(singles, None)  # error: arg-type
    shrinkops.shrink(singles, 0.5, 0.25, 0.125)  # error: call-arg
    shrinkops.firmshrink(singles, lambd=0.5, mu=1j)  # error: arg-type
    shrinkops.garrote(singles, mu=0.5)  # error: call-arg
    shrinkops.Firmshrink(0.5, 1.0, 2.0)  # error: call-arg
    shrinkops.map_details("hardshrink", [singles])  # error: arg-type
    shrinkops.explain(singles).backend.upper()  # error: union-attr
    print(shrinkops.backends()[0].colour)  # error: attr-defined
    shrinkops.unregister(halves)  # error: arg-type


class NamesAsTuple(shrinkops.Backend):
    dtypes = ("float32",)  # error: assignment

    def handles(self, cls: type) -> str:  # error: override
        return cls.__module__
