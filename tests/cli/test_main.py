"""The console script, ``python -m shrinkops``, and what they need."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

import shrinkops
from shrinkops._cli import _LAZY

SCRIPT = [str(Path(sys.executable).with_name("shrinkops"))]
MODULE = [sys.executable, "-m", "shrinkops"]


@pytest.mark.parametrize("program", [SCRIPT, MODULE], ids=["script", "module"])
def test_version_and_help(program):
    version = subprocess.run([*program, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout == f"shrinkops, version {shrinkops.__version__}\n"
    text = subprocess.run([*program, "-h"], capture_output=True, text=True, check=True).stdout
    assert text.startswith("Usage: shrinkops [OPTIONS] COMMAND [ARGS]...")
    for command in ("backends", "bench", "conformance", "demo", "explain"):
        assert f"\n  {command} " in text


def test_the_script_is_declared():
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="shrinkops")
    assert script.value == "shrinkops.__main__:main"


def test_help_imports_no_subcommand_and_no_array_library():
    code = (
        "import sys\n"
        "from shrinkops._cli import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = ('numpy', 'torch', 'jax', 'pytest', 'hypothesis', 'asv', 'pywt', 'matplotlib',"
        " 'rich', 'shrinkops.demo', 'shrinkops.conformance', 'shrinkops.benchmark')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_importing_shrinkops_imports_no_command_line():
    code = (
        "import sys, shrinkops\n"
        "print([m for m in sys.modules if m.startswith(('click', 'rich', 'shrinkops.demo',"
        " 'shrinkops._cli', 'shrinkops.__main__'))])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("command", ["bench", "conformance", "demo"])
def test_lazy_commands_load_and_say_what_the_list_says(invoke, command):
    result = invoke(command, "--help")
    assert result.exit_code == 0, result.output
    usage, first, *_ = result.output.split("\n\n")
    assert usage.startswith(f"Usage: shrinkops {command} ")
    assert " ".join(first.split()) == _LAZY[command].help


def test_unknown_command(invoke):
    result = invoke("denoise")
    assert result.exit_code == 2
    assert "No such command 'denoise'" in result.output


def test_without_its_libraries_the_command_line_names_the_remedy(bare):
    done = bare("backends")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "shrinkops: the command line needs click, not installed here; "
        "the remedy: pip install 'shrinkops[cli]'\n"
    )


@pytest.mark.parametrize("arguments", [("conformance", "numpy"), ("demo",)])
def test_without_the_libraries_of_a_command(bare, arguments):
    done = bare(*arguments, libraries=("click", "rich"))
    assert done.returncode != 0
    assert f"pip install 'shrinkops[{arguments[0]}]'" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_bench_needs_the_command_line_and_numpy_alone(bare):
    done = bare("bench", "numpy", "--size", "1e3", "--blocks", "5", libraries=("click", "rich"))
    assert done.returncode == 0, done.stderr
    assert "numpy" in done.stdout
