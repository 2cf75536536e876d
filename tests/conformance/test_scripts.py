"""The script of a failure shows it: it fails on the wrong backend and passes on the right one."""

from __future__ import annotations

import contextlib
import io
import sys
from fnmatch import fnmatch

import numpy as np
import pytest
import shrinkops_numpy

import shrinkops
from shrinkops._target import find_target
from shrinkops.conformance._context import Environment
from shrinkops.conformance._engine import run_item
from shrinkops.conformance._model import State
from shrinkops.conformance._mutants import Tools
from shrinkops.conformance._plan import make_plan
from shrinkops.conformance._session import environments
from shrinkops.conformance.hardshrink import SUITE

pytestmark = pytest.mark.usefixtures("importable")

# One element type of each kind, and those that a defect may be about.
DTYPES = ("", "float32", "float128", "bfloat16", "int8", "int64", "complex64")

# These convict what no mutant of a kernel is: see the tests below.
OF_THE_BACKEND = {
    "HS-DSP-1/registered",
    "HS-DSP-1/selective",
    "HS-DSP-3/remedy",
    "HS-DSP-3/vectors",
    "HS-TYP-1/required",
    "HS-TYP-1/round-trip",
}


def outcome(script):
    """Run a script in this process; return the exception that ended it."""
    before, state = sys.getswitchinterval(), np.geterr()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(script, "reproduction", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        return end if end.code else None
    except Exception as error:
        return error
    finally:
        sys.setprofile(None)
        sys.setswitchinterval(before)
        np.seterr(**state)
    return None


def assert_shows(result, wrong_name, right_name):
    """Demand that a result's script fails on the wrong target and passes on the right."""
    assert result.state is State.FAILED, result
    imported = [line for line in result.script.splitlines() if line.startswith(("import", "from"))]
    assert not [line for line in imported if "conformance" in line or "pytest" in line]
    on_wrong = outcome(result.script)
    assert on_wrong is not None, f"shows nothing:\n{result.script}"
    assert not isinstance(on_wrong, (NameError, SyntaxError, ImportError)), result.script
    on_right = outcome(result.script.replace(wrong_name, right_name))
    assert on_right is None, f"convicts the right backend, {on_right!r}:\n{result.script}"


def shown(name, pattern, wanted=lambda mutant: True):
    """Try mutants; return the checks whose failures were shown by their scripts."""
    (environment,) = environments(name, names=["hardshrink"])
    tools = Tools(environment.target.backend, environment.adapter)
    done, sought = set(), {c for c in applicable(name) if fnmatch(c, pattern)} - OF_THE_BACKEND
    # Those first that are about what is sought: a check that nobody fails takes its whole time.
    mutants = sorted(
        filter(wanted, SUITE.mutants()), key=lambda mutant: not fnmatch(mutant.killer, pattern)
    )
    with environment.adapter.session():
        for mutant in mutants:
            if done == sought:
                break
            if mutant.needs - environment.target.backend.capabilities or mutant.applies(tools):
                continue
            text = f"mutated:{name}__{mutant.name.replace('-', '_')}"
            harmed = Environment(SUITE, find_target(text))
            plan = make_plan(SUITE, harmed.target, harmed.adapter, patterns=[pattern])
            for item in plan.to_run:
                if item.dtype not in DTYPES or item.check.identifier in done:
                    continue
                result = run_item(harmed, item)
                if result.state is State.FAILED:
                    assert_shows(result, text, f"mutated:{name}")
                    done.add(item.check.identifier)
    return done


def applicable(name):
    """Return the checks that can fail on a backend."""
    capabilities = find_target(name).backend.capabilities
    return {c.identifier for c in SUITE.checks
            if c.needs <= capabilities and not c.lacks & capabilities}  # fmt: skip


def test_every_check_that_a_numpy_mutant_can_fail():
    missing = applicable("numpy") - shown("numpy", "*") - OF_THE_BACKEND
    # NumPy has no transformations.
    assert {name for name in missing if not name.startswith("HS-TRF")} == set()


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_every_check_of_a_derivative(name):
    found = shown(name, "HS-DER-*")
    assert {n for n in applicable(name) if n.startswith("HS-DER")} - found == set()


def test_checks_of_transformations():
    # Compiling takes its time: a few defects that only a compiled call shows, or that it shows too.
    names = {"wrong-when-traced", "compiles-per-lambda", "looks-at-values", "boundary-open"}
    found = shown("jax", "HS-TRF-*", lambda mutant: mutant.name in names)
    assert {n for n in applicable("jax") if n.startswith("HS-TRF")} - found == set()


def run_check(target, check):
    (environment,) = environments(target, names=["hardshrink"])
    plan = make_plan(SUITE, environment.target, environment.adapter, patterns=[check])
    return run_item(environment, plan.to_run[0])


@pytest.mark.parametrize(
    ("target", "check"),
    [
        ("wrong:NoFloat32", "HS-TYP-1/required"),
        ("wrong:WrongAdapter", "HS-TYP-1/round-trip"),
        ("wrong:Greedy", "HS-DSP-1/selective"),
    ],
)
def test_checks_of_a_declaration(target, check):
    assert_shows(run_check(target, check), target, "numpy")


def assert_shown_while_registered(backend, check):
    """Demand that a script fails while the backend is registered, and passes without it."""
    shrinkops.register(backend)
    try:
        result = run_check(backend.name, check)
        assert outcome(result.script) is not None
    finally:
        shrinkops.unregister(backend.name)
    assert result.state is State.FAILED
    assert outcome(result.script.replace(repr(backend.name), "'numpy'")) is None


@pytest.mark.parametrize("check", ["HS-DSP-3/remedy", "HS-DSP-3/vectors"])
def test_checks_of_what_nobody_takes(check):
    assert_shown_while_registered(find_target("wrong:Greedy").backend, check)


def test_the_check_of_who_computes():
    class Second(shrinkops_numpy.NumpyBackend):
        name = "second"
        priority = -1

    assert_shown_while_registered(Second(), "HS-DSP-1/registered")


def test_a_crash_without_a_script_of_its_own_names_the_arguments():
    result = run_check("wrong:Crashing", "HS-LAM-1/signature")
    assert result.raised == "ZeroDivisionError"
    assert isinstance(outcome(result.script), ZeroDivisionError)
    assert outcome(result.script.replace("wrong:Crashing", "numpy")) is None
