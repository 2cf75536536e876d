"""Text that a terminal shows as it is: nothing hidden, nothing cut, nothing obeyed.

Invariants
----------
- What comes from elsewhere (names, messages, paths) can move no cursor, ring no bell and turn
  no text around: control and format characters become backslash escapes.
- A table that does not fit is folded at spaces, then written as one block for each row. No word
  is ever cut.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["NO_BREAK", "Column", "fold", "layout", "visible", "width_of"]

NO_BREAK = "\u00a0"
"""A space at which nothing is folded; it is printed as an ordinary one."""

_GAP = "  "
_SUSPECT = re.compile(r"[^ -~\n]")
_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: object) -> str:
    """Return a text whose control, format and unpaired characters are written as escapes."""
    return _SUSPECT.sub(_escape, str(text))


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    if unicodedata.category(character) not in _ESCAPED:
        return character
    return character.encode("unicode_escape").decode("ascii")


def width_of(text: str) -> int:
    """Return how many cells of a terminal a line takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(bool(unicodedata.combining(c)) for c in text)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title : str
    right : bool
        Aligned to the right, as numbers are.
    folds : bool
        May be folded at spaces where the table is too wide.
    """

    title: str
    right: bool = False
    folds: bool = False


def layout(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None
) -> list[list[str]]:
    """Return the lines of a table: first those of the header, then those of each row.

    Parameters
    ----------
    columns : sequence of Column
    rows : sequence of sequence of str
    width : int or None
        Cells that a line may take; None where nothing limits it.
    """
    titles = [column.title for column in columns]
    shown = [i for i, _ in enumerate(columns) if titles[i] or any(row[i] for row in rows)]
    columns = [columns[i] for i in shown]
    cells = [[visible(row[i]) for i in shown] for row in [titles, *rows]]
    widths = [max(width_of(row[i]) for row in cells) for i in range(len(columns))]
    if width is not None:
        _narrow(columns, cells, widths, width)
        if sum(widths) + len(_GAP) * (len(widths) - 1) > width:
            return [[], *(_block(cells[0], row, width) for row in cells[1:])]
    return [_line(columns, row, widths) for row in cells]


def _narrow(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], widths: list[int], width: int
) -> None:
    """Take from the widest columns that may be folded, down to their longest words."""
    least = [
        max(width_of(word) for row in cells for word in row[i].split(" "))
        if column.folds
        else widths[i]
        for i, column in enumerate(columns)
    ]
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    while excess > 0:
        candidates = [i for i in range(len(widths)) if widths[i] > least[i]]
        if not candidates:
            return
        widths[max(candidates, key=widths.__getitem__)] -= 1
        excess -= 1


def _line(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int]) -> list[str]:
    folded = [
        [text] if width_of(text) <= size else fold(text, size)
        for text, size in zip(row, widths, strict=True)
    ]
    return [
        _GAP.join(
            _pad(lines[k] if k < len(lines) else "", size, column.right)
            for lines, size, column in zip(folded, widths, columns, strict=True)
        )
        .rstrip()
        .replace(NO_BREAK, " ")
        for k in range(max(map(len, folded)))
    ]


def _pad(text: str, size: int, right: bool) -> str:
    space = " " * (size - width_of(text))
    return space + text if right else text + space


def _block(titles: Sequence[str], row: Sequence[str], width: int) -> list[str]:
    """Return a row as lines of its own: its first cell, then titles and cells."""
    lines = fold(row[0], width)
    for title, cell in zip(titles[1:], row[1:], strict=True):
        if cell:
            text = f"{title}: {cell}" if title else cell
            lines += [f"  {line}" for line in fold(text, max(width - 2, 1))]
    return lines


def fold(text: str, size: int | None) -> list[str]:
    """Return the lines of a text, none longer than ``size`` unless one word is."""
    lines = text.split("\n")
    if size is None:
        return lines
    return [
        part.replace(NO_BREAK, " ")
        for line in lines
        for part in textwrap.wrap(line, size, break_long_words=False, break_on_hyphens=False)
        or [""]
    ]
