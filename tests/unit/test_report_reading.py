"""A report file that is read back: the same report, or one line that says what is wrong."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.report_samples import CRASH, MEAN, UNSENT, cases, fib, first, report, run, shown

from pytest_parwork import UsageError
from pytest_parwork.model.causes import Cause
from pytest_parwork.model.comparison import Note
from pytest_parwork.model.outcome import Verdict
from pytest_parwork.model.work import Budget
from pytest_parwork.report.as_json import json_pieces
from pytest_parwork.report.data import Report
from pytest_parwork.report.entries import Result
from pytest_parwork.report.environment import environment
from pytest_parwork.report.files import write_whole
from pytest_parwork.report.plain import PlainEntry
from pytest_parwork.report.reading import DIGITS, read_report
from pytest_parwork.report.repeats import Repeat
from pytest_parwork.report.schema import schema, violation
from pytest_parwork.report.selftest import Plant
from pytest_parwork.report.stress import Stress, StressRun

BUDGET = Budget(workers=2, source="2 usable CPUs", cpus=2)


def whole() -> Report:
    """Return a report in which every key has a value."""
    members = first(
        1,
        cases(4, process=7, result=Result(kind="value", text="1", digest="00ff", value=[1, None])),
        verdict=Verdict.DIFFERENT,
        mismatches=(MEAN,),
        mismatch_count=2,
        classes={"value": 2},
        notes=(Note(path="", kind="identity", text="a remark"),),
    )
    members[1] = replace(members[1], **CRASH)
    tasks = cases(2, process=7)
    repeats = [
        Repeat(verdict=v, parallel=1.0, worker=n, process=7, interval=t.interval)
        for n, (v, t) in enumerate(zip((Verdict.EQUAL, Verdict.DIFFERENT), tasks, strict=True), 1)
    ]
    planted = (Plant(name="one ulp", result="passes", why="close() lets it pass"),)
    members[2] = replace(members[2], repeats=tuple(repeats), planted=planted)
    rng = Cause(name="GLOBAL_RNG", detail="numpy.random", confirmed=True, probes=("again",))
    made = run(members, causes=(rng,), too_slow="1.1x", varied=("n_jobs",), budget=BUDGET)
    wrong = StressRun(row="backend=a,workers=1", verdict=Verdict.DIFFERENT, values={"2": 1})
    made = replace(made, stress=Stress(asked="quick", seed=7, runs=(wrong,)))
    plain = PlainEntry(id="test_a.py::test_b", reason="async", detail="a coroutine")
    wide = replace(fib(), id="test_a.py", scope="module")
    return replace(report(made, wide), plain=(plain,), environment=environment())


def written(made: Report, folder: Path) -> Path:
    file = folder / "report.json"
    write_whole(file, json_pieces(made))
    return file


def normal(made: Report) -> Any:
    """Return the JSON of a report whose times are relative, as a file has them."""
    data = json.loads("".join(json_pieces(made)))
    for one in data["runs"]:
        one["origin"] = None
    return data


def test_a_report_comes_back_as_it_was_written(tmp_path: Path) -> None:
    made = whole()
    found = read_report(written(made, tmp_path))
    assert normal(found) == normal(made)
    assert shown(*found.runs, verbosity=1) == shown(*made.runs, verbosity=1)


def test_a_report_follows_the_published_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema())
    for made in (whole(), report()):
        data = json.loads("".join(json_pieces(made)))
        jsonschema.validate(data, schema())
        assert violation(data) == ""


def test_keys_of_a_newer_version_are_ignored(tmp_path: Path) -> None:
    data = normal(whole())
    data["new"] = data["runs"][0]["new"] = data["runs"][0]["parts"][0]["new"] = 1
    data["runs"][0]["cases"][0]["new"] = data["runs"][0]["parts"][0]["budget"]["new"] = 1
    file = tmp_path / "new.json"
    file.write_text(json.dumps(data))
    assert len(read_report(file).runs) == 2


def changed(path: str, value: object) -> Any:
    """Return the data of a report with one value changed, or removed where it is ...."""
    data: Any = normal(whole())
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    here = data
    for part in parents:
        here = here[part]
    if value is ...:
        del here[last]
    else:
        here[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("schema", 2, "it has schema 2, and only 1 is known"),
        ("schema", ..., "no report of pytest-parwork"),
        ("runs", {}, "runs is no array"),
        ("runs.0", 1, "runs[0] is no object"),
        ("runs.0.id", 1, "runs[0].id is no string"),
        ("runs.0.verdict", "GOOD", "runs[0].verdict is 'GOOD'"),
        ("runs.0.cases.0.verdict", ..., "runs[0].cases[0] has no 'verdict'"),
        ("runs.0.cases.0.index", True, "index is no integer"),
        ("runs.0.cases.0.interval", [1, 2], "interval has 2 items"),
        ("runs.0.cases.0.seconds.serial", "1", "serial is no number or null"),
        ("runs.0.cases.1.lost", {}, "lost has no 'reason'"),
        ("runs.0.parts.0.budget", {"workers": 1}, "budget has no 'source'"),
        ("runs.0.mismatches.0.class", None, "class is no string"),
        ("environment.packages.numpy", 2, "numpy is no string"),
    ],
)
def test_a_malformed_report_is_one_line(
    path: str, value: object, text: str, tmp_path: Path
) -> None:
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(changed(path, value)))
    with pytest.raises(UsageError, match=r"bad\.json: ") as found:
        read_report(file)
    assert text in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "it is not JSON: Expecting value in line 1"),
        (b'{"schema": 1, "runs": [', "it is not JSON"),
        (b"[" * 100_000, "it is nested too deep"),
        (b'{"schema": NaN}', "it holds NaN"),
        (b'{"schema": 1e999}', "it holds the number 1e999"),
        (b'{"schema": 1' + b"0" * DIGITS + b"}", f"it holds an integer of {DIGITS + 1} digits"),
        (b"\xff", "it is not UTF-8 at byte 0"),
        (b"[]", "no report of pytest-parwork"),
        (b'"\\u001b[2J"', "no report of pytest-parwork"),
        (b'{"schema": "\\u001b[2J"}', "schema '\\x1b[2J'"),
    ],
    ids=lambda value: f"{value!r:.20}",
)
def test_a_hostile_file_is_one_line(data: bytes, text: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(data)
    with pytest.raises(UsageError, match=r"bad\.json: ") as found:
        read_report(file)
    assert text in str(found.value)
    assert str(found.value).isprintable()


def test_what_is_no_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_report(tmp_path / "missing.json")
    with pytest.raises(UsageError, match=r"directory|regular file"):
        read_report(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="not a regular file"):
        read_report(tmp_path / "pipe")


def test_why_a_case_was_not_sent_comes_back(tmp_path: Path) -> None:
    made = report(run([*cases(1), replace(cases(2)[1], **UNSENT)]))
    data = normal(made)
    assert violation(data) == ""
    assert normal(read_report(written(made, tmp_path))) == data
    data["runs"][0]["cases"][1]["not_sent"]["reason"] = "mood"
    assert "not_sent.reason is 'mood', not one of" in violation(data)
