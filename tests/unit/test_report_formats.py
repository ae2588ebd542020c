"""The table of report formats, and how a suffix chooses among them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from report_samples import cases, report, run

from pytest_parwork.report import formats
from pytest_parwork.report.data import Report


def test_the_suffix_chooses_the_format() -> None:
    form = formats.format_of(Path("out/report.v1.json"))
    assert form is not None
    assert json.loads("".join(form(report(run(cases(2))))))["schema"] == 1


@pytest.mark.parametrize("name", ["report", "report.xml", ".json", "report.json.gz", "reportjson"])
def test_other_names_have_no_format(name: str) -> None:
    assert formats.format_of(Path(name)) is None


def test_of_two_suffixes_that_fit_the_longer_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def trace(_: Report) -> Iterable[str]:
        return ["trace"]

    monkeypatch.setattr(formats, "FORMATS", {**formats.FORMATS, ".trace.json": trace})
    assert formats.format_of(Path("a.trace.json")) is trace
    assert formats.format_of(Path("a.json")) is not trace


def test_a_table_says_which_suffixes_there_are() -> None:
    assert list(formats.FORMATS) == [".json"]
