"""Every example on every page runs and prints what the page says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(
    p for p in DOCS.rglob("*.md") if "_generated" not in p.parts and ">>>" in p.read_text("utf-8")
)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(DOCS).as_posix())
def test_page(page, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", str(Path(__file__).with_name("run_page.py")), str(page)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ran = re.search(r"(\d+) examples, 0 failed", done.stdout)
    assert ran is not None
    assert int(ran[1]) == len(re.findall(r"^>>> ", page.read_text("utf-8"), re.MULTILINE))


def test_a_wrong_example_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("text\n\n```python\n>>> 1 + 1\n3\n```\n")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("run_page.py")), str(page)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "line 4, in page.md" in done.stdout
