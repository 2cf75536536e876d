"""Every block of the README runs, and its commands are those of continuous integration."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import shrinkops

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def blocks(language):
    return [text for found, text in BLOCKS if found == language]


def commands(beginning):
    return [
        line for text in blocks("sh") for line in text.splitlines() if line.startswith(beginning)
    ]


OURS = commands("shrinkops ") + commands("python -m pytest ")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder with the README's backend in it, on the path of this process."""
    (module,) = blocks("python")
    (tmp_path / "signals.py").write_text(module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("signals", None)
    if any(row.name == "signals" for row in shrinkops.backends()):
        shrinkops.unregister("signals")


def test_every_block_is_of_a_kind_that_is_run_here():
    assert {language for language, _ in BLOCKS} == {"pycon", "python", "sh", "toml"}
    assert README.count("```") == 2 * len(BLOCKS)


def test_each_command_stands_alone_in_its_block():
    for text in blocks("sh"):
        assert len(text.splitlines()) == 1
        assert not text.startswith("$")
    known = commands("python3 -m venv") + OURS
    assert sorted(known) == sorted(text.rstrip("\n") for text in blocks("sh"))


def test_examples(folder):
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=0)
    names: dict[str, object] = {}
    for number, text in enumerate(blocks("pycon")):
        test = parser.get_doctest(text, names, f"block {number}", "README.md", 0)
        assert test.examples
        runner.run(test, clear_globs=False)
        names = test.globs
    assert runner.summarize(verbose=False).failed == 0
    assert {"numpy", "torch", "jax"} <= {name.partition(".")[0] for name in sys.modules}


def test_the_first_screen_shows_code_on_three_libraries():
    screen = "\n".join(README.splitlines()[:24])
    for output in ("\narray(", "\ntensor(", "\nArray("):
        assert output in screen


def test_the_entry_point(folder):
    (text,) = blocks("toml")
    ((name, value),) = tomllib.loads(text)["project"]["entry-points"]["shrinkops"].items()
    assert (folder / f"{value}.py").exists()
    assert shrinkops.register(__import__(value)) == [name]


def test_install_commands_name_extras_and_files_that_exist():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    demo, tests = commands("python3 -m venv")
    for command, extra in ((demo, "demo"), (tests, "test")):
        assert f"'.[{extra}]'" in command
        assert extra in extras
    assert "-c tests/constraints.txt" in tests
    assert (ROOT / "tests" / "constraints.txt").exists()
    named = re.findall(r"`'\.\[(\w+)\]'`", README)
    assert named
    assert set(named) <= set(extras)


def test_continuous_integration_runs_the_test_command():
    done = subprocess.run(
        ["bash", str(ROOT / ".ci" / "run"), "--print"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [commands("python3 -m venv")[1]]


def run_here(command, folder):
    """Run a command with this environment's programs in place of those on the path."""
    program, *arguments = shlex.split(command)
    return subprocess.run(
        [Path(sys.executable).with_name(Path(program).name), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_main_job(folder):
    command = commands("python3 -m venv")[0].split(" && ")[-1]
    done = run_here(command, folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("picture: shrinkops-demo.png\n")
    assert (folder / "shrinkops-demo.png").exists()


@pytest.mark.parametrize("command", OURS)
def test_other_commands(command, folder):
    done = run_here(command, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout


def test_links():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
