"""The console script ``shrinkops``, also ``python -m shrinkops``.

The command line is an extra. Without it this module still runs, and names the remedy.
"""

from __future__ import annotations

import importlib.util
import sys

__all__ = ["main"]

_NEEDED = ("click", "rich")


def main() -> int:
    """Run the command line; return the exit status where its libraries are missing."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        print(
            f"shrinkops: the command line needs {' and '.join(missing)}, not installed here; "
            f"the remedy: pip install 'shrinkops[cli]'",
            file=sys.stderr,
        )
        return 1
    from ._cli import cli

    cli(prog_name="shrinkops")
    return 0  # not reached: click ends the process itself


if __name__ == "__main__":
    sys.exit(main())
