"""The acceptance as a command: parts in turn, one JSON and one text report.

Invariants
----------
- The reports are written after every part, whole, so that a run that is cut off leaves what it
  found.
- Status 1 where a part failed, 3 where nothing failed but a part that is wanted did not run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from shrinkops._commands.output import Output, dumps
from shrinkops._commands.status import Exit
from shrinkops._commands.whole import write_whole
from shrinkops._target import find_target
from shrinkops.benchmark._record import record
from shrinkops.benchmark._work import cores

from ._parts import Part, State, parts_of, run_part
from ._report import lines

__all__ = ["accept", "main"]

_AT_ONCE = 4


def accept(
    targets: Sequence[str], device: str, path: Path, say: Callable[[str], object] = print
) -> Exit:
    """Run an acceptance, and write its two reports.

    Parameters
    ----------
    targets : sequence of str
    device : {"cpu", "gpu"}
    path : Path
        Of the JSON report; the text report lies beside it, with the suffix ``.txt``.
    say : callable
        Takes the lines for the screen.

    Raises
    ------
    ValueError, TypeError
        A target is not found.
    OSError
        A report cannot be written.
    """
    parts = parts_of(targets, device)
    _write(path, targets, device, parts)
    for part in _in_turn(parts):
        say(f"{part.state}: {part.name} ({part.seconds:.0f} s)")
        _write(path, targets, device, parts)
    content = _write(path, targets, device, parts)
    say("")
    for line in lines(content):
        say(line)
    return _status(parts)


def _in_turn(parts: Sequence[Part]) -> Iterator[Part]:
    """Run the parts, some at once, those with timings alone; yield each when it is done.

    What cannot name a target's device cannot do anything else with it.
    """
    first = [part for part in parts if part.work == "machine"]
    yield from _at_once(first)
    missing = {part.target: part.reason for part in first if part.state == State.NOT_RUN}
    for part in parts:
        part.reason = missing.get(part.target, part.reason)
    rest = [part for part in parts if part not in first and part.target not in missing]
    yield from _at_once([part for part in rest if not part.timed])
    for part in rest:
        if part.timed:
            yield _run(part)


def _at_once(parts: Sequence[Part]) -> Iterator[Part]:
    with ThreadPoolExecutor(min(_AT_ONCE, cores())) as pool:
        for future in as_completed([pool.submit(_run, part) for part in parts]):
            yield future.result()


def _run(part: Part) -> Part:
    run_part(part)
    return part


def _write(
    path: Path, targets: Sequence[str], device: str, parts: Sequence[Part]
) -> dict[str, Any]:
    content = record([find_target(text) for text in targets], ())
    del content["figures"]
    status = _status(parts)
    content |= {
        "acceptance": list(targets),
        "device": device,
        "status": int(status),
        "verdict": _VERDICTS[status],
        "parts": [part.as_dict() for part in parts],
    }
    write_whole(path, (dumps(content, indent=1, ascii_only=False) + "\n").encode())
    write_whole(path.with_suffix(".txt"), ("\n".join(lines(content)) + "\n").encode())
    return content


_VERDICTS = {
    Exit.CONFORMS: "accepted: every part ran and passed",
    Exit.DEVIATES: "not accepted: a part failed",
    Exit.TOO_LITTLE: "no verdict: a part could not run here",
}


def _status(parts: Sequence[Part]) -> Exit:
    if any(part.state == State.FAILED for part in parts):
        return Exit.DEVIATES
    if any(part.state == State.NOT_RUN and not part.optional for part in parts):
        return Exit.TOO_LITTLE
    return Exit.CONFORMS


def main(arguments: Sequence[str]) -> Exit:
    """Run the command where click, which reads the arguments otherwise, is not installed."""
    parser = argparse.ArgumentParser("shrinkops bench", description=accept.__doc__)
    parser.add_argument("targets", nargs="+", metavar="TARGET")
    parser.add_argument("--acceptance", action="store_true", required=True)
    parser.add_argument("--device", choices=("cpu", "gpu"), default="gpu")
    parser.add_argument("--json", type=Path, default=Path("acceptance.json"))
    options = parser.parse_args(arguments)
    output = Output(sys.stdout, sys.stderr)
    try:
        return accept(options.targets, options.device, options.json, output.line)
    except (ValueError, TypeError, OSError) as error:
        parser.error(str(error))
