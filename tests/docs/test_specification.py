"""The page of an operation's specification says what the operation's clauses say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shrinkops._target import operations

DOCS = Path(__file__).parents[2] / "docs"
CLAUSE = re.compile(
    r"^\((?P<anchor>[a-z]+-[a-z]+-\d+)\)=\n"
    r"### (?P<identifier>\S+) (?P<title>.+)\n\n(?P<text>[^#(]*)",
    re.MULTILINE,
)
CAPABILITY = re.compile(r"\*Capability `(\w+)`\.\*")


@pytest.fixture(params=operations().values(), ids=operations())
def operation(request):
    return request.param


@pytest.fixture
def page(operation):
    return (DOCS / "spec" / f"{operation.name}.md").read_text("utf-8")


def test_every_clause_has_its_anchor_and_no_other_is_there(operation, page):
    found = [(m["anchor"].upper(), m["identifier"], m["title"]) for m in CLAUSE.finditer(page)]
    assert found == [(c.identifier, c.identifier, c.title) for c in operation.clauses]
    assert len(re.findall(r"^\(.*\)=$", page, re.MULTILINE)) == len(found)


def test_capabilities_agree(operation, page):
    found = {m["identifier"]: CAPABILITY.findall(m["text"]) for m in CLAUSE.finditer(page)}
    assert found == {
        c.identifier: [c.capability] if c.capability else [] for c in operation.clauses
    }


def test_version_agrees(operation, page):
    assert page.startswith(f"# Specification of {operation.name}, {operation.specification}\n")
