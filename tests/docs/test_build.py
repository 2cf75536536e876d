"""The documentation leaves nothing out; that it builds without a warning, `html` demands."""

from __future__ import annotations

import ast
import importlib
import re
import sys
import zipfile
import zlib
from pathlib import Path

import click
import pytest

import shrinkops
import shrinkops.adapter
import shrinkops.spec
from shrinkops._cli import cli
from shrinkops._target import operations

DOCS = Path(__file__).parents[2] / "docs"
sys.path.append(str(DOCS / "_ext"))
tables = importlib.import_module("tables")


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
    importlib.import_module("shrinkops._plugins.status")
    private = [n for n in documented if re.match(r"shrinkops\._(?!_version__)", n)]
    for name in private:
        parts = name.split(".")
        (length,) = [i for i in range(len(parts)) if ".".join(parts[:i]) in sys.modules][-1:]
        tail = ".".join(parts[length:])
        public = {f"{module}.{tail}" for module in ("shrinkops", "shrinkops.spec")}
        assert tail in answers or public & documented, name


def test_every_clause_can_be_linked_to(html):
    for operation in operations().values():
        page = (html / "spec" / f"{operation.name}.html").read_text("utf-8")
        for clause in operation.clauses:
            assert f'id="{clause.identifier.lower()}"' in page


@pytest.mark.parametrize("name", operations())
def test_every_operation_has_a_page_with_its_picture(html, name):
    page = (html / "operations" / f"{name}.html").read_text("utf-8")
    (picture,) = set(re.findall(r'src="\.\./(_images/operations[\w-]*\.png)"', page))
    assert (html / picture).read_bytes().startswith(b"\x89PNG")
    assert (html / picture).stat().st_size > 20_000


CONTEXT = click.Context(cli)


@pytest.mark.parametrize("name", cli.list_commands(CONTEXT))
def test_every_command_has_a_page_with_its_options(html, name):
    page = (html / "commands" / f"{name}.html").read_text("utf-8")
    for parameter in cli.get_command(CONTEXT, name).params:
        for option in parameter.opts:
            if option.startswith("--") and not getattr(parameter, "hidden", False):
                assert option in page


def test_every_environment_variable_is_described():
    """The table lists those that have an effect today, and says what each does."""
    internal = {"SHRINKOPS_SANITIZE", "SHRINKOPS_MAIN", "SHRINKOPS_X"}
    assert tables.read_by_the_sources() - internal <= set(tables.ENVIRONMENT)


def test_every_page_is_in_the_navigation(html):
    """Sphinx warns of a page in no toctree; here: that each Markdown file became a page."""
    for source in DOCS.rglob("*.md"):
        if source.parent.name != "changelog.d":
            assert (html / source.relative_to(DOCS)).with_suffix(".html").exists()


def test_every_page_tells_a_search_engine_what_it_is_about(html):
    for page in html.rglob("*.html"):
        text = page.read_text("utf-8")
        if page.stem in ("search", "genindex", "py-modindex", "records") or "_static" in page.parts:
            continue
        (title,) = re.findall(r"<title>([^<]*)</title>", text)
        assert title.count("shrinkops") <= 2, title
        assert 'rel="icon"' in text
        assert re.search('<meta (content="[^"]+" )?name="description"', text), page
        assert "Edit on GitHub" in text or "gallery" in page.parts, page


def test_what_a_page_says_to_save_can_be_downloaded(html):
    """The template whole, and the declared operation without the prompts of its page."""
    (module,) = (html / "_downloads").rglob("elastic.py")
    tree = ast.parse(module.read_text("utf-8"))
    names = {getattr(node, "name", "") for node in tree.body}
    assert {"outside", "derivatives", "elasticshrink", "Elasticshrink"} <= names
    (archive,) = (html / "_downloads").rglob("shrinkops-array-api-strict.zip")
    template = DOCS.parent / "tests" / "plugins" / "shrinkops-array-api-strict"
    found = [p for p in template.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    files = {p.relative_to(template.parent).as_posix(): p.read_bytes() for p in found}
    with zipfile.ZipFile(archive) as packed:
        assert {name: packed.read(name) for name in packed.namelist()} == files


def test_records_are_not_in_the_chain_of_next(html):
    following = re.compile(r'<a class="(?:left-prev|right-next)"\s+href="([^"]*)"')
    assert following.findall((html / "start.html").read_text("utf-8"))
    for page in html.rglob("*.html"):
        links = following.findall(page.read_text("utf-8"))
        assert not (links if page.parent.name == "records" else
                    [link for link in links if "records/" in link]), page  # fmt: skip
