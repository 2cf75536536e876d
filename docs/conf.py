"""Sphinx configuration: `python -m sphinx -W -n docs OUTPUT`, with nothing from the network."""

from __future__ import annotations

import sys
from pathlib import Path

import shrinkops

sys.path.insert(0, str(Path(__file__).parent / "figures"))  # the style that figures share

project = "shrinkops"
author = "The shrinkops developers"
copyright = "2026, the shrinkops developers"
version = release = shrinkops.__version__

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build", "_generated"]
templates_path: list[str] = []
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

# Cross-references: an unknown name is an error, unless it belongs to another project.
nitpicky = True
default_role = "py:obj"
nitpick_ignore_regex = [
    (
        r"py:.*",
        r"(asv|asv_runner|builtins|collections|cupy|jax|ml_dtypes|numpy|pathlib|pluggy|pytest|torch"
        r"|typing)(\..*)?",
    ),
    (
        r"py:.*",
        r"(TypeError|ValueError|ImportError|RuntimeWarning|NotImplemented|None|float|int|str|bool"
        r"|tuple|list|dict|frozenset|callable|optional)",
    ),
]

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_typehints = "none"  # the numpydoc sections name the types, in words
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

plot_include_source = False
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 160)]
plot_rcparams = {"savefig.bbox": "tight", "svg.hashsalt": "shrinkops"}

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = "shrinkops"
html_static_path = ["_static"]
html_css_files = ["shrinkops.css"]
html_copy_source = False
html_show_sourcelink = False
html_sidebars: dict[str, list[str]] = {"index": [], "spec/*": [], "reference/*": []}
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "secondary_sidebar_items": ["page-toc"],
}
