"""What perturbed runs gave, in words and in eighty columns."""

from __future__ import annotations

import pytest

from pytest_parwork.model.outcome import Verdict
from pytest_parwork.report.stress import Stress, StressRun, in_words, stress_message, stress_notes


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("backend=threads,workers=1", "threads, 1 worker"),
        (
            "backend=joblib,workers=9,chunk=3,order=shuffled,seed=7,pauses=yes,meets=8",
            "joblib, 9 workers, batches of 3, shuffled, pauses, each case 8 times",
        ),
        (
            "backend=processes:spawn,workers=1,order=4,hash=7,threads=2,crowd=4,readonly=yes",
            "processes:spawn, 1 worker, order 4, hash seed 7, 2 native threads, each case in 4 "
            "threads, read-only input",
        ),
        (
            "backend=processes:spawn,workers=1,jobs=3,reseed=1",
            "processes:spawn, 1 worker, 3 workers in the code under test, another seed",
        ),
    ],
)
def test_a_row_is_said_in_words(row: str, words: str) -> None:
    assert in_words(row) == words


def stress(first: str = "test_it[2]: serial 4, here 5") -> Stress:
    row = "backend=threads,workers=7,chunk=1,order=shuffled,seed=1,meets=8,pauses=yes"
    clean = StressRun(row="backend=threads,workers=1", verdict=Verdict.EQUAL, equal=3)
    wrong = StressRun(
        row=row,
        verdict=Verdict.DIFFERENT,
        equal=1,
        different=2,
        case="test_it.py::test_it[2]",
        expected="4",
        values={"5": 2, "6": 1},
        first=first,
    )
    absent = StressRun(row="backend=dask,workers=2", verdict=Verdict.NOT_SENT, note="it is gone")
    return Stress(asked="quick", seed=7, runs=(clean, wrong, absent, wrong))


def test_the_message_has_a_table_in_eighty_columns_and_the_values_of_the_first_case() -> None:
    lines = stress_message(stress(), "pytest x").splitlines()
    assert lines == [
        "DIFFERENT in 2 of 3 perturbed runs: test_it[2]: serial 4, here 5",
        "",
        "  run  equal  different  lost  values  what was perturbed",
        "    1      3          0     0       1  threads, 1 worker",
        "    2      1          2     0       3  threads, 7 workers, batches of 1,",
        "                                       shuffled, each case 8 times, pauses",
        "    3      -          -     -       -  dask, 2 workers (it is gone)",
        "    4      1          2     0       3  threads, 7 workers, batches of 1,",
        "                                       shuffled, each case 8 times, pauses",
        "",
        "  test_it[2]: serial 4",
        "    5 in runs 2 (2 times), 4 (2 times)",
        "    6 in runs 2, 4",
        "",
        "  again    pytest x",
    ]
    assert stress_message(stress("x" * 50), "pytest x").startswith(
        "DIFFERENT in 2 of 3 perturbed runs: test_it[2]\n"
    )


def test_the_section_says_what_was_perturbed_or_why_nothing_was() -> None:
    assert next(iter(stress_notes(stress()))) == (
        "error",
        "stress: 2 of 3 perturbed runs not equal to serial, first: threads, 7 workers, batches of "
        "1, shuffled, each case 8 times, pauses",
    )
    none = Stress(asked="quick", seed=0, why="nothing can be sent")
    assert list(stress_notes(none)) == [
        ("info", "stress: not perturbed, because nothing can be sent")
    ]
