"""Expected failures, in a file that a third party keeps.

Invariants
----------
- An entry names a check, gives a reason, and says how the check fails: by an exception's
  class name, by the bits of the first wrong element, or by words of the message.
- Strict: an entry whose item passes, fails in another way, or names nothing that ran or
  could run in this plan, is itself a failure.
- Narrow: an entry speaks of one check, and quotes enough that no other failure is meant.
- Whatever the file holds, it is read or refused with a `LedgerError`; nothing waits for it.

Format (TOML)::

    [[expected]]
    check = "HS-VAL-3/lanes"        # identifier of a check
    dtype = "float16"               # optional, as are device and transformation
    reason = "the vector unit turns NaN into 0"
    link = "https://example.org/issues/1"
    value = "0000"                  # or: raises = "ValueError", or: says = "shares memory"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ._model import Item, Result, State

__all__ = ["Ledger", "LedgerEntry", "LedgerError"]

_MANNERS = ("raises", "value", "says")
_REQUIRED = ("check", "reason", "link")
_OPTIONAL = ("dtype", "device", "transformation")
ENOUGH = 8
"""Characters, spaces apart, that ``says`` quotes at least: a letter is in every message."""


class LedgerError(ValueError):
    """The file is not a ledger; the message names the entry and the remedy."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One expected failure."""

    check: str
    reason: str
    link: str
    dtype: str = ""
    device: str = ""
    transformation: str = ""
    raises: str = ""
    value: str = ""
    says: str = ""

    def covers(self, item: Item) -> bool:
        """Tell whether the entry speaks about an item."""
        return (
            self.check == item.check.identifier
            and self.dtype in ("", item.dtype)
            and self.device in ("", str(item.device))
            and self.transformation in ("", item.transformation)
        )

    @property
    def manner(self) -> str:
        """How the failure is declared, in words."""
        name = next(m for m in _MANNERS if getattr(self, m))
        return f"{name} {getattr(self, name)!r}"

    def matches(self, result: Result) -> bool:
        """Tell whether a failure is the declared one."""
        if self.raises:
            return result.raised == self.raises
        if self.value:
            return result.value == self.value
        return not self.vague and self.says in result.message

    @property
    def vague(self) -> bool:
        """Whether it quotes too little to tell one failure from another."""
        return bool(self.says) and len("".join(self.says.split())) < ENOUGH


@dataclass(frozen=True)
class Ledger:
    """All entries of one file."""

    entries: Sequence[LedgerEntry] = ()
    source: str = ""

    def judge(self, result: Result) -> Result:
        """Replace a result's state where an entry covers its item."""
        entry = next((e for e in self.entries if e.covers(result.item)), None)
        if entry is None or not result.state.ran:
            return result
        if result.state is State.PASSED:
            message = f"the ledger expects it to fail ({entry.reason}); remove the entry"
            return replace(result, state=State.UNEXPECTED, message=message)
        if entry.matches(result):
            return replace(
                result,
                state=State.EXPECTED,
                message=f"{entry.reason} ({entry.link}): {result.message}",
            )
        message = f"the ledger declares {entry.manner}, but: {result.message}"
        return replace(result, state=State.OTHERWISE, message=message)

    def problems(self, items: Iterable[Item], *, prefixes: Iterable[str] = ()) -> list[str]:
        """Return a line for each entry that covers no item that runs, or quotes too little.

        Parameters
        ----------
        items : iterable of Item
            The whole plan, or the part that was selected.
        prefixes : iterable of str
            Of checks that are not in question here: those of other operations.
        """
        running = [item for item in items if not item.undeclared]
        lines = []
        for e in self.entries:
            name = f"ledger entry for {e.check}{f' ({e.dtype})' if e.dtype else ''}"
            if any(e.covers(item) for item in running):
                if e.vague:
                    lines.append(
                        f"{name} quotes {e.says!r}, which many failures say; "
                        f"quote at least {ENOUGH} characters of this one's message"
                    )
            elif not e.check.startswith(tuple(prefixes)):
                wrong = any(c in e.check for c in "*?[") or "/" not in e.check
                each = "; an entry names one check, as HS-VAL-3/lanes" if wrong else ""
                lines.append(
                    f"{name} covers nothing that this run has; "
                    f"remove it or correct the identifier{each}"
                )
        return lines


def read_ledger(path: Path) -> Ledger:
    """Read a ledger file.

    Raises
    ------
    LedgerError
    """
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise LedgerError(f"ledger {path} cannot be read: it is no regular file")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise LedgerError(f"ledger {path} cannot be read: brackets nested too deep") from error
    except (OSError, ValueError) as error:  # UnicodeDecodeError and TOMLDecodeError among them
        raise LedgerError(f"ledger {path} cannot be read: {error}") from error
    unknown = sorted(set(content) - {"expected"})
    if unknown:
        raise LedgerError(
            f"ledger {path}: unknown table {', '.join(unknown)}; entries are [[expected]]"
        )
    tables = content.get("expected", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise LedgerError(f"ledger {path}: write [[expected]], with two brackets")
    entries = [_entry(path, i, table) for i, table in enumerate(tables, 1)]
    seen: dict[tuple[str, ...], int] = {}
    for index, e in enumerate(entries, 1):
        first = seen.setdefault((e.check, e.dtype, e.device, e.transformation), index)
        if first != index:
            raise LedgerError(f"ledger {path}: entries {first} and {index} cover the same")
    return Ledger(entries, str(path))


def _entry(path: Path, index: int, table: dict[str, Any]) -> LedgerEntry:
    where = f"ledger {path}, entry {index}"
    known = {*_REQUIRED, *_OPTIONAL, *_MANNERS}
    unknown = sorted(set(table) - known)
    if unknown:
        raise LedgerError(
            f"{where}: unknown key {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        )
    for key, value in table.items():
        if not isinstance(value, str) or not value.strip():
            raise LedgerError(f"{where}: {key} must be a non-empty string, got {value!r}")
    missing = [key for key in _REQUIRED if key not in table]
    if missing:
        raise LedgerError(f"{where}: {', '.join(missing)} is missing")
    manners = [key for key in _MANNERS if key in table]
    if len(manners) != 1:
        raise LedgerError(
            f"{where}: say how it fails with exactly one of {', '.join(_MANNERS)}, "
            f"got {', '.join(manners) or 'none'}"
        )
    return LedgerEntry(**table)
