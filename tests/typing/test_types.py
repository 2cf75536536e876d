"""The annotations of the public surface, as mypy and pyright read them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
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


def test_annotations_as_pyright_reads_them(tmp_path):
    """The same lines are right, and the same are wrong, as for mypy."""
    settings = {
        "include": [str(HERE)],
        "typeCheckingMode": "standard",
        "pythonVersion": "3.11",
        "extraPaths": [str(ROOT), *(path for path in sys.path if path)],
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "-p", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    # At its first start in an environment it may say so before it answers.
    answer = done.stdout[done.stdout.find("{") :]
    assert answer.startswith("{"), done.stdout + done.stderr
    diagnostics = json.loads(answer)["generalDiagnostics"]
    found = {
        (Path(d["file"]).name, d["range"]["start"]["line"] + 1)
        for d in diagnostics
        if Path(d["file"]).name != Path(__file__).name
    }
    lines = (HERE / "refused.py").read_text("utf-8").splitlines()
    marked = {("refused.py", n) for n, line in enumerate(lines, 1) if "# error: " in line}
    assert found == marked, done.stdout
