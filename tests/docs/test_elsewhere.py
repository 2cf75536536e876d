"""The page about the family elsewhere says what installed libraries answer today."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "tools"))
import elsewhere  # noqa: E402

PAGE = ROOT / "docs" / "elsewhere.md"


@pytest.mark.parametrize("operation", sorted(elsewhere.PEERS))
def test_each_cell_is_what_the_library_answers(operation):
    section = PAGE.read_text(encoding="utf-8").split(f"## {operation}\n")[1].split("\n## ")[0]
    rows = [[c.strip() for c in line.split("|")[1:-1]] for line in section.splitlines()
            if line.startswith("| ")]  # fmt: skip
    head, *body = rows
    tried = 0
    for peer in elsewhere.PEERS[operation]:
        if f"{peer.library} {elsewhere._version(peer.library)}\n" not in section:
            continue  # not installed here, or another version than the page's
        column = head.index(peer.library)
        for corner, row in zip(elsewhere.CORNERS[operation], body, strict=True):
            assert row[column] == elsewhere.cell(operation, peer, corner), (peer, corner)
            tried += 1
    assert tried
