"""``pytest --pyargs shrinkops.conformance --backend TARGET``, from an empty folder."""

from __future__ import annotations

import re

import pytest

from shrinkops.conformance.plugin import asked_for

KIT = ("-m", "pytest", "--pyargs", "shrinkops.conformance", "-q", "-p", "no:cacheprovider")


def test_it_agrees_with_the_command(run):
    by_pytest = run(*KIT, "--backend", "numpy").stdout
    by_command = run("-m", "shrinkops", "conformance", "numpy").stdout
    (counts,) = re.findall(r"\d+ required.*", by_command)
    assert counts in by_pytest
    assert "hardshrink of backend 'numpy' CONFORMS" in by_pytest


def test_a_deviation_fails_with_its_script(run):
    output = run(*KIT, "--backend", "wrong:OpenBand", "-k", "HS-VAL-1", expect=1).stdout
    assert "Reproduction:" in output
    assert "find_backend('wrong:OpenBand')" in output


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 4, "give the backend to certify"),
        (("--backend", "nobody"), 4, "no backend is named 'nobody'"),
        (("--backend", "numpy", "--spec", "9"), 4, "--spec 9 is unknown"),
        (("--backend", "numpy", "-k", "nothing_of_that_name"), 5, "deselected"),
    ],
)
def test_a_run_that_judges_nothing_is_not_green(run, arguments, status, words):
    done = run(*KIT, *arguments, expect=status)
    assert words in done.stdout + done.stderr


def test_the_options_exist_only_where_the_kit_is_asked_for(run, tmp_path):
    assert asked_for(["--pyargs", "shrinkops.conformance"])
    assert not asked_for(["tests", "--backend", "x"])
    (tmp_path / "conftest.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--backend')\n", encoding="utf-8"
    )
    (tmp_path / "test_own.py").write_text(
        "def test_own(request):\n    assert request.config.getoption('backend') == 'mine'\n",
        encoding="utf-8",
    )
    run("-m", "pytest", "-q", "--backend", "mine")


def test_importing_the_kit_imports_no_array_library(run):
    run(
        "-c",
        "import sys, shrinkops.conformance, shrinkops.conformance.plugin\n"
        "assert not {'numpy', 'torch', 'jax', 'hypothesis', 'rich'} & sys.modules.keys()",
    )
    run("-c", "import sys, shrinkops\nassert 'shrinkops.conformance' not in sys.modules")
