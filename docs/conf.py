"""Sphinx configuration: `python -m sphinx -W -n docs OUTPUT`, with nothing from the network."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path

import shrinkops

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "figures"), str(HERE / "_ext")]

# Small arrays gain nothing from threads, and the tests run beside this build.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import style  # noqa: E402  # docs/figures/style.py

_urls = tomllib.loads((HERE.parent / "pyproject.toml").read_text("utf-8"))["project"]["urls"]
_owner, _repository = _urls["Homepage"].rsplit("/", 2)[1:]

project = "shrinkops"
author = "The shrinkops developers"
copyright = "2026, the shrinkops developers"
version = release = shrinkops.__version__

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "made",  # what the build computes: outputs of commands, tables, the demo's picture
]
exclude_patterns = ["_build", "_generated/*.txt", "changelog.d", "examples", "gallery/*.py*"]
templates_path: list[str] = []
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

# Cross-references: an unknown name is an error, unless it belongs to another project.
nitpicky = True
default_role = "py:obj"
nitpick_ignore_regex = [
    (
        r"py:.*",
        r"(asv|asv_runner|builtins|collections|cupy|jax|ml_dtypes|numpy|pathlib|pluggy|pytest|torch"
        r"|typing|fractions)(\..*)?",
    ),
    (
        r"py:.*",
        r"(TypeError|ValueError|ImportError|RuntimeWarning|NotImplemented|None|float|int|str|bool"
        r"|tuple|list|dict|frozenset|mapping|callable|optional)",
    ),
]

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]  # the gallery's settings hold functions

autodoc_typehints = "none"  # the numpydoc sections name the types, in words
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

plot_include_source = False
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 160)]
plot_rcparams = {"savefig.bbox": "tight", "svg.hashsalt": "shrinkops"}

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r".*\.py",
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 3600,
    "abort_on_example_error": True,
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("matplotlib",),
    "image_srcset": ["2x"],
    "reset_modules": ("matplotlib", style.apply),
    "remove_config_comments": True,
    "write_computation_times": False,
}

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "pydata_sphinx_theme"
html_title = "shrinkops"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["shrinkops.css"]
html_js_files = [("tables.js", {"defer": "defer"})]
smartquotes_action = "qe"  # quotes and dots; "--option" stays what one types
html_copy_source = False
html_show_sourcelink = False
html_sidebars: dict[str, list[str]] = {"index": [], "start": []}
html_context = {
    "github_user": _owner,
    "github_repo": _repository,
    "github_version": "main",
    "doc_path": "docs",
}
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "header_links_before_dropdown": 5,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "secondary_sidebar_items": ["page-toc", "edit-this-page"],
    "use_edit_page_button": True,
    "icon_links": [{"name": "Source", "url": _urls["Homepage"], "icon": "fa-brands fa-github"}],
}
