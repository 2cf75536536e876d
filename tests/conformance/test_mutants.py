"""The kit convicts wrong implementations, each by the check that it names."""

from __future__ import annotations

import io

import pytest

from shrinkops._commands.output import Output
from shrinkops._commands.status import Exit
from shrinkops.conformance._selftest import Trial, _score, trials
from shrinkops.conformance._session import environments
from shrinkops.conformance.hardshrink import SUITE
from shrinkops.conformance.rules.conditions import CONDITIONS
from shrinkops.conformance.rules.mutants import derived, dimension_of, sample
from shrinkops.conformance.rules.replay import fates

MUTANTS = [mutant for mutant in SUITE.mutants() if mutant.levels is None]
DERIVED = derived(SUITE.operation)


def test_there_are_enough_and_each_names_a_check():
    names = [mutant.name for mutant in MUTANTS]
    assert len(names) == len(set(names)) >= 40
    assert {mutant.killer for mutant in MUTANTS} <= set(SUITE.manifest)


@pytest.mark.parametrize("target", ["numpy", "torch", "jax"])
def test_every_mutant_that_can_exist_is_killed_by_its_check(target):
    # On the slower libraries, those that NumPy cannot show.
    (environment,) = environments(target, names=["hardshrink"])
    done = list(
        trials(
            environment,
            lambda m: (
                m.levels is None if target == "numpy" else bool(m.needs & {"autodiff", "jit"})
            ),
        )
    )
    survivors = [(t.mutant.name, t.message) for t in done if t.applicable and not t.killed]
    assert survivors == []
    # A mutant that crashes instead of being wrong would prove nothing.
    assert [(t.mutant.name, t.raised) for t in done if t.raised and not t.mutant.raises] == []
    assert sum(t.applicable for t in done) >= (80 if target == "numpy" else 9)


def test_every_mutant_exists_on_some_backend():
    found = set()
    for target in ("numpy", "torch", "jax"):
        (environment,) = environments(target, names=["hardshrink"])
        capabilities = environment.target.backend.capabilities
        found |= {m.name for m in MUTANTS if m.needs <= capabilities}
    assert found == {mutant.name for mutant in MUTANTS}


def test_hundreds_are_derived_from_a_declaration():
    names = [mutant.name for mutant in DERIVED]
    assert len(names) == len(set(names)) >= 600
    confined = {dimension_of(mutant) for mutant in DERIVED}
    assert {"anywhere", "layout", "layout x value", "out x threshold"} <= confined


def test_a_sample_is_of_every_kind():
    drawn = sample(SUITE.operation, 24)
    assert drawn[0].name == sample(SUITE.operation, 24)[0].name
    assert len({dimension_of(mutant) for mutant in drawn}) >= 20
    levels = {level for mutant in drawn for level in mutant.levels}
    assert ("value", "negative") in levels
    assert len(levels) >= 3 * len(CONDITIONS) // 4


def test_a_sample_of_the_derived_ones_is_killed():
    (environment,) = environments("numpy", names=["softshrink"])
    done = list(fates(environment, sample(environment.suite.operation, 24)))
    assert len(done) == 24
    left = [(f.mutant.name, f.explained) for f in done if not f.killed]
    assert left == []
    assert all(f.record.met and f.record.changed for f in done if f.killed)


def test_every_survivor_is_seen_by_the_exit_status():
    (environment,) = environments("numpy", names=["hardshrink"])
    output = Output(io.StringIO(), io.StringIO())
    killed, survivor, impossible = (
        Trial(mutant, killed, applicable=applicable)
        for mutant, killed, applicable in zip(
            DERIVED, (True, False, False), (True, True, False), strict=False
        )
    )
    assert _score([killed, impossible], environment, output) == Exit.CONFORMS
    assert _score([killed, survivor, impossible], environment, output) == Exit.DEVIATES
