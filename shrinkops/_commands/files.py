"""Files that a command writes: checked before the work, written whole or not at all.

Invariants
----------
- A folder that is not there is refused, never made; so is a path that cannot be written, before
  anything runs.
- What was there stays until the new content is complete on the disk beside it.
- ``-`` is stdout.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .output import Output

__all__ = ["FILE", "Destination", "distinct", "writable", "write_whole"]


class Destination:
    """A file to write, or stdout.

    Parameters
    ----------
    text : str
        As the user wrote it.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.path = None if text == "-" else Path(text)

    def write(self, output: Output, text: str) -> None:
        """Write a document whole.

        Raises
        ------
        click.ClickException
            The disk is full, the folder has gone, …
        """
        if self.path is None:
            output.raw(text)
            return
        try:
            write_whole(self.path, text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise click.FileError(self.text, error.strerror or str(error)) from error


if TYPE_CHECKING:
    _Type = click.ParamType[Destination]
else:
    _Type = click.ParamType  # before click 8.4 it has no subscript


class _File(_Type):
    """A path to write to, checked while the command line is read."""

    name = "file"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Destination:
        if isinstance(value, Destination):
            return value
        found = Destination(os.fsdecode(value))
        problem = "" if found.path is None else writable(found.path)
        if problem:
            hint = param.opts[0] if param is not None else None
            raise click.BadParameter(f"{found.text}: {problem}", ctx, param, hint)
        return found


FILE = _File()


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


def distinct(destinations: Iterable[Destination | None]) -> None:
    """Refuse two results in one place.

    Raises
    ------
    click.UsageError
    """
    seen: dict[Any, str] = {}
    for place in destinations:
        if place is not None:
            key = place.path and place.path.resolve()
            if key in seen:
                raise click.UsageError(f"two results would go to {place.text}; give each its own")
            seen[key] = place.text


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
