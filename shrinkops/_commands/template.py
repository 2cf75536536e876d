"""The files of a distribution that brings a backend, as ``shrinkops new-backend`` writes them.

Invariants
----------
- What is written works as it stands: it conforms, has tests and benchmarks, and installs.
- ``$name`` and the like are all that varies; a test writes, installs and certifies one.
"""

from __future__ import annotations

__all__ = ["FILES"]

_PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.26"]
build-backend = "hatchling.build"

[project]
name = "$distribution"
version = "0.1.0"
description = "shrinkops for the arrays of $framework."
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["shrinkops", "$framework_distribution"]

[project.optional-dependencies]
test = ["shrinkops[conformance]"]
bench = ["shrinkops[bench]"]

# This makes it a plugin: a name, and the module that holds the hook.
[project.entry-points.shrinkops]
$name = "$package"

[tool.hatch.build.targets.wheel]
packages = ["src/$package"]

[tool.pytest.ini_options]
testpaths = ["tests"]
addopts = ["--import-mode=importlib", "--strict-markers", "--strict-config"]
"""

_MODULE = '''\
"""shrinkops for the arrays of $framework.

Importing this module imports nothing but shrinkops: $framework is imported inside the
methods, which are first called when one of its arrays exists.
"""

from __future__ import annotations

from typing import Any

from shrinkops import Backend, hookimpl

__all__ = ["$cls", "shrinkops_backends"]


class $cls(Backend):
    """$framework arrays, computed by the generic definitions."""

    name = "$name"
    framework = "$framework"
    framework_distribution = "$framework_distribution"
    install = "pip install $framework_distribution"
    dtypes = frozenset($dtypes)
    features = frozenset($features)

    def handles(self, cls: type) -> bool:
        """Take the library's own array class, and no subclass: results would lose it."""
        return cls is type(self.namespace().empty(0))

    def namespace(self) -> Any:
        """Return the Array API namespace that the generic definitions use."""
        import $namespace as xp

        return xp

    def astype(self, x: Any, dtype: Any) -> Any:
        """Round an array of thresholds; overflow to inf is silent."""
        import numpy as np

        with np.errstate(all="ignore"):
            return super().astype(x, dtype)

    # A kernel of the library's own is faster than the generic definition. Return it for the
    # operations and element types that have one, None for the others; see the guide.
    #
    # def native(self, operation: str, dtype: str) -> Any:
    #     return None


@hookimpl
def shrinkops_backends() -> list[Backend]:
    """Return the one backend of this distribution."""
    return [$cls()]
'''

_TESTS = '''\
"""The backend, as its users meet it."""

from __future__ import annotations

$imports

import shrinkops


def test_entry_point_brings_the_backend():
    explanation = shrinkops.explain(xp.asarray(np.zeros(3, np.float32)))
    assert explanation.backend == "$name"
    assert explanation.distribution == "$distribution"


def test_values():
    x = xp.asarray(np.asarray([-2.0, -0.5, -0.0, 0.25, np.nan, np.inf], np.float32))
    result = shrinkops.hardshrink(x)
    assert type(result) is type(x)
    kept = np.asarray([-2.0, 0.0, 0.0, 0.0, np.nan, np.inf], np.float32)
    np.testing.assert_array_equal(np.asarray(result), kept)
'''

_PROOF = '''\
"""The proof: every check of the conformance kit is a test here."""

from shrinkops.conformance import make_tests

test_conformance = make_tests("$name")
'''

_BENCHMARKS = '''\
"""Benchmarks of this backend for airspeed velocity, all of them made by shrinkops."""

from shrinkops.benchmark import make_suite

globals().update(make_suite(["$name"]))
'''

_ASV = """\
// airspeed velocity; run asv from this folder, once it is a git repository of its own.
{
    "version": 1,
    "project": "$distribution",
    "repo": ".",
    "branches": ["main"],
    "environment_type": "virtualenv",
    "benchmark_dir": "benchmarks",
    "env_dir": ".asv/env",
    "results_dir": ".asv/results",
    "html_dir": ".asv/html",

    // asv's own commands build every dependency too and then find several wheels.
    "build_command": ["python -m pip wheel --no-deps -w {build_cache_dir} {build_dir}"],
    "install_command": [
        "in-dir={env_dir} python -m pip install --no-deps --force-reinstall {wheel_file}"
    ],
    "matrix": {
        "req": {
            "pip+asv_runner": ["0.3.2"],
            "pip+shrinkops": [""],
            "pip+$framework_distribution": [""]
        }
    }
}
"""

_README = """\
# $distribution

shrinkops for the arrays of $framework: installed next to shrinkops, it serves them at once.

    pip install -e '.[test,bench]'
    shrinkops conformance $name          # the proof; --json certificate.json writes it down
    python -m pytest                     # the same as tests, and what users meet
    shrinkops bench $name                # against peers, as ratios
    asv run -E existing:python --set-commit-hash HEAD

`src/$package/__init__.py` is all there is to edit: more element types, more features, a kernel of
the library's own. "Write a backend" in the documentation of shrinkops says how.
"""

FILES = {
    "pyproject.toml": _PYPROJECT,
    "README.md": _README,
    "asv.conf.json": _ASV,
    "src/$package/__init__.py": _MODULE,
    "src/$package/py.typed": "",
    "tests/test_$package.py": _TESTS,
    "tests/test_conformance.py": _PROOF,
    "benchmarks/__init__.py": "",
    "benchmarks/hardshrink.py": _BENCHMARKS,
}
"""Text by path, relative to the distribution's folder."""
