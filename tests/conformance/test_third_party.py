"""An operation that is declared outside the package has what the five have."""

from __future__ import annotations

import numpy as np
import pytest

from shrinkops._call.dispatcher import dispatchers
from shrinkops._target import find_target
from shrinkops.benchmark._compare import compare
from shrinkops.benchmark._peers import find_peers
from shrinkops.benchmark._sampling import Plan
from shrinkops.benchmark._work import Case
from shrinkops.conformance import run
from shrinkops.conformance._session import environments
from shrinkops.conformance.rules.mutants import sample
from shrinkops.conformance.rules.replay import fates

X = np.array([-2.5, -0.5, 0.25, np.nan, 1.0, np.inf], np.float32)
WANT = np.array([-1.0, 0.0, 0.0, np.nan, 0.25, np.inf], np.float32)
DECLARED = "third_party:OPERATION"


@pytest.fixture(scope="module", autouse=True)
def declared():
    """Import the declaration, and have no other test see it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(__file__.rpartition("/")[0])
        import third_party

        yield third_party
    dispatchers[:] = [d for d in dispatchers if d.operation is not third_party.OPERATION]


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_it_runs_on_a_backend(declared, backend):
    adapter = find_target(backend).backend.adapter()
    got = declared.halfshrink(adapter.from_numpy(X))
    assert np.array_equal(adapter.to_numpy(got), WANT, equal_nan=True)
    two = declared.halfshrink(adapter.from_numpy(X), adapter.from_numpy(np.float32([1.5])))
    assert adapter.to_numpy(two).tolist()[0] == -0.5


def test_the_kit_judges_it():
    result = run("third_party:Narrow", operations=[DECLARED])
    assert result.conforms, result
    assert result.counts["halfshrink"].ran >= 5


def test_its_derived_mutants_die():
    (environment,) = environments("third_party:Narrow", names=[DECLARED])
    done = list(fates(environment, sample(environment.suite.operation, 28)))
    assert sum(fate.killed for fate in done) >= 20
    left = [(f.mutant.name, f.explained) for f in done if not f.killed and not f.impossible]
    assert left == []


def test_it_is_benched(declared):
    copy = find_peers(declared.OPERATION)["copy"]
    plan = Plan(blocks=3, fewest=3, most_seconds=0.5)
    (figure,) = compare(find_target("numpy"), declared.OPERATION, Case(1000), [copy], plan)
    assert figure.ratio.samples > 0
