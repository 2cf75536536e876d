"""The documentation builds without a warning, and leaves nothing out."""

from __future__ import annotations

import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

import shrinkops
import shrinkops.adapter
import shrinkops.spec
from shrinkops._plugins.target import operations

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    before = sorted(DOCS.rglob("*"))
    strict = ["-W", "--keep-going", "-n", "-q"]
    places = ["-d", str(folder / "doctrees"), str(DOCS), str(folder / "html")]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *strict, *places],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    after = sorted(p for p in DOCS.rglob("*") if "__pycache__" not in p.parts)
    assert [p for p in before if "__pycache__" not in p.parts] == after
    return folder / "html"


@pytest.fixture(scope="module")
def documented(html):
    """The Python names of the inventory that other projects link to."""
    body = (html / "objects.inv").read_bytes().split(b"zlib.\n", 1)[1]
    lines = zlib.decompress(body).decode().splitlines()
    return {line.split(" ")[0] for line in lines if line.split(" ")[1].startswith("py:")}


@pytest.mark.parametrize("module", [shrinkops, shrinkops.spec, shrinkops.adapter])
def test_reference_has_every_public_name(documented, module):
    assert {f"{module.__name__}.{name}" for name in module.__all__} <= documented


def test_reference_has_nothing_private(documented):
    """Sphinx lists a class under its module too; its public name must be there."""
    answers = {"BackendStatus", "StatusTable", "Explanation"}  # returned, never constructed
    private = [n for n in documented if re.match(r"shrinkops\._(?!_version__)", n)]
    for name in private:
        tail = name.split(".", 2)[2]
        public = {f"{module}.{tail}" for module in ("shrinkops", "shrinkops.spec")}
        assert tail in answers or public & documented


def test_every_clause_can_be_linked_to(html):
    for operation in operations().values():
        page = (html / "spec" / f"{operation.name}.html").read_text("utf-8")
        for clause in operation.clauses:
            assert f'id="{clause.identifier.lower()}"' in page


def test_picture_is_drawn_and_shown(html):
    picture = html / "_images" / "hardshrink.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 20_000
    assert "_images/hardshrink.png" in (html / "hardshrink.html").read_text("utf-8")


def test_every_page_is_in_the_navigation(html):
    """Sphinx warns of a page in no toctree; here: that each Markdown file became a page."""
    for source in DOCS.rglob("*.md"):
        assert (html / source.relative_to(DOCS)).with_suffix(".html").exists()
