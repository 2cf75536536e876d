"""``pytest -p shrinkops.conformance.plugin --pyargs shrinkops.conformance``, in many folders.

Whatever a project, an ini file, the environment or another plugin brings, the kit's run gives the
verdict of the command, and says with its status what it says in words.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shrinkops.conformance.plugin import asked_for

HERE = Path(__file__).parent
PLUGIN = ("-p", "shrinkops.conformance.plugin")
KIT = ("-m", "pytest", *PLUGIN, "--pyargs", "shrinkops.conformance", "-q", "-p", "no:cacheprovider")

WRONG = """
from wrong import OpenBand
from shrinkops_numpy import NumpyBackend
class Skips(NumpyBackend):
    def kernel(self, operation):
        import pytest
        return lambda x, *p: pytest.skip("needs a GPU")
"""
STALE = """
[[expected]]
check = "HS-NO-9/gone"
reason = "r"
link = "https://example.org"
says = "x"
"""
CONFTEST = """
import pytest
def pytest_addoption(parser):
    parser.addoption("--backend", default="theirs")
    parser.addoption("--ledger", action="store_true")
@pytest.fixture(autouse=True, params=[1, 2])
def twice(request):
    pass
def pytest_collection_modifyitems(items):
    del items[3:]
"""
FEW = ("-k", "HS-VAL-1")
ALL_PASSED = r"\b([1-9]\d*) required, \1 ran, \1 passed"
STRICT = "array_api_strict_backend:Strict"


@pytest.fixture
def pytest_run(tmp_path):
    """Run pytest in a folder that has the wrong backends."""
    (tmp_path / "skips.py").write_text(WRONG, encoding="utf-8")

    def call(*arguments, **variables):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "SHRINKOPS_"))}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**kept, "PYTHONPATH": str(HERE), "COLUMNS": "160", **variables},
            capture_output=True, text=True, timeout=570, check=False,
        )  # fmt: skip

    return call


def test_it_agrees_with_the_command(pytest_run, tmp_path):
    before = sorted(tmp_path.iterdir())
    by_pytest = pytest_run(*KIT, "--shrinkops-backend", STRICT)
    by_command = pytest_run("-m", "shrinkops", "conformance", STRICT)
    said = r"\d+ required.*|.* specification \d.\d.*(?:CONFORMS|DEVIATES).*"
    lines = re.findall(said, by_command.stdout)
    assert lines
    assert lines == re.findall(said, by_pytest.stdout)
    assert by_pytest.returncode == by_command.returncode
    assert sorted(tmp_path.iterdir()) == before  # no .hypothesis, no cache


def test_a_deviation_fails_with_its_script(run):
    output = run(*KIT, "--shrinkops-backend", "wrong:OpenBand", *FEW, expect=1).stdout
    assert "Reproduction:" in output
    assert "find_backend('wrong:OpenBand')" in output


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 4, "give the backend to certify: --shrinkops-backend"),
        (("--shrinkops-backend", "nobody"), 4, "no backend is named 'nobody'"),
        (("--shrinkops-backend", "no.such:X"), 4, "cannot be loaded"),
        (("--shrinkops-backend", "numpy", "--spec", "9"), 4, "--spec 9 is unknown"),
        (("--backend", "numpy", "-k", "nothing_of_that_name"), 5, "deselected"),
    ],
)
def test_a_run_that_judges_nothing_is_not_green(run, arguments, status, words):
    done = run(*KIT, *arguments, expect=status)
    assert words in done.stdout + done.stderr


class TestOptions:
    """They count wherever they come from, and get in nobody's way."""

    def test_of_an_ini_file(self, pytest_run, tmp_path):
        ini = f"[pytest]\naddopts = {' '.join(PLUGIN)} --pyargs --shrinkops-backend=numpy -q\n"
        (tmp_path / "pytest.ini").write_text(ini, encoding="utf-8")
        done = pytest_run("-m", "pytest", "shrinkops.conformance", *FEW)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "CONFORMS" in done.stdout

    def test_of_the_environment(self, pytest_run):
        options = f"{' '.join(KIT[2:])} --backend skips:OpenBand -k HS-VAL-1"
        done = pytest_run("-m", "pytest", PYTEST_ADDOPTS=options)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "DEVIATES" in done.stdout

    @pytest.mark.skipif(
        tuple(map(int, pytest.__version__.split(".")[:2])) < (8, 2), reason="@file is new in 8.2"
    )
    def test_of_a_file(self, pytest_run, tmp_path):
        lines = ["--pyargs", "shrinkops.conformance", "--shrinkops-backend=numpy", *FEW]
        (tmp_path / "args").write_text("\n".join(lines), encoding="utf-8")
        done = pytest_run("-m", "pytest", *PLUGIN, "@args")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "CONFORMS" in done.stdout

    @pytest.mark.parametrize("option", ["--backend", "--shrinkops-backend"])
    @pytest.mark.parametrize("place", ["conftest.py", "tests/conftest.py"])
    def test_beside_a_conftest_that_has_them(self, pytest_run, tmp_path, option, place):
        (tmp_path / "tests").mkdir()
        (tmp_path / place).write_text(CONFTEST, encoding="utf-8")
        ini = "[pytest]\ntestpaths = tests\naddopts = --backend=theirs\n"
        (tmp_path / "pytest.ini").write_text(ini, encoding="utf-8")
        done = pytest_run(*KIT, option, "numpy", *FEW)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(ALL_PASSED, done.stdout)

    def test_without_autoload_and_by_path(self, pytest_run):
        import shrinkops.conformance

        path = str(Path(shrinkops.conformance.__file__).parent)
        done = pytest_run("-m", "pytest", *PLUGIN, path, "--backend", "numpy", *FEW,
                          PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "CONFORMS" in done.stdout

    def test_of_a_project_change_nothing(self, pytest_run, tmp_path):
        ini = (
            "[pytest]\npython_files = check_*.py\npython_functions = check_*\n"
            "filterwarnings = error\naddopts = --doctest-modules --strict-markers\n"
            "xfail_strict = true\nusefixtures = nosuch\n"
        )
        (tmp_path / "pytest.ini").write_text(ini, encoding="utf-8")
        done = pytest_run(*KIT, "--backend", "numpy", *FEW)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(ALL_PASSED, done.stdout)

    def test_are_there_only_where_the_plugin_is(self, pytest_run, tmp_path):
        assert asked_for(["shrinkops.conformance"], tmp_path)
        assert not asked_for(["tests", "--backend", "x"], tmp_path)
        (tmp_path / "conftest.py").write_text(CONFTEST.partition("@")[0], encoding="utf-8")
        (tmp_path / "test_own.py").write_text(
            "def test_own(request):\n    assert request.config.getoption('backend') == 'mine'\n",
            encoding="utf-8",
        )
        for plugin in ((), PLUGIN):
            done = pytest_run("-m", "pytest", "-q", *plugin, "--backend", "mine")
            assert done.returncode == 0, done.stdout + done.stderr

    def test_the_kit_by_name_without_its_plugin(self, pytest_run):
        done = pytest_run("-m", "pytest", "--pyargs", "shrinkops.conformance")
        assert done.returncode not in (0, 5)
        assert "-p shrinkops.conformance.plugin --shrinkops-backend TARGET" in done.stdout

    def test_the_backend_without_the_kit(self, pytest_run, tmp_path):
        (tmp_path / "test_own.py").write_text("def test_own(): pass\n", encoding="utf-8")
        done = pytest_run("-m", "pytest", *PLUGIN, "--shrinkops-backend", "numpy", "test_own.py")
        assert done.returncode == 4
        assert "add --pyargs shrinkops.conformance" in done.stderr


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "xdist"])
class TestVerdicts:
    def test_a_kernel_that_skips_deviates(self, pytest_run, workers):
        done = pytest_run(*KIT, *workers, "--backend", "skips:Skips", *FEW)
        assert done.returncode == 1
        assert "DEVIATES from specification 1.0" in done.stdout

    def test_a_stale_ledger_is_red(self, pytest_run, tmp_path, workers):
        (tmp_path / "stale.toml").write_text(STALE, encoding="utf-8")
        done = pytest_run(*KIT, *workers, "--backend", STRICT,
                          "--ledger", "stale.toml")  # fmt: skip
        assert done.returncode == 1, done.stdout[-3000:] + done.stderr
        assert "HS-NO-9/gone covers nothing" in done.stdout

    def test_what_was_selected_is_counted(self, pytest_run, workers):
        done = pytest_run(*KIT, *workers, "--backend", "numpy", *FEW)
        assert done.returncode == 0
        assert re.search(ALL_PASSED, done.stdout)
        assert "CONFORMS to specification 1.0 in the selected checks" in done.stdout


def test_without_hypothesis_the_remedy_is_named(pytest_run, tmp_path):
    """An environment with shrinkops and pytest alone, made by an import that fails."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Bare:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name in ('hypothesis', '_hypothesis_pytestplugin', 'ml_dtypes'):\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Bare())\n",
        encoding="utf-8",
    )
    done = pytest_run(*KIT, "--backend", "numpy", PYTHONPATH=str(tmp_path),
                      PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")  # fmt: skip
    assert done.returncode == 4, done.stdout + done.stderr
    assert "pip install 'shrinkops[conformance]'" in done.stderr
    assert "INTERNALERROR" not in done.stdout


def test_a_strict_project_beside_an_editable_shrinkops(pytest_run, tmp_path):
    """Warnings are errors; shrinkops is installed here, and even imported before pytest."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    (tmp_path / "test_a.py").write_text("def test_a():\n    pass\n", encoding="utf-8")
    code = "import shrinkops, pytest; raise SystemExit(pytest.main(['-q']))"
    for arguments in (("-c", code), ("-m", "pytest", "-q"), ("-m", "pytest", *PLUGIN, "-q")):
        done = pytest_run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "1 passed" in done.stdout
        assert "warning" not in done.stdout


def test_importing_the_kit_imports_no_array_library(run):
    run(
        "-c",
        "import sys, shrinkops.conformance, shrinkops.conformance.plugin\n"
        "assert not {'numpy', 'torch', 'jax', 'hypothesis', 'rich'} & sys.modules.keys()",
    )
    run("-c", "import sys, shrinkops\nassert 'shrinkops.conformance' not in sys.modules")
