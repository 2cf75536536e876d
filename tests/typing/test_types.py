"""The annotations of the public surface, as mypy reads them."""

from __future__ import annotations

import re
from pathlib import Path

from mypy import api

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def test_annotations_as_mypy_reads_them():
    """The type of an array goes through, and the marked mistakes, no others, are found."""
    options = ["--config-file", str(ROOT / "pyproject.toml")]
    options += ["--cache-dir", str(ROOT / ".mypy_cache")]  # PyTorch's types take long to read
    options += ["--no-error-summary", "--show-error-codes", "--hide-error-context", "--no-pretty"]
    text, problems, _ = api.run([*options, str(HERE / "accepted.py"), str(HERE / "refused.py")])
    assert problems == ""
    found = re.findall(r"(\w+\.py):(\d+): error: .*\[([\w-]+)\]$", text, re.MULTILINE)
    assert len(found) == text.count(": error: "), text

    lines = (HERE / "refused.py").read_text("utf-8").splitlines()
    marks = [
        ("refused.py", str(number), match[1])
        for number, line in enumerate(lines, 1)
        if (match := re.search(r"# error: ([\w-]+)$", line))
    ]
    assert len(marks) > 5
    assert sorted(found) == sorted(marks), text
