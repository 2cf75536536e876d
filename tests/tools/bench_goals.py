"""What an operation is meant to reach, and what was reached.

Invariants
----------
- A goal is data of its operation: a sentence, and the questions that answer it.
- An answer is met, missed or open by its interval, never by its median alone where the
  interval says otherwise: missed when all of it lies beyond the limit, and for a ratio in
  a fresh process too; open when the median does and the interval, or the other process,
  reaches back.
- What could not be measured says why; it is neither met nor missed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from shrinkops.benchmark._statistics import Estimate

__all__ = ["Answer", "Ask", "Goal"]


@dataclass(frozen=True)
class Ask:
    """One question.

    Attributes
    ----------
    label : str
        What is measured, in a few words.
    at_most : float
        The limit, in ``unit``.
    kind : str
        A key of ``_answers.KINDS``: what measures it.
    target : str
    peer : str
        For the kind "ratio".
    sizes, dtypes : tuple
        One answer for each pair.
    mode : str
    unit : str
    environment : dict
        Variables for a fresh interpreter that answers it.
    """

    label: str
    at_most: float
    kind: str = "ratio"
    target: str = ""
    peer: str = ""
    sizes: tuple[int, ...] = (1,)
    dtypes: tuple[str, ...] = ("float32",)
    mode: str = "out"
    device: str = "cpu"
    unit: str = "x"
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Goal:
    """A sentence of the design, and its questions."""

    subject: str
    text: str
    asks: tuple[Ask, ...]


@dataclass(frozen=True)
class Answer:
    """What was measured for one question in one case.

    Attributes
    ----------
    label, case, unit : str
    at_most : float
    value : Estimate or None
        None where it was not measured.
    remark : str
        Why not, or what speaks against the figure.
    sound : bool
        Whether nothing speaks against it.
    """

    label: str
    case: str
    unit: str
    at_most: float
    value: Estimate | None
    remark: str = ""
    sound: bool = True

    @property
    def verdict(self) -> str:
        """One of "met", "missed", "open", "not measured"."""
        if self.value is None:
            return "not measured"
        if not self.sound:
            return "open"
        if self.value.median <= self.at_most:
            return "met"
        return "missed" if self.value.low > self.at_most else "open"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {**asdict(self), "verdict": self.verdict}
