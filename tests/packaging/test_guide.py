"""docs/certify.md, followed word for word in an empty folder of a clean environment.

The first command installs by name; pip is told where the wheel of this tree lies, and
nothing else is different from what a reader does.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import venv
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "certify.md"

FILE = re.compile(
    r"^```\{code-block\} \w+\n:caption: (\S+)\n\n(.*?)^```$", re.DOTALL | re.MULTILINE
)
COMMAND = re.compile(r"(?:^% exit: (\d)\n\n)?^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_the_guide_holds(built, variables, tmp_path):
    text = PAGE.read_text(encoding="utf-8")
    steps = sorted([*FILE.finditer(text), *COMMAND.finditer(text)], key=lambda m: m.start())
    assert len(steps) >= 9
    assert steps[0][2].startswith("pip install ")
    venv.create(tmp_path / "venv", with_pip=True)
    scripts = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    path = os.pathsep.join([str(scripts), variables["PATH"]])
    variables = {**variables, "PATH": path, "PIP_FIND_LINKS": str(built.wheel.parent)}
    empty = tmp_path / "empty"
    empty.mkdir()
    for step in steps:
        if step.re is FILE:
            (empty / step[1]).write_text(step[2], encoding="utf-8")
            continue
        done = subprocess.run(
            step[2], shell=True, cwd=empty, env=variables,
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == int(step[1] or 0), step[2] + done.stdout[-3000:] + done.stderr
    assert json.loads((empty / "certificate.json").read_text("utf-8"))["conforms"]
    assert (empty / "report.html").stat().st_size > 10_000
    assert (empty / "junit.xml").exists()
