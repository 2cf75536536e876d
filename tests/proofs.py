"""Run the proofs that are too long for CI, and record how they ended.

    python tests/proofs.py --write docs/records/proofs.md
    python tests/proofs.py exhaustive-garrote thorough-numpy     # some of them

Invariants
----------
- A proof is a command that the documentation names; the end of its output is its result.
- A proof that fails is recorded as failed, and the exit status says so.
- What is not run keeps its line, with the date and the machine of that run.
"""

from __future__ import annotations

import datetime
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TimeElapsedColumn

from shrinkops.benchmark._record import record

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Proof:
    """A command, and what it shows."""

    name: str
    shows: str
    command: str
    variables: dict[str, str] = field(default_factory=dict)
    lines: int = 1
    """How many of its last lines are its result."""

    @property
    def text(self) -> str:
        """The command as one types it."""
        return " ".join([*(f"{k}={v}" for k, v in self.variables.items()), self.command])


def _conformance(target: str) -> Proof:
    return Proof(f"thorough-{target}", f"`{target}` conforms, exhaustive runs included",
                 f"python -m shrinkops conformance {target} --thorough", lines=2)  # fmt: skip


def _mutants(target: str) -> Proof:
    # Those by hand: of the derived ones all are tried, and survivors named, by their own page.
    return Proof(f"mutants-{target}", f"wrong variants of `{target}` are convicted",
                 f"python -m shrinkops conformance {target} --selftest --check HS-*")  # fmt: skip


def _exhaustive(operation: str) -> Proof:
    return Proof(f"exhaustive-{operation}",
                 f"`{operation}`: every pattern of 8, 16 and 32 bits, each kernel of the machine",
                 f"python tests/tools/prove.py --quiet --operation {operation}")  # fmt: skip


OPERATIONS = ("hardshrink", "softshrink", "shrink", "firmshrink", "garrote")
PROOFS = (
    *(_exhaustive(operation) for operation in OPERATIONS),
    Proof("sanitizers", "no read or write out of bounds, no undefined behaviour",
          "python tests/numpy_backend/sanitize.py"),
    Proof("fuzz", "random calls of every kind against exact arithmetic, sanitized",
          "python tests/numpy_backend/sanitize.py --fuzz 300000"),
    Proof("huge", "arrays of more than 2³¹ elements",
          "python -m pytest -q tests/numpy_backend/test_limits.py -k two_to",
          {"SHRINKOPS_TEST_HUGE": "1"}),
    Proof("threads", "64 threads doing everything at random, a switch interval of 1 µs",
          "python tests/core/stress.py 60 64"),
    Proof("classes", "100,000 dynamic classes leave no memory behind",
          "python tests/core/dynamic.py 100000"),
    *(_conformance(target) for target in ("numpy", "ufunc", "torch", "jax")),
    *(_mutants(target) for target in ("numpy", "torch", "jax")),
)  # fmt: skip

_ROW = re.compile(r"^\| (\S+) \|.*$", re.MULTILINE)
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def run(proof: Proof) -> str:
    """Run a proof and return its row."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *proof.command.split()[1:]], cwd=ROOT,
        env={**os.environ, **proof.variables, "COLUMNS": "200", "NO_COLOR": "1", "PATH": path},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    minutes = (time.perf_counter() - started) / 60
    lines = [line.strip() for line in _ANSI.sub("", done.stdout).splitlines() if line.strip()]
    last = "; ".join(lines[-proof.lines :]).replace("|", "\\|") or "no output"
    if done.returncode:
        click.echo(done.stdout[-5000:] + done.stderr[-5000:], err=True)
    verdict = last if done.returncode == 0 else f"**failed** ({done.returncode}): {last}"
    today, machine = datetime.date.today().isoformat(), record([], [])["machine"]
    where = f"{today}, {machine['processor']}, {machine['cores']} cores"
    return (
        f"| {proof.name} | {proof.shows} | `{proof.text}` | {verdict} | {minutes:.1f} | {where} |"
    )


def page(rows: dict[str, str]) -> str:
    """Write the page from the rows, by name."""
    return "\n".join([
        "# The long proofs", "",
        "What takes too long for every commit, and how it ended the last time. CI "
        "runs a slice of the first, the kit's usual runs and NumPy's mutants. "
        "`python tests/proofs.py --write docs/records/proofs.md` runs them all and "
        "makes this page; with names, those.", "",
        "| proof | what it shows | command | result | minutes | when, where |",
        "|---|---|---|---|---|---|",
        *(rows.get(p.name, f"| {p.name} | {p.shows} | `{p.text}` | not run | | |") for p in PROOFS),
    ]) + "\n"  # fmt: skip


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice([p.name for p in PROOFS]))
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="The page.")
def main(names: tuple[str, ...], write: Path | None) -> None:
    """Run the proofs with a progress bar."""
    rows: dict[str, str] = {}
    if write is not None and write.exists():
        found = _ROW.finditer(write.read_text(encoding="utf-8"))
        rows = {match[1]: match[0] for match in found}
    chosen = [p for p in PROOFS if not names or p.name in names]
    console = Console(stderr=True)
    columns = (SpinnerColumn(), *Progress.get_default_columns()[:3], TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("proofs", total=len(chosen))
        for proof in chosen:
            progress.update(task, description=proof.name)
            rows[proof.name] = run(proof)
            click.echo(rows[proof.name])
            if write is not None:
                write.write_text(page(rows), encoding="utf-8")
            progress.advance(task)
    if any("**failed**" in rows[proof.name] for proof in chosen):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
