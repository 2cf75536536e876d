"""Oldest and newest libraries, really installed: ``nox -f tests/tools/noxfile.py``.

One abi3 wheel is built on Python 3.11, and that file is installed everywhere. The oldest
versions are the lower bounds that pyproject.toml states, read from there, so a bound that is
not true fails here. Each row runs the conformance kit on what it installed; the last run is
recorded in docs/records/versions.md (``--write`` after the session's ``--`` appends to it).

``nox -f tests/tools/noxfile.py --list`` shows the rows, ``-s 'versions(numpy-oldest)'`` runs one.
"""

from __future__ import annotations

import datetime
import os
import tomllib
from pathlib import Path

import nox

ROOT = Path(__file__).parents[2]
WHEELS = ROOT / "build" / "versions"
RECORD = ROOT / "docs" / "records" / "versions.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

nox.options.default_venv_backend = "virtualenv"
nox.options.envdir = str(ROOT / "build" / "nox")
nox.options.stop_on_first_error = False


def oldest(*extras: str) -> list[str]:
    """Return the lower bounds of the project and of some extras, as exact versions."""
    lines = [*PROJECT["dependencies"]]
    pending = list(extras)
    while pending:
        for line in PROJECT["optional-dependencies"][pending.pop()]:
            if line.startswith("shrinkops["):
                pending += line.removeprefix("shrinkops[").rstrip("]").split(",")
            else:
                lines.append(line)
    return [line.replace(">=", "==") for line in lines]


KIT = ["pytest", "hypothesis", "ml_dtypes", "click", "rich"]

# name: Python, what is installed beside the wheel, the backends that the kit then judges
ROWS: dict[str, tuple[str, list[str], list[str]]] = {
    "numpy-oldest": ("3.11", oldest("conformance"), ["numpy"]),
    "numpy-2.2": ("3.12", ["numpy==2.2.*", *KIT], ["numpy"]),
    "numpy-2.3": ("3.12", ["numpy==2.3.*", *KIT], ["numpy"]),
    "numpy-2.4": ("3.13", ["numpy==2.4.*", *KIT], ["numpy"]),
    "numpy-newest": ("3.13", ["numpy", *KIT], ["numpy"]),
    "no-compiler": ("3.12", ["numpy", *KIT], ["numpy"]),
    "jax-oldest": ("3.11", oldest("conformance", "jax"), ["numpy", "jax"]),
    "jax-newest": ("3.13", ["jax", *KIT], ["jax"]),
    "torch-oldest": ("3.11", oldest("conformance", "torch"), ["numpy", "torch"]),
    "torch-newest": ("3.13", ["torch", *KIT], ["torch"]),
    "commands-oldest": ("3.11", oldest("conformance", "demo"), []),
}


@nox.session(python="3.11")
def build(session: nox.Session) -> None:
    """Build the wheel, and one without a compiler."""
    session.install("build")
    for name, environment in (("compiled", {}), ("pure", {"CC": "/nowhere/cc"})):
        output = WHEELS / name
        if not list(output.glob("*.whl")) or "--again" in session.posargs:
            command = ["python", "-m", "build", "--wheel", "--outdir", str(output), str(ROOT)]
            session.run(*command, env=environment)


@nox.session(venv_backend="virtualenv")
@nox.parametrize(
    ("python", "row"), [nox.param(python, name, id=name) for name, (python, *_) in ROWS.items()]
)
def versions(session: nox.Session, row: str) -> None:
    """Install one row and judge it."""
    _, requirements, backends = ROWS[row]
    kind = "pure" if row == "no-compiler" else "compiled"
    wheels = list((WHEELS / kind).glob("*.whl"))
    if not wheels:
        session.error("build first: nox -f tests/tools/noxfile.py -s build")
    session.install(str(wheels[0]), *requirements)
    os.makedirs(session.create_tmp(), exist_ok=True)
    session.chdir(session.create_tmp())
    result = "failed"
    try:
        if kind == "compiled":
            session.run("python", str(ROOT / "tests" / "tools" / "check_wheel.py"), "--installed")
        for backend in backends:
            session.run("python", "-m", "shrinkops", "conformance", backend)
        if not backends:
            for command in ("backends", "demo", "bench numpy --size 1e3", "conformance numpy"):
                session.run("python", "-m", "shrinkops", *command.split())
        result = "passed"
    finally:
        if "--write" in session.posargs:
            write(session, row, result)


@nox.session(python="3.12")
def alone(session: nox.Session) -> None:
    """Test the core and the NumPy backend where no other array library is installed."""
    wheels = list((WHEELS / "compiled").glob("*.whl"))
    if not wheels:
        session.error("build first: nox -f tests/tools/noxfile.py -s build")
    session.install(str(wheels[0]), *KIT, "filelock", "pyyaml")
    # Not `python -m pytest`, which would put the sources before the wheel.
    session.chdir(ROOT)
    session.run("pytest", "-q", "tests/core", "tests/numpy_backend")


def write(session: nox.Session, row: str, result: str) -> None:
    """Add a line to the record."""
    names = {r.split("=")[0].split("[")[0] for r in ROWS[row][1]} | {"numpy"}
    lines = session.run("python", "-m", "pip", "list", "--format=freeze", silent=True)
    found = [x for x in str(lines).splitlines() if x.split("==")[0].lower() in names]
    python = session.run(
        "python", "-c", "import platform; print(platform.python_version())", silent=True
    )
    today = datetime.datetime.now(datetime.UTC).date()
    installed = ", ".join(x.replace("==", " ") for x in found)
    text = RECORD.read_text("utf-8")
    kept = [x for x in text.splitlines() if not x.startswith(f"| {row} |")]
    kept.append(f"| {row} | {str(python).strip()} | {installed} | {result} | {today} |")
    RECORD.write_text("\n".join(kept) + "\n", "utf-8")
