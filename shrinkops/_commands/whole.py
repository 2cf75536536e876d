"""Files written whole or not at all, for commands and for Python alike.

Invariants
----------
- Imports nothing but Python's own library: what is called from Python needs no command line.
- What was there stays until the new content is complete on the disk beside it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

__all__ = ["replacing", "writable", "write_whole"]


def writable(path: Path) -> str:
    """Say why a file cannot be written, "" where it can; tried, not guessed."""
    if not path.name or path.is_dir():
        return "this is a folder"
    if _in_place(path):
        return "" if os.access(path, os.W_OK) else "it cannot be written to"
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {str(folder.absolute())!r}; make it first"
    try:
        with _neighbour(path) as trial:
            trial.touch()
    except OSError as error:
        return f"the folder {str(folder.absolute())!r} cannot be written to: {error.strerror}"
    return ""


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it holds the whole content, or what it held before.

    Raises
    ------
    OSError
    """
    if _in_place(path):
        path.write_bytes(content)
        return
    with replacing(path) as neighbour, neighbour.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside a file, whose content takes the file's place at the end."""
    target = path.resolve()  # a link stays a link
    with _neighbour(target) as neighbour:
        yield neighbour
        if target.exists():
            neighbour.chmod(target.stat().st_mode & 0o7777)
        neighbour.replace(target)


@contextlib.contextmanager
def _neighbour(path: Path) -> Iterator[Path]:
    """Yield a name that is free in the same folder, and remove what is left there."""
    neighbour = path.with_name(f".shrinkops-{secrets.token_hex(4)}{path.suffix[:16]}")
    try:
        yield neighbour
    finally:
        neighbour.unlink(missing_ok=True)


def _in_place(path: Path) -> bool:
    """Devices and pipes are written to, not replaced."""
    return path.exists() and not path.is_file()
