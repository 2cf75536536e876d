"""Files that a command writes: checked before the work, written whole or not at all.

Invariants
----------
- A folder that is not there is refused, never made; so is a path that cannot be written, before
  anything runs.
- What is written is written whole, see ``whole``.
- ``-`` is stdout.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .output import Output
from .whole import writable, write_whole

__all__ = ["FILE", "Destination", "distinct"]


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
