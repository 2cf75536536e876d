"""Exhaustive proof: every bit pattern of a type, against the published definition.

    python -m shrinkops_numpy.prove                       # all 8- and 16-bit types, and float32
    python -m shrinkops_numpy.prove --dtype float32 --slice 3/64 --kernel avx2

Invariants
----------
- The expectation is written from the definition, with float comparisons; it shares no line,
  table or trick with the kernels. λ is rounded to the type here by search, not by the core.
- Results are compared bit for bit, NaN payloads included.
- A slice takes every n-th block, and the blocks around the two edges of the band always.
- It says how many patterns it compared. The exit status is 1 after any difference.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from . import _kernels, _pure
from ._thresholds import operand, rounded_array

__all__ = ["main", "prove"]

BLOCK = 1 << 20
_EXTENSION = (
    "bfloat16", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn",
    "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz",
)  # fmt: skip
DTYPES = ("float16", "float32", *_EXTENSION, "int8", "uint8", "int16", "uint16")
LAMBDAS = ("0", "smallest", "0.1", "0.3", "0.5", "1", "largest", "inf", "-0.5", "-1e-30", "-inf")

_Array = np.ndarray[Any, Any]


def _dtype(name: str) -> np.dtype[Any]:
    if name in _EXTENSION:
        import ml_dtypes

        extension: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
        return extension
    return np.dtype(name)


def _values(bits: _Array, dtype: np.dtype[Any]) -> _Array:
    """Return the patterns' values, exactly, in a type that NumPy compares natively."""
    values = bits.view(dtype)
    if dtype == np.float32 or dtype.kind in "iu":
        return values
    with np.errstate(all="ignore"):  # NaN is among them
        return values.astype(np.float64)


def _round(text: str, dtype: np.dtype[Any]) -> float | int:
    """Round λ to the type, to nearest with ties to even, by exact search among its values."""
    if dtype.kind in "iu":
        value = {"smallest": 1.0, "largest": float(np.iinfo(dtype).max)}.get(text)
        return float(text) if value is None else value
    if dtype == np.float32:
        limits = {"smallest": 2.0**-149, "largest": (2 - 2.0**-23) * 2.0**127}
        return limits[text] if text in limits else float(np.float32(text))
    count = 1 << (8 * dtype.itemsize - 1)
    values = _values(np.arange(count, dtype=f"u{dtype.itemsize}"), dtype)
    finite = values[np.isfinite(values)]
    if text in ("smallest", "largest"):
        return float(finite[1] if text == "smallest" else finite[-1])
    lambd = float(text)
    if math.isinf(lambd) or lambd == 0:
        return lambd
    exact = abs(Fraction(text))
    above = int(np.searchsorted(finite, float(exact)))
    near = range(max(above - 2, 0), min(above + 2, len(finite)))
    index = min(near, key=lambda i: (abs(Fraction(float(finite[i])) - exact), i % 2))
    magnitude = float(finite[index])
    # A negative λ is an empty band, however close to zero.
    return math.copysign(magnitude or float(finite[1]), lambd) if lambd < 0 else magnitude


def _expected(bits: _Array, dtype: np.dtype[Any], t: float | int) -> _Array:
    x = _values(bits, dtype)
    with np.errstate(all="ignore"):
        bound: Any = np.float32(t) if dtype == np.float32 else t
        keep = (x > bound) | (x < -bound) | (x != x)
    return np.where(keep, bits, np.zeros((), bits.dtype))


def _runners(names: Sequence[str]) -> dict[str, Callable[[_Array, _Array | float], _Array]]:
    """Return ``run(x, lambd)`` for each kernel; a float goes the short way, an array does not."""
    runners: dict[str, Callable[[_Array, _Array | float], _Array]] = {}
    compiled = _kernels._ufunc
    for name in names:
        if name == "pure":
            runners[name] = _run_pure
            continue
        if compiled is None or name not in compiled.instruction_sets():
            raise SystemExit(f"prove: no kernel {name!r} here; {', '.join(_available())} are")

        def run(x: _Array, lambd: _Array | float, name: str = name) -> _Array:
            before = compiled.selected()
            compiled.select(name)
            try:
                if isinstance(lambd, float):
                    result: _Array = compiled.make_call("hardshrink", _refuse)(x, lambd, None)
                else:
                    result = compiled.hardshrink(x, lambd)  # which rounds float64 itself
            finally:
                compiled.select(before)
            return result

        runners[name] = run
    return runners


def _run_pure(x: _Array, lambd: _Array | float) -> _Array:
    if isinstance(lambd, float):
        from shrinkops.spec import FORMATS, round_threshold

        threshold = operand(round_threshold(lambd, FORMATS[x.dtype.name], "prove"), x.dtype)
    else:
        threshold = rounded_array(lambd, x.dtype)
    result: _Array = _pure.compute("hardshrink", x, [threshold], None)
    return result


def _refuse(x: Any, lambd: Any, _out: Any) -> Any:
    raise AssertionError(f"the short way does not take lambd={lambd!r} for {x.dtype}")


def _available() -> tuple[str, ...]:
    compiled = _kernels._ufunc
    return ("pure",) if compiled is None else (*compiled.instruction_sets(), "pure")


def _starts(dtype: np.dtype[Any], t: float | int, part: int, parts: int) -> Iterator[int]:
    total = 1 << (8 * dtype.itemsize)
    edges: set[int] = set()
    if total > BLOCK and t >= 0:
        edge = int(np.array(t, dtype).view(f"u{dtype.itemsize}"))
        edges = {e // BLOCK for e in (edge, edge + 1, edge | total >> 1, (edge | total >> 1) + 1)}
    for index in range(max(total // BLOCK, 1)):
        if index % parts == part or index in edges or total <= BLOCK:
            yield index * BLOCK


def prove(
    name: str,
    lambdas: Sequence[str] = LAMBDAS,
    kernels: Sequence[str] | None = None,
    part: tuple[int, int] = (0, 1),
    step: Callable[[], None] = lambda: None,
) -> tuple[int, list[str]]:
    """Compare kernels with the definition over the bit patterns of one type.

    Parameters
    ----------
    name : str
        One of `DTYPES`.
    lambdas : sequence of str
        Numbers, or "smallest" (subnormal) and "largest" (finite) of the type.
    kernels : sequence of str, optional
        "pure", "baseline", "avx2", "avx512"; all that this machine has by default.
    part : (int, int)
        ``(k, n)``: every n-th block of patterns from the k-th on.
    step : callable
        Called after each block.

    Returns
    -------
    int
        How many patterns were compared.
    list of str
        The differences, at most one for each block.
    """
    dtype = _dtype(name)
    _kernels.ensure_dtype(dtype)
    unsigned = f"u{dtype.itemsize}"
    compared, differences = 0, []
    runners = _runners(kernels or _available())
    count = min(BLOCK, 1 << (8 * dtype.itemsize))
    first = np.arange(count, dtype=unsigned)
    for text in lambdas:
        t = _round(text, dtype)
        lambd = float(t if text in ("smallest", "largest") else text)
        forms: list[_Array | float] = [lambd]
        if 8 * dtype.itemsize <= 16:
            forms.append(np.full(count, lambd))
        for start in _starts(dtype, t, *part):
            bits = first + np.array(start, unsigned)
            expected = _expected(bits, dtype, t)
            for (kernel, run), form in itertools.product(runners.items(), forms):
                got = run(bits.view(dtype), form).view(unsigned)
                compared += count
                if not np.array_equal(got, expected):
                    differences.append(_describe(kernel, name, text, bits, got, expected))
            step()
    return compared, differences


def _describe(kernel: str, name: str, text: str, bits: _Array, got: _Array, want: _Array) -> str:
    wrong = np.flatnonzero(got != want)
    first = wrong[0]
    return (
        f"{kernel}, {name}, lambd {text}: {len(wrong)} patterns differ, first "
        f"{bits[first]:#x} gives {got[first]:#x}, expected {want[first]:#x}"
    )


@contextmanager
def _progress(total: int, quiet: bool) -> Iterator[Callable[[], None]]:
    if quiet:
        yield lambda: None
        return
    try:
        from rich.progress import Progress
    except ImportError:
        done = 0

        def step() -> None:
            nonlocal done
            done += 1
            if done == total or done % max(total // 50, 1) == 0:
                print(f"\r{100 * done // total:3d} %", end="", file=sys.stderr, flush=True)

        yield step
        print(file=sys.stderr)
        return
    with Progress() as bar:
        task = bar.add_task("patterns", total=total)
        yield lambda: bar.advance(task)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m shrinkops_numpy.prove",
        description="Compare the NumPy kernels with the definition, over all bit patterns.",
    )
    parser.add_argument("--dtype", action="append", choices=DTYPES, help="repeatable; default all")
    parser.add_argument("--lambd", action="append", help="repeatable: a number, smallest, largest")
    parser.add_argument("--kernel", "--isa", action="append", help=f"of {', '.join(_available())}")
    parser.add_argument("--slice", default="0/1", metavar="K/N", help="every N-th block from K on")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args(arguments)
    try:
        part, parts = map(int, options.slice.split("/"))
        if not 0 <= part < parts:
            raise ValueError
    except ValueError:
        parser.error(f"--slice {options.slice!r} is not K/N with 0 <= K < N")
    names = options.dtype or list(DTYPES)
    lambdas = options.lambd or list(LAMBDAS)
    kernels = options.kernel or list(_available())
    if options.dtype is None:
        try:
            import ml_dtypes  # noqa: F401 - its presence is the question
        except ImportError:
            names = [name for name in names if name not in _EXTENSION]
            print("ml_dtypes is not installed: its types are left out")
    blocks = {
        name: sum(
            sum(1 for _ in _starts(_dtype(name), _round(text, _dtype(name)), part, parts))
            for text in lambdas
        )
        for name in names
    }
    total, failed = 0, 0
    with _progress(sum(blocks.values()), options.quiet) as step:
        for name in names:
            compared, differences = prove(name, lambdas, kernels, (part, parts), step)
            total += compared
            failed += len(differences)
            print(f"{name}: {compared:,} comparisons, {len(differences)} blocks with differences")
            print(*differences[:20], sep="\n", end="\n" if differences else "")
    print(
        f"{total:,} comparisons over {len(lambdas)} thresholds and kernels "
        f"{', '.join(kernels)}: {'all equal' if not failed else f'{failed} blocks differ'}"
    )
    return 1 if failed or not total else 0


if __name__ == "__main__":
    sys.exit(main())
