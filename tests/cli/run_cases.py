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


def main(cases: Path, statuses: Path) -> None:
    """Run each command line of a file and write how it ended."""
    from shrinkops._commands.streams import prepare

    prepare()
    from shrinkops._cli import cli  # after prepare, as __main__ does

    ended: list[object] = []
    for number, arguments in enumerate(json.loads(cases.read_text(encoding="utf-8"))):
        for descriptor in (1, 2):
            with contextlib.suppress(OSError):
                os.write(descriptor, f"\n@@{number}@@\n".encode())
        try:
            cli.main(arguments, prog_name="shrinkops")
        except SystemExit as error:
            ended.append(error.code)
    statuses.write_text(json.dumps(ended), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
