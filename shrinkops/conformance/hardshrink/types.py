"""HS-TYP: integers over the real numbers, complex without overflow, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from shrinkops.adapter import numpy_dtype
from shrinkops.conformance._collect import Collector
from shrinkops.conformance._context import Call, Context, Shown
from shrinkops.conformance._model import NotApplicable
from shrinkops.conformance._numbers import NUMBERS
from shrinkops.conformance._script import made

from .definition import threshold
from .inputs import NUMBERS_OF_PARTS, special

__all__ = ["CHECKS"]

check = Collector()
CHECKS = check.checks


@check("HS-TYP-1/required", "float32 is declared, and every declared dtype can be made", kinds=())
def required(context: Context) -> None:
    declared = context.backend.dtypes
    context.demand(
        "float32" in declared, "float32 is not declared", value="float32 missing",
        shown=Shown("'float32' in backend.dtypes"),
    )  # fmt: skip
    for name in sorted(declared):
        context.demand(
            context.backend.format(name) is not None,
            f"{name} is declared, but its format is unknown; return one from Backend.format",
            value=name,
            shown=Shown(f"backend.format({name!r}) is not None"),
        )
        array = np.zeros(3, numpy_dtype(name))
        source = [
            "from shrinkops.adapter import numpy_dtype",
            f"a = np.zeros(3, numpy_dtype({name!r}))", "x = backend.adapter().from_numpy(a)",
        ]  # fmt: skip
        try:
            x = context.adapter.from_numpy(array, context.device)
        except Exception as error:
            context.demand(
                False,
                f"{name} is declared, but the adapter makes no array of it: "
                f"{type(error).__name__}: {error}",
                value=name, shown=Shown("x is not None", source),
            )  # fmt: skip
        found = context.backend.dtype_name(x)
        context.demand(
            found == name, f"the adapter made {found} for {name}", value=found,
            shown=Shown(f"backend.dtype_name(x) == {name!r}", source),
        )  # fmt: skip


@check(
    "HS-TYP-1/round-trip",
    "the adapter brings every bit to the library and back",
    kinds=("float", "integer", "complex"),
)
def round_trip(context: Context) -> None:
    x = context.array(special(context.number))
    got = context.bits(context.read(context.make(x)))
    context.demand(
        got == context.bits(x), "the adapter changes bits: fix it first, nothing can be judged",
        value="adapter",
        shown=Shown("read(x).tobytes() == a.tobytes()", [
            *made(context, "x", x), "x = backend.adapter().from_numpy(a)",
        ]),
    )  # fmt: skip


@check(
    "HS-TYP-2/minimum",
    "INT_MIN is kept for λ below its magnitude, zeroed from there",
    kinds=("integer",),
)
def minimum(context: Context) -> None:
    number = context.number
    magnitude = number.sign if number.signed else (1 << number.width) - 1
    x = context.array(special(number) * 6)
    for lambd in (0, 1, magnitude - 1, magnitude, magnitude + 1):
        context.verify(Call(x, lambd))


@check(
    "HS-TYP-2/fractions", "λ between integers: floor(λ), over the real numbers", kinds=("integer",)
)
def fractions(context: Context) -> None:
    x = context.array(special(context.number) + list(range(12)))
    for lambd in (0.5, 0.999, 1.5, 2.7, 2.999999, Fraction(5, 2), -0.25, -0.0):
        context.verify(Call(x, lambd))


@check("HS-TYP-2/huge", "λ beyond the type, as an integer and as a float", kinds=("integer",))
def huge(context: Context) -> None:
    number = context.number
    x = context.array(special(number))
    top = 1 << number.width
    for lambd in (top, top - 1, top + 1, 2**64, 2**63, 2**63 - 1, 2**53 + 1, 1e300, 10**40):
        context.verify(Call(x, lambd))


@check("HS-TYP-2/exact", "large integers that a float cannot tell apart", kinds=("integer",))
def exact(context: Context) -> None:
    number = context.number
    for base in (2**24, 2**53, 2**62, 2**63):
        if base + 1 >= 1 << (number.width - number.signed):
            continue
        x = context.array([base - 1, base, base + 1, (1 << number.width) - base - 1])
        for lambd in (base - 1, base, base + 1):
            context.verify(Call(x, lambd))


@check(
    "HS-TYP-2/every-int8",
    "all 8-bit integers under every λ of the type",
    kinds=("integer",),
    dtypes=("int8", "uint8"),
)
def every_int8(context: Context) -> None:
    x = np.arange(256, dtype=np.uint8).view(context.dtype)
    for lambd in range(-2, 258, 1 if context.thorough else 5):
        context.verify(Call(x, lambd))


@check(
    "HS-TYP-2/array",
    "integer arrays under λ of every dtype that can hold it",
    kinds=("integer",),
    needs=("array_lambd",),
)
def array(context: Context) -> None:
    number = context.number
    row = context.array(special(number))
    for name in sorted({context.dtype, "float32", "float64", "int64"} & context.backend.dtypes):
        values = [0, 1, 2, 100] if not name.startswith("float") else [0, 0.5, 2.7, -1, 1e30, np.inf]
        x = np.resize(row, (len(values), len(row)))
        context.verify(Call(x, np.array(values).astype(name).reshape(-1, 1)))


@check("HS-TYP-3/magnitude", "random complex elements around |z| = t", kinds=("complex",))
def magnitude(context: Context) -> None:
    rng = context.rng
    angles = rng.uniform(0, 2 * np.pi, 400)
    for lambd in (0.5, 1.0, 1e-30, 1e30):
        radius = lambd * rng.uniform(0.9, 1.1, angles.size)
        z = (radius * np.exp(1j * angles)).astype(context.number.name)
        context.verify(Call(z, lambd))


@check("HS-TYP-3/overflow", "|z| is computed without overflow and underflow", kinds=("complex",))
def overflow(context: Context) -> None:
    number = context.number
    real = NUMBERS_OF_PARTS[number.name]
    big = [real.largest, real.largest - 1, threshold(1, real) or 0]
    tiny = [1, 2, 3, 1 << (real.fraction_bits - 2)]
    x = context.array([a | (b << real.width) for p in (big, tiny) for a in p for b in p])
    limits = [1.0, 0.0, float(_value(real.largest, real)), float(_value(4, real))]
    for lambd in limits:
        context.verify(Call(x, lambd))


def _value(bits: int, real: object) -> Fraction:
    from shrinkops.conformance._numbers import decode

    return Fraction(decode(bits, real))  # type: ignore[arg-type]


@check(
    "HS-TYP-3/nan-parts",
    "NaN in either part keeps z, the other part bit for bit",
    kinds=("complex",),
)
def nan_parts(context: Context) -> None:
    number = context.number
    real = NUMBERS_OF_PARTS[number.name]
    others = [
        0,
        real.sign,
        1,
        threshold(0.25, real) or 0,
        threshold(4, real) or 0,
        real.infinity or 0,
    ]
    pairs = [(real.quiet_nan, o) for o in others] + [(o, real.quiet_nan) for o in others]
    x = context.array([a | (b << real.width) for a, b in pairs])
    for lambd in (0.5, 0, float("inf"), -1):
        context.verify(Call(x, lambd))


@check(
    "HS-TYP-4/undeclared",
    "every dtype that is not declared raises TypeError, naming dtype and backend",
    kinds=(),
)
def undeclared(context: Context) -> None:
    made = 0
    for name in ("bool", *NUMBERS):
        if name in context.backend.dtypes or name in ("x87", "binary128"):
            continue
        try:
            x = context.adapter.from_numpy(np.zeros(3, numpy_dtype(name)), context.device)
        except Exception:
            continue  # the library, or its adapter, has no such type
        if context.backend.dtype_name(x) in context.backend.dtypes:
            continue  # the library took it as another type
        made += 1
        for label, function in context.functions.items():
            context.refuses(
                TypeError, lambda f=function, v=x: f(v, 0.5),  # type: ignore[misc]
                context.backend.dtype_name(x), context.backend.name, what=f"{label}, {name}",
                public=function is context.public, expression="f(x, 0.5)",
                lines=[
                    "from shrinkops.adapter import numpy_dtype",
                    f"a = np.zeros(3, numpy_dtype({name!r}))",
                    "x = backend.adapter().from_numpy(a)",
                ],
            )  # fmt: skip
    if not made:
        raise NotApplicable("the library has no dtype beyond those declared")


@check("HS-TYP-4/host-types", "object, string and datetime arrays raise TypeError", kinds=())
def host_types(context: Context) -> None:
    if not context.adapter.is_numpy:
        raise NotApplicable(f"{context.backend.framework} has no such dtypes")
    sources = (
        "np.array([1, 'a'], object)", "np.array(['a'])", "np.array([b'a'])",
        "np.array(['2020-01-01'], 'datetime64[D]')", "np.array([1], 'timedelta64[s]')",
        "np.zeros(2, [('a', 'f4')])",
    )  # fmt: skip
    for source in sources:
        x = eval(source, {"np": np})
        context.refuses(
            TypeError, lambda v=x: context.function(v, 0.5),  # type: ignore[misc]
            context.backend.name, what=f"x of dtype {x.dtype}", expression=f"f({source}, 0.5)",
        )  # fmt: skip
