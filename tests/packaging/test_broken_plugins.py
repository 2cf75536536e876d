"""Plugins that are really installed and really broken: reported, warned of once, harmless.

Each test writes a distribution as an installer leaves it (a module beside its
``.dist-info``) and starts a new interpreter that finds it.
"""

from __future__ import annotations

import json
import textwrap

import pytest

BACKEND = """
    from shrinkops import Backend, hookimpl

    class Acme(Backend):
        name = "acme"
        framework = "decimal"  # a library that is there; its classes are not asked for
        dtypes = frozenset({"float32"})

        def handles(self, cls):
            return False

        def native(self, operation):
            return lambda x, threshold, out: x
"""
HOOK = """
    @hookimpl
    def shrinkops_backends():
        return [Acme()]
"""

PROGRAM = """
import json, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import numpy as np
    import shrinkops
    results = [shrinkops.hardshrink(np.array([0.25, 1.0])).tolist() for _ in range(3)]
    rows = [shrinkops.backends() for _ in range(2)][-1]
    explanation = shrinkops.explain(np.zeros(3))
    repr(rows), repr(explanation)
print(json.dumps({
    "results": results,
    "rows": {f"{r.name} of {r.distribution}": [r.state, r.reason] for r in rows},
    "warnings": [f"{w.category.__name__}: {w.message}" for w in caught],
    "explained": [explanation.backend, dict(explanation.others)],
}))
"""


def install(site, distribution, source, point=None, module=None):
    """Write a distribution of one module with one entry point."""
    module = module or distribution.replace("-", "_")
    info = site / f"{distribution.replace('-', '_')}-3.2.1.dist-info"
    info.mkdir(parents=True)
    (site / f"{module}.py").write_text(textwrap.dedent(source))
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: {distribution}\nVersion: 3.2.1\n", "utf-8"
    )
    (info / "entry_points.txt").write_text(f"[shrinkops]\n{point or f'acme = {module}'}\n")
    (info / "RECORD").write_text(f"{module}.py,,\n")


@pytest.fixture
def report(environment, tmp_path):
    """Return ``report()``: what a program sees with the plugins installed in ``tmp_path``."""

    def run(variables=None):
        done = environment.run("-c", PROGRAM, site=tmp_path, variables=variables)
        return json.loads(done.stdout)

    return run


def healthy(seen):
    """Assert that the other backends work as if nothing had happened."""
    assert seen["results"] == [[0.0, 1.0]] * 3
    assert seen["rows"]["numpy of shrinkops"] == ["ready", ""]
    assert seen["rows"]["array_api_strict of shrinkops-array-api-strict"] == ["ready", ""]
    assert seen["explained"][0] == "numpy"


BROKEN = {
    "raises at import": ("1 / 0", "import failed: ZeroDivisionError: division by zero"),
    "exits at import": ("import sys; sys.exit('no licence')", "import failed: SystemExit: no lice"),
    "lacks its framework": (
        "import acme_that_is_not_here",
        "import failed: ModuleNotFoundError: No module named 'acme_that_is_not_here'",
    ),
    "is no Python": ("def (", "import failed: SyntaxError"),
    "has no hook": ("x = 1", "refused: TypeError: plugin 'acme' implements no hook"),
    "has an unmarked hook": (
        BACKEND + HOOK.replace("@hookimpl", ""),
        "refused: TypeError: plugin 'acme' implements no hook",
    ),
    "hook raises": (BACKEND + HOOK.replace("[Acme()]", "1 / 0"), "refused: ZeroDivisionError"),
    "hook exits": (
        BACKEND + HOOK.replace("return [Acme()]", "raise SystemExit(3)"),
        "refused: SystemExit: 3",
    ),
    "hook returns a number": (
        BACKEND + HOOK.replace("[Acme()]", "42"),
        "refused: TypeError: plugin 'acme': shrinkops_backends returned 42 of type int",
    ),
    "hook returns names": (
        BACKEND + HOOK.replace("[Acme()]", "['acme']"),
        "shrinkops_backends returned 'acme' of type str, expected shrinkops.Backend objects",
    ),
    "hook returns the class": (
        BACKEND + HOOK.replace("[Acme()]", "[Acme]"),
        "expected shrinkops.Backend objects",
    ),
    "hook takes unknown arguments": (
        BACKEND + HOOK.replace("backends()", "backends(config)"),
        "refused: PluginValidationError",
    ),
    "backend has no name": (
        BACKEND.replace('name = "acme"', "name = ''") + HOOK,
        "Acme.name is '', expected a non-empty string",
    ),
}


@pytest.mark.parametrize(("source", "reason"), BROKEN.values(), ids=BROKEN)
def test_broken_plugin_is_set_aside(report, tmp_path, source, reason):
    install(tmp_path, "shrinkops-acme", source)
    seen = report()
    healthy(seen)
    state, told = seen["rows"]["acme of shrinkops-acme"]
    assert state == "quarantined"
    assert reason in told
    assert seen["explained"][1]["acme"] == f"quarantined: {told}"
    (warning,) = seen["warnings"]
    assert warning.startswith("RuntimeWarning: ")
    assert "'acme'" in warning
    assert "distribution 'shrinkops-acme'" in warning
    assert told in warning


def test_entry_point_without_its_object(report, tmp_path):
    install(tmp_path, "shrinkops-acme", "", point="acme = shrinkops_acme:nothing")
    seen = report()
    healthy(seen)
    assert "import failed: AttributeError" in seen["rows"]["acme of shrinkops-acme"][1]


def test_second_backend_of_a_name_is_refused_naming_both(report, tmp_path):
    install(tmp_path, "shrinkops-acme", BACKEND.replace('"acme"', '"numpy"') + HOOK)
    seen = report()
    healthy(seen)
    (warning,) = seen["warnings"]
    assert "two backends are named 'numpy'" in warning
    assert "distribution 'shrinkops'" in warning
    assert "distribution 'shrinkops-acme'" in warning


def test_second_entry_point_of_a_name_is_refused_naming_both(report, tmp_path):
    install(tmp_path, "shrinkops-acme", BACKEND + HOOK, point="numpy = shrinkops_acme")
    seen = report()
    healthy(seen)
    (warning,) = seen["warnings"]
    assert "a plugin named 'numpy' is registered already" in warning
    assert "distribution 'shrinkops'" in warning
    assert "distribution 'shrinkops-acme'" in warning


def test_of_two_third_parties_the_order_of_names_decides(report, tmp_path):
    """Whatever the file system lists first."""
    install(tmp_path, "zz-acme", BACKEND + HOOK, point="acme_z = zz_acme")
    install(tmp_path, "aa-acme", BACKEND + HOOK, point="acme_a = aa_acme")
    seen = report()
    healthy(seen)
    assert seen["rows"]["acme of aa-acme"][0] == "ready"
    state, reason = seen["rows"]["acme_z of zz-acme"]
    assert state == "quarantined"
    assert "one from distribution 'aa-acme', one from distribution 'zz-acme'" in reason


def test_handles_that_raises_is_set_aside_at_the_first_array(report, tmp_path):
    install(tmp_path, "shrinkops-acme", BACKEND.replace("return False", "return cls.colour") + HOOK)
    seen = report()
    healthy(seen)
    state, reason = seen["rows"]["acme of shrinkops-acme"]
    assert state == "quarantined"
    assert reason.startswith("handles(numpy.ndarray) raised: AttributeError")
    (warning,) = seen["warnings"]
    assert "distribution 'shrinkops-acme'" in warning


PROBES = {
    "unavailable": "def unavailable(self): raise OSError('no driver')",
    "installed": "def installed(self): raise OSError('no driver')",
    "kernel_in_use": "def kernel_in_use(self): raise OSError('no driver')",
    "array_types": "def array_types(self): raise OSError('no driver')",
    "capabilities": "capabilities = property(lambda self: open('no driver'))",
}


@pytest.mark.parametrize("method", PROBES.values(), ids=PROBES)
def test_backend_that_cannot_be_probed_has_its_reason_in_the_table(report, tmp_path, method):
    install(tmp_path, "shrinkops-acme", f"{BACKEND}\n        {method}\n{HOOK}")
    seen = report()
    healthy(seen)
    state, reason = seen["rows"]["acme of shrinkops-acme"]
    assert state == "import failed"
    assert "no driver" in reason


@pytest.mark.parametrize("attribute", ["dtypes", "features"])
def test_backend_with_a_wrong_attribute_is_set_aside(report, tmp_path, attribute):
    install(tmp_path, "shrinkops-acme", f"{BACKEND}\n        {attribute} = ['float32']\n{HOOK}")
    seen = report()
    healthy(seen)
    state, reason = seen["rows"]["acme of shrinkops-acme"]
    assert state == "quarantined"
    assert f"Acme.{attribute}" in reason


def test_where_warnings_are_errors_the_next_call_finds_everything(environment, tmp_path):
    """The one warning raises, as its reader asked; no plugin read after it is lost."""
    install(tmp_path, "aaa-acme", "1 / 0")
    code = """
import array_api_strict as xp, shrinkops
try:
    shrinkops.hardshrink(xp.ones(3))
except RuntimeWarning as warning:
    print(warning)
print(shrinkops.hardshrink(xp.ones(3)))
"""
    told, result = environment.run("-c", code, site=tmp_path).stdout.splitlines()
    assert told.startswith("shrinkops set plugin 'acme' from distribution 'aaa-acme' aside")
    assert result == "Array([1., 1., 1.], dtype=array_api_strict.float64)"


@pytest.mark.parametrize(
    ("variables", "listed"),
    [
        ({"SHRINKOPS_BLOCK": "acme"}, False),
        ({"SHRINKOPS_BLOCK": "0"}, True),
        ({"SHRINKOPS_BLOCK": ""}, True),
        ({"SHRINKOPS_DISABLE_PLUGIN_AUTOLOAD": "0"}, True),
        ({"SHRINKOPS_DISABLE_PLUGIN_AUTOLOAD": "false"}, True),
    ],
)
def test_switches_reach_an_installed_plugin(report, tmp_path, variables, listed):
    install(tmp_path, "shrinkops-acme", BACKEND + HOOK)
    seen = report(variables)
    healthy(seen)
    assert ("acme of shrinkops-acme" in seen["rows"]) is listed
    assert seen["warnings"] == []


def test_autoload_off_reads_no_entry_point(environment, tmp_path):
    install(tmp_path, "shrinkops-acme", "1 / 0")
    code = "import shrinkops; print(len(shrinkops.backends()))"
    done = environment.run(
        "-c", code, site=tmp_path, variables={"SHRINKOPS_DISABLE_PLUGIN_AUTOLOAD": "1"}
    )
    assert done.stdout == "0\n"


def test_plugin_repaired_in_the_session_is_found_by_refresh(environment, tmp_path):
    install(tmp_path, "shrinkops-acme", "1 / 0")
    repaired = textwrap.dedent(BACKEND + HOOK)
    code = f"""
import pathlib, warnings, shrinkops
states = lambda: [r.state for r in shrinkops.backends() if r.name == "acme"]
with warnings.catch_warnings(record=True):
    warnings.simplefilter("always")
    print(states())
pathlib.Path({str(tmp_path / "shrinkops_acme.py")!r}).write_text({repaired!r})
shrinkops.refresh()
print(states())
"""
    done = environment.run("-c", code, site=tmp_path)
    assert done.stdout.splitlines() == ["['quarantined']", "['ready']"]
