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


@pytest.mark.sweep
@pytest.mark.parametrize("mode", made.IMPORT_MODES)
@pytest.mark.parametrize("backend", made.BACKENDS)
def test_the_page_says_what_a_run_shows(backend: str, mode: str) -> None:
    page = cells()
    assert made.look(backend, mode) == {
        feature.name: page[feature.name, backend] for feature in made.features()
    }


def test_the_page_is_written_by_its_program(monkeypatch: pytest.MonkeyPatch) -> None:
    page = cells()

    def look(backend: str, _: str) -> dict[str, str]:
        return {feature.name: page[feature.name, backend] for feature in made.features()}

    monkeypatch.setattr(made, "look", look)
    assert made.page() == PAGE.read_text(encoding="utf-8")
