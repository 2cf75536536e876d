"""Print what choosing a backend costs: ``python tests/tools/bench_dispatch.py [TARGET...]``.

`shrinkops.benchmark.dispatch` says how it is measured.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import shrinkops
from shrinkops._target import find_target, operations
from shrinkops.benchmark._sampling import Plan
from shrinkops.benchmark._statistics import Estimate
from shrinkops.benchmark._work import Skip
from shrinkops.benchmark.dispatch import PLAN, WAYS, measure

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return 0, or 1 where nothing could be measured."""
    known = operations()
    parser = argparse.ArgumentParser(
        prog="python tests/tools/bench_dispatch.py",
        description="Measure what choosing a backend adds to its own call, in nanoseconds.",
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="backends; all ready ones")
    parser.add_argument("--operation", choices=sorted(known), default="hardshrink")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--blocks", type=int, default=PLAN.blocks)
    options = parser.parse_args(arguments)
    # By their own types; the fallbacks of negative priority take what these do not.
    names = options.targets or [
        row.name
        for row in shrinkops.backends()
        if row.state == "ready" and find_target(row.name).backend.priority >= 0
    ]
    plan = Plan(blocks=options.blocks, sample_seconds=PLAN.sample_seconds)
    print(f"{options.operation}, one {options.dtype} element, lambd a float; ns, 99 % intervals")
    print(f"{'backend':10}{'direct':>10}" + "".join(f"{'+ ' + way:>26}" for way in WAYS[1:]))
    measured = 0
    for name in names:
        try:
            target = find_target(name)
            row = measure(target, known[options.operation], dtype=options.dtype, plan=plan)
        except (ValueError, Skip) as reason:
            print(f"{name:10}not measured: {reason}")
            continue
        cells = "".join(f"{_nanoseconds(row.added[way]):>26}" for way in WAYS[1:])
        remark = "   noisy machine: run it again" if row.noisy else ""
        print(f"{name:10}{row.direct.median * 1e9:10.0f}{cells}{remark}")
        measured += 1
    return 0 if measured else 1


def _nanoseconds(value: Estimate) -> str:
    return f"{value.median * 1e9:.0f} ({value.low * 1e9:.0f} to {value.high * 1e9:.0f})"


if __name__ == "__main__":
    raise SystemExit(main())
