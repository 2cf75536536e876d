"""The built wheel and the external plugin, in an environment of their own."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[1] / "plugins" / "shrinkops-array-api-strict"


def test_the_installed_package_is_the_one_tested(environment):
    done = environment.run("-c", "import shrinkops; print(shrinkops.__file__)")
    assert Path(done.stdout.strip()).is_relative_to(environment.python.parents[1])


def test_import_loads_no_array_library(environment):
    code = (
        "import sys, shrinkops; print([m for m in "
        "('numpy', 'torch', 'jax', 'cupy', 'dask', 'array_api_strict') if m in sys.modules])"
    )
    assert environment.run("-c", code).stdout == "[]\n"


def test_hardshrink_takes_the_plugins_arrays(environment):
    code = (
        "import array_api_strict as xp, shrinkops\n"
        "print(shrinkops.hardshrink(xp.asarray([-2.0, -0.5, 0.25, xp.nan, 1.0])))\n"
    )
    assert environment.run("-c", code).stdout == (
        "Array([-2.,  0.,  0., nan,  1.], dtype=array_api_strict.float64)\n"
    )


def test_status_table_lists_ours_and_the_plugin(environment):
    code = (
        "import shrinkops; print([(r.name, r.state, r.distribution) for r in shrinkops.backends()])"
    )
    rows = {r[0]: r[1:] for r in ast.literal_eval(environment.run("-c", code).stdout)}
    assert rows["array_api_strict"] == ("ready", "shrinkops-array-api-strict")
    assert rows["numpy"] == ("ready", "shrinkops")
    for name in ("torch", "jax", "cupy"):
        assert rows[name] == ("framework missing", "shrinkops")


def test_plugin_imports_its_framework_only_when_an_array_arrives(environment):
    code = (
        "import sys, numpy as np, shrinkops\n"
        "shrinkops.hardshrink(np.ones(3))\n"
        "print('shrinkops_array_api_strict' in sys.modules, 'array_api_strict' in sys.modules)\n"
    )
    assert environment.run("-c", code).stdout == "True False\n"


def test_plugin_passes_its_own_tests(environment, tmp_path):
    shutil.copytree(PLUGIN / "tests", tmp_path / "tests")
    shutil.copy(PLUGIN / "pyproject.toml", tmp_path)
    done = environment.run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", str(tmp_path)
    )
    assert " passed" in done.stdout


def test_example_of_the_plugins_readme(environment):
    """The documentation shows it too."""
    (block,) = re.findall(r"```python\n(.*?)```", (PLUGIN / "README.md").read_text(), re.DOTALL)
    *setup, call, comment = block.splitlines()
    code = "\n".join([*setup, f"print({call})"])
    assert f"# {environment.run('-c', code).stdout}" == f"{comment}\n"


@pytest.mark.parametrize("command", [["-m", "shrinkops"], ["-m", "shrinkops", "backends"]])
def test_command_without_click_says_what_to_install(environment, command):
    done = environment.run(*command, check=False)
    assert done.returncode != 0
    assert "pip install 'shrinkops[cli]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_sdist_installs_without_a_compiler(environment, built, tmp_path):
    """The pure NumPy path takes over, and the status says so."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("cmake", "ninja"):  # what is not here, the build brings as a wheel
        found = shutil.which(name)
        if found and sys.platform != "win32":
            (tools / name).write_text(f'#!/bin/sh\nexec "{found}" "$@"\n')
            (tools / name).chmod(0o755)
    site = tmp_path / "site"
    environment.install(
        "--no-deps",
        "--no-cache-dir",
        f"--target={site}",
        str(built.sdist),
        variables={"PATH": str(tools), "CC": "/nonexistent/cc"},
    )
    assert list(site.glob("shrinkops_numpy/*.so")) == []
    code = (
        "import numpy as np, shrinkops\n"
        "print(shrinkops.__file__)\n"
        "print({r.name: r.kernel for r in shrinkops.backends()}['numpy'])\n"
        "print(shrinkops.hardshrink(np.array([-2.0, -0.5, np.nan, 1.0], np.float16)))\n"
    )
    file, kernel, result = environment.run("-c", code, site=site).stdout.splitlines()
    assert Path(file).is_relative_to(site)
    assert "pure NumPy" in kernel
    assert result == "[-2.  0. nan  1.]"


def test_type_checkers_see_the_types_of_the_installed_package(environment, tmp_path):
    (tmp_path / "user.py").write_text(
        "import numpy as np\n"
        "from shrinkops import Hardshrink, hardshrink\n"
        "from shrinkops_array_api_strict import ArrayApiStrictBackend\n"
        "reveal_type(hardshrink(np.float32(1)))\n"
        "reveal_type(Hardshrink(0.25)('text'))\n"
        "reveal_type(ArrayApiStrictBackend().namespace)\n"
    )
    options = ["--strict", "--python-executable", str(environment.python)]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "--cache-dir", str(tmp_path / "cache"), "user.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    revealed = re.findall(r'Revealed type is "(.*)"', done.stdout)
    assert revealed[0].startswith("numpy.float")
    assert revealed[1:] == ["str", "def () -> Any"]
