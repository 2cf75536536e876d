"""The Array API definitions against the exact ones, and what the declarations promise.

The generic path is run through a backend that has a namespace and nothing else, so that no
native kernel stands in for it.
"""

from __future__ import annotations

import inspect
import itertools
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest

import shrinkops
from shrinkops._target import Target, operations
from shrinkops.spec import FORMATS, Operation, Parameter, Piece, clauses, define

FAMILY = ("hardshrink", "softshrink", "shrink", "firmshrink", "garrote")
PARAMETERS = {
    "hardshrink": [(0.5,), (0.0,), (3e-6,), (math.inf,), (-1.0,)],
    "softshrink": [(0.5,), (0.0,), (3e-6,), (1000.3,), (math.inf,)],
    "shrink": [(0.5, 0.0), (0.5, 0.5), (0.25, 1.5), (0.5, -0.3), (0.0, 1e-7), (-1.0, 0.5)],
    "firmshrink": [(0.5, 1.0), (0.5, 0.5), (0.0, 0.0), (0.3, math.inf), (1e-7, 60000.0)],
    "garrote": [(0.5,), (0.0,), (3e-6,), (1000.3,), (math.inf,)],
}


class Generic(shrinkops.Backend):
    """NumPy's namespace, without its kernels."""

    name = "generic"
    framework = "numpy"
    dtypes = frozenset(FORMATS) & frozenset(np.sctypeDict) | {"complex64", "complex128"}
    features = frozenset({"array_lambd", "out"})

    def handles(self, cls):
        return issubclass(cls, np.ndarray)

    def namespace(self):
        return np

    def astype(self, x, dtype):
        return x.astype(dtype)


def function(name):
    return Target("generic", Generic(), "", "", False).function(operations()[name])


def exact(operation: Operation, x: float, parameters: tuple[float, ...]) -> Fraction | float:
    """The specification in fractions, for one finite number of its dtype."""
    t = parameters[0]
    if t < 0:
        return Fraction(x)
    if abs(x) <= t:
        return Fraction(0)
    size, sign = abs(Fraction(x)), -1 if x < 0 else 1
    numbers = [p if math.isinf(p) else Fraction(p) for p in parameters]
    piece = operation.pieces[0]
    for candidate in operation.pieces[1:]:
        edge = numbers[operation.parameter_names.index(candidate.above)]
        if size > edge or (candidate.includes_edge and size == edge):
            piece = candidate
    if operation.name == "firmshrink" and math.isinf(parameters[1]):
        return sign * (size - Fraction(t))
    return sign * piece.value(size, *numbers)


@pytest.mark.parametrize("name", FAMILY)
def test_every_float16_number_is_within_the_declared_accuracy(name):
    operation, f = operations()[name], function(name)
    bits = np.arange(1 << 16, dtype=np.uint16)
    x = bits.view(np.float16)
    for parameters in PARAMETERS[name]:
        got = f(x, *parameters)
        rounded = tuple(float(np.float16(p)) for p in parameters)
        finite = np.isfinite(x)
        t = rounded[0] if parameters[0] >= 0 else -1.0
        kept = ~finite & ~((t == math.inf) & np.isinf(x))
        assert np.array_equal(got[kept], x[kept], equal_nan=True)
        want = [exact(operation, float(v), rounded) for v in x[finite]]
        nearest = np.array([float(w) for w in want], np.float64)
        with np.errstate(over="ignore"):
            single = nearest.astype(np.float16)
        if operation.accuracy == "exact" or operation.accuracy == "rounded":
            assert np.array_equal(got[finite], single), parameters
        else:
            distance = np.abs(
                np.abs(got[finite]).view(np.int16).astype(int) - np.abs(single).view(np.int16)
            )
            assert distance.max() <= 1, parameters
        zeros = got[finite] == 0
        if parameters[0] >= 0:
            assert not np.signbit(got[finite][zeros]).any()


@pytest.mark.parametrize("name", FAMILY)
def test_the_libraries_agree_bit_for_bit(name):
    torch, jnp = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")
    random = np.random.default_rng(7)
    x = random.integers(0, 2**32, 20_000, np.uint64).astype(np.uint32).view(np.float32)
    tiny = np.float32(1.2e-38)  # JAX on the CPU flushes smaller results
    x = x[~(np.abs(x) < tiny)]
    parameters = (0.3, 0.8)[: len(operations()[name].parameters)]
    public = getattr(shrinkops, name)
    want = function(name)(x, *parameters)
    for got in (
        public(x, *parameters),
        public(torch.from_numpy(x), *parameters).numpy(),
        np.asarray(public(jnp.asarray(x), *parameters)),
    ):
        same = (got.view(np.uint32) == want.view(np.uint32)) | (np.isnan(got) & np.isnan(want))
        assert same.all(), x[~same][:3]


@pytest.mark.parametrize("name", FAMILY)
def test_array_parameters_are_the_numbers_one_by_one(name):
    f = function(name)
    x = np.random.default_rng(3).normal(size=(4, 50)).astype(np.float32)
    count = len(operations()[name].parameters)
    rows = np.array([[0.1], [0.25], [0.5], [0.0]], np.float64)
    for mask in itertools.product((False, True), repeat=count):
        arrays = [rows * (1 + i) if m else 0.6 * (1 + i) for i, m in enumerate(mask)]
        got = f(x, *arrays)
        for i in range(4):
            each = [float(a[i, 0]) if m else a for a, m in zip(arrays, mask, strict=True)]
            if name == "firmshrink" and each[1] < each[0]:
                each[1] = each[0]
            assert f(x[i], *each).tobytes() == got[i].tobytes(), (mask, i)


@pytest.mark.parametrize("name", FAMILY)
def test_negative_and_nan_elements_leave_x(name):
    x = np.array([-0.25, -0.0, np.nan, 3.0], np.float32)
    got = function(name)(x, np.array([-1.0, -1e-300, 0.5, np.nan]))
    assert np.array_equal(got, x, equal_nan=True)
    assert np.signbit(got[1])


@pytest.mark.parametrize("name", ["softshrink", "firmshrink", "garrote"])
def test_a_negative_number_is_refused_by_function_and_class(name):
    made = getattr(shrinkops, name.capitalize())
    for call in (lambda: function(name)(np.ones(2), -1e-300), lambda: made(-1e-300)):
        with pytest.raises(ValueError, match=r"lambd=-1e-300 is negative"):
            call()
    assert function(name)(np.ones(2), -0.0).tolist() == [1.0, 1.0]


def test_firmshrink_names_both_where_mu_is_below():
    for call in (lambda: function("firmshrink")(np.ones(2), 2.0), lambda: shrinkops.Firmshrink(2)):
        with pytest.raises(ValueError, match=r"mu=1\.0 must not be below lambd=2"):
            call()
    with pytest.raises(ValueError, match="mu=nan"):
        function("firmshrink")(np.ones(2), 0.5, math.nan)


def test_an_infinite_bias_is_refused():
    for value in (math.inf, -math.inf):
        with pytest.raises(ValueError, match=r"bias=-?inf is infinite"):
            function("shrink")(np.ones(2), 0.5, value)


def test_integers_softshrink_exactly_and_refuse_a_part():
    f = function("softshrink")
    x = np.array([-128, -100, -5, 0, 5, 100, 127], np.int8)
    assert f(x, 100).tolist() == [-28, 0, 0, 0, 0, 0, 27]
    assert f(x, 10**30).tolist() == [0] * 7
    assert f(np.array([3, 250], np.uint8), 5).tolist() == [0, 245]
    assert f(x, np.array([100], np.int16)).tolist() == f(x, 100).tolist()
    with pytest.raises(ValueError, match=r"lambd=1\.5 is not whole.*pass 1 or 2"):
        f(x, 1.5)
    with pytest.raises(TypeError, match="must hold integers"):
        f(x, np.array([1.0]))


@pytest.mark.parametrize("name", ["shrink", "firmshrink", "garrote"])
def test_kinds_that_an_operation_lacks_are_refused(name):
    with pytest.raises(TypeError, match=r"dtype int64 is not supported.*defined for"):
        function(name)(np.arange(3))


@pytest.mark.parametrize("name", ["hardshrink", "softshrink", "firmshrink", "garrote"])
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_numbers_keep_their_phase(name, dtype):
    f, operation = function(name), operations()[name]
    part = np.finfo(dtype).dtype
    random = np.random.default_rng(5)
    exponents = random.uniform(np.log2(np.finfo(part).tiny) + 2, 120, 400)
    z = (2.0**exponents * np.exp(1j * random.uniform(-4, 4, 400))).astype(dtype)
    z = np.concatenate([z, random.normal(size=400) + 1j * random.normal(size=400)]).astype(dtype)
    got = f(z)
    size = np.hypot(z.real.astype(np.longdouble), z.imag.astype(np.longdouble))
    t, u = np.longdouble(0.5), np.longdouble(1.0)
    safe = np.where(size > t, size, 1)
    shrunk = {
        "hardshrink": safe,
        "softshrink": safe - t,
        "firmshrink": np.where(safe >= u, safe, (safe - t) * u / (u - t)),
        "garrote": safe - t * t / safe,
    }[name]
    factor = np.where(size > t, shrunk / safe, 0)
    for part_got, part_z in ((got.real, z.real), (got.imag, z.imag)):
        want = part_z.astype(np.longdouble) * factor
        bound = 4 * np.spacing((size * factor).astype(part)).astype(np.longdouble)
        assert (np.abs(part_got - want) <= bound).all()
    odd = np.array([complex(np.nan, 1), complex(np.inf, 1), 0.1], dtype)
    assert np.isnan(f(odd)[0].real)
    assert f(odd)[1] == odd[1]
    assert f(odd)[2] == 0
    assert (f(z, *[math.inf] * len(operation.parameters)) == 0).all()


@pytest.mark.parametrize("name", FAMILY)
def test_function_and_class_come_from_the_declaration(name):
    operation, public = operations()[name], getattr(shrinkops, name)
    made = getattr(shrinkops, name.capitalize())
    names = ["x", *operation.parameter_names, "out"]
    assert list(inspect.signature(public).parameters) == names
    assert list(inspect.signature(made).parameters) == names[1:-1]
    assert pickle.loads(pickle.dumps(public)) is public
    a, b = made(), made(*operation.defaults)
    assert a == b
    assert hash(a) == hash(b)
    assert pickle.loads(pickle.dumps(a)) == a
    x = np.array([-2.0, 0.25, 1.0])
    assert np.array_equal(a(x), public(x))
    assert a(x, out=x) is x
    with pytest.raises(AttributeError, match="immutable"):
        a.lambd = 1


def test_clauses_are_the_shared_ones_and_their_own():
    for name, operation in ((n, operations()[n]) for n in FAMILY):
        found = [c.identifier for c in operation.clauses]
        assert len(set(found)) == len(found)
        assert all(i.startswith(f"{operation.prefix}-") for i in found), name
        assert {f"{operation.prefix}-ARR-3", f"{operation.prefix}-VAL-1"} <= set(found)


def _declaration(**changes):
    given = {
        "name": "halve", "prefix": "HV", "parameters": (Parameter("lambd", 0.5),),
        "kinds": frozenset({"float"}),
        "pieces": (Piece("lambd", value=lambda a, t: a / 2, slope=lambda a, t: Fraction(1, 2)),),
        "outside": lambda xp, x, t: x / 2,
        "derivatives": lambda xp, x, t: (xp.full_like(x, 0.5), xp.zeros_like(x)),
        "accuracy": "rounded", "clauses": clauses("HV"),
    }  # fmt: skip
    return Operation(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parameters": ()}, "has parameters"),
        ({"kinds": frozenset({"complex"})}, "kinds are"),
        ({"pieces": ()}, "pieces begin at"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        _declaration(**changes)


def test_a_stub_that_disagrees_and_a_name_that_is_taken_are_refused():
    def halve(x, threshold=0.5, *, out=None): ...

    with pytest.raises(TypeError, match=r"halve\(x, lambd=0\.5, \*, out=None\)"):
        define(_declaration())(halve)

    def hardshrink(x, lambd=0.5, *, out=None): ...

    with pytest.raises(ValueError, match=r"two operations are named 'hardshrink'"):
        define(_declaration(name="hardshrink"))(hardshrink)
