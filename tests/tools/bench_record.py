"""Measure every goal of an operation: ``python tests/tools/bench_record.py -o FILE``.

The file is a record of machine, versions, date and answers, from which
``python tests/tools/bench_page.py`` writes the page of results.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from shrinkops._plugins.target import Target, find_target, operations
from shrinkops.benchmark import selftest
from shrinkops.benchmark._record import record, write_record
from shrinkops.benchmark._sampling import Plan
from shrinkops.benchmark._session import pairs_of, run, usual_peers

sys.path.insert(0, str(Path(__file__).parent))  # what lies beside, however this is imported
from bench_answers import answers
from bench_goals import Goal
from bench_hardshrink import GOALS_OF

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; return 0, or 1 where the kit itself cannot be trusted."""
    known = {name: operations()[name] for name in GOALS_OF}
    parser = argparse.ArgumentParser(prog="python tests/tools/bench_record.py")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--operation", choices=sorted(known), default="hardshrink")
    parser.add_argument("--blocks", type=int, default=Plan.blocks)
    parser.add_argument("--largest", type=int, default=10**8, help="elements; 1e8 needs 8 GB")
    options = parser.parse_args(arguments)
    if selftest.main():
        print("the self-test failed: nothing is recorded", file=sys.stderr)
        return 1
    operation = known[options.operation]
    goals = GOALS_OF[operation.name]
    plan = Plan(blocks=options.blocks)
    figures = []
    for goal in goals:
        for whole in goal.asks:
            sizes = tuple(size for size in whole.sizes if size <= options.largest)
            ask = replace(whole, sizes=sizes)
            for answer in answers(ask, operation, plan):
                print(f"{goal.subject}: {answer.label}, {answer.case}: {answer.verdict}")
                figures.append({"goal": goal.subject, **answer.as_dict()})
    targets = _targets(goals)
    sizes = tuple(size for size in _SIZES if size <= options.largest)
    pairs = list(pairs_of(targets, sizes, ("float32",), None, "cpu"))
    session = run(pairs, operation, usual_peers(operation), plan, print)
    peers = [{**f.as_dict(), "samples": []} for f in session.measured]
    content = {"operation": operation.name, **record(targets, figures), "peers": peers}
    write_record(options.output, content)
    return 0


_SIZES = (1, 1_000, 100_000, 1_000_000, 10_000_000)
"""At which every target is held against its usual peers."""


def _targets(goals: Sequence[Goal]) -> list[Target]:
    """Return the targets that can compute here."""
    found = []
    for name in dict.fromkeys(ask.target for goal in goals for ask in goal.asks if ask.target):
        try:
            target = find_target(name)
        except ValueError:
            continue
        if target.backend.installed() and target.backend.unavailable() is None:
            found.append(target)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
