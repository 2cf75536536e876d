from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import shrinkops
from shrinkops._call.guard import guarded
from shrinkops._target import operations


class Counting(shrinkops.Backend):
    """Notes what it is asked, and computes with NumPy."""

    name = "counting"
    framework = "numpy"
    dtypes = frozenset({"float32", "float64", "int32"})
    features = frozenset({"array_lambd", "out"})

    def __init__(self):
        self.asked = []
        self.given = []

    def handles(self, cls):
        return issubclass(cls, np.ndarray)

    def namespace(self):
        return np

    def astype(self, x, dtype):
        return x.astype(dtype)

    def native(self, operation, dtype):
        self.asked.append((operation, dtype))
        if dtype == "int32":
            return None

        def native(x, *arguments):
            self.given.append(arguments)
            return NotImplemented

        return native


class Old(Counting):
    """As backends were written before the element type was asked."""

    def native(self, operation):
        self.asked.append(operation)
        return lambda x, threshold, out: np.where(np.abs(x) > threshold.value, x, 0)


def kernel_of(backend, name="hardshrink"):
    return guarded(backend, operations()[name])


def test_native_is_asked_once_per_element_type_and_may_decline():
    backend = Counting()
    kernel = kernel_of(backend)
    for _ in range(3):
        for dtype in (np.float32, np.float64, np.int32):
            assert kernel(np.array([0, 2], dtype), 1.0, None).tolist() == [0, 2]
    assert backend.asked == [("hardshrink", d) for d in ("float32", "float64", "int32")]
    assert len(backend.given) == 6


def test_a_native_method_without_element_type_is_asked_once():
    backend = Old()
    kernel = kernel_of(backend)
    for dtype in (np.float32, np.float64):
        assert kernel(np.array([0.5, 2], dtype), 0.5, None).tolist() == [0, 2]
    assert backend.asked == ["hardshrink"]


SAME = (
    0.5, np.float64(0.5), np.float32(0.5), np.float16(0.5), np.longdouble(0.5),
    Fraction(1, 2), Decimal("0.5"),
)  # fmt: skip


@pytest.mark.parametrize("lambd", SAME, ids=lambda v: type(v).__name__)
def test_a_number_is_rounded_once_whatever_its_type(lambd):
    backend = Counting()
    kernel = kernel_of(backend)
    x = np.array([0.5, 0.75], np.float32)
    for _ in range(3):
        assert kernel(x, lambd, None).tolist() == [0.0, 0.75]
    first, *others = [arguments[0] for arguments in backend.given]
    assert first.value == 0.5
    assert all(other == first for other in others)
    if type(lambd) is not Decimal:
        assert all(other is first for other in others)  # remembered


def test_equal_numbers_of_different_types_are_told_apart():
    kernel = kernel_of(Counting())
    x = np.array([1.0, 2.0])
    assert kernel(x, 1, None).tolist() == [0.0, 2.0]
    with pytest.raises(TypeError, match="must be a real number"):
        kernel(x, True, None)
    third = np.float32(0.1)
    assert kernel(np.array([0.1, 0.2]), 0.1, None).tolist() == [0.0, 0.2]
    assert kernel(np.array([float(third), 0.2]), third, None).tolist() == [0.0, 0.2]
    assert kernel(np.array([float(third), 0.2]), 0.1, None).tolist() == [float(third), 0.2]


def test_parameters_are_remembered_together():
    backend = Counting()
    kernel = kernel_of(backend, "firmshrink")
    x = np.array([0.75, 3.0])
    for t, u in ((0.5, 1.0), (0.5, 2.0), (0.5, 1.0)):
        kernel(x, t, u, None)
    given = [arguments[:2] for arguments in backend.given]
    assert given[0] == given[2] != given[1]
    assert given[0][0] is given[2][0]


@pytest.mark.parametrize("name", ["hardshrink", "softshrink", "shrink", "firmshrink", "garrote"])
def test_refused_calls_leave_out_untouched(name):
    operation = operations()[name]
    kernel = kernel_of(Counting(), name)
    rest = operation.defaults[1:]
    x, out = np.array([0.25, 3.0]), np.array([7.0, 7.0])
    wrong = [
        (np.nan, x, out, ValueError), ("a", x, out, TypeError), (1j, x, out, TypeError),
        (np.array([1j, 1j]), x, out, TypeError), (np.ones((2, 2)), x, out, ValueError),
        (0.5, x, np.full(3, 7.0), ValueError), (0.5, x, np.full(2, 7, np.float32), TypeError),
        (0.5, x, [7.0, 7.0], TypeError), (0.5, np.array([True, False]), None, TypeError),
        (0.5, x.astype(object), None, TypeError), (np.timedelta64(2), x, out, TypeError),
        (Decimal("sNaN"), x, out, ValueError), (Decimal("1e10000000"), x, out, ValueError),
    ]  # fmt: skip
    for lambd, array, target, error in wrong:
        with pytest.raises(error, match=rf"^{name}: "):
            kernel(array, lambd, *rest, target)
        if isinstance(target, np.ndarray):
            assert (target == 7).all()


def test_a_namespace_that_promotes_is_told():
    class Promotes(Counting):
        def native(self, operation, dtype):
            return None

        def namespace(self):
            class Namespace:
                def __getattr__(self, name):
                    return getattr(np, name)

                def where(self, condition, x, y):
                    return np.where(condition, x, y).astype(np.float64)

            return Namespace()

    with pytest.raises(TypeError, match=r"made float64 .* of x, float32 .*promotes"):
        kernel_of(Promotes())(np.ones(2, np.float32), 0.5, None)


def test_a_kernel_that_does_not_load_names_backend_and_dtype():
    class Broken(Counting):
        def native(self, operation, dtype):
            raise OSError("no libfast.so")

    with pytest.raises(shrinkops.UnsupportedArrayError, match=r"'counting' for dtype float64.*OSE"):
        kernel_of(Broken())(np.ones(2), 0.5, None)


def test_many_thresholds_do_not_pile_up():
    backend = Counting()
    kernel = kernel_of(backend)
    x = np.ones(1)
    for i in range(10_000):
        kernel(x, i * 1e-6, None)
    cells = dict(zip(kernel.__code__.co_freevars, kernel.__closure__, strict=True))
    assert len(cells["remembered"].cell_contents) <= 4096


class Near(float):
    """A number that counts as equal to its neighbours."""

    def __eq__(self, other):
        return abs(float(self) - float(other)) < 1

    def __hash__(self):
        return 1


class Bare(float):
    """A number without a hash."""

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("kind", [Near, Bare, Decimal])
def test_numbers_of_other_types_are_read_anew(kind):
    kernel = kernel_of(Counting())
    x = np.array([0.25, 0.5, 0.75], np.float32)
    for _ in range(2):
        assert kernel(x, kind(0.25), None).tolist() == [0, 0.5, 0.75]
        assert kernel(x, kind(0.5), None).tolist() == [0, 0, 0.75]
        with pytest.raises(ValueError, match="is not a threshold"):
            kernel(x, kind("nan"), None)
    with pytest.raises(ValueError, match="is not a threshold"):
        kernel(x, Decimal("sNaN"), None)
