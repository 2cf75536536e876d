"""Measure every goal of an operation: ``python tests/tools/bench_record.py -o FILE``.

The file is a record of machine, versions, date and answers, from which
``python tests/tools/bench_page.py`` writes the page of results. What the file has already is
kept, and what is missing is added, so a record may be made in pieces (``--target``, ``--label``)
and by several interpreters.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import shrinkops
from shrinkops._target import Target, find_target, operations
from shrinkops.benchmark import selftest
from shrinkops.benchmark._record import read_record, record, write_record
from shrinkops.benchmark._sampling import Plan
from shrinkops.benchmark._session import pairs_of, run, usual_peers

sys.path.insert(0, str(Path(__file__).parent))  # what lies beside, however this is imported
from bench_answers import answers
from bench_family import GOALS_OF
from bench_goals import Goal

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; return 0, or 1 where the kit itself cannot be trusted."""
    known = {name: operations()[name] for name in GOALS_OF}
    parser = argparse.ArgumentParser(prog="python tests/tools/bench_record.py")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--operation", choices=sorted(known), default="hardshrink")
    parser.add_argument("--target", action="append", help="only what is asked of this backend")
    parser.add_argument("--label", action="append", help="only these questions, by their words")
    parser.add_argument("--blocks", type=int, default=Plan.blocks)
    parser.add_argument("--largest", type=int, default=10**8, help="elements; 1e8 needs 8 GB")
    options = parser.parse_args(arguments)
    # One thread but where a question is about threads; fresh processes inherit it.
    os.environ["SHRINKOPS_NUM_THREADS"] = "1"
    shrinkops.threads(None)
    found = read_record(options.output) if options.output.exists() else {}
    if not found and selftest.main():
        print("the self-test failed: nothing is recorded", file=sys.stderr)
        return 1
    operation, plan = known[options.operation], Plan(blocks=options.blocks)
    goals = GOALS_OF[operation.name]
    figures, peers = found.get("figures", []), found.get("peers", [])
    for goal in goals:
        for whole in goal.asks:
            if options.target and whole.target not in options.target:
                continue
            if options.label and whole.label not in options.label:
                continue
            known_already = (goal.subject, whole.label, whole.target)
            if known_already in {(f["goal"], f["label"], f.get("target")) for f in figures}:
                continue
            sizes = tuple(size for size in whole.sizes if size <= options.largest)
            ask = replace(whole, sizes=sizes)
            for answer in answers(ask, operation, plan):
                print(
                    f"{goal.subject}: {answer.label}, {answer.case}: {answer.verdict}", flush=True
                )
                one = {"goal": goal.subject, "target": whole.target, **answer.as_dict()}
                figures.append(_where_else(one, found))
            _write(options.output, operation.name, goals, figures, peers, found)
    for target in [] if options.label else _targets(goals):
        if target.text in {f["target"] for f in peers}:
            continue
        if options.target and target.text not in options.target:
            continue
        sizes = tuple(size for size in _SIZES if size <= options.largest)
        pairs = list(pairs_of([target], sizes, ("float32",), None, "cpu"))
        session = run(pairs, operation, usual_peers(operation), plan, print)
        peers += [{**f.as_dict(), "samples": []} for f in session.measured]
        _write(options.output, operation.name, goals, figures, peers, found)
    return 0


def _where_else(figure: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Say so where a figure comes from another interpreter than the record it joins."""
    here = f"{platform.python_implementation()} {platform.python_version()}"
    if not found or found["python"] == here:
        return figure
    remark = f"on {here}, numpy {importlib.metadata.version('numpy')}"
    return {**figure, "remark": "; ".join(filter(None, (figure["remark"], remark)))}


def _write(
    path: Path,
    operation: str,
    goals: Sequence[Goal],
    figures: list[dict[str, Any]],
    peers: list[dict[str, Any]],
    found: dict[str, Any],
) -> None:
    """Write all that is known so far, in the order of the goals, so that a run may end early."""
    order = [(goal.subject, ask.label, ask.target) for goal in goals for ask in goal.asks]
    figures = sorted(figures, key=lambda f: order.index((f["goal"], f["label"], f["target"])))
    content = {"operation": operation, **record(_targets(goals), figures), "peers": peers}
    if found:  # what ran first says where
        kept = ("date", "machine", "python", "kernels")
        content |= {key: found[key] for key in kept}
        content["versions"] = {**content["versions"], **found["versions"]}
    write_record(path, content)


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
