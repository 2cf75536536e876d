"""The run as JUnit XML, for continuous-integration servers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from ._model import State
from ._report import Run

__all__ = ["junit_text"]

_ELEMENT = {
    State.FAILED: "failure",
    State.UNEXPECTED: "failure",
    State.OTHERWISE: "failure",
    State.EXPECTED: "skipped",
    State.NOT_APPLICABLE: "skipped",
    State.NOT_DECLARED: "skipped",
}
_NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_text(runs: Sequence[Run]) -> str:
    """Return all runs as one document."""
    root = ElementTree.Element("testsuites")
    for run in runs:
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=f"{run.environment.suite.operation.name} on {run.environment.target.text}",
            time=f"{run.seconds:.3f}",
        )
        totals = {"tests": 0, "failures": 0, "skipped": 0, "errors": 0}
        for result in run.results:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                classname=result.item.check.clause,
                name=result.item.identifier,
                time=f"{result.seconds:.4f}",
            )
            totals["tests"] += 1
            element = _ELEMENT.get(result.state)
            if element == "failure" and result.item.check.provisional:
                element = "skipped"
            if element is None:
                continue
            totals["failures" if element == "failure" else "skipped"] += 1
            detail = ElementTree.SubElement(
                case, element, message=f"{result.state.value}: {result.message}"
            )
            if result.script:
                detail.text = result.script
        for problem in [*run.stale, *([run.too_little] if run.too_little else [])]:
            case = ElementTree.SubElement(suite, "testcase", classname="run", name="denominator")
            ElementTree.SubElement(case, "failure", message=problem)
            totals["tests"] += 1
            totals["failures"] += 1
        for name, value in totals.items():
            suite.set(name, str(value))
    ElementTree.indent(root)
    for node in root.iter():  # names and messages alike come from elsewhere
        node.text = node.text and _clean(node.text)
        for name, text in node.attrib.items():
            node.set(name, _clean(text))
    document = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{document}\n'


def _clean(text: str) -> str:
    """Write what XML 1.0 cannot hold as escapes."""
    return _NOT_IN_XML.sub(lambda m: f"\\x{ord(m.group()):02x}", text)
