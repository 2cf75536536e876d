"""docs/certify.md, followed word for word in an empty folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "certify.md"
FILE = re.compile(
    r"^```\{code-block\} \w+\n:caption: (\S+)\n\n(.*?)^```$", re.DOTALL | re.MULTILINE
)
COMMAND = re.compile(r"(?:^% exit: (\d)\n\n)?^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_the_guide_holds(tmp_path):
    text = PAGE.read_text(encoding="utf-8")
    steps = sorted([*FILE.finditer(text), *COMMAND.finditer(text)], key=lambda m: m.start())
    assert len(steps) >= 9
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    for step in steps:
        if step.re is FILE:
            (tmp_path / step[1]).write_text(step[2], encoding="utf-8")
            continue
        done = subprocess.run(
            step[2], shell=True, cwd=tmp_path, env={**environment, "PATH": path},
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == int(step[1] or 0), step[2] + done.stdout[-3000:] + done.stderr
    assert json.loads((tmp_path / "certificate.json").read_text("utf-8"))["conforms"]
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert (tmp_path / "junit.xml").exists()
