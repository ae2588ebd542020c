"""What differing cases have in common is said where chance hardly explains it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_parwork.model.comparison import Mismatch
from pytest_parwork.model.outcome import Verdict
from pytest_parwork.report.associations import associations
from pytest_parwork.report.entries import CaseEntry


def case(number: int, worker: int, *, values: Sequence[str] = ()) -> CaseEntry:
    """Return a case that ran at that time; with an actual and an expected text, it differs."""
    mismatches = [
        Mismatch(path="", kind="value", actual=values[0], expected=values[1]) for _ in values[:1]
    ]
    return CaseEntry(
        id=f"test_it[{number}]",
        index=number,
        verdict=Verdict.DIFFERENT if values else Verdict.EQUAL,
        worker=worker,
        process=4000 + worker,
        interval=(float(number), float(number), number + 0.5),
        mismatches=tuple(mismatches),
    )


def differ(*numbers: int, of: int = 12) -> list[CaseEntry]:
    """Return cases on two workers in turn, of which those with these numbers differ."""
    return [
        case(n, 1 + n % 2, values=(f"p{n}", f"s{n}") if n in numbers else ()) for n in range(of)
    ]


def test_one_worker_is_named_if_all_of_many_differing_cases_are_its() -> None:
    assert list(associations(differ(1, 3, 5, 7, 9, 11, 13, of=20))) == [
        "all 7 cases that differ ran on worker 2, which ran 10 of 20 cases"
    ]
    assert list(associations(differ(1, 3, 5, of=20))) == []
    assert list(associations(differ())) == []


def test_the_first_cases_of_workers_are_named_and_all_but_them() -> None:
    assert list(associations(differ(0, 1))) == [
        "the first case of each worker differs, and no other one"
    ]
    assert list(associations(differ(*range(2, 12)))) == [
        "the first case of each worker is equal, and each further one differs"
    ]
    assert list(associations(differ(0, 1, of=4))) == []
    assert list(associations(differ(0, 5))) == []


def test_workers_that_give_the_same_values_one_after_the_other_begin_the_same_stream() -> None:
    same = [case(n, 1 + n % 2, values=(f"p{n // 2}", f"s{n}")) for n in range(6)]
    assert list(associations(same)) == [
        "2 workers gave the same 3 values one after the other: each begins the same stream, as of "
        "random numbers"
    ]
    constant = [case(n, 1 + n % 2, values=("p", f"s{n}")) for n in range(6)]
    assert list(associations(constant)) == []
    alike = [case(n, 1 + n % 2, values=(f"p{n // 2}", f"s{n // 2}")) for n in range(6)]
    assert list(associations(alike)) == []


def test_differing_cases_at_the_edges_of_batches_are_named() -> None:
    def batches(different: Sequence[int]) -> list[CaseEntry]:
        # In batches of three, by two workers in turn.
        return [
            case(n, 1 + n // 3 % 2, values=(f"p{n}", f"s{n}") if n in different else ())
            for n in range(18)
        ]

    assert list(associations(batches((3, 6, 9, 12, 15)))) == [
        "the 5 cases that differ are those before which their worker had not just run the case "
        "before: they lie at the edges of batches"
    ]
    assert list(associations(batches((3, 6, 9, 12)))) == []
    assert list(associations(batches((3, 6, 9, 12, 15, 16)))) == []


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (("<X object at 0x7f1a48cc6a10>", "<X object at 0x7f1a48cc6b10>"), "addresses of objects"),
        (("2026-01-02T10:11:12", "2026-01-02 10:11:13"), "times"),
        (("1764450000.123", "1764450001.456"), "times"),
        (("ThreadPoolExecutor-0_1", "Thread-1"), "names of threads"),
    ],
)
def test_what_all_values_that_differ_hold_is_named(values: tuple[str, str], text: str) -> None:
    assert list(associations([case(0, 1, values=values)])) == [
        f"all values that differ hold {text}"
    ]
    others = [case(0, 1, values=values), case(1, 2, values=("1", "2"))]
    assert list(associations(others)) == []


def test_the_id_of_the_worker_process_is_recognised() -> None:
    held = [case(n, n, values=(f"/run-{4000 + n}/x", "/run-17/x")) for n in (1, 2)]
    assert list(associations(held)) == [
        "each value that differs holds the id of its worker process"
    ]
    assert list(associations([case(1, 1, values=("140011", "17"))])) == []
