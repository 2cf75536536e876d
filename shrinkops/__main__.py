"""The console script ``shrinkops``, also ``python -m shrinkops``.

The command line is an extra. Without it this module still runs, and names the remedy; only
``bench --acceptance`` works all the same, for machines on which little can be installed.
"""

from __future__ import annotations

import importlib.util
import sys

__all__ = ["main"]

_NEEDED = ("click",)


def main() -> int:
    """Run the command line; return the exit status where its libraries are missing."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing and sys.argv[1:2] == ["bench"] and "--acceptance" in sys.argv:
        from .benchmark.acceptance import main as accept

        return accept(sys.argv[2:])
    if missing:
        print(  # stderr is None where it was closed: then nothing can be said
            f"shrinkops: the command line needs {' and '.join(missing)}, not installed here; "
            f"the remedy: pip install 'shrinkops[cli]'",
            file=sys.stderr,
        )
        return 2
    try:
        from ._commands.streams import prepare
        from ._commands.supervision import is_program, supervised

        prepare()
        return supervised(_run) if is_program(sys._getframe(1)) else _run()
    except KeyboardInterrupt:
        return 130


def _run() -> int:
    try:
        from ._cli import cli
    except KeyboardInterrupt:
        return 130
    cli(prog_name="shrinkops")
    return 2  # not reached: the group ends the process itself


if __name__ == "__main__":
    sys.exit(main())
