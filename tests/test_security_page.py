"""The page on security names what there is."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_parwork.backends import bundled
from pytest_parwork.backends.dask import local
from pytest_parwork.plugin.config import options
from pytest_parwork.transport import journal
from pytest_parwork.transport.sources import IMPORTERS

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "security.md").read_text(encoding="utf-8")


def headings(text: str) -> set[str]:
    return {
        line.lstrip("# ").lower().replace(" ", "-") for line in re.findall(r"^#+ .*", text, re.M)
    }


def test_links_lead_somewhere() -> None:
    for file, _, heading in re.findall(r"\]\(([^)#]*)(#?)([^)]*)\)", PAGE):
        target = DOCS / file if file else DOCS / "security.md"
        assert target.exists()
        assert not heading or heading in headings(target.read_text(encoding="utf-8"))


def test_every_family_of_backends_is_said_to_listen_or_not() -> None:
    listens = PAGE.partition("## What listens")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([\w:]+)`", listens))
    assert {name.partition(":")[0] for name in bundled()} <= named
    assert {"joblib:threading", "joblib:multiprocessing", "joblib:dask"} <= named


def test_names_of_folders_functions_and_options_are_those_of_the_code() -> None:
    for name in (journal.FOLDER, f"-{local.FOLDER}-", *IMPORTERS):
        assert name in PAGE
    source = Path(options.__file__).read_text(encoding="utf-8")
    for name in re.findall(r"--parwork-[\w-]+", PAGE):
        assert f'"{name}"' in source
