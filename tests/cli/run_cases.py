"""Runs command lines one after another in one process, for ``test_terminal.py``.

    python run_cases.py CASES.json STATUSES.json

Between them a mark goes to stdout and to stderr, whatever these are.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

from shrinkops._commands.streams import prepare

prepare()

from shrinkops._cli import cli  # noqa: E402  after prepare, as __main__ does

cases = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
statuses = []
for number, arguments in enumerate(cases):
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            os.write(descriptor, f"\n@@{number}@@\n".encode())
    try:
        cli.main(arguments, prog_name="shrinkops")
    except SystemExit as ended:
        statuses.append(ended.code)
Path(sys.argv[2]).write_text(json.dumps(statuses), encoding="utf-8")
