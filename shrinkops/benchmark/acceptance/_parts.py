"""What an acceptance consists of: parts as data, and how one of them runs in its own process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shrinkops._target import find_target

__all__ = ["Part", "State", "parts_of", "run_part"]

_LIMIT = 1800
"""Seconds after which a part counts as hung."""

_TAIL = 4000
"""Characters of a failed part's output that the report keeps."""

_VARIABLES = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "PYTHONFAULTHANDLER": "1"}
"""Processes share the card: JAX must not take three quarters of it."""


class State:
    """How a part ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "did not run"


@dataclass
class Part:
    """One part: which work, of which target, and how it ended.

    Attributes
    ----------
    work : str
        A name of ``_works.WORKS``.
    target : str
    device : {"cpu", "gpu"}
    timed : bool
        Nothing else may run beside it.
    wrapper : tuple of str
        A program that runs the process under its supervision.
    optional : bool
        Where it cannot run nothing is missing.
    """

    work: str
    target: str
    device: str
    timed: bool = False
    wrapper: tuple[str, ...] = ()
    optional: bool = False
    state: str = State.NOT_RUN
    reason: str = "the run ended before"
    seconds: float = 0.0
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the report calls it."""
        under = f", under {self.wrapper[0]}" if self.wrapper else ""
        return f"{self.work} of {self.target}{under}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        names = ("state", "reason", "seconds", "work", "target", "device", "optional", "result")
        return {"name": self.name, **{name: getattr(self, name) for name in names}}


_SANITIZER = ("compute-sanitizer", "--tool", "memcheck", "--error-exitcode", "99")
_COMPANIONS = {"cupy": ("torch", "jax")}
"""What is judged on the same card."""


def parts_of(targets: Sequence[str], device: str) -> list[Part]:
    """Return the parts of an acceptance of some targets.

    Raises
    ------
    ValueError, TypeError
        A target is not found.
    """
    companions = [c for t in targets for c in _COMPANIONS.get(t, ())] if device == "gpu" else []
    names = list(dict.fromkeys([*targets, *companions]))
    for name in names:
        find_target(name)
    works = ["machine", "kernels", "conformance"]
    parts = [Part(work, name, device) for work in works for name in names]
    if device == "gpu":
        parts += [
            Part("kernels", name, device, wrapper=_SANITIZER, optional=True)
            for name in names
            if name in _COMPANIONS
        ]
    return parts + [Part("bandwidth", name, device, timed=True) for name in names]


def run_part(part: Part) -> None:
    """Run a part in a process of its own, and note how it ended."""
    if part.wrapper and shutil.which(part.wrapper[0]) is None:
        part.reason = f"{part.wrapper[0]} is not on PATH"
        return
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="shrinkops-") as folder:
        path = Path(folder) / "result.json"
        command = [sys.executable, "-m", __package__ or "", part.work, part.target, part.device]
        try:
            done = subprocess.run(
                [*part.wrapper, *command, str(path)], capture_output=True, check=False,
                text=True, errors="replace", env={**os.environ, **_VARIABLES}, timeout=_LIMIT,
            )  # fmt: skip
            _settle(part, path, done.returncode, done.stdout + done.stderr)
        except subprocess.TimeoutExpired:
            part.state, part.reason = State.FAILED, f"no end after {_LIMIT} s"
    part.seconds = round(time.perf_counter() - started, 1)


def _settle(part: Part, path: Path, status: int, output: str) -> None:
    """Take over what the process wrote; its exit status has the last word."""
    part.state, part.reason = State.FAILED, f"the process ended with status {status}"
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        part.result = found["result"]
        if status == 0:
            part.state, part.reason = found["state"], found["reason"]
        elif found["state"] == State.FAILED:
            part.reason = found["reason"]
    if part.state == State.FAILED:
        part.result["output"] = output[-_TAIL:]
