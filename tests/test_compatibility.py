"""The page of what works where is what the code does."""

from __future__ import annotations

from pathlib import Path

import make_compatibility as made
import pytest

PAGE = Path(__file__).parents[1] / "docs" / "compatibility.md"


def cells() -> dict[tuple[str, str], str]:
    """Return what the page says, by feature and backend."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    _, *backends = [cell.strip(" `") for cell in rows[0].strip("|").split("|")]
    found: dict[tuple[str, str], str] = {}
    for row in rows[2:]:
        name, *told = [cell.strip() for cell in row.strip("|").split("|")]
        feature = name.rpartition("/")[2].removesuffix(".py)")
        found |= {(feature, b): t for b, t in zip(backends, told, strict=True)}
    return found


@pytest.mark.sweep  # ten seconds of a processor each
@pytest.mark.parametrize(
    ("backend", "mode"), [("processes:fork", "importlib"), ("threads", "append")]
)
def test_the_page_says_what_a_run_shows(backend: str, mode: str) -> None:
    page = cells()
    assert made.look(backend, mode) == {
        feature.name: page[feature.name, backend] for feature in made.features()
    }


@pytest.mark.sweep
def test_the_whole_page_is_what_all_runs_show() -> None:
    assert made.page() == PAGE.read_text(encoding="utf-8")
