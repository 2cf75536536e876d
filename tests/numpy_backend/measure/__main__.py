"""Measure the NumPy kernel against its targets.

    python tests/numpy_backend/measure [--write docs/records] [--quick]

Invariants
----------
- Every figure is a ratio of two calls in one process, timed in turn (A B B A), beside an A/A
  control: a call against itself, which must come out as 1.
- Time is this thread's processor time: one thread that waits for nothing is timed, and the
  turns of other processes do not count.
- Warm arrays, one thread, random normal data, λ = 0.5 unless a row says otherwise.
- Absolute times are by-products; they are of this machine on this day.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial, reduce
from itertools import repeat
from operator import add
from pathlib import Path
from time import thread_time_ns
from typing import Any

import numpy as np
from page import Row, markdown, plot
from shrinkops_numpy import _kernels

import shrinkops
from shrinkops.benchmark._calls import Call as _Call
from shrinkops.benchmark._record import record
from shrinkops.benchmark._sampling import Plan, sample
from shrinkops.benchmark._statistics import estimate

LAMBD = 0.5
IN_CACHE, PLACES = 1_000_000, 15
"""Where arrays lie moves figures of this size by a tenth either way: each is of so many pairs."""

hardshrink = shrinkops.hardshrink


def processor_clock(loop: Any, number: int, _synchronize: Any) -> float:
    """Time a loop by the processor time of this thread."""
    calls = repeat(None, number)
    start = thread_time_ns()
    loop(calls)
    return (thread_time_ns() - start) * 1e-9


Call = partial(_Call, clock=processor_clock)


class Bench:
    """Collects rows, printing each as it comes."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rows: list[Row] = []

    def compare(
        self, group: str, case: str, target: float | None, ours: _Call, other: _Call
    ) -> None:
        """Add the ratio of two calls."""
        samples = sample([ours, other, ours], self.plan)
        self._add(group, case, target, samples.ratio(0, 1), samples, 2)

    def compare_places(
        self, group: str, case: str, target: float | None, size: int,
        make: Callable[[], tuple[_Call, _Call]],
    ) -> None:  # fmt: skip
        """Add the ratio of two calls, where it matters over many pairs of arrays."""
        places = PLACES if size == IN_CACHE else 1
        pairs = [make() for _ in range(places)]  # all of them first, so that each lies elsewhere
        samples = reduce(add, (sample([ours, other, ours], self.plan) for ours, other in pairs))
        self._add(group, case, target, samples.ratio(0, 1), samples, 2)

    def beyond_one(self, group: str, case: str, target: float, calls: list[_Call]) -> None:
        """Add the ratio of two calls less what each costs on one element (calls 2 and 3)."""
        samples = sample([*calls, calls[0]], self.plan)
        per_element = samples.difference(0, 2), samples.difference(1, 3)
        self._add(group, case, target, per_element[0] / per_element[1], samples, 4)

    def _add(
        self, group: str, case: str, target: float | None, ratios: Any, samples: Any, again: int
    ) -> None:
        ratio, control = estimate(ratios), estimate(samples.ratio(again, 0))
        row = Row(
            group, case, target, ratio.median, ratio.low, ratio.high, control.median,
            samples.time(0).median * 1e6,
        )  # fmt: skip
        self.rows.append(row)
        print(
            f"{group} | {case}: {row.ratio:.3f} (A/A {row.control:.3f}) {row.verdict}", flush=True
        )


def data(n: int | tuple[int, ...], dtype: Any = np.float32) -> tuple[Any, Any]:
    """Return random elements and an output whose pages exist."""
    x = np.random.default_rng(0).standard_normal(n).astype(dtype)
    return x, np.zeros_like(x)


def ours(x: Any, out: Any, lambd: Any = LAMBD) -> _Call:
    """Return the public call."""
    return Call(hardshrink, (x, lambd), {"out": out})


def against_copy(bench: Bench) -> None:
    """Warm out=, against np.copyto."""
    for dtype in ("float16", "float32", "float64"):
        one, one_out = data(1, dtype)
        for n in (1_000, 100_000):
            x, out = data(n, dtype)
            calls = [ours(x, out), Call(np.copyto, (out, x)),
                     ours(one, one_out), Call(np.copyto, (one_out, one))]  # fmt: skip
            bench.compare("np.copyto, whole call", f"{dtype} {n:.0e}", 1.3, *calls[:2])
            bench.beyond_one("np.copyto, call overhead apart", f"{dtype} {n:.0e}", 1.3, calls)
        for n in (1_000_000, 10_000_000):
            make = partial(_copy_pair, n, dtype)
            bench.compare_places("np.copyto", f"{dtype} {n:.0e}", 1.1, n, make)


def _copy_pair(n: int, dtype: str) -> tuple[_Call, _Call]:
    x, out = data(n, dtype)
    return ours(x, out), Call(np.copyto, (out, x))


def where_idiom(x: Any, lambd: float) -> Any:
    """Return what NumPy users write today."""
    return np.where(np.abs(x) > lambd, x, 0)


def mask_idiom(x: Any, lambd: float) -> Any:
    """Return the quicker one, which gives -0."""
    return x * (np.abs(x) > lambd)


def against_idioms(bench: Bench) -> None:
    """How many times as fast as the idioms, as ratios below 1/20 and 1/3."""
    for n in (100_000, 1_000_000, 10_000_000):
        x, out = data(n)
        for name, idiom, times in (("np.where", where_idiom, 20), ("x * mask", mask_idiom, 3)):
            call = Call(idiom, (x, LAMBD))
            bench.compare(f"{name} (out=)", f"float32 {n:.0e}", 1 / times, ours(x, out), call)
            fresh = Call(hardshrink, (x, LAMBD))
            bench.compare(f"{name} (new array)", f"float32 {n:.0e}", None, fresh, call)


def against_torch(bench: Bench) -> None:
    """torch.hardshrink(out=) on one thread over the same memory."""
    try:
        import torch
    except ImportError:
        print("torch is not installed: its rows are left out")
        return
    torch.set_num_threads(1)
    for name in ("float16", "bfloat16", "float32", "float64"):
        target = 0.5 if name == "float16" else 1.0
        for n in (1, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000):
            make = partial(_torch_pair, n, name)
            bench.compare_places("torch.hardshrink(out=)", f"{name} {n:.0e}", target, n, make)


def _torch_pair(n: int, name: str) -> tuple[_Call, _Call]:
    import ml_dtypes
    import torch

    if name == "bfloat16":
        x, out = data(n, ml_dtypes.bfloat16)
        tensors = [torch.from_numpy(a.view(np.int16)).view(torch.bfloat16) for a in (x, out)]
    else:
        x, out = data(n, name)
        tensors = [torch.from_numpy(a) for a in (x, out)]
    theirs = Call(torch.hardshrink, (tensors[0], LAMBD), {"out": tensors[1]})
    return ours(x, out), theirs


def one_element(bench: Bench) -> None:
    """The fixed cost of a call."""
    ufunc = _kernels.ufunc()
    x, out = data(1)
    bench.compare("bare ufunc call", "float32 1, new", 1.3, Call(hardshrink, (x, LAMBD)),
                  Call(ufunc, (x, LAMBD)))  # fmt: skip
    bench.compare("bare ufunc call", "float32 1, out=", 1.3, ours(x, out),
                  Call(ufunc, (x, LAMBD), {"out": out}))  # fmt: skip
    bench.compare("bare ufunc call", "NumPy scalar", None, Call(hardshrink, (x[0], LAMBD)),
                  Call(ufunc, (x[0], LAMBD)))  # fmt: skip


def array_lambd(bench: Bench) -> None:
    """λ per channel, of x's type and of float64, against one λ."""
    for channels, length in ((8, 125_000), (64, 16_000), (1_000, 1_000)):
        x, out = data((channels, length))
        for dtype in ("float32", "float64"):
            per_channel = np.linspace(0.4, 0.6, channels, dtype=dtype).reshape(-1, 1)
            bench.compare("scalar λ", f"λ {dtype} ({channels}, 1), x ({channels}, {length})", 1.3,
                          ours(x, out, per_channel), ours(x, out))  # fmt: skip


def huge_pages(x: Any, advice: int | None) -> Any:
    """Return an output on fresh pages: aligned and huge with advice, else filled in at once."""
    huge = 2 << 20
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | (0 if advice else mmap.MAP_POPULATE)
    memory = mmap.mmap(-1, x.nbytes + huge, flags=flags)
    bytes_ = np.frombuffer(memory, np.uint8)
    start = -bytes_.ctypes.data % huge
    if advice:
        memory.madvise(advice)
    return bytes_[start : start + x.nbytes].view(x.dtype)


def into_huge_pages(x: Any) -> Any:
    """Compute into 2 MiB pages that are aligned, so that all of the array lies in them."""
    return hardshrink(x, LAMBD, out=huge_pages(x, mmap.MADV_HUGEPAGE))


def into_populated_pages(x: Any) -> Any:
    """Compute into ordinary pages that one system call made, without a fault for each."""
    return hardshrink(x, LAMBD, out=huge_pages(x, None))


def fresh_outputs(bench: Bench) -> None:
    """What out= saves: a new array of pages that the system must zero first."""
    for n in (10_000_000, 100_000_000):
        x, out = data(n)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            for name, function in (("aligned huge pages", into_huge_pages),
                                   ("populated ordinary pages", into_populated_pages)):  # fmt: skip
                bench.compare("NumPy's own allocation", f"float32 {n:.0e}, {name}", None,
                              Call(function, (x,)), Call(hardshrink, (x, LAMBD)))  # fmt: skip
    for n in (1_000_000, 10_000_000, 100_000_000):
        x, out = data(n)
        bench.compare("out= (cost of a new array)", f"float32 {n:.0e}", None,
                      Call(hardshrink, (x, LAMBD)), ours(x, out))  # fmt: skip


def other_layouts(bench: Bench) -> None:
    """Layouts without a target, for the record: against np.copyto of the same operands."""
    x, out = data((2_000, 1_000))
    for name, given in (("every second row", x[::2]), ("every second column", x[:, ::2]),
                        ("transposed", x.T), ("big-endian", x.astype(">f4"))):  # fmt: skip
        target = np.zeros_like(given)
        bench.compare("np.copyto, layouts", f"float32 {name}", None, ours(given, target),
                      Call(np.copyto, (target, given)))  # fmt: skip
    for dtype in ("int8", "int32", "int64", "complex64", "complex128", "longdouble"):
        x, out = data(1_000_000, dtype)
        bench.compare("np.copyto, other types", f"{dtype} 1e+06", None, ours(x, out),
                      Call(np.copyto, (out, x)))  # fmt: skip


def pure_path(bench: Bench) -> None:
    """The path without a compiler; runs where SHRINKOPS_NUMPY_KERNEL=pure."""
    for dtype in ("float16", "float32", "float64"):
        for n in (1_000, 100_000, 1_000_000, 10_000_000):
            x, out = data(n, dtype)
            target = 6.0 if (dtype, n) == ("float32", 1_000_000) else None
            bench.compare("np.copyto, pure NumPy path", f"{dtype} {n:.0e}", target, ours(x, out),
                          Call(np.copyto, (out, x)))  # fmt: skip


GROUPS: tuple[Callable[[Bench], None], ...] = (
    one_element, against_copy, against_torch, array_lambd, against_idioms, fresh_outputs,
    other_layouts,
)  # fmt: skip


def growth(largest: int) -> Iterator[tuple[int, float]]:
    """Yield microseconds per call from 1 element on, warm out=."""
    for n in (step * 10**power for power in range(9) for step in (1, 3)):
        if n <= largest:
            x, out = data(n)
            timed = sample([ours(x, out)], Plan(blocks=9, most_seconds=2.0)).time(0)
            yield n, timed.median * 1e6


def in_child(kernel: str, quick: bool) -> list[Row]:
    """Measure the pure path in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.json")
        command = [sys.executable, __file__, "--rows", str(path), *(["--quick"] if quick else [])]
        subprocess.run(command, env={**os.environ, _kernels.SWITCH: kernel}, check=True)
        return [Row(**row) for row in json.loads(path.read_text())]


def main() -> int:
    """Run the command; the exit status is 1 if a target is missed beyond its interval."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", type=Path, help="folder for numpy-kernel.md, .json and .svg")
    parser.add_argument("--quick", action="store_true", help="fewer samples, no growth line")
    parser.add_argument("--only", help="groups whose function's name contains this")
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    plan = Plan(blocks=9, most_seconds=2.0) if options.quick else Plan(blocks=25, most_seconds=8.0)
    bench = Bench(plan)
    if options.rows:
        pure_path(bench)
        options.rows.write_text(json.dumps([asdict(row) for row in bench.rows]))
        return 0
    for group in GROUPS:
        if not options.only or options.only in group.__name__:
            group(bench)
    rows = bench.rows
    if not options.only or options.only in "pure_path":
        rows += in_child("pure", options.quick)
    line = [] if options.quick or options.only else list(growth(100_000_000))
    about = {**record([], []), "kernel": _kernels.describe()}
    if options.write:
        options.write.mkdir(parents=True, exist_ok=True)
        (options.write / "numpy-kernel.md").write_text(markdown(about, rows, line, PLACES))
        content = {"about": about, "rows": [asdict(r) for r in rows], "growth": line}
        (options.write / "numpy-kernel.json").write_text(json.dumps(content, indent=1) + "\n")
        if line:
            plot(line, options.write / "numpy-kernel.svg")
    missed = [row for row in rows if row.verdict == "missed"]
    print(
        *(f"missed: {r.group} | {r.case}: {r.ratio:.3f} > {r.target:.3g}" for r in missed), sep="\n"
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
