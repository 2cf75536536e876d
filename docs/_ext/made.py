"""What the build computes: outputs of commands, generated tables, the demo's picture.

Directives, all for Markdown pages:

``{output} COMMAND``
    What a command of shrinkops prints, run in an empty folder when the page is built.
``{made} NAME``
    A table that a function of `tables` makes.

Invariants
----------
- Nothing is written into the sources but under ``_generated``, which is not tracked.
- A command that exits otherwise than the page says (``:status:``) fails the build.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import tables
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

HERE = Path(__file__).parents[1]
GENERATED = HERE / "_generated"
logger = logging.getLogger(__name__)


def run(command: str, folder: Path, columns: int = 80) -> subprocess.CompletedProcess[str]:
    """Run a command line of shrinkops as a reader would, without colours."""
    program, *arguments = shlex.split(command)
    words = [sys.executable, "-m", program] if program == "shrinkops" else [program]
    environment = {**os.environ, "COLUMNS": str(columns), "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    return subprocess.run(
        [*words, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


class Output(SphinxDirective):
    """Show a command and what it prints."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {"status": directives.nonnegative_int, "columns": directives.positive_int}

    def run(self) -> list[nodes.Node]:
        command = self.arguments[0]
        cached = GENERATED / f"{''.join(c if c.isalnum() else '-' for c in command)}.txt"
        if not cached.exists():  # a rebuild while writing is quick; `make_all` empties the folder
            with tempfile.TemporaryDirectory() as folder:
                done = run(command, Path(folder), self.options.get("columns", 80))
            if done.returncode != self.options.get("status", 0):
                logger.warning("%s ended with %s: %s", command, done.returncode, done.stderr)
            cached.write_text(done.stdout or done.stderr, "utf-8")
        lines = cached.read_text("utf-8").rstrip().splitlines()
        text = "\n".join([f"$ {command}", *(line.rstrip() for line in lines)])
        block = nodes.literal_block(text, text, language="console", classes=["output"])
        return [block]


class Made(SphinxDirective):
    """Parse the Markdown that a function makes."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        name, *arguments = self.arguments[0].split()
        text = getattr(tables, name)(*arguments)
        node = nodes.Element()
        node.document = self.state.document
        self.state.nested_parse(text.splitlines(), self.content_offset, node)
        return node.children


def prepare(app: Sphinx) -> None:
    """Draw the demo's picture and cut the deviations into a page per library."""
    GENERATED.mkdir(exist_ok=True)
    for old in GENERATED.glob("*.txt"):
        old.unlink()
    picture = GENERATED / "demo.png"
    done = run(f"shrinkops demo --output {shlex.quote(str(picture))}", GENERATED)
    if done.returncode:
        logger.warning("shrinkops demo failed: %s", done.stderr)
    text = done.stdout.replace(str(picture), "shrinkops-demo.png")
    (GENERATED / "shrinkops-demo.txt").write_text(text, "utf-8")
    tables.write_deviations(HERE / "deviations.md", GENERATED / "deviations")


def always(app: Sphinx, *_: object) -> list[str]:
    """Name the pages that depend on more than their own text."""
    computed = ("guide", "deviations", "performance", "conformance-mutants")
    return [name for name in computed if name in app.env.all_docs]


def complete(app: Sphinx, docname: str, source: list[str]) -> None:
    """Let the guide list the pages that engineers add beside it, and cut the deviations' page."""
    if docname == "guide":
        source[0] = source[0].replace("%more%", tables.more_pages(HERE))
    elif docname == "deviations":
        source[0] = tables.deviations_summary(source[0])
    elif docname == "performance":
        source[0] = tables.performance(source[0])
    elif docname == "conformance-mutants":
        source[0] = tables.folded(source[0], "Survivors", "What cannot exist", "By dimension")


def describe(app: Sphinx, pagename: str, templatename: str, context: Any, doctree: Any) -> None:
    """Give each page a description: its first paragraph."""
    if doctree is None:
        return
    for paragraph in doctree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        if len(text) > 40:
            short = text if len(text) < 160 else text[:157].rsplit(" ", 1)[0] + " ..."
            short = short.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
            context["metatags"] = (
                f'{context.get("metatags", "")}\n<meta name="description" content="{short}">'
            )
            return


def leave_records_out(
    app: Sphinx, pagename: str, templatename: str, context: Any, doctree: Any
) -> None:
    """Let "next" lead from page to page without the records, which are for looking up."""
    before, after = "evidence/records", "reference/index"
    if pagename.startswith("records/"):
        context["prev"] = context["next"] = None
    for page, key, other in ((before, "next", after), (after, "prev", before)):
        if pagename == page and other in app.env.titles:
            link = app.builder.get_relative_uri(page, other)
            context[key] = {"link": link, "title": app.env.titles[other].astext()}


def mark_wide_tables(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Let the style sheet know the tables of many columns with short cells."""
    for table in doctree.findall(nodes.table):
        group = table.next_node(nodes.tgroup)
        cells = [
            e.astext() for body in table.findall(nodes.tbody) for e in body.findall(nodes.entry)
        ]
        columns = group["cols"] if group is not None else 0
        if columns > 7 or (columns > 5 and sum(map(len, cells)) < 8 * len(cells)):
            table["classes"].append("many")


def escape(app: Sphinx, context: Any, lines: list[str]) -> None:
    """Keep the asterisks of help texts, which reStructuredText takes for emphasis."""
    for i, line in enumerate(lines):
        required, text = "", line.lstrip()
        if text.startswith("**Required**"):  # sphinx-click's own emphasis
            required, text = "**Required.** ", text.removeprefix("**Required**").lstrip()
        if not line.startswith(".."):
            indent = line[: len(line) - len(line.lstrip())]
            lines[i] = indent + required + text.replace("*", r"\*")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("output", Output)
    app.add_directive("made", Made)
    app.connect("builder-inited", prepare, priority=100)
    app.connect("env-get-outdated", always)
    app.connect("source-read", complete)
    app.connect("doctree-resolved", mark_wide_tables)
    app.connect("html-page-context", describe)
    app.connect("html-page-context", leave_records_out)
    for part in ("description", "options", "arguments"):
        app.connect(f"sphinx-click-process-{part}", escape)
    return {"parallel_read_safe": False}
