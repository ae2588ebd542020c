"""The page on popular plugins has the rows of the script that makes it, and what a run shows."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import make_plugins as made
import pytest

ROOT = Path(__file__).parents[1]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("| ").split(" | ")]


def test_the_page_has_each_file_with_its_title_and_its_note() -> None:
    lines = made.lines_of(made.PAGE)
    assert list(lines) == [row.name for row in made.rows()]
    for row in made.rows():
        title, *_ = cells(lines[row.name])
        assert title == f"[{row.title}](plugins/{row.name}.py)"
        assert row.settings.get("note", "") in lines[row.name]


def test_the_head_of_the_page_is_that_of_the_script() -> None:
    assert made.PAGE.read_text(encoding="utf-8").startswith(made.HEAD)


def test_each_row_of_the_page_is_the_same_or_plain_on_every_backend() -> None:
    for name, line in made.lines_of(made.PAGE).items():
        found = cells(line)[1 : 1 + len(made.BACKENDS)]
        assert len(found) == len(made.BACKENDS), name
        assert all(re.match(r"(same|plain)\b", cell) for cell in found), line


def test_the_packages_of_all_rows_are_pinned_for_tox() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "tox.ini", encoding="utf-8")
    pinned = [line.partition("==")[0] for line in parser["testenv:plugins"]["deps"].split()]
    assert sorted(pinned) == sorted({name for row in made.rows() for name in row.words("packages")})


def test_settings_of_rows_are_known() -> None:
    known = {"packages", "options", "ini", "files", "store", "note"}
    assert all(row.settings.keys() <= known for row in made.rows())


ENDED = made.Ended(
    outcomes={"a::test_x[0]": "passed", "a::test_x[1]": "skipped"},
    counts=frozenset({("1", "passed"), ("1", "skipped")}),
    verdicts={"a::test_x[0]": "EQUAL", "a::test_x[1]": "NOT_VERIFIED"},
    plain={},
    text="",
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "same"),
        ({"verdicts": {}, "plain": {"a::test_x[0]": "why"}}, "plain"),
        ({"plain": {"a::test_y[0]": "why"}}, "same; plain: `test_y`"),
        ({"verdicts": {"a::test_x[0]": "DIFFERENT"}}, "different: DIFFERENT"),
        ({"verdicts": {"a::test_x[0]": "NOT_VERIFIED"}}, "different: NOT_VERIFIED"),
        ({"outcomes": {"a::test_x[0]": "failed"}}, "different: other outcomes"),
        ({"counts": frozenset({("2", "passed")})}, "different: other outcomes"),
    ],
)
def test_a_cell_says_what_a_run_shows(change: dict[str, object], expected: str) -> None:
    from dataclasses import replace

    assert made.cell(ENDED, replace(ENDED, **change)) == expected  # type: ignore[arg-type]


@pytest.mark.sweep  # five sessions each
@pytest.mark.parametrize("row", made.rows(), ids=lambda row: row.name)
def test_the_page_says_what_a_run_of_the_row_shows(row: made.Row) -> None:
    if missing := row.missing():
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert made.line(row, *made.look(row)) == made.lines_of(made.PAGE)[row.name]
