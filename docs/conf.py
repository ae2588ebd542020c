"""Settings of Sphinx: `tox -e docs` builds the pages into build/docs, with warnings as errors."""

from __future__ import annotations

import os

from pytest_parwork import __version__

project = "pytest-parwork"
author = "The pytest-parwork developers"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
suppress_warnings = ["myst.xref_missing"]  # links to files outside of this folder
exclude_patterns = ["compatibility/**", "failures/**", "shop/**"]

autodoc_typehints = "description"
autodoc_member_order = "bysource"
#: Other projects' names become links, unless there is no network.
intersphinx_mapping = (
    {}
    if "DOCS_OFFLINE" in os.environ
    else {
        "python": ("https://docs.python.org/3", None),
        "pytest": ("https://docs.pytest.org/en/stable", None),
        "joblib": ("https://joblib.readthedocs.io/en/stable", None),
    }
)

html_theme = "furo"
html_title = f"pytest-parwork {version}"
