"""The generic path on NumPy: what the namespace's functions lose of x is put right or refused."""

from __future__ import annotations

import numpy as np
import pytest
from shrinkops_numpy import NumpyBackend

from shrinkops import Backend
from shrinkops._target import operations

OPERATIONS = sorted(operations())


def generic(name):
    return Backend.kernel(ByDefinition(), operations()[name])


class ByDefinition(NumpyBackend):
    """NumPy without kernels."""

    def native(self, *_):
        return None


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_order_of_axes_is_that_of_x(name):
    x = np.asfortranarray(np.linspace(-3, 3, 12, dtype=np.float32).reshape(3, 4))
    given = [np.full((3, 4), 0.5 + i, np.float32) for i, _ in enumerate(parameters(name))]
    assert generic(name)(x, *given, None).strides == x.strides


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_scalar_stays_one(name):
    given = [parameter.default for parameter in parameters(name)]
    assert type(generic(name)(np.float32(2), *given, None)) is np.float32
    assert type(generic(name)(np.array(2, np.float32), *given, None)) is np.ndarray


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_subclass_that_would_be_stripped_is_refused(name):
    class Sub(np.ndarray):
        pass

    given = [parameter.default for parameter in parameters(name)]
    with pytest.raises(TypeError, match=rf"{name}.*ndarray of .*Sub; convert x first"):
        generic(name)(np.ones(3, np.float32).view(Sub), *given, None)


def parameters(name):
    return operations()[name].parameters
