"""Writes the page of what the kit says of implementations in use.

Run ``python tests/tools/deviations.py docs/deviations.md``.
"""

from __future__ import annotations

import datetime
import importlib.metadata
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from shrinkops.conformance import KIT_VERSION
from shrinkops.conformance._model import Result, State, Suite
from shrinkops.conformance._suites import load_suites
from shrinkops.conformance._wild import Corner, Wild, judge

__all__ = ["deviations_page", "main"]

_MARK = {State.PASSED: "✓", State.FAILED: "**✕**"}
_LONGEST = 160


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def main(file: Path) -> None:
    """Judge what people use today, and write the page."""
    file.write_text(deviations_page(load_suites()), encoding="utf-8")


# What people use today


def deviations_page(suites: Sequence[Suite]) -> str:
    """Return the page about implementations in use."""
    lines = [
        "# What people use today",
        "",
        "The conformance kit, pointed at thin wrappers of implementations in use. Each is held "
        "to the clauses about values, λ, types, purity and derivatives; none of them ever "
        "promised the rest. A check is named by its clause in the "
        "[specification](spec/hardshrink).",
        "",
        "This page is generated: `python tests/tools/deviations.py FILE` "
        f"(kit {KIT_VERSION}, {datetime.date.today().isoformat()}). It judges what is installed: "
        "`pip install numexpr PyWavelets sigpy keras onnx onnxruntime paddlepaddle` brings what "
        "the tests do not need. A library that changes the dtype fails every corner of that "
        "dtype.",
    ]
    for suite in suites:
        judged = [(w, judge(suite, w)) for w in suite.wild() if w.installed]
        if judged:
            lines += ["", *_deviations(suite, judged)]
        missing = [w.name for w in suite.wild() if not w.installed]
        if missing:
            lines += ["", f"Not installed when this page was made: {', '.join(missing)}."]
    return "\n".join(lines) + "\n"


def _deviations(suite: Suite, judged: Sequence[tuple[Wild, list[Result]]]) -> Iterator[str]:
    yield f"## {suite.operation.name}"
    yield ""
    yield "| name | checks that fail | library | what its users write |"
    yield "|---|---|---|---|"
    for wild, results in judged:
        ran = {r.item.check.identifier for r in results if r.state.ran}
        failed = {r.item.check.identifier for r in results if r.state is State.FAILED}
        versions = ", ".join(f"{n} {_version(n)}" for n in wild.needs if n != "ml_dtypes")
        yield f"| {wild.name} | {len(failed)} of {len(ran)} | {versions} | `{wild.source}` |"
    yield ""
    yield "The corners that libraries fill differently (✓ as specified, ✕ deviates, – not judged):"
    yield ""
    yield f"| corner | {' | '.join(w.name for w, _ in judged)} |"
    yield f"|---|{'---|' * len(judged)}"
    for corner in suite.corners():
        marks = [_mark(results, corner) for _, results in judged]
        yield f"| {corner.name} | {' | '.join(marks)} |"
    for wild, results in judged:
        yield ""
        yield f"### {wild.name}"
        yield ""
        yield f"`{wild.source}`"
        yield ""
        yield "| check | dtypes | what it does |"
        yield "|---|---|---|"
        failed_checks: dict[str, list[Result]] = {}
        for result in results:
            if result.state is State.FAILED:
                failed_checks.setdefault(result.item.check.identifier, []).append(result)
        for identifier, several in failed_checks.items():
            dtypes = ", ".join(r.item.dtype for r in several if r.item.dtype) or "–"
            yield f"| {identifier} | {dtypes} | {_cell(several[0].message)} |"


def _mark(results: Sequence[Result], corner: Corner) -> str:
    states = [
        r.state
        for r in results
        if r.item.check.identifier == corner.check
        and (not corner.dtypes or r.item.dtype in corner.dtypes)
    ]
    for state in (State.FAILED, State.PASSED):
        if state in states:
            return _MARK[state]
    return "–"


def _cell(message: str) -> str:
    text = " ".join(message.split()).replace("|", "\\|")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _version(module: str) -> str:
    names = {"pywt": "PyWavelets", "paddle": "paddlepaddle"}
    return importlib.metadata.version(names.get(module, module))


if __name__ == "__main__":
    main()
