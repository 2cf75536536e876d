"""The three forms of the specification are complete and agree."""

from __future__ import annotations

import importlib
import random
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from shrinkops._numbers.formats import FORMATS, FloatFormat
from shrinkops._numbers.threshold import round_threshold
from shrinkops._target import operations
from shrinkops.conformance._bits import array_of, bits_of, hex_of, same
from shrinkops.conformance._model import Form
from shrinkops.conformance._numbers import NUMBERS, decode, is_nan, round_bits
from shrinkops.conformance._plan import make_plan
from shrinkops.conformance._session import environments
from shrinkops.conformance._suites import load_suites
from shrinkops.conformance.hardshrink import SUITE, scenarios, vectors
from shrinkops.conformance.hardshrink.definition import KEPT_OR_ZERO, exact, expected

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
tool = importlib.import_module("vectors")
CLAUSES = [clause.identifier for clause in SUITE.operation.clauses]
HOST = [n for n in NUMBERS.values() if n.width <= 64]


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("clause", CLAUSES)
def test_every_clause_is_covered_by_each_form(clause, form):
    assert [c for c in SUITE.checks if c.clause == clause and c.form is form]


def test_every_clause_has_a_text_and_a_case():
    assert all(clause.text and clause.title for clause in SUITE.operation.clauses)
    assert {case["clause"] for case in vectors.document()["cases"]} == set(CLAUSES)


def test_every_suite_is_complete():
    suites = load_suites()
    assert [suite.operation.name for suite in suites] == sorted(operations())
    assert [suite.defects() for suite in suites] == [[]] * len(suites)


def test_a_missing_check_is_a_defect_of_the_suite():
    damaged = replace(SUITE, checks=SUITE.checks[1:])
    assert damaged.defects() == [f"check {SUITE.checks[0].identifier} of the manifest is missing"]


def test_every_scenario_has_a_function_and_the_reverse():
    used = {case["scenario"] for case in vectors.document()["cases"]}
    assert used == set(vectors.document()["scenarios"]) == set(scenarios.SCENARIOS)


def test_the_vectors_are_what_the_definition_gives():
    assert vectors.PATH.read_text(encoding="utf-8") == tool.generate()


def test_the_vectors_know_every_element_type():
    cases = vectors.document()["cases"]
    assert {case["dtype"] for case in cases} == {*NUMBERS, "bool"}
    assert len({case["id"] for case in cases}) == len(cases)


@pytest.mark.parametrize("value", [0, 7, -3, 1 << 64, -(3 << 90), 0.1, -0.0, 5e-324, 1e300])
def test_a_threshold_survives_writing_and_reading(value):
    assert vectors.value_of(tool.text_of(value)) == value


@pytest.mark.parametrize(
    "name", [n for n, f in FORMATS.items() if isinstance(f, FloatFormat) and n in NUMBERS]
)
def test_rounding_agrees_with_the_core_which_shares_nothing_with_it(name):
    number, rules, rng = NUMBERS[name], FORMATS[name], random.Random(name)
    for _ in range(200):
        value = Fraction(rng.random()) * Fraction(2) ** rng.randint(-160, 140)
        mine = round_bits(value, number)
        try:
            theirs = round_threshold(value, rules, "test")
        except ValueError:
            assert mine is None
            continue
        assert mine is not None
        assert decode(mine, number) == Fraction(theirs.significand) * Fraction(2) ** theirs.exponent


@pytest.mark.parametrize("number", HOST, ids=lambda n: n.name)
def test_the_quick_definition_agrees_with_the_exact_one(number):
    rng = random.Random(number.name)
    bits = [rng.getrandbits(number.width * number.parts) for _ in range(150)]
    x = array_of(bits, number)
    for lambd in (0, 0.5, 1, 0.1, 2.7, -1, float("inf")):
        want, either = expected(x, lambd, number)
        for i, (b, got) in enumerate(zip(bits, bits_of(want, number), strict=True)):
            right = exact(b, lambd, number)
            if right == KEPT_OR_ZERO:
                assert either[i]
            elif not (number.parts == 1 and is_nan(right, number)):
                assert got == right, (hex_of(b, number), lambd)


def test_comparison_has_no_tolerance():
    number = NUMBERS["float32"]
    x = array_of([0, 0x80000000, 0x3F800000, 0x7FC00000], number)
    y = array_of([0, 0, 0x3F800001, 0x7F800001], number)
    assert same(x, y, number).tolist() == [True, False, False, True]
    assert np.array_equal(x[:1], y[:1])


def test_what_a_library_has_nothing_of_is_one_question():
    (environment,) = environments("numpy", names=["shrink"])
    adapter = environment.adapter

    class Without(type(adapter)):
        def subclasses(self):
            return ()

    def planned(adapter):
        plan = make_plan(environment.suite, environment.target, adapter, patterns=["*ARR-6/paths"])
        return [item.dtype for item in plan.items]

    assert len(planned(adapter)) > 3
    assert "" not in planned(adapter)
    assert planned(Without(environment.target.backend)) == [""]
