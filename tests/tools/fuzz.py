"""Differential fuzz of the NumPy backend: random calls against exact arithmetic.

    python tests/tools/fuzz.py --cases 300000 [--seed 0] [--kernel avx2]

A case is an operation, an element type, values (special ones above all), a layout, parameters as
any kind of number or array, an ``out`` of some kind, and a number of threads. What must come out,
the refusal included, follows from `exact.element`. ``tests/numpy_backend/sanitize.py --fuzz``
runs this on a kernel built with AddressSanitizer and UndefinedBehaviorSanitizer.

Invariants
----------
- A case is made from its number and the seed alone, so that it can be repeated by itself.
- Every bit is compared but those of a NaN; complex numbers within 4 units of their own size.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from shrinkops_numpy import _kernels

import shrinkops

sys.path.insert(0, str(Path(__file__).parent))
import exact

try:
    import ml_dtypes
except ImportError:
    ml_dtypes = None

_Array = np.ndarray[Any, Any]
FLOATS = [n for n in exact.FORMATS if ml_dtypes or not n.startswith(("bfloat", "float8"))]
INTEGERS = [f"{sign}int{width}" for sign in ("", "u") for width in (8, 16, 32, 64)]
COMPLEX = ["complex64", "complex128"]
OPERATIONS = {
    "hardshrink": (1, FLOATS + INTEGERS + COMPLEX),
    "softshrink": (1, FLOATS + INTEGERS + COMPLEX),
    "shrink": (2, FLOATS),
    "firmshrink": (2, FLOATS + COMPLEX),
    "garrote": (1, FLOATS + COMPLEX),
}
REAL_ARRAYS = ["float16", "float32", "float64", "longdouble", "int8", "int64", "uint64", "own"]


def to_dtype(name: str) -> np.dtype[Any]:
    """Return a dtype by name."""
    if name.startswith(("bfloat", "float8")):
        return np.dtype(getattr(ml_dtypes, name))
    return np.dtype(name)


def fraction(value: Any) -> Any:
    """Return a number of any type exactly: a fraction, or a float where it is not finite."""
    if isinstance(value, (int, np.integer)):
        return Fraction(int(value))
    if isinstance(value, (Fraction, Decimal)):
        return Fraction(value)
    wide = value if isinstance(value, np.longdouble) else float(value)
    if not math.isfinite(wide):
        return float(wide)
    return Fraction(*map(int, wide.as_integer_ratio()))


class Case:
    """One call, made from a number."""

    def __init__(self, seed: int, number: int) -> None:
        self.random = random.Random(f"{seed}/{number}")
        choose = self.random.choice
        self.operation = choose(list(OPERATIONS))
        count, types = OPERATIONS[self.operation]
        self.type = choose(types)
        self.dtype = to_dtype(self.type)
        self.shape = choose([(), (0,), (1,), (3,), (7,), (17,), (33,), (70,), (2, 9), (3, 2, 5),
                             (4, 0, 2), (5, 16)])  # fmt: skip
        self.x = self.laid_out(self.values(self.shape, self.dtype))
        self.parameters = [self.parameter(i) for i in range(count)]
        self.out = self.make_out()

    def number(self) -> float:
        """Return a number of any size, rather a small one."""
        pick = self.random.random()
        if pick < 0.1:
            return self.random.choice([0.0, -0.0, math.inf, -math.inf, math.nan, 1e300, 5e-324])
        if pick < 0.6:
            return self.random.choice([0.25, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0]) * self.random.choice(
                [1, 1, 1, -1, 1 + 2**-10, 1 + 2**-23, 1 - 2**-53]
            )
        if pick < 0.9:
            return self.random.gauss(0, 1.5)
        return math.ldexp(self.random.gauss(0, 1), self.random.randint(-160, 140))

    def values(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> _Array:
        """Return an array of random values: numbers, or patterns of the type."""
        n = math.prod(shape)
        with np.errstate(all="ignore"):
            if dtype.kind in "iu":
                limits = np.iinfo(dtype)
                edges = [limits.min, limits.min + 1, limits.max, limits.max - 1, 0, 1, 2]
                small = [max(self.random.randint(-9, 9), int(limits.min)) for _ in range(n)]
                mixed = [self.random.choice([s, self.random.choice(edges)]) for s in small]
                return np.array(mixed, dtype).reshape(shape)
            if dtype.kind == "c":
                part = np.dtype(f"f{dtype.itemsize // 2}")
                result = np.empty(shape, dtype)
                result.real = self.values(shape, part)
                result.imag = self.values(shape, part)
                return result
            if self.random.random() < 0.2 and dtype.itemsize <= 8:  # any pattern
                raw = self.random.randbytes(n * dtype.itemsize)
                return np.frombuffer(raw, dtype).copy().reshape(shape)
            numbers = np.array([self.number() for _ in range(n)])
            return numbers.astype(dtype).reshape(shape)

    def laid_out(self, values: _Array) -> _Array:
        """Return the same values in memory of some layout."""
        how = self.random.randrange(8)
        if how == 1 and values.ndim:
            return np.repeat(values, 2, axis=0)[::2]
        if how == 2 and values.ndim:
            return np.ascontiguousarray(values[::-1])[::-1]
        if how == 3:
            return np.array(values, order="F")
        if how == 4 and values.dtype.itemsize > 1 and not values.dtype.name.startswith("bfloat"):
            return values.astype(values.dtype.newbyteorder())
        if how == 5 and values.ndim:
            memory = np.zeros(values.nbytes + 1, np.uint8)
            shifted = memory[1:].view(values.dtype).reshape(values.shape)
            shifted[...] = values
            return shifted
        if how == 6:
            values = values.copy()
            values.flags.writeable = False
        return values

    def parameter(self, index: int) -> Any:
        """Return λ or the second parameter, as some kind of number or array."""
        if self.random.random() < 0.35:
            name = self.random.choice(REAL_ARRAYS)
            own = self.dtype if self.dtype.kind == "f" or self.dtype.kind == "V" else np.float64
            shape = self.random.choice(
                [self.shape, self.shape[-1:], (*self.shape[:-1], 1)[-len(self.shape) or None :],
                 (1,) * len(self.shape)]
            )  # fmt: skip
            if self.operation == "softshrink" and self.dtype.kind in "iu":
                name = self.random.choice(["int8", "int64", "uint64", "uint16"])
            dtype = np.dtype(own if name == "own" else name)
            return self.laid_out(self.values(shape if self.shape else (), dtype))
        value = self.number()
        if index == 1 and self.operation == "firmshrink":
            value = abs(value) + 1
        whole = int(value) if math.isfinite(value) and abs(value) < 1e18 else 2
        if self.dtype.kind in "iu" and self.random.random() < 0.6:
            value = float(whole)
        kinds: list[Callable[[], Any]] = [
            lambda: value, lambda: value, lambda: whole, lambda: np.float64(value),
            lambda: np.float32(value), lambda: np.float16(value), lambda: np.longdouble(value),
            lambda: np.int64(whole), lambda: np.uint8(abs(whole) % 256), lambda: np.array(value),
            lambda: np.array(whole), lambda: 2**70 + 1, lambda: np.array(value, np.float32),
        ]  # fmt: skip
        if math.isfinite(value):
            kinds += [lambda: Fraction(value), lambda: Decimal(value)]
        if ml_dtypes:
            kinds.append(lambda: ml_dtypes.bfloat16(value))
        with np.errstate(all="ignore"):
            return self.random.choice(kinds)()

    def make_out(self) -> Any:
        """Return None, x itself, or an array like x of some layout."""
        how = self.random.randrange(6)
        if how < 3:
            return None
        if how == 3:
            return self.x if self.x.flags.writeable else None
        if how == 4:
            return np.full_like(self.x, 1)
        return np.full((*self.shape, 2), 1, self.x.dtype)[..., 0]

    # ------------------------------------------------------------------ what must come out

    def refusal(self) -> bool:
        """Tell whether a number among the parameters has to be refused."""
        form = exact.FORMATS.get(self.component)
        rounded = []
        for index, parameter in enumerate(self.parameters):
            if isinstance(parameter, np.ndarray) and parameter.ndim:
                rounded.append(None)
                continue
            value = fraction(parameter[()] if isinstance(parameter, np.ndarray) else parameter)
            if value != value:
                return True
            refuses = self.operation in ("softshrink", "firmshrink", "garrote")
            if refuses and value < 0:
                return True
            if index == 1 and self.operation == "shrink" and isinstance(value, float):
                return True
            if form is None:  # integers
                if self.operation == "softshrink" and value != math.inf and value % 1:
                    return True
                rounded.append(value)
                continue
            nearest = form.rounded(value, beyond=math.inf)
            if isinstance(nearest, float) and not isinstance(value, float):
                return True
            rounded.append(nearest)
        both = len(rounded) == 2 and None not in rounded
        return self.operation == "firmshrink" and both and rounded[1] < rounded[0]

    @property
    def component(self) -> str:
        """Name of the real type that parameters are rounded to."""
        return {"complex64": "float32", "complex128": "float64"}.get(self.type, self.type)

    def check(self) -> str | None:
        """Make the call; return what is wrong with it, or None."""
        before = self.x.tobytes()
        given = [p.copy() if isinstance(p, np.ndarray) else p for p in self.parameters]
        original = self.x.copy()
        refused = self.refusal()
        try:
            got = getattr(shrinkops, self.operation)(self.x, *self.parameters, out=self.out)
        except (TypeError, ValueError) as error:
            if not refused:
                return f"refused: {error}"
            return None if self.x.tobytes() == before else "refused, but x was written"
        if refused:
            return f"not refused, gave {got!r}"
        if self.out is not None and got is not self.out:
            return "out was not returned"
        if got.dtype != self.x.dtype or got.shape != self.shape:
            return f"gave {got.dtype} of shape {got.shape}"
        if self.out is not self.x and self.x.tobytes() != before:
            return "x was written"
        return self.compare(original, given, got)

    def compare(self, x: _Array, parameters: list[Any], got: _Array) -> str | None:
        """Compare each element with the exact one."""
        native = x.astype(self.dtype.newbyteorder("="))
        result = got.astype(self.dtype.newbyteorder("="))
        arrays = [
            np.broadcast_to(p, self.shape) if isinstance(p, np.ndarray) else p for p in parameters
        ]
        for index in np.ndindex(self.shape):
            here = [a[index] if isinstance(a, np.ndarray) else a for a in arrays]
            wrong = self.differs(native[index], [fraction(p) for p in here], result[index])
            if wrong:
                return f"element {index}: x {native[index]!r}, parameters {here!r}: {wrong}"
        return None

    def differs(self, x: Any, parameters: Sequence[Any], got: Any) -> str | None:
        if self.dtype.kind in "iu":
            value, lambd = int(x), parameters[0]
            zero = lambd == lambd and lambd >= 0 and abs(value) <= lambd
            want = 0 if zero else value
            if not zero and self.operation == "softshrink" and lambd == lambd and lambd >= 0:
                want = value - int(lambd) * (1 if value > 0 else -1)
            return None if int(got) == want else f"gave {got}, expected {want}"
        if self.dtype.kind == "c":
            return self.complex_differs(x, parameters, got)
        want = exact.element(self.operation, fraction(x), parameters, exact.FORMATS[self.type])
        if want is None:
            same = got.tobytes()[:10] == x.tobytes()[:10] or (got != got and x != x)
            return None if same else f"gave {got!r}, expected x"
        if isinstance(want, float):
            same = got == want or (want != want and got != got)
            return None if same else f"gave {got!r}, expected {want}"
        if fraction(got) != want or (want == 0 and np.signbit(np.float64(got))):
            return f"gave {got!r}, expected {float(want)!r}"
        return None

    def complex_differs(self, z: Any, parameters: Sequence[Any], got: Any) -> str | None:
        form = exact.FORMATS[self.component]
        re, im = fraction(z.real), fraction(z.imag)
        lambd = parameters[0]
        loose = re != re or im != im
        kept = got.tobytes() == z.tobytes()
        if loose or lambd != lambd or lambd < 0:
            nan = loose and (got != got)
            return None if kept or nan else f"gave {got!r}, expected z"
        rounded = [form.parameter(p) for p in parameters]
        if isinstance(re, float) or isinstance(im, float):
            zero = rounded[0] == math.inf
            fine = got == 0 if zero else kept
            return None if fine else f"gave {got!r}"
        if rounded[0] == math.inf:
            return None if got == 0 else f"gave {got!r}, expected 0"
        if len(rounded) == 2:
            rounded[1] = rounded[1] if rounded[1] >= rounded[0] else rounded[0]
        t = rounded[0]
        square = re * re + im * im
        near = Fraction(4, 2**form.precision)
        edge = t * t * (1 - near) ** 2 <= square <= t * t * (1 + near) ** 2
        if self.operation == "hardshrink":
            factor = Fraction(0) if square <= t * t else Fraction(1)
            return None if kept or (got == 0) else f"gave {got!r}, expected {factor} z"
        infinite = len(rounded) == 2 and rounded[1] == math.inf
        name = "softshrink" if infinite else self.operation
        factor = exact.magnitude(name, re, im, rounded)
        # The square of the smallest number of all is 2**-2148.
        size = Fraction(math.isqrt(int(square * factor**2 * 2**2600)), 2**1300)
        smallest = Fraction(2) ** (form.lowest - form.precision + 1)
        unit = max(size * Fraction(2) ** (1 - form.precision), smallest)
        error = abs(fraction(got.real) - re * factor), abs(fraction(got.imag) - im * factor)
        if max(error) <= 4 * unit or (edge and abs(complex(got)) <= abs(complex(z))):
            return None
        return f"gave {got!r}, expected {complex(re * factor, im * factor)!r}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python tests/tools/fuzz.py", description=__doc__)
    parser.add_argument("--cases", type=int, default=300_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--kernel", action="append", help="repeatable; default all")
    parser.add_argument("--stop", type=int, default=20, help="differences to stop after")
    options = parser.parse_args(arguments)
    compiled = _kernels._ufunc if _kernels._compiled else None
    kernels = options.kernel or (list(compiled.instruction_sets()) if compiled else ["pure"])
    wrong, refused, started = 0, 0, time.perf_counter()
    for number in range(options.first, options.first + options.cases):
        if compiled is not None:
            compiled.select(kernels[number % len(kernels)])
        case = Case(options.seed, number)
        refused += case.refusal()
        problem = case.check()
        if problem is not None:
            wrong += 1
            print(
                f"case {number}: {case.operation}({case.type} of shape {case.shape}, "
                f"{', '.join(map(repr, case.parameters))}): {problem}",
                flush=True,
            )
            if wrong >= options.stop:
                break
    minutes = (time.perf_counter() - started) / 60
    done = number + 1 - options.first
    print(
        f"{done:,} cases, {refused:,} of them to be refused, kernels {', '.join(kernels)}, "
        f"seed {options.seed}: {wrong or 'none'} wrong, {minutes:.1f} minutes"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
