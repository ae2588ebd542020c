"""The section of the terminal for a whole suite: what is not equal is seen first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from support.report_samples import MEAN, cases, fib, first, run, shown

from pytest_parwork.model.outcome import Verdict
from pytest_parwork.report.choice import ALL, EXTREMES, WORST
from pytest_parwork.report.data import RunReport


def named(number: int, *, members: int = 2, wall: float = 1.0, **fields: Any) -> RunReport:
    id = f"test_{number}.py::test"
    return run(cases(members, workload=id, parallel=0.5, serial=0.5, **fields), id=id, wall=wall)


def alone(number: int) -> RunReport:
    made = named(number, members=1)
    assert made.verdict is Verdict.NOT_EXERCISED
    return made


def different(number: int) -> RunReport:
    id = f"test_{number}.py::test"
    members = first(1, cases(2, workload=id), verdict=Verdict.DIFFERENT, mismatches=(MEAN,))
    return run(members, id=id)


def headings(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines() if "start-up" in line]


def test_up_to_twenty_workloads_are_all_shown() -> None:
    text = shown(*map(named, range(ALL)))
    assert len(headings(text)) == ALL
    assert "in all" not in text


def test_of_many_those_that_differ_come_first_then_the_slowest_and_fastest_then_totals() -> None:
    runs = [named(n, wall=0.6 + n / 100) for n in range(50)]
    runs += [alone(n) for n in range(50, 91)]
    runs[30:30] = [different(100), different(101)]
    text = shown(*runs)
    assert headings(text) == [
        "test_100.py::test",
        "test_101.py::test",
        *(f"test_{n}.py::test" for n in (49, 48, 47, 2, 1, 0)),
        "93",
    ]
    assert text.endswith(
        """\
93 workloads in all                 serial   parallel  start-up  speed-up
                                     1m14s      1m25s    27.90s    ~0.87x
                41 have one case only: not exercised
                85 workloads not shown: all with -v
"""
    )


def test_a_verbose_section_shows_all_of_them() -> None:
    assert len(headings(shown(*map(named, range(60)), verbosity=1))) == 60


def test_of_very_many_that_are_not_equal_some_are_counted() -> None:
    text = shown(*map(different, range(100)))
    assert len(headings(text)) == WORST + 1
    assert f"{100 - WORST} more are not equal" in text


def test_a_workload_that_is_too_slow_is_one_to_be_seen() -> None:
    slow = replace(named(100), too_slow="1.1x, at least 2x was asked for")
    text = shown(*map(named, range(50)), slow)
    assert headings(text)[0] == "test_100.py::test"


def test_a_workload_whose_cases_did_not_overlap_is_one_to_be_seen() -> None:
    crowded = run(cases(4, workload="test_x.py::test", workers=1), id="test_x.py::test")
    assert headings(shown(*map(named, range(50)), crowded))[0] == "test_x.py::test"


def test_all_equal_and_alike_are_few_lines() -> None:
    text = shown(*[replace(fib(), id=f"test_{n}.py::test_fib") for n in range(300)])
    assert len(headings(text)) == 2 * EXTREMES + 1
    assert text.count("\n") < 40
