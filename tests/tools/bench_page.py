"""Write the page of results: ``python tests/tools/bench_page.py RECORD... -o FILE``.

Everything on the page comes from records that ``python tests/tools/bench_record.py``
made, and from the goals of the operation. A goal that was missed is shown as missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from shrinkops.benchmark._compare import Verdict
from shrinkops.benchmark._record import read_record

sys.path.insert(0, str(Path(__file__).parent))  # what lies beside, however this is imported
from bench_family import GOALS_OF
from bench_goals import Ask, Goal

__all__ = ["main", "render"]

Figure = dict[str, Any]

_HEAD = """\
# Performance

<!-- Written by `python tests/tools/bench_page.py`; change the records or the goals instead. -->

Every figure is a ratio of two times measured in one process in alternating order, or says
its unit: the median, with its 99 % interval. Before anything is timed its result is
compared bit for bit with the definition. A ratio is *missed* where all of its interval lies
beyond the goal, here and in a fresh process. It is *open* where one of the two reaches back,
or where the same call timed twice under two names came out as two (A/A). An interval covers
one process: where its arrays lie moves a figure by up to a tenth at sizes that just fit the
caches. Ratios carry over to other machines, absolute times do not.

Measure them on yours:

```sh
python tests/tools/bench_record.py -o record.json
python tests/tools/bench_page.py record.json -o performance.md
```

`shrinkops bench TARGET...` is a quick look at one backend, and with `--gate RATIO` a check
for CI. `shrinkops bench --self-test` shows that the kit sees a delay of a tenth,
stays quiet where there is none, and flags a call that is not waited for.

airspeed velocity tracks the same ratios over the history of the repository. In a clone, in
the folder `asv_benchmarks`, after `python -m pip install ".[bench]"` at its top:

```sh
asv machine --yes

# The last commit, in an environment of its own, which takes a minute to make:
asv run HEAD^! --bench "HardshrinkNumpy.track_ratio_out[(]1000000, 'float32'"

# What is installed:
asv run -E existing:python --set-commit-hash HEAD --bench "backends.HardshrinkJax.track_ratio_fresh[(]1000000, 'float32'"

# Two commits in turn, and their results once more:
asv continuous --interleave-rounds main~1 main --bench "HardshrinkNumpy.track_ratio_out[(]1000000, 'float32'"
asv compare main~1 main

# The site, which loads its libraries from the network:
asv publish
asv preview
```

`--bench` takes a regular expression over names and parameters; it heeds case. A value is the
median of nine processes, about half a minute, so a whole run takes hours. On a
machine with a GPU, add `--launch-method spawn --bench gpu`. `SHRINKOPS_BENCH_QUICK=1` runs
everything once on small arrays. A value that the machine was too noisy to tell is n/a, and so
is a backend that is not installed; one that is not registered is a failure.

`python asv_benchmarks/planted.py`, from the top of the clone, takes four minutes or so to show that
`asv continuous` finds a slowdown that is planted in a commit, and none where there is none:
[its last run](records/asv-continuous.md).

The same for a backend of your own, registered or not, is two lines in a benchmark module of
your repository:

```python
from shrinkops.benchmark import make_suite

globals().update(make_suite(["acme"]))
```

`tests/plugins/shrinkops-array-api-strict` is such a repository, with an `asv.conf.json` to copy.
"""  # noqa: E501  # commands in one line each

_NO_GPU = """
No record here was made on a machine with a GPU: what this page and the benchmarks say of
CuPy, and of the other libraries' GPU devices, has not been measured, and the clocks that
time by CUDA events have never run.
"""

_ORDER = ("missed", "open", "not measured", "met")
"""The verdict of several cases is the first of these that one of them has."""


def render(records: Sequence[dict[str, Any]]) -> str:
    """Return the page for records, oldest first.

    Raises
    ------
    ValueError
        There is no record, or one is of an operation that has no goals.
    """
    if not records:
        raise ValueError("a page needs at least one record; make one with bench_record.py")
    parts = [_HEAD]
    if not any(record["machine"]["gpu"] for record in records):
        parts.append(_NO_GPU)
    for record in records:
        parts.append("\n".join(_section(record)))
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _section(record: dict[str, Any]) -> Iterator[str]:
    machine = record["machine"]
    name = record.get("operation", "")
    goals = _goals(name)
    yield f"## {name}, {record['date']}\n"
    gpu = f", {machine['gpu']}" if machine["gpu"] else ", no GPU"
    yield f"{machine['processor']}, {machine['cores']} cores{gpu}; {machine['system']}; "
    yield f"{record['python']}; " + ", ".join(f"{k} {v}" for k, v in record["versions"].items())
    yield "\nKernels: " + "; ".join(f"{k}: {v}" for k, v in record["kernels"].items()) + ".\n"
    yield "### Goals\n"
    yield "| goal | wanted | asked | measured, worst case | cases | verdict |"
    yield "|---|---|---|---|---|---|"
    for goal in goals:
        first = True
        for ask in goal.asks:
            found = [
                f
                for f in record["figures"]
                if (f["goal"], f["label"]) == (goal.subject, ask.label)
                and f["at_most"] == ask.at_most  # a verdict belongs to its limit
            ]
            yield _goal_row(goal if first else None, ask, found)
            first = False
    yield from _peers_section(record.get("peers", []))
    yield "\n### Every figure\n"
    for subject, figures in groupby(record["figures"], key=lambda figure: figure["goal"]):
        yield f"#### {subject}\n"
        yield "| asked | case | measured | goal | verdict | remark |"
        yield "|---|---|---|---|---|---|"
        for figure in figures:
            yield _figure_row(figure)
        yield ""


def _peers_section(figures: Sequence[Figure]) -> Iterator[str]:
    """Yield a table per target: a row for each peer, a column for each size."""
    if not figures:
        return
    yield "\n### Against what users call\n"
    yield "Time of the backend over time of the peer: below 1 the backend is faster."
    yield "`*` departs from the specification, `~` has an A/A control that left 1.\n"
    targets = dict.fromkeys((f["target"], f["case"]["mode"], f["case"]["dtype"]) for f in figures)
    for target, mode, dtype in targets:
        own = [f for f in figures if f["target"] == target and f["case"]["dtype"] == dtype]
        sizes = sorted({f["case"]["size"] for f in own})
        yield "| " + " | ".join([f"{target}, {dtype}, {mode}", *map(_size, sizes)]) + " |"
        yield "|---" * (len(sizes) + 1) + "|"
        for peer in dict.fromkeys(f["peer"] for f in own):
            found = {f["case"]["size"]: f for f in own if f["peer"] == peer}
            departs = next(iter(found.values()))["departs"]
            cells = [_peer_cell(found.get(size)) for size in sizes]
            yield _row(peer + (" *" if departs else ""), *cells)
        yield ""


def _peer_cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    ratio = figure["ratio"]
    doubt = "" if figure["verdict"] == Verdict.OK else " ~"
    low, high = _number(ratio["low"]), _number(ratio["high"])
    return f"{_number(ratio['median'])} ({low} to {high}){doubt}"


def _size(size: int) -> str:
    return f"{size:.3g}".replace("e+0", "e")


def _goals(name: str) -> tuple[Goal, ...]:
    if name not in GOALS_OF:
        raise ValueError(f"the record is of {name!r}, an operation that has no goals here")
    return GOALS_OF[name]


def _goal_row(goal: Goal | None, ask: Ask, found: Sequence[Figure]) -> str:
    subject, text = (goal.subject, goal.text) if goal else ("", "")
    asked = f"{ask.label}, at most {_number(ask.at_most)} {_unit(ask.unit)}"
    if not found:
        return _row(subject, text, asked, "", "0", "not measured")
    verdict = min((f["verdict"] for f in found), key=_ORDER.index)
    measured = [f for f in found if f["value"]]
    worst = max(measured, key=_badness, default=None)
    shown = _value(worst) + (f", {worst['case']}" if len(found) > 1 else "") if worst else ""
    counts = [(v, sum(f["verdict"] == v for f in found)) for v in _ORDER]
    cases = ", ".join(f"{count} {v}" for v, count in counts if count)
    return _row(
        subject, text, asked, shown, cases, f"**{verdict}**" if verdict != "met" else verdict
    )


def _badness(figure: Figure) -> tuple[int, float]:
    """Order figures so that the worst sound one is the greatest."""
    return -_ORDER.index(figure["verdict"]), figure["value"]["median"]


def _figure_row(figure: Figure) -> str:
    value = _value(figure) if figure["value"] else ""
    goal = f"{_number(figure['at_most'])} {_unit(figure['unit'])}"
    cells = (figure["label"], figure["case"], value, goal, figure["verdict"], figure["remark"])
    return _row(*cells)


def _value(figure: Figure) -> str:
    value, unit = figure["value"], _unit(figure["unit"])
    if value["low"] == value["high"]:
        return f"{_number(value['median'])} {unit}"
    low, high = _number(value["low"]), _number(value["high"])
    return f"{_number(value['median'])} {unit} ({low} to {high})"


def _number(value: float) -> str:
    text = f"{value:.3g}"
    return f"{value:.0f}" if "e" in text and abs(value) >= 1 else text


def _unit(unit: str) -> str:
    return "×" if unit == "x" else unit


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read records, write the page."""
    parser = argparse.ArgumentParser(prog="python tests/tools/bench_page.py")
    parser.add_argument("records", nargs="+", type=Path, metavar="RECORD")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    text = render([read_record(path) for path in sorted(options.records)])
    options.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
