"""The conformance kit as a third party runs it: from the wheel, in an empty folder."""

from __future__ import annotations

import re

import pytest


@pytest.fixture(scope="module")
def outsider(built, new_environment):
    plugin = str(new_environment.plugin)
    return new_environment("packaging-outsider", f"{built.wheel}[conformance]", plugin)


def test_command_certifies_the_plugin(outsider):
    done = outsider.run("-m", "shrinkops", "conformance", "array_api_strict", warnings="default")
    assert "from shrinkops-array-api-strict 0.1.0" in done.stdout
    assert "CONFORMS to specification 1.0" in done.stdout
    counts = re.findall(r"(\d+) ran, (\d+) passed, 0 failed", done.stdout)
    assert len(counts) == 5  # operations
    assert all(ran == passed for ran, passed in counts)
    assert sum(int(ran) for ran, _ in counts) > 500


def test_pytest_runs_the_kit_on_the_plugin(outsider):
    kit = ("-p", "shrinkops.conformance.plugin", "--pyargs", "shrinkops.conformance")
    arguments = ("-p", "no:cacheprovider", *kit, "--shrinkops-backend", "array_api_strict")
    done = outsider.run("-m", "pytest", "-q", *arguments)
    passed = re.search(r"^(\d+) passed, \d+ skipped in", done.stdout, re.MULTILINE)
    assert int(passed[1]) > 500


def test_a_plugin_that_departs_is_found_out(outsider, tmp_path):
    """The same plugin, but its band is open: ±λ is kept."""
    (tmp_path / "acme.py").write_text(
        "from shrinkops_array_api_strict import ArrayApiStrictBackend\n"
        "class Open(ArrayApiStrictBackend):\n"
        "    def native(self, operation):\n"
        "        def kernel(x, threshold, out):\n"
        "            xp = self.namespace()\n"
        "            if out is not None or not hasattr(threshold, 'bits'):\n"
        "                return NotImplemented\n"
        "            inside = (x > -threshold.value) & (x < threshold.value)\n"
        "            return xp.where(inside, xp.zeros_like(x), x)\n"
        "        return kernel\n"
    )
    command = ("-m", "shrinkops", "conformance", "acme:Open")
    done = outsider.run(*command, site=tmp_path, warnings="default", check=False)
    assert done.returncode == 1
    assert "CONFORMS" not in done.stdout
    assert re.search(r"HS-VAL-1\s+band\s.*failed", done.stdout)
