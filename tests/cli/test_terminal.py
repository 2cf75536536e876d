"""Every option of every command, as a person runs it: terminals, widths, encodings, pipes.

Invariants
----------
- The options come from click's own table: one that has no case here fails the test.
- Each surrounding is a process of its own, with real descriptors; the command lines of one
  surrounding share it.
- Nothing that carries meaning is cut: names, ratios and verdicts are found whole, where a
  folded line counts as one.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pytest

from shrinkops._cli import cli

HERE = Path(__file__).parent

BASE = {
    "backends": (),
    "bench": ("numpy", "--size", "1e3", "--blocks", "5", "--against", "copy"),
    "conformance": ("numpy", "--check", "HS-VAL-1"),
    "demo": ("--signal", "signal.npy"),
    "explain": ("numpy:ndarray",),
    "new-backend": ("acme", "--framework", "array_api_strict"),
}
"""What each command is given besides the option in question."""

READY = r"numpy .*ready|numpy state: ready"
IMPORT = r"(import: )?\d+\.\d ms"
RATIO = r"\d(\.\d+)? \(\d[\d.e+-]* to \d[\d.e+-]*\)"
CONFORMS = r"hardshrink of backend 'numpy' CONFORMS to specification \d\.\d"


class Case(NamedTuple):
    """An option with its value, the status, and what must be seen."""

    extra: tuple[str, ...]
    status: int = 0
    shows: str = ""
    base: tuple[str, ...] | None = None


CASES: dict[tuple[str, str], list[Case]] = {
    ("backends", ""): [Case((), 0, f"({READY}).* {IMPORT}")],
    ("backends", "--json"): [Case(("--json",), 0, '"name": "numpy"')],
    ("backends", "--verbose"): [Case(("--verbose",), 0, "numpy: capabilities .*float32")],
    ("bench", ""): [Case((), 0, RATIO)],
    ("bench", "--against"): [Case(("--against", "np.where"), 0, r"np\.where \*.*" + RATIO)],
    ("bench", "--size"): [Case(("--size", "10"), 0, "2 measured")],
    ("bench", "--dtype"): [Case(("--dtype", "float64"), 0, "float64")],
    ("bench", "--mode"): [Case(("--mode", "fresh"), 0, "fresh")],
    ("bench", "--device"): [
        Case(("--device", "cpu"), 0, "cpu"),
        Case(("--device", "gpu"), 3, "nothing was measured: that is a failure"),
    ],
    ("bench", "--operation"): [Case(("--operation", "hardshrink"), 0, RATIO)],
    ("bench", "--blocks"): [Case(("--blocks", "6"), 0, RATIO)],
    ("bench", "--gate"): [
        Case(("--gate", "none"), 2, "'none' is not a valid float"),
        Case(("--gate", "0"), 2, "a gate is a ratio above 0, got 0"),
    ],
    ("bench", "--json"): [
        Case(("--json", "-"), 0, '"figures"'),
        Case(("--json", "nowhere/r.json"), 2, r"nowhere/r\.json: there is no folder"),
    ],
    ("bench", "--acceptance"): [
        Case(("--acceptance",), 3, "a part could not run here", base=("numpy",)),
    ],
    ("bench", "--plot"): [Case(("--plot", "plot.txt"), 2, "cannot draw into 'plot.txt'")],
    ("bench", "--peers"): [Case(("--peers",), 0, r"np\.where .*HS-VAL-3")],
    ("bench", "--self-test"): [Case(("--self-test", "--mode", "loud"), 2, "'loud' is not one of")],
    ("conformance", ""): [Case((), 0, CONFORMS), Case((), 2, "no backend is named", ("nunpy",))],
    ("conformance", "--thorough"): [Case(("--thorough",), 0, CONFORMS)],
    ("conformance", "--selftest"): [
        Case(("--selftest", "--check", "HS-VAL-1/boundary"), 0, "mutation score of hardshrink")
    ],
    ("conformance", "--ledger"): [
        Case(("--ledger", "no.toml"), 2, r"no\.toml cannot be read"),
        Case(("--ledger", "bad.toml"), 2, r"bad\.toml"),
    ],
    ("conformance", "--spec"): [
        Case(("--spec", "1.0"), 0, CONFORMS),
        Case(("--spec", "9"), 2, "'9' is not"),
    ],
    ("conformance", "--check"): [
        Case(("--check", "HS-VAL-3"), 0, "HS-VAL-3"),
        Case(("--check", "NONE"), 3, "NO VERDICT: no check was selected", ("numpy",)),
    ],
    ("conformance", "--operation"): [
        Case(("--operation", "hardshrink"), 0, CONFORMS),
        Case(("--operation", "hradshrink"), 2, "hradshrink"),
    ],
    ("conformance", "--json"): [Case(("--json", "-"), 0, '"shrinkops-certificate"')],
    ("conformance", "--html"): [Case(("--html", "-"), 0, "<!doctype html>")],
    ("conformance", "--junit"): [Case(("--junit", "j.xml"), 0, CONFORMS)],
    ("conformance", "--list"): [Case(("--list",), 0, "HS-VAL-1/boundary elements equal to")],
    ("conformance", "--failures"): [Case(("--failures", "0"), 0, CONFORMS)],
    ("demo", ""): [Case((), 0, r"numpy .*reference.*picture: shrinkops-demo\.png|numpy version")],
    ("demo", "--signal"): [Case(("--signal", "no.npy"), 2, "there is no such file")],
    ("demo", "--output"): [Case(("--output", "a.gif"), 2, "a picture ends in one of")],
    ("demo", "--operation"): [Case(("--operation", "hadrshrink"), 2, "did you mean 'hardshrink'")],
    ("demo", "--level-dependent"): [Case(("--level-dependent", "--snr", "loud"), 2, "loud")],
    ("demo", "--seed"): [Case(("--seed", "-1"), 2, "-1 is not in the range")],
    ("demo", "--snr"): [Case(("--snr", "1000"), 2, "1000.* is not in the range")],
    ("demo", "--distributed"): [
        Case(("--distributed", "--workers", "0"), 2, "0 is not in the range")
    ],
    ("demo", "--size"): [Case(("--size", "1MB", "--workers", "0"), 2, "0 is not in the range")],
    ("demo", "--worker-memory"): [
        Case(("--worker-memory", "1MB", "--workers", "0"), 2, "0 is not in the range")
    ],
    ("demo", "--folder"): [Case(("--folder", ".", "--workers", "0"), 2, "0 is not in the range")],
    ("demo", "--workers"): [Case(("--workers", "0"), 2, "0 is not in the range")],
    ("demo", "--lambd"): [Case(("--lambd", "loud"), 2, "'loud' is not a valid float")],
    ("demo", "--as-is"): [Case(("--as-is", "--output", "nowhere/a.png"), 2, "there is no folder")],
    ("explain", ""): [
        Case((), 0, "numpy.ndarray: 'numpy'"),
        Case((), 1, "no backend takes list", ("builtins:list",)),
    ],
    ("new-backend", "--framework"): [
        Case(("--framework", "json"), 2, "json is no Array API namespace"),
    ],
    ("new-backend", "--namespace"): [
        Case(("--namespace", "nosuch"), 2, "nosuch cannot be imported"),
    ],
    ("new-backend", "--folder"): [
        Case(("--folder", "acme"), 0, "wrote acme: AcmeBackend for array_api_strict"),
        Case(("--folder", "acme"), 2, "acme is there already"),
    ],
    ("explain", "--json"): [Case(("--json",), 0, '"backend": "numpy"')],
}

ONE_OF_EACH = ("", "--json", "--list", "--peers", "--ledger")
"""The options that are tried in every surrounding; the others on terminals alone."""


@dataclass(frozen=True)
class Surrounding:
    """Where the commands run."""

    name: str
    columns: int = 0  # of the pseudo-terminal; 0: pipes
    variables: dict[str, str] = field(default_factory=dict)
    shell: str = ""  # redirections
    whole: bool = False

    def run(self, cases: list[tuple[str, ...]], folder: Path) -> tuple[list[int], list[str]]:
        """Return each case's status and all that was seen of it."""
        files = [folder / name for name in ("cases.json", "statuses.json")]
        files[0].write_text(json.dumps(cases), encoding="utf-8")
        command = [sys.executable, str(HERE / "run_cases.py"), *map(str, files)]
        if self.shell:
            quoted = " ".join(f"'{part}'" for part in command)
            command = ["sh", "-c", f"{quoted} {self.shell}"]
        taken = ("NO_COLOR", "COLUMNS", "LINES", "PYTHONIOENCODING", "FORCE_COLOR")
        kept = {k: v for k, v in os.environ.items() if k not in taken}
        variables = kept | {
            "TERM": "xterm-256color",
            "SHRINKOPS_BLOCK": "torch,jax,cupy",  # whose import takes seconds, and shows nothing
            **self.variables,
        }
        run = _on_terminal if self.columns else _through_pipes
        output = run(command, folder, variables, self.columns)
        seen = ["" for _ in cases]
        parts = re.split(r"\s@@(\d+)@@\s", output)
        for number, text in zip(parts[1::2], parts[2::2], strict=True):
            seen[int(number)] += text
        return json.loads(files[1].read_text(encoding="utf-8")), seen


def _on_terminal(command, folder, variables, columns):
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        command, cwd=folder, env=variables, stdin=follower, stdout=follower, stderr=follower
    )
    os.close(follower)
    output = b""
    try:
        while part := os.read(leader, 65536):
            output += part
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(leader)
    process.wait()
    return output.decode("utf-8").replace("\r\n", "\n")


def _through_pipes(command, folder, variables, columns):
    encoding = variables.get("PYTHONIOENCODING", "utf-8")
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, check=False)
    return done.stdout.decode(encoding) + done.stderr.decode(encoding)


SURROUNDINGS = [
    Surrounding("120 columns", 120, whole=True),
    Surrounding("80 columns", 80),
    Surrounding("60 columns", 60),
    Surrounding("20 columns", 20),
    Surrounding("NO_COLOR", 80, {"NO_COLOR": "1"}),
    Surrounding("dumb", 80, {"TERM": "dumb"}),
    Surrounding("pipe", whole=True),
    Surrounding("cp1252", variables={"PYTHONIOENCODING": "cp1252"}),
    Surrounding("ascii", variables={"PYTHONIOENCODING": "ascii", "COLUMNS": "60"}),
    Surrounding("no stderr", shell="2>&-"),
    Surrounding("no stdin", shell="<&-"),
]


def table() -> dict[str, click.Command]:
    """Return click's commands by name."""
    context = click.Context(cli)
    commands = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    return {name: command for name, command in commands.items() if command is not None}


def test_every_option_of_every_command_has_a_case():
    found = {
        (name, option.opts[-1] if option.opts[-1].startswith("--") else max(option.opts))
        for name, command in table().items()
        for option in command.params
        if isinstance(option, click.Option)
    }
    found = {(name, "--self-test" if o == "--selftest" and name == "bench" else o)
             for name, o in found}  # fmt: skip
    assert {key for key in CASES if key[1]} == found
    assert set(BASE) == set(table())


def test_every_help_ends_with_an_example():
    for name, command in [("shrinkops", cli), *table().items()]:
        text = command.get_help(click.Context(command, info_name=name))
        assert "\nExample: shrinkops " in text.replace("\n  ", "\n"), name


@pytest.fixture
def folder(tmp_path):
    time = np.linspace(0, 1, 512)
    noise = np.random.default_rng(5).standard_normal(512)
    np.save(tmp_path / "signal.npy", np.sin(9 * time) + 0.1 * noise)
    (tmp_path / "bad.toml").write_text("expected = [1, 2]\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("surrounding", SURROUNDINGS, ids=lambda s: s.name)
def test_every_command(surrounding, folder):
    chosen = [
        (name, option, case)
        for (name, option), cases in CASES.items()
        for case in cases
        if surrounding.whole or option in ONE_OF_EACH
    ]
    lines = [
        (name, *(BASE[name] if case.base is None else case.base), *case.extra)
        for name, _, case in chosen
    ]
    statuses, seen = surrounding.run(lines, folder)
    assert len(statuses) == len(lines), seen[-1]
    for (_, option, case), line, status, text in zip(chosen, lines, statuses, seen, strict=True):
        assert status == case.status, (line, text)
        assert "Traceback" not in text, (line, text)
        assert "…" not in text, (line, text)
        if "NO_COLOR" in surrounding.variables or not surrounding.columns:
            assert "\x1b" not in text, (line, text)
        if surrounding.variables.get("TERM") == "dumb" or not surrounding.columns:
            assert "\r" not in text, (line, text)
        # With stderr closed, what is an error message or a table beside JSON cannot be seen.
        errors = status == 2 or {"--json", "--html"} & set(case.extra)
        if surrounding.shell != "2>&-" or not errors:
            plain = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split())
            assert re.search(case.shows, plain), (line, text)
        if option == "--json" and status == 0 and not surrounding.columns:
            start = min(i for i in (text.find("{"), text.find("[")) if i >= 0)
            json.JSONDecoder(parse_constant=pytest.fail).raw_decode(text[start:])
