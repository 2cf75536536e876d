"""The command: verdict, exit status, and the files that it writes."""

from __future__ import annotations

import json
import re
import runpy
from xml.etree import ElementTree

import jsonschema
import pytest
from click.testing import CliRunner

from shrinkops.conformance._certificate import SCHEMA
from shrinkops.conformance._report import Exit
from shrinkops.conformance.command import command

pytestmark = pytest.mark.usefixtures("importable")


def invoke(*arguments, expect=Exit.CONFORMS):
    arguments = ["--operation", "hardshrink", *map(str, arguments)]
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == expect, done.output[-3000:]
    return done.output


def test_numpy_conforms_and_all_files_say_so(tmp_path):
    files = [tmp_path / name for name in ("c.json", "c.html", "c.xml")]
    output = invoke("numpy", "--json", files[0], "--html", files[1], "--junit", files[2])
    assert "hardshrink of backend 'numpy' CONFORMS to specification 1.0" in output
    document = json.loads(files[0].read_text(encoding="utf-8"))
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    (operation,) = document["operations"]
    counts = operation["counts"]
    assert document["conforms"]
    assert counts["required"] > 1000
    assert counts["ran"] + counts["not_applicable"] == counts["required"]
    assert counts["passed"] == counts["ran"]
    assert counts["not_declared"] > 0
    suite = ElementTree.parse(files[2]).getroot()[0]
    assert int(suite.get("tests")) == len(operation["results"])
    assert suite.get("failures") == "0"
    page = files[1].read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=.?(?:http|//|file)|@import|url\(", page)
    assert len(set(re.findall("<code>(HS-[^<]+)", page))) == 31


def test_a_deviation_is_named_and_its_script_shows_it(tmp_path, capsys):
    file = tmp_path / "c.json"
    output = invoke("wrong:OpenBand", "--check", "HS-VAL-1", "--json", file, expect=Exit.DEVIATES)
    assert "DEVIATES from specification 1.0" in output
    document = json.loads(file.read_text(encoding="utf-8"))
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    failed = [r for r in document["operations"][0]["results"] if r["state"] == "failed"]
    assert {r["clause"] for r in failed} == {"HS-VAL-1"}
    script = failed[0]["script"]
    assert "pytest" not in script
    assert "conformance" not in script
    path = tmp_path / "reproduction.py"
    path.write_text(script, encoding="utf-8")
    with pytest.raises(AssertionError, match="expected 0x00000000"):
        runpy.run_path(str(path))
    printed = capsys.readouterr().out
    assert re.search(r"\[-?0\.\d+\]", printed), printed  # kept, where 0 is specified
    assert len(script.splitlines()) <= 14


@pytest.mark.parametrize(
    ("target", "status", "words"),
    [
        ("nobody", Exit.UNUSABLE, "no backend is named 'nobody'"),
        ("nobody:Nothing", Exit.UNUSABLE, "cannot be loaded"),
        ("wrong:np", Exit.UNUSABLE, "expected a shrinkops.Backend"),
        ("wrong:MissingLibrary", Exit.UNUSABLE, "pip install a-library-that-is-not-there"),
        ("wrong:NoDevice", Exit.UNUSABLE, "no accelerator was found"),
        ("wrong:NoAdapterDevice", Exit.UNUSABLE, "has no device here"),
        ("wrong:Nothing", Exit.DEVIATES, "float32 is not declared"),
        ("wrong:NoFloat32", Exit.DEVIATES, "float32 is not declared"),
    ],
)
def test_a_broken_environment_never_ends_green(target, status, words):
    assert words in invoke(target, expect=status)


def test_no_selected_check_is_no_verdict():
    output = invoke("numpy", "--check", "HS-NONE-*", expect=Exit.TOO_LITTLE)
    assert "NO VERDICT: no check was selected" in output


def test_nothing_that_applies_is_no_verdict():
    output = invoke("wrong:NoFloat32", "--check", "HS-DSP-3/remedy", expect=Exit.TOO_LITTLE)
    assert "none of 1 required checks came to a verdict" in output


def test_a_selection_says_that_it_is_one():
    output = invoke("numpy", "--check", "HS-VAL-3", "--spec", "1.0")
    assert "CONFORMS to specification 1.0 in the selected checks" in output


def test_selftest_convicts():
    output = invoke("numpy", "--selftest", "--operation", "hardshrink")
    assert re.search(r"mutation score of hardshrink on 'numpy': (\d+) of \1 killed", output)
    assert "SURVIVED" not in output


def test_list_runs_nothing():
    output = invoke("numpy", "--list")
    assert "HS-VAL-1/boundary  elements equal to ±t" in output
