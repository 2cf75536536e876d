"""One part of an acceptance: ``python -m … WORK TARGET DEVICE FILE``, its result as JSON.

Invariants
----------
- The file holds a state, a reason and the result, also where the part could not run; the exit
  status is 0 unless something broke.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from shrinkops._commands.output import dumps
from shrinkops._target import find_target
from shrinkops.benchmark._work import Skip, find_device

from ._parts import State
from ._works import WORKS, Outcome

__all__: list[str] = []


def _run(work: str, target: str, device: str) -> Outcome:
    found = find_target(target)
    try:
        where = find_device(found, device)
    except Skip as reason:
        return Outcome(State.NOT_RUN, str(reason), {})
    return WORKS[work](found, device, where)


def _main(arguments: list[str]) -> None:
    work, target, device, path = arguments
    outcome = _run(work, target, device)
    content: dict[str, Any] = {
        "state": outcome.state, "reason": outcome.reason, "result": outcome.result,
    }  # fmt: skip
    text = dumps(content)
    json.loads(text)
    Path(path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _main(sys.argv[1:])
