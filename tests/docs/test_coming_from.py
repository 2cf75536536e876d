"""The table "coming from" is true of every library that is installed here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import coming_from

ROWS = coming_from.rows()
INSTALLED = coming_from.libraries()


def test_each_row_has_a_claim_and_each_claim_its_row():
    assert [row.today for row in ROWS] == list(coming_from.CLAIMS)


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if not row.library or row.library in INSTALLED],
    ids=lambda row: row.today,
)
def test_row(row):
    assert coming_from.run(row) == []


def test_a_row_that_is_not_true_is_found():
    row = next(row for row in ROWS if row.today.startswith("`x * (np"))
    assert coming_from.run(coming_from.Row(row.today, "`softshrink(x, l)`", row.differs))
