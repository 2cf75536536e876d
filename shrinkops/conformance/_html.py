"""The run as one HTML page that stands alone: no script, no font, no image from elsewhere.

Invariants
----------
- Every text that comes from a backend is escaped.
- The matrix shows clause × dtype × transformation: a column group without transformation,
  then one group for each transformation that the backend declares.
- Colour never speaks alone: a cell has a number or a mark, and a title that says it in words.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files

from . import KIT_VERSION
from ._certificate import LIMITS, certificate, described
from ._model import Result, State
from ._numbers import NUMBERS, number_of
from ._report import Exit, Run

__all__ = ["page"]

_STYLE = files(__package__ or "").joinpath("report.css")
_ANY = ""
_ORDER = {name: i for i, name in enumerate(NUMBERS)}

_WORST = (
    (State.FAILED, "failed"),
    (State.UNEXPECTED, "failed"),
    (State.OTHERWISE, "failed"),
    (State.EXPECTED, "known"),
    (State.PASSED, "passed"),
    (State.NOT_APPLICABLE, "none"),
    (State.NOT_DECLARED, "none"),
)
"""States from the gravest to the mildest, with the style of a cell that has one."""


def page(runs: Sequence[Run]) -> str:
    """Return the page."""
    backend = runs[0].environment.target.backend
    title = f"Conformance of backend {backend.name}"
    body = "\n".join(line for run in runs for line in _run(run))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE.read_text(encoding='utf-8')}</style>\n"
        f"</head>\n<body>\n<main>\n{body}\n{_facts(runs)}\n</main>\n</body>\n</html>\n"
    )


def _run(run: Run) -> Iterator[str]:
    backend = run.environment.target.backend
    good = run.status is Exit.CONFORMS
    yield f"<h1>{escape(run.environment.suite.operation.name)} on {escape(backend.name)}</h1>"
    yield (
        f'<p class="soft">Specification {escape(run.specification)}, '
        f"conformance kit {KIT_VERSION}, {datetime.datetime.now(datetime.UTC).date()}, "
        f"{escape(described(backend.kernel_in_use))}</p>"
    )
    mark = "✓" if good else "✕"
    yield (
        f'<div class="verdict {"good" if good else "bad"}"><span class="mark">{mark}</span>'
        f"<span>{escape(run.verdict)}</span></div>"
    )
    yield from _counts(run)
    yield "<h2>Clause × dtype × transformation</h2>"
    yield from _matrix(run)
    yield from _clauses(run)
    if run.failures:
        yield f'<h2 id="failures">Deviations ({len(run.failures)})</h2>'
        for result in run.failures:
            yield _failure(result)
    known = [r for r in run.results if r.state is State.EXPECTED]
    if known or run.stale:
        yield "<h2>Ledger</h2><ul>"
        yield from (f"<li>{escape(line)}</li>" for line in run.stale)
        yield from (
            f"<li><code>{escape(r.item.identifier)}</code> {escape(r.message)}</li>" for r in known
        )
        yield "</ul>"
    provisional = [r for r in run.results if r.item.check.provisional and not r.state.good]
    if provisional:
        yield "<h2>Provisional checks that failed</h2>"
        yield from (_failure(result) for result in provisional)


def _counts(run: Run) -> Iterator[str]:
    counts = run.counts
    shown = (
        ("required", counts.required), ("ran", counts.ran), ("passed", counts.passed),
        ("failed", counts.failed), ("expected to fail", counts.expected),
        ("not applicable", counts.not_applicable), ("not declared", counts.not_declared),
    )  # fmt: skip
    yield '<div class="counts">'
    for name, value in shown:
        style = "count bad" if name == "failed" and value else "count"
        yield f'<div class="{style}"><b>{value}</b><span>{name}</span></div>'
    yield "</div>"


def _columns(run: Run) -> list[tuple[str, str]]:
    """Return the columns as (transformation, dtype); the empty dtype is for checks without."""
    found = {(r.item.transformation, r.item.dtype) for r in run.results if r.item.dtype}
    found.add(("", _ANY))
    return sorted(found, key=lambda column: (column[0], *_place(run, column[1])))


def _place(run: Run, dtype: str) -> tuple[int, str]:
    if dtype == _ANY:
        return -1, ""
    number = number_of(run.environment.target.backend.format(dtype), dtype)
    return _ORDER.get(number.name if number else "", len(_ORDER)), dtype


def _matrix(run: Run) -> Iterator[str]:
    columns = _columns(run)
    cells: dict[tuple[str, str, str], list[Result]] = {}
    for result in run.results:
        item = result.item
        key = (item.check.clause, item.transformation, item.dtype)
        cells.setdefault(key, []).append(result)
    edges = {i for i, column in enumerate(columns) if i and column[0] != columns[i - 1][0]}
    yield '<div class="scroll"><table class="matrix"><thead>'
    groups = Counter(name for name, _ in columns)
    yield (
        '<tr class="groups"><th></th>'
        + "".join(
            f'<th colspan="{count}"{_edge(bool(name))}>{escape(name or "direct call")}</th>'
            for name, count in groups.items()
        )
        + "</tr>"
    )
    yield (
        "<tr><th></th>"
        + "".join(
            f'<th class="dtype{" edge" if i in edges else ""}">'
            f"<span>{escape(dtype) or 'any type'}</span></th>"
            for i, (_, dtype) in enumerate(columns)
        )
        + "</tr></thead><tbody>"
    )
    for clause in run.environment.suite.operation.clauses:
        row = [cells.get((clause.identifier, *column), []) for column in columns]
        if not any(row):
            continue
        yield (
            f'<tr><th title="{escape(clause.text)}"><a href="#{escape(clause.identifier)}">'
            f"<code>{escape(clause.identifier)}</code></a>"
            f"<span>{escape(clause.title)}</span></th>"
            + "".join(
                f"<td{_edge(i in edges)}>{_cell(results)}</td>" for i, results in enumerate(row)
            )
            + "</tr>"
        )
    yield "</tbody></table></div>"
    yield (
        '<div class="legend"><span><span class="cell passed">12</span>checks passed</span>'
        '<span><span class="cell failed">✕2</span>failed</span>'
        '<span><span class="cell known">!1</span>expected to fail, in the ledger</span>'
        '<span><span class="cell none">–</span>not declared or not applicable</span></div>'
    )


def _clauses(run: Run) -> Iterator[str]:
    """Yield what each clause says, where the matrix links to."""
    yield '<details class="clauses"><summary>What the clauses say</summary><dl class="facts">'
    for clause in run.environment.suite.operation.clauses:
        yield (
            f'<dt id="{escape(clause.identifier)}"><code>{escape(clause.identifier)}</code> '
            f"{escape(clause.title)}</dt><dd>{escape(clause.text)}</dd>"
        )
    yield "</dl></details>"


def _edge(edge: bool) -> str:
    return ' class="edge"' if edge else ""


def _cell(results: Sequence[Result]) -> str:
    binding = [r for r in results if not r.item.check.provisional]
    if not binding:
        return '<span class="cell empty"></span>'
    states = Counter(r.state for r in binding)
    style = next(style for state, style in _WORST if states[state])
    title = ", ".join(f"{count} {state.value}" for state, count in sorted(states.items()))
    number = {
        "failed": f"✕{sum(not r.state.good for r in binding)}",
        "known": f"!{states[State.EXPECTED]}",
        "passed": str(states[State.PASSED]),
        "none": "–",
    }[style]
    if style == "failed":
        first = next(r for r in binding if not r.state.good)
        return (
            f'<a class="cell failed" title="{escape(title)}" href="#{_anchor(first)}">{number}</a>'
        )
    return f'<span class="cell {style}" title="{escape(title)}">{number}</span>'


def _anchor(result: Result) -> str:
    return escape(result.item.identifier.replace(" ", "_"))


def _failure(result: Result) -> str:
    script = f"<pre>{escape(result.script)}</pre>" if result.script else ""
    return (
        f'<details id="{_anchor(result)}" open><summary>'
        f"<code>{escape(result.item.identifier)}</code> "
        f"{escape(result.item.check.title)}</summary>"
        f"<p>{escape(result.state.value)}: {escape(result.message)}</p>{script}</details>"
    )


def _facts(runs: Sequence[Run]) -> str:
    document = certificate(runs)
    backend, environment = document["backend"], document["environment"]
    facts = {
        "target": backend["target"],
        "brought by": f"{backend['distribution']} {backend['version']}".strip(),
        "library": f"{backend['framework']} {backend['framework_version']}".strip(),
        "devices": ", ".join(backend["devices"]),
        "capabilities": ", ".join(backend["capabilities"]),
        "Python, NumPy": f"{environment['python']}, {environment['numpy']}",
        "machine": f"{environment['system']} {environment['machine']}",
    }
    for operation in document["operations"]:
        facts[f"vectors of {operation['operation']}, SHA-256"] = operation["vectors_sha256"]
        facts["run"] = ("thorough" if operation["thorough"] else "default") + (
            f", {operation['seconds']} s"
        )
    rows = "".join(f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in facts.items())
    limits = "".join(f"<li>{escape(text)}</li>" for text in LIMITS)
    return (
        f'<h2>What was judged</h2><dl class="facts">{rows}</dl>'
        f"<h2>What this cannot say</h2><ul>{limits}</ul>"
    )
