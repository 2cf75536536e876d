"""``shrinkops.conformance.run`` and ``make_tests``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shrinkops.conformance import LedgerError, UnusableTargetError, make_tests, run

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.usefixtures("importable")

ONE = {"operations": ["hardshrink"], "check": ["HS-VAL-1"]}


def test_a_report(tmp_path):
    report = run("numpy", **ONE)
    assert report.conforms
    assert report.status == 0
    assert report.failures == []
    assert "CONFORMS" in report.verdicts["hardshrink"]
    assert report.counts["hardshrink"].ran > 0
    assert "CONFORMS" in str(report)
    report.write(json=tmp_path / "c.json", html=str(tmp_path / "c.html"))
    document = json.loads((tmp_path / "c.json").read_text("utf-8"))
    assert document["conforms"]
    assert document["operations"][0]["counts"] == report.certificate()["operations"][0]["counts"]


def test_a_backend_that_nobody_registered():
    import wrong

    for target in (wrong.OpenBand, wrong.OpenBand(), "wrong:OpenBand"):
        report = run(target, **ONE)
        assert not report.conforms
        assert report.status == 1
        assert report.failures[0].item.check.clause == "HS-VAL-1"


def test_what_cannot_be_judged_raises(tmp_path):
    for target in ("nobody", "nobody:Nothing", 5):
        with pytest.raises(UnusableTargetError):
            run(target)
    (tmp_path / "l.toml").write_text("not toml", "utf-8")
    with pytest.raises(LedgerError):
        run("numpy", ledger=tmp_path / "l.toml", **ONE)
    with pytest.raises(UnusableTargetError):
        make_tests("nobody")


test_two_lines_make_tests = make_tests("numpy", **ONE)


def test_made_tests_convict(pytester, monkeypatch):
    pytester.makepyfile(
        "from shrinkops.conformance import make_tests\n"
        "test_conformance = make_tests('wrong:OpenBand', check=['HS-VAL-1'])\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    result = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*Reproduction:*"])
    assert "verdict" in result.stdout.str()
