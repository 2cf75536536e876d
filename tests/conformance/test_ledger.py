"""The ledger is strict in every direction."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from shrinkops.conformance._ledger import LedgerError, read_ledger
from shrinkops.conformance._report import Exit
from shrinkops.conformance.command import command

pytestmark = pytest.mark.usefixtures("importable")

ENTRY = """
[[expected]]
check = "{check}"
reason = "the boundary is open"
link = "https://example.org/1"
{manner}
"""


@pytest.fixture
def judge(tmp_path):
    def call(target, *entries, check="HS-VAL-1/*", status=Exit.CONFORMS):
        path = tmp_path / "ledger.toml"
        path.write_text("".join(ENTRY.format(check=c, manner=m) for c, m in entries), "utf-8")
        arguments = [target, "--ledger", str(path), "--operation", "hardshrink"]
        arguments += ["--check", check] if check else []
        done = CliRunner().invoke(command, arguments)
        assert done.exit_code == status, done.output[-3000:]
        return done.output

    return call


BOUNDARY = ("HS-VAL-1/boundary", 'says = "expected 0x0"')
VECTORS = ("HS-VAL-1/vectors", 'says = "expected 0x0"')
SIDES = ("HS-VAL-1/sides", 'says = "expected 0x0"')


def test_expected_failures_are_counted_apart(judge):
    output = judge("wrong:OpenBand", BOUNDARY, VECTORS, SIDES)
    assert "6 expected to fail" in output


def test_an_undeclared_failure_stays_one(judge):
    judge("wrong:OpenBand", BOUNDARY, status=Exit.DEVIATES)


def test_an_unexpected_pass_fails(judge):
    output = judge("numpy", BOUNDARY, status=Exit.DEVIATES)
    assert "passed unexpectedly" in output
    assert "remove the entry" in output


@pytest.mark.parametrize("manner", ['raises = "ValueError"', 'value = "ffffffff"'])
def test_failing_in_another_way_fails(judge, manner):
    entries = [("HS-VAL-1/boundary", manner), VECTORS, SIDES]
    output = judge("wrong:OpenBand", *entries, status=Exit.DEVIATES)
    assert "failed otherwise than declared" in output


def test_a_stale_identifier_fails(judge):
    output = judge("numpy", ("HS-VAL-1/gone", 'says = "x"'), check=None, status=Exit.DEVIATES)
    assert "ledger entry for HS-VAL-1/gone covers nothing that this run has" in output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[expected]]\ncheck = 1", "check must be a non-empty string"),
        ('[[expected]]\ncheck = "a"', "reason, link is missing"),
        (ENTRY.format(check="a", manner=""), "exactly one of raises, value, says, got none"),
        (ENTRY.format(check="a", manner='value = "0"\nsays = "b"'), "got value, says"),
        (ENTRY.format(check="a", manner='because = "b"'), "unknown key because"),
        ("[other]", "unknown table other"),
        ("[expected]", "with two brackets"),
        ("not toml", "cannot be read"),
    ],
)
def test_a_bad_file_is_refused(tmp_path, text, words):
    path = tmp_path / "ledger.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LedgerError, match=words):
        read_ledger(path)
