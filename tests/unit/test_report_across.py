"""Reports of two environments, compared; and the commands that do it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.report_samples import CRASH, cases, report, run

from pytest_parwork import close, exact
from pytest_parwork.__main__ import main
from pytest_parwork.model.outcome import Failure, Outcome, Verdict
from pytest_parwork.report.across import Across, Match, compare_reports
from pytest_parwork.report.as_json import json_pieces
from pytest_parwork.report.data import Report
from pytest_parwork.report.entries import SKIPPED, CaseEntry, result_of
from pytest_parwork.report.files import write_whole

NAME = "test_fib.py::test_fib"


def of(values: Sequence[object], **fields: Any) -> Report:
    """Return the report of a run of cases that returned these values."""
    return report(run(with_results(cases(len(values)), values), **fields))


def with_results(members: Sequence[CaseEntry], values: Sequence[object]) -> list[CaseEntry]:
    outcomes = [Outcome(kind="value", value=value) for value in values]
    results = [result_of(outcome, seconds=None) for outcome in outcomes]
    return [replace(case, result=one) for case, one in zip(members, results, strict=True)]


def matches(across: Across) -> dict[str, str]:
    return {case.id.partition("[")[2][:-1]: case.match.value for case in across.cases}


class Own:
    """Has no digest, because it says itself what it equals."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


def test_equal_results_are_equal_whatever_ran_them() -> None:
    values = [1, "x", np.arange(1000), {"a": (1.5, None)}, {1, 2}]
    base = of(values)
    other = of(values, configuration_id="threads-2", backend="threads")
    across = compare_reports(base, other, exact())
    assert across.is_equal
    assert across.counts == {match: 5 * (match is Match.EQUAL) for match in Match}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (1, 2),
        (1, 1.0),
        (np.arange(1000), np.arange(1000.0)),
        (0.1, 0.1 + 1e-17 + 1e-16),
        ({1}, {2}),
    ],
    ids=repr,
)
def test_other_results_are_different(before: object, after: object) -> None:
    across = compare_reports(of([0, before]), of([0, after]), exact())
    assert matches(across) == {"0": "equal", "1": "different"}


def test_a_tolerance_admits_small_values_and_no_summaries() -> None:
    small, large = np.arange(9) / 3, np.arange(999) / 3
    base, other = of([0.1, small, large, 1]), of([0.1 * (1 + 1e-9), small + 1e-9, large + 1e-9, 2])
    across = compare_reports(base, other, close(rtol=1e-6, atol=1e-6))
    assert list(matches(across).values()) == ["equal", "equal", "different", "different"]
    assert "too large" in across.cases[2].why
    assert across.cases[2].comparison is not None
    assert across.cases[2].comparison.mismatches[0].path == "['min']"


def test_a_value_without_a_digest_is_not_called_equal_or_different() -> None:
    across = compare_reports(of([Own()]), of([Own()]), exact())
    assert matches(across) == {"0": "not compared"}
    assert across.is_equal  # the command says that nothing was compared


def test_digests_of_two_versions_only_show_that_values_are_equal() -> None:
    base, other = of([{1}, {2}, 3.5, 4]), replace(of([{1}, {3}, 3.5, 5]), version="9")
    across = compare_reports(base, other, exact())
    assert list(matches(across).values()) == ["equal", "not compared", "equal", "different"]


def test_types_that_moved_between_two_pythons_are_not_called_different() -> None:
    base = replace(of([{1}, {1}]), environment={"python": "3.12.1"})
    other = replace(of([frozenset({1}), {2}]), environment={"python": "3.13.0"})
    (run,) = other.runs
    moved = replace(run.cases[0].result, text="{1}")  # type: ignore[type-var]
    cases = (replace(run.cases[0], result=moved), run.cases[1])
    other = replace(other, runs=(replace(run, cases=cases),))
    found = compare_reports(base, other, exact())
    assert matches(found) == {"0": "not compared", "1": "different"}
    same = compare_reports(replace(base, environment=other.environment), other, exact())
    assert matches(same)["0"] == "different"


def test_missing_cases_are_missing_on_either_side() -> None:
    across = compare_reports(of([1, 2, 3]), of([1, 2, 3, 4]), exact())
    assert matches(across)["3"] == "missing"
    assert not across.is_equal
    assert compare_reports(of([1, 2]), of([1]), exact()).counts[Match.MISSING] == 1


def outcome(kind: Any, text: str = "") -> Any:
    failure = Failure(type="ValueError", text=text) if kind == "failure" else None
    return {
        "outcome": kind,
        "result": result_of(Outcome(kind=kind, failure=failure), seconds=None),
    }


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (outcome("failure", "no"), outcome("failure", "no"), "equal"),
        (outcome("failure", "no"), outcome("failure", "yes"), "different"),
        (outcome("failure", "no"), outcome("skip"), "different"),
        ({"why": SKIPPED}, {"why": SKIPPED}, "equal"),
        ({"why": SKIPPED}, outcome("failure"), "different"),
        (CRASH | outcome("lost"), CRASH | outcome("lost"), "not compared"),
        (CRASH | outcome("lost"), outcome("failure"), "different"),
        ({}, {}, "not compared"),
    ],
)
def test_outcomes_that_are_no_values_are_compared(
    before: Mapping[str, Any], after: Mapping[str, Any], expected: str
) -> None:
    base, other = (report(run([replace(cases(1)[0], **one)])) for one in (before, after))
    assert matches(compare_reports(base, other, exact())) == {"0": expected}


def test_calls_and_columns_with_the_same_ids_are_told_apart_by_their_configuration() -> None:
    def two(first: object, second: object) -> Report:
        one, another = with_results(cases(1), [first]), with_results(cases(1), [second])
        return report(run(one), run(another, configuration_id="threads-2", backend="threads"))

    across = compare_reports(two(1, 2), two(1, 3), exact())
    assert [case.id for case in across.having(Match.DIFFERENT)] == [f"{NAME}[0] on threads-2"]


def test_cases_that_returned_nothing_are_counted() -> None:
    members = [replace(case, compared="outcomes") for case in with_results(cases(2), [None, None])]
    assert compare_reports(report(run(members)), report(run(members)), exact()).by_outcome == 2


def test_speed_is_compared_where_it_is_long_enough_to_be_measured() -> None:
    base = report(run(with_results(cases(3, serial=1.0), [1, 2, 3])))
    members = with_results(cases(3, serial=1.1), [1, 2, 3])
    members[2] = replace(members[2], serial=4.0)
    across = compare_reports(base, report(run(members)), exact())
    assert [case.id for case in across.changed_speed()] == [f"{NAME}[2]"]
    assert across.total("serial") == pytest.approx((3.0, 6.2))
    tiny = report(run(with_results(cases(1, serial=1e-5, parallel=1e-5), [1])))
    long = report(run(with_results(cases(1, serial=1e-3, parallel=1e-3), [1])))
    assert compare_reports(tiny, long, exact()).changed_speed() == []


def test_environments_are_compared_fact_by_fact() -> None:
    base = replace(of([1]), environment={"python": "3.10.1", "packages": {"numpy": "1.26"}})
    other = replace(of([1]), environment={"python": "3.10.1", "packages": {"numpy": "2.1"}})
    (found,) = compare_reports(base, other, exact()).environment
    assert (found.name, found.base, found.other) == ("packages.numpy", "1.26", "2.1")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    moved = replace(of([1, 2.0 + 1e-9, 3]), environment={"python": "3.13.0"})
    reports = {"a": of([1, 2.0, 3]), "b": moved, "c": of([1, 2.0]), "d": of([Own()])}
    for name, made in reports.items():
        write_whole(tmp_path / f"{name}.json", json_pieces(made))
    (tmp_path / "bad.json").write_text("{")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "code", "text"),
    [
        ("compare a.json a.json", 0, "a.json against a.json: 3 equal; exact()"),
        ("compare a.json b.json", 1, "2.0 in a.json, 2.000000001 in b.json"),
        ("compare a.json b.json", 1, "python  3.11.9  ->  3.13.0"),
        ("compare a.json b.json --rtol=1e-6", 0, "3 equal; close(rtol=1e-06, atol=0.0)"),
        ("compare a.json b.json --ulp=10000000", 0, "3 equal"),
        ("compare a.json a.json c.json", 1, "c.json against a.json: 2 equal, 1 missing"),
        ("compare a.json b.json --md", 1, "| `test_fib.py::test_fib[1]` | `2.0` | `2.000000001` |"),
        ("show a.json", 0, "3 values equal"),
    ],
)
def test_the_commands_print_and_end_with(
    command: str, code: int, text: str, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command.split()) == code
    out, err = capsys.readouterr()
    assert text in out
    assert err == ""


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("compare a.json", "parwork: a.json: give a second report"),
        ("compare a.json none.json", "parwork: none.json: No such file or directory"),
        ("compare a.json bad.json", "parwork: bad.json: it is not JSON"),
        ("compare a.json b.json --ulp=-1", "parwork: ulp(-1): give a whole number"),
        ("compare a.json b.json --rtol=nan", "parwork: close(rtol=nan)"),
        ("compare a.json b.json --rtol=1 --ulp=1", "parwork: --ulp=1 with --rtol"),
        ("compare d.json d.json", "parwork: d.json: not a single case was compared"),
        ("show bad.json", "parwork: bad.json: it is not JSON"),
    ],
)
def test_unusable_input_is_one_line_and_exit_code_2(
    command: str, text: str, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command.split()) == 2
    err = capsys.readouterr().err
    assert err.startswith(text)
    assert err.count("\n") == 1


def test_the_comparison_as_json_holds_every_case(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "--json", "a.json", "b.json"]) == 1
    data = json.loads(capsys.readouterr().out)
    (found,) = data["reports"]
    assert (data["base"], found["report"]) == ("a.json", "b.json")
    assert found["counts"] == {"equal": 2, "different": 1, "missing": 0, "not compared": 0}
    assert [case["match"] for case in found["cases"]] == ["equal", "different", "equal"]


def test_nothing_that_a_report_says_reaches_the_terminal_raw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("a", "\x1b[2J|`x"), ("b", "\u202e|`y")):
        made = replace(of([value]), environment={"python": "\x1b[31m"})
        write_whole(tmp_path / f"{name}.json", json_pieces(made))
    for form in ("-v", "--md", "--json"):
        assert main(["compare", form, str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 1
        assert all(line.isprintable() for line in capsys.readouterr().out.splitlines())


def test_a_verdict_of_a_report_does_not_change_what_is_compared() -> None:
    members = with_results(cases(1, verdict=Verdict.DIFFERENT), [1])
    assert compare_reports(report(run(members)), of([1]), exact()).is_equal


def test_a_reader_that_has_seen_enough_ends_the_output_without_a_word(files: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "pytest_parwork", "show", "a.json"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=50)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
