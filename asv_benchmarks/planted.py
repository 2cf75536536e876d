"""Does asv find a slowdown here? ``python asv_benchmarks/planted.py [-o RECORD.md]``.

Invariants
----------
- It works in a clone of this repository, which it throws away: two commits are added to it,
  one that changes nothing and one that makes the NumPy backend do a third of its work again.
- The planted code computes the right answer, so only its time can give it away.
- ``asv continuous`` runs as the documentation says, with this folder's own configuration.
  It must call the first pair unchanged and the second one slower; else the exit status is 1.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shrinkops.benchmark._record import record

ROOT = Path(__file__).resolve().parents[1]

BENCH = "HardshrinkNumpy.track_ratio_out[(]1000000, 'float(32|64)'"

UNCHANGED = "BENCHMARKS NOT SIGNIFICANTLY CHANGED."
SLOWER = "PERFORMANCE DECREASED."

BACKEND = "backends/shrinkops_numpy/__init__.py"
PLANTED = """

_kernel = NumpyBackend.kernel


def _planted(self: Any, operation: Any) -> Any:
    kernel = _kernel(self, operation)

    def slower(x: Any, lambd: Any, out: Any) -> Any:
        result = kernel(x, lambd, out)
        if out is not None and x.ndim:
            part = len(x) // 3
            kernel(x[:part], lambd, out[:part])
        return result

    return slower


NumpyBackend.kernel = _planted  # type: ignore[method-assign]
"""


@dataclass(frozen=True)
class Pair:
    """Two commits, and what asv must say of them."""

    title: str
    before: str
    after: str
    expected: str

    @property
    def table(self) -> list[str]:
        """The command line that shows both results, changed or not."""
        return ["asv", "compare", self.before, self.after]

    @property
    def command(self) -> list[str]:
        """The words of the command line, for the folder ``asv_benchmarks``."""
        return ["asv", "continuous", "--interleave-rounds", self.before, self.after,
                "--bench", BENCH]  # fmt: skip


PAIRS = (
    Pair("Nothing changed", "main~2", "main~1", UNCHANGED),
    Pair("A third of the work done twice", "main~1", "main", SLOWER),
)


def make_commits(folder: Path) -> Path:
    """Clone this repository's HEAD into a folder and add the two commits."""
    clone = folder / "shrinkops"
    run(folder, "git", "clone", "--quiet", str(ROOT), str(clone))
    run(clone, "git", "checkout", "--quiet", "-B", "main")
    run(clone, "git", "commit", "--quiet", "--allow-empty", "-m", "Nothing changed")
    with (clone / BACKEND).open("a", encoding="utf-8") as file:
        file.write(PLANTED)
    run(clone, "git", "commit", "--quiet", "--all", "-m", "A planted slowdown")
    return clone


def run(folder: Path, *command: str, accepted: Sequence[int] = (0,)) -> str:
    """Run a command in a folder and return what it prints.

    Raises
    ------
    RuntimeError
        It ended with another status than those accepted.
    """
    scripts = str(Path(sys.executable).parent)
    names = {f"GIT_{who}_NAME": "planted" for who in ("AUTHOR", "COMMITTER")}
    mails = {f"GIT_{who}_EMAIL": "planted@example.org" for who in ("AUTHOR", "COMMITTER")}
    path = os.pathsep.join([scripts, os.environ.get("PATH", "")])
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, **names, **mails},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode not in accepted:
        raise RuntimeError(f"{shown(command)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def shown(command: Sequence[str]) -> str:
    """Return a command line as one types it."""
    return " ".join(f'"{word}"' if set(word) & set("()[]|' ") else word for word in command)


def verdict(output: str) -> str:
    """Return the verdict that ``asv continuous`` ends with, or "" if there is none."""
    lines = output.splitlines()
    return next((line for line in lines[::-1] if line in (UNCHANGED, SLOWER)), "")


def measured(table: str) -> str:
    """Return the rows of a comparison without those of which neither commit has a value."""
    lines = table.strip().splitlines()
    return "\n".join(line for line in lines if line.count("| n/a ") < 2)


def report(commit: str, outputs: Sequence[tuple[str, str]]) -> str:
    """Return the page: when and where it ran, each command, its verdict, and the figures."""
    found = record([], [])
    machine = found["machine"]
    parts = [
        "# A planted slowdown, found",
        "<!-- Written by `python asv_benchmarks/planted.py`. -->",
        "asv compares commits of this repository, one that differs in nothing and one in which "
        "the NumPy\nbackend does a third of its work twice.",
        f"{found['date']}, commit {commit}; {machine['processor']}, {machine['cores']} cores; "
        f"{machine['system']};\n{found['python']}, versions as in `asv.conf.json`.",
    ]
    for pair, (output, table) in zip(PAIRS, outputs, strict=True):
        said = verdict(output)
        ok = "as it must" if said == pair.expected else "**wrong**"
        parts += [
            f"## {pair.title}: {ok}",
            f"```sh\n{shown(pair.command)}\n```",
            f"```text\n{said}\n```",
            f"```sh\n{shown(pair.table)}\n```",
            f"```text\n{measured(table)}\n```",
        ]
    return "\n\n".join(parts) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the two pairs; return 0 if asv said of both what it must."""
    parser = argparse.ArgumentParser(prog="python asv_benchmarks/planted.py")
    parser.add_argument("-o", "--output", type=Path, help="write a page of what was seen")
    options = parser.parse_args(arguments)
    outputs = []
    with tempfile.TemporaryDirectory() as name:
        clone = make_commits(Path(name))
        folder = clone / "asv_benchmarks"
        run(folder, "asv", "machine", "--yes")
        for pair in PAIRS:
            print(f"{pair.title}: {shown(pair.command)}", flush=True)
            output = run(folder, *pair.command, accepted=(0, 1))
            outputs.append((output, run(folder, *pair.table)))
            print(verdict(output) or output, flush=True)
        commit = run(clone, "git", "rev-parse", "--short", "main~2").strip()
    if options.output:
        options.output.write_text(report(commit, outputs), encoding="utf-8")
    found = [verdict(output) for output, _ in outputs]
    return 0 if found == [pair.expected for pair in PAIRS] else 1


if __name__ == "__main__":
    raise SystemExit(main())
