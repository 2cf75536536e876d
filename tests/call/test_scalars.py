"""A number is a number, whatever holds it: on every backend, for every parameter."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

import shrinkops
from shrinkops._target import operations

array_api_strict = pytest.importorskip("array_api_strict")
dask_array = pytest.importorskip("dask.array")
jnp = pytest.importorskip("jax.numpy")
pandas = pytest.importorskip("pandas")
torch = pytest.importorskip("torch")
nn = pytest.importorskip("shrinkops_torch.nn")

LIBRARIES = {
    "numpy": lambda a: a,
    "torch": torch.asarray,
    "jax": jnp.asarray,
    "array_api": array_api_strict.asarray,
    "dask": dask_array.from_array,
    "ufunc": pandas.Series,
}
FLOATS = (
    np.float16, np.float32, np.float64, np.longdouble,
    ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2,
)  # fmt: skip
INTEGERS = (
    np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64,
)  # fmt: skip
VALUES = {"lambd": 0.7, "bias": 0.3, "mu": 1.7}
WHOLE = {"lambd": 1, "bias": 2, "mu": 3}


def held(kind, value):
    """The value as a scalar of a type and as 0-d arrays of it."""
    scalar = kind(value)
    yield scalar
    for array in (np.array(scalar), np.array(scalar).astype(np.dtype(kind).newbyteorder())):
        array.flags.writeable = False
        yield array


def every_number(name):
    for kind in (*FLOATS, *INTEGERS):
        yield from held(kind, (VALUES if kind in FLOATS else WHOLE)[name])
    yield np.array(Fraction(1, 3) + WHOLE[name], object)
    yield np.array(Decimal("0.1") + WHOLE[name], object)


def exact(number):
    """The rational number that a value is; NumPy's own conversions are exact."""
    number = number[()] if isinstance(number, np.ndarray) else number
    if isinstance(number, np.integer):
        return Fraction(int(number))
    if isinstance(number, np.longdouble):
        return Fraction(*number.as_integer_ratio())
    return Fraction(float(number)) if isinstance(number, np.generic) else Fraction(number)


def bits(result):
    result = result.compute() if hasattr(result, "compute") else result
    return np.asarray(result).tobytes()


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("operation", operations().values(), ids=lambda o: o.name)
def test_what_holds_a_number_makes_no_difference(library, operation):
    """Twice each: the second time the number is remembered."""
    function = getattr(shrinkops, operation.name)
    x = np.array([-3, -1.5, -0.0, 0.3, 0.70001, 0.7, 1, 1.25, 2, 3, 4, np.inf, np.nan], np.float32)
    x = LIBRARIES[library](x)
    for parameter in operation.parameters:
        others = {p.name: WHOLE[p.name] for p in operation.parameters}
        wanted = {}
        for number in every_number(parameter.name):
            if parameter.at_least:
                others[parameter.at_least] = Fraction(1, 2)
            value = exact(number)
            if value not in wanted:
                wanted[value] = bits(function(x, **others | {parameter.name: value}))
            for _ in range(2):
                got = bits(function(x, **others | {parameter.name: number}))
                assert got == wanted[value], (parameter.name, repr(number), number.dtype)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", ["hardshrink", "softshrink"])
def test_integers_are_exact(library, name):
    if library == "jax":  # its arrays of 64 bits need a switch of their own
        x, large = np.array([2**24 + 1, -(2**24) - 2], np.int32), 2**24 + 1
    else:
        x, large = np.array([2**53 + 1, -(2**53) - 2], np.int64), 2**53 + 1
    function = getattr(shrinkops, name)
    x = LIBRARIES[library](x)
    want = bits(function(x, large))
    assert want != bits(function(x, large - 1))
    for kind in (np.int64, np.uint64):
        for number in held(kind, large):
            assert bits(function(x, number)) == want


REFUSED = [
    True, np.True_, np.array(True), 1j, np.complex64(1), np.array(1j), None, np.array(None), "1",
    np.str_("1"), np.array("1"), b"1", np.timedelta64(1), np.array(1, "m8[s]"),
    np.datetime64(1, "s"), np.array((1.0,), [("a", "f8")]), np.array([0.5], object),
    np.zeros(1), np.ma.masked, [0.5], object(),
]  # fmt: skip


@pytest.mark.parametrize("library", ["torch", "jax", "array_api"])
def test_what_is_no_number_is_none_in_an_array_either(library):
    x = LIBRARIES[library](np.ones(3, np.float32))
    for value in REFUSED:
        with pytest.raises(TypeError, match=r"real number|of one library"):
            shrinkops.hardshrink(x, value)
    for value in (np.nan, np.float32("nan"), np.array(np.nan), Decimal("sNaN"), np.array(1e39)):
        with pytest.raises(ValueError, match=r"is not a threshold|is beyond"):
            shrinkops.hardshrink(x, value)


def test_under_a_compiler():
    x = torch.tensor([-3, -1.5, 0.7, 1.25, 2, 4.0])
    kinds = (np.float32, np.int64, np.float64, np.float16, np.uint8)
    for operation, kind in zip(operations().values(), kinds, strict=True):
        function = getattr(shrinkops, operation.name)
        compiled = torch.compile(function, backend="eager", fullgraph=True)
        number = kind(1.25 if kind in FLOATS else 2)
        rest = [4.0] * (len(operation.parameters) - 1)
        want = function(x, number.item(), *rest)
        for value in (number, np.array(number)):
            assert torch.equal(compiled(x, value, *rest), want), (operation.name, repr(value))


def test_callables_hold_the_number():
    made = shrinkops.Hardshrink(np.array(0.75, np.float32))
    assert made == shrinkops.Hardshrink(np.float32(0.75))
    assert hash(made) == hash(shrinkops.Hardshrink(np.float32(0.75)))
    assert type(made.lambd) is np.float32
    import shrinkops_torch.nn

    module = torch.nn.Sequential(shrinkops_torch.nn.Hardshrink(np.array(1)))
    assert module(torch.tensor([1.0, 2.0])).tolist() == [0.0, 2.0]


def test_the_order_of_parameters_is_exact_across_types():
    numbers = (Fraction(1, 3), Decimal("0.34"), np.float32(0.5), np.array(2), 3, float("inf"))
    for i, low in enumerate(numbers):
        for high in numbers[i:]:
            shrinkops.Firmshrink(low, high)
        for high in numbers[:i]:
            with pytest.raises(ValueError, match="must not be below"):
                shrinkops.Firmshrink(low, high)
