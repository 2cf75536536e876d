"""Exhaustive proof: every bit pattern of a type, against the published definitions.

    python tests/tools/prove.py                    # all operations, 8- and 16-bit types, float32
    python tests/tools/prove.py --operation garrote --dtype float32 --slice 3/64 --kernel avx2

Invariants
----------
- The expectation is written from the definition: hardshrink by float comparisons, the others by
  `exact.array`; it shares no line, table or trick with the kernels. λ is rounded to the type here
  by search, not by the core.
- Results are compared bit for bit; a NaN must stay one, for hardshrink with its payload.
- A slice takes every n-th block, and the blocks around the edges of the pieces always.
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
from pathlib import Path
from typing import Any

import numpy as np
from shrinkops_numpy import _kernels, _pure
from shrinkops_numpy._thresholds import operand, rounded_array

sys.path.insert(0, str(Path(__file__).parent))
import exact

__all__ = ["PARAMETERS", "main", "prove"]

BLOCK = 1 << 18
_EXTENSION = (
    "bfloat16", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn",
    "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz",
)  # fmt: skip
DTYPES = ("float16", "float32", *_EXTENSION, "int8", "uint8", "int16", "uint16")
_ONE = ("0", "smallest", "0.1", "0.3", "0.5", "1", "largest", "inf")
PARAMETERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "hardshrink": tuple((text,) for text in (*_ONE, "-0.5", "-1e-30", "-inf")),
    "softshrink": tuple((text,) for text in _ONE),
    "shrink": (("0.5", "0"), ("0.5", "0.25"), ("0.3", "1"), ("0", "0.1"), ("0.5", "-2"),
               ("inf", "1"), ("-1", "0.5"), ("1", "largest")),
    "firmshrink": (("0.5", "1"), ("0.3", "0.7"), ("0", "0"), ("0.5", "0.5"), ("0", "2"),
                   ("0.25", "inf"), ("inf", "inf"), ("smallest", "largest")),
    "garrote": tuple((text,) for text in _ONE),
}  # fmt: skip

_Array = np.ndarray[Any, Any]
Runner = Callable[[str, _Array, "tuple[float, ...] | list[_Array]"], _Array]


def _dtype(name: str) -> np.dtype[Any]:
    if name in _EXTENSION:
        import ml_dtypes

        extension: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
        return extension
    return np.dtype(name)


def _takes(operation: str, name: str, texts: Sequence[str]) -> bool:
    if "int" not in name:
        return True
    whole = all(t in ("smallest", "largest", "inf") or float(t).is_integer() for t in texts)
    return operation == "hardshrink" or (operation == "softshrink" and whole)


def _values(bits: _Array, dtype: np.dtype[Any]) -> _Array:
    """Return the patterns' values, exactly, in a type that NumPy compares natively."""
    values = bits.view(dtype)
    if dtype == np.float32 or dtype.kind in "iu":
        return values
    with np.errstate(all="ignore"):  # NaN is among them
        return values.astype(np.float64)


def _round(text: str, dtype: np.dtype[Any]) -> float | int:
    """Round a parameter to the type, to nearest, ties to even, by search among its values."""
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
    given = float(text)
    if math.isinf(given) or given == 0:
        return given
    wanted = abs(Fraction(text))
    above = int(np.searchsorted(finite, float(wanted)))
    near = range(max(above - 2, 0), min(above + 2, len(finite)))
    index = min(near, key=lambda i: (abs(Fraction(float(finite[i])) - wanted), i % 2))
    rounded = float(finite[index])
    # A negative λ is an empty band, however close to zero.
    return math.copysign(rounded or float(finite[1]), given) if given < 0 else rounded


def _expected(
    operation: str, bits: _Array, dtype: np.dtype[Any], parameters: Sequence[float]
) -> _Array:
    x = _values(bits, dtype)
    t = parameters[0]
    if operation == "hardshrink" or t < 0:
        with np.errstate(all="ignore"):
            bound: Any = np.float32(t) if dtype == np.float32 else t
            keep = (x > bound) | (x < -bound) | (x != x) | (t < 0)
        return np.where(keep, bits, np.zeros((), bits.dtype))
    if dtype.kind in "iu":
        wide, moved = x.astype(np.int64), min(t, 1 << 20)
        result = np.where(np.abs(wide) <= t, 0, wide - np.sign(wide) * int(moved))
        return result.astype(dtype).view(bits.dtype)
    form = exact.FORMATS[dtype.name]
    with np.errstate(all="ignore"):  # NaN is among the patterns, a signalling one too
        result = exact.array(operation, x.astype(np.float64), parameters, form)
        return result.astype(np.float32).astype(dtype).view(bits.dtype)


def _runners(names: Sequence[str]) -> dict[str, Runner]:
    """Return ``run(operation, x, parameters)``; floats go the short way, arrays do not."""
    runners: dict[str, Runner] = {}
    compiled = _kernels._ufunc
    for name in names:
        if name == "pure":
            runners[name] = _run_pure
            continue
        if compiled is None or name not in compiled.instruction_sets():
            raise SystemExit(f"prove: no kernel {name!r} here; {', '.join(_available())} are")

        def run(operation: str, x: _Array, parameters: Any, name: str = name) -> _Array:
            before = compiled.selected()
            compiled.select(name)
            try:
                if isinstance(parameters, tuple):
                    short = compiled.make_call(operation, _refuse)
                    result: _Array = short(x, *parameters, None)
                else:  # the ufunc rounds float64 itself
                    result = getattr(compiled, operation)(x, *parameters)
            finally:
                compiled.select(before)
            return result

        runners[name] = run
    return runners


def _run_pure(operation: str, x: _Array, parameters: Any) -> _Array:
    given: list[Any] = []
    for index, parameter in enumerate(parameters):
        if isinstance(parameters, tuple):
            from shrinkops.spec import FORMATS, round_threshold

            threshold = round_threshold(parameter, FORMATS[x.dtype.name], "prove")
            given.append(operand(threshold, x.dtype, index == 0))
        else:
            given.append(rounded_array(parameter, x.dtype, index == 0))
    result: _Array = _pure.compute(operation, x, given, None)
    return result


def _refuse(x: Any, *parameters: Any) -> Any:
    raise AssertionError(f"the short way does not take {parameters[:-1]!r} for {x.dtype}")


def _available() -> tuple[str, ...]:
    compiled = _kernels._ufunc
    return ("pure",) if compiled is None else (*compiled.instruction_sets(), "pure")


def _starts(
    dtype: np.dtype[Any], parameters: Sequence[float], part: int, parts: int
) -> Iterator[int]:
    total = 1 << (8 * dtype.itemsize)
    edges: set[int] = set()
    for value in parameters if total > BLOCK else ():
        edge = int(np.array(abs(value), dtype).view(f"u{dtype.itemsize}"))
        for end in (edge, edge | total >> 1):
            edges |= {(end - 1) % total // BLOCK, end // BLOCK, (end + 1) // BLOCK}
    for index in range(max(total // BLOCK, 1)):
        if index % parts == part or index in edges or total <= BLOCK:
            yield index * BLOCK


def _differs(got: _Array, expected: _Array, dtype: np.dtype[Any], payload: bool) -> _Array:
    differs = got != expected
    if payload or dtype.kind in "iu" or not differs.any():
        return np.asarray(differs)
    a, b = _values(got, dtype), _values(expected, dtype)
    return np.asarray(differs & ~((a != a) & (b != b)))


def prove(
    name: str,
    operation: str = "hardshrink",
    cases: Sequence[tuple[str, ...]] | None = None,
    kernels: Sequence[str] | None = None,
    part: tuple[int, int] = (0, 1),
    step: Callable[[], None] = lambda: None,
) -> tuple[int, list[str]]:
    """Compare kernels with the definition over the bit patterns of one type.

    Parameters
    ----------
    name : str
        One of `DTYPES`.
    operation : str
    cases : sequence of tuple of str, optional
        The parameters: numbers, or "smallest" (subnormal) and "largest" (finite) of the type;
        `PARAMETERS` by default.
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
    for texts in cases or PARAMETERS[operation]:
        if not _takes(operation, name, texts):
            continue
        values = [_round(text, dtype) for text in texts]
        given = tuple(
            float(v if text in ("smallest", "largest") else text)
            for v, text in zip(values, texts, strict=True)
        )
        forms: list[Any] = [given]
        if 8 * dtype.itemsize <= 16:
            whole = operation == "softshrink" and dtype.kind in "iu"
            numbers = [min(v, 2.0**62) if whole else v for v in given]
            forms.append([np.full(count, v, np.int64 if whole else None) for v in numbers])
        for start in _starts(dtype, values, *part):
            bits = first + np.array(start, unsigned)
            expected = _expected(operation, bits, dtype, values)
            for (kernel, run), form in itertools.product(runners.items(), forms):
                got = run(operation, bits.view(dtype), form).view(unsigned)
                compared += count
                payload = operation == "hardshrink"
                wrong = _differs(got, expected, dtype, payload)
                if wrong.any():
                    label = f"{kernel}, {operation}, {name}, {', '.join(texts)}"
                    differences.append(_describe(label, bits, got, expected, wrong))
            step()
    return compared, differences


def _describe(label: str, bits: _Array, got: _Array, want: _Array, differs: _Array) -> str:
    wrong = np.flatnonzero(differs)
    first = wrong[0]
    return (
        f"{label}: {len(wrong)} patterns differ, first "
        f"{bits[first]:#x} gives {got[first]:#x}, expected {want[first]:#x}"
    )


@contextmanager
def _progress(total: int, quiet: bool) -> Iterator[Callable[[], None]]:
    if quiet:
        yield lambda: None
        return
    from rich.progress import Progress

    with Progress() as bar:
        task = bar.add_task("patterns", total=total)
        yield lambda: bar.advance(task)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python tests/tools/prove.py",
        description="Compare the NumPy kernels with the definitions, over all bit patterns.",
    )
    parser.add_argument(
        "--operation", action="append", choices=PARAMETERS, help="repeatable; default all"
    )
    parser.add_argument("--dtype", action="append", choices=DTYPES, help="repeatable; default all")
    parser.add_argument(
        "--parameters", action="append", metavar="λ[,SECOND]",
        help="repeatable: numbers, smallest, largest; with one --operation",
    )  # fmt: skip
    parser.add_argument("--kernel", action="append", help=f"of {', '.join(_available())}")
    parser.add_argument("--slice", default="0/1", metavar="K/N", help="every N-th block from K on")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args(arguments)
    try:
        part, parts = map(int, options.slice.split("/"))
        if not 0 <= part < parts:
            raise ValueError
    except ValueError:
        parser.error(f"--slice {options.slice!r} is not K/N with 0 <= K < N")
    operations = options.operation or list(PARAMETERS)
    cases = {name: PARAMETERS[name] for name in operations}
    if options.parameters:
        if len(operations) > 1:
            parser.error("--parameters are of one operation; name it with --operation")
        cases[operations[0]] = tuple(tuple(text.split(",")) for text in options.parameters)
        wanted = {len(c) for c in PARAMETERS[operations[0]]}
        if {len(c) for c in cases[operations[0]]} != wanted:
            parser.error(f"{operations[0]} takes {wanted.pop()} parameters, separated by a comma")
    names = options.dtype or list(DTYPES)
    kernels = options.kernel or list(_available())
    if options.dtype is None:
        try:
            import ml_dtypes  # noqa: F401 - its presence is the question
        except ImportError:
            names = [name for name in names if name not in _EXTENSION]
            print("ml_dtypes is not installed: its types are left out")
    blocks = sum(
        sum(1 for _ in _starts(_dtype(name), [_round(t, _dtype(name)) for t in texts], part, parts))
        for name in names
        for operation in operations
        for texts in cases[operation]
        if _takes(operation, name, texts)
    )
    np.ones(31 << 20, np.uint8)  # the C library keeps blocks from now on: half the time were faults
    total, failed = 0, 0
    with _progress(blocks, options.quiet) as step:
        for operation, name in itertools.product(operations, names):
            chosen = [c for c in cases[operation] if _takes(operation, name, c)]
            if not chosen:
                continue
            compared, found = prove(name, operation, chosen, kernels, (part, parts), step)
            total += compared
            failed += len(found)
            print(
                f"{operation}, {name}: {compared:,} comparisons over {len(chosen)} parameters, "
                f"{len(found)} blocks with differences",
                flush=True,
            )
            print(*found[:20], sep="\n", end="\n" if found else "")
    print(
        f"{total:,} comparisons of {len(operations)} operations, kernels "
        f"{', '.join(kernels)}: {'all equal' if not failed else f'{failed} blocks differ'}"
    )
    return 1 if failed or not total else 0


if __name__ == "__main__":
    sys.exit(main())
