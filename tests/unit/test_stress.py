"""Perturbed configurations: rows, covering arrays, pauses, and how they are reported."""

from __future__ import annotations

import pickle
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise, product
from random import Random

import numpy as np
import pytest
from support.report_samples import fib, report

from pytest_parwork import UsageError
from pytest_parwork.model.outcome import Verdict
from pytest_parwork.report.as_markdown import markdown_pieces
from pytest_parwork.report.stress import Stress, StressRun, stress_message, stress_notes
from pytest_parwork.verify.stress.covering import adjacent_orders
from pytest_parwork.verify.stress.covering import pairwise as covering
from pytest_parwork.verify.stress.pauses import Perturbed, is_of_project
from pytest_parwork.verify.stress.rows import Base, Row, full, parse, quick

FACTORS = {"a": (1, 2, 3), "b": ("x", "y"), "c": (True, False), "d": (0, 1, 2, 3), "e": (None, 5)}


@pytest.mark.parametrize("seed", range(5))
def test_a_covering_array_has_every_pair_in_few_rows(seed: int) -> None:
    rows = list(covering(FACTORS, Random(seed)))
    for one, other in combinations(FACTORS, 2):
        found = {(row[one], row[other]) for row in rows}
        assert found == set(product(FACTORS[one], FACTORS[other]))
    assert 12 <= len(rows) <= 16  # of 96 combinations; the largest two factors need 12
    assert rows == list(covering(FACTORS, Random(seed)))


@pytest.mark.parametrize("number", [1, 2, 3, 4, 7, 8, 10])
def test_some_orders_hold_each_pair_one_after_the_other(number: int) -> None:
    orders = list(adjacent_orders(number))
    assert all(sorted(order) == list(range(number)) for order in orders)
    pairs = [pair for order in orders for pair in pairwise(order)]
    assert set(pairs) == {(i, j) for i in range(number) for j in range(number) if i != j}
    assert len(pairs) == number * (number - 1) * (1 + number % 2)


ROWS = [
    Row(backend="threads", workers=9),
    Row(backend="processes:spawn", workers=1, hash=0, order="reversed"),
    Row(backend="dask:tcp://host:8786", workers=2, chunk=3, order="shuffled", seed=7, pauses=True),
    Row(backend="joblib", workers=2, threads=1, meets=4, readonly=True, order="11"),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_row_is_read_as_it_is_shown(row: Row) -> None:
    assert parse(str(row)) == row


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("quik", "'quik' is no part of a row; give quick, full, or a row"),
        ("quick,free", "'quick' is no part of a row"),
        ("backend=threads", "a row has a backend and workers"),
        ("backend=threads,workers=0", "workers cannot be '0'"),
        ("backend=threads,workers=two", "workers cannot be 'two'"),
        ("backend=threads,workers=2,order=random", "order cannot be 'random'"),
        ("backend=threads,workers=2,pauses=1", "pauses cannot be '1'"),
        ("backend=threads,workers=2,chunk=-1", "chunk cannot be '-1'"),
        ("backend=threads,workers=2,wrong=1", "'wrong=1' is no part of a row"),
    ],
)
def test_what_is_no_row_is_an_error_that_names_it(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert f"--parwork-stress={text}: {told}" in str(caught.value)


def test_the_tasks_of_a_row_have_its_order() -> None:
    numbers = [3, 5, 8, 9]
    assert ROWS[0].arrange(numbers) == numbers
    assert ROWS[1].arrange(numbers) == numbers[::-1]
    shuffled = ROWS[2].arrange(numbers)
    assert sorted(shuffled) == numbers
    assert ROWS[2].arrange(numbers) == shuffled
    assert len(ROWS[3].arrange(numbers)) == 16
    assert Row(backend="a", workers=1, order="1").arrange([4]) == [4]


PROCESSES = Base(
    backend="joblib",
    workers=2,
    cases=8,
    starts=("processes:fork", "processes:spawn"),
    fresh="processes:spawn",
)
THREADS = Base(backend="threads", workers=2, cases=8, fresh="processes:spawn", is_threaded=True)


def test_quick_has_many_workers_and_both_orders_in_one_process() -> None:
    crowd, back, forth = quick(PROCESSES, 7)
    assert (crowd.workers, crowd.chunk, crowd.pauses) == (9, 1, True)
    assert (back.workers, back.order, forth.order) == (1, "reversed", "given")
    assert back.hash != forth.hash
    rows = list(quick(THREADS, 7))
    assert [row.backend for row in rows[:2]] == ["threads"] * 2
    assert rows[2].hash == rows[3].hash
    assert (rows[3].order, rows[3].crowd) == ("reversed", 4)


@pytest.mark.parametrize("base", [PROCESSES, THREADS])
def test_full_has_every_value_of_each_factor(base: Base) -> None:
    rows = list(full(base, 7))
    assert len({str(row) for row in rows}) == len(rows)
    assert {1, 2, 9} <= {row.workers for row in rows}
    assert {1, 4, 3} <= {row.chunk for row in rows}
    assert {"given", "reversed", "shuffled", "0", "7"} <= {row.order for row in rows}
    assert {None, 1} <= {row.threads for row in rows}
    assert any(row.readonly for row in rows)
    assert any(row.hash for row in rows)
    assert [str(row) for row in full(base, 7)] == [str(row) for row in rows]


def test_a_case_with_a_resource_of_its_own_never_meets_itself() -> None:
    base = replace(THREADS, is_exclusive=True, cases=1)
    assert {(row.meets, row.crowd) for row in full(base, 7)} == {(1, 1)}


def test_a_cluster_keeps_its_workers() -> None:
    base = Base(backend="dask", workers=3, cases=8, fresh="processes:spawn", is_fixed=True)
    assert {row.workers for row in full(base, 7) if row.backend == "dask"} == {3}


# what is put around tasks


def test_pauses_change_neither_results_nor_the_interpreter() -> None:
    interval = sys.getswitchinterval()
    around: Perturbed = pickle.loads(pickle.dumps(Perturbed(seed=1, pauses=True)))
    seen: list[float] = []

    def note(n: int) -> int:
        seen.append(sys.getswitchinterval())
        return n

    call = around(note)
    threads = [threading.Thread(target=call, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert call(7) == 7
    assert max(seen) < interval
    assert sys.getswitchinterval() == interval
    assert sys.getprofile() is None


def test_pauses_come_in_code_of_the_project() -> None:
    assert is_of_project(__file__)
    assert not is_of_project(threading.__file__)
    assert not is_of_project(pytest.__file__)
    assert not is_of_project("<frozen importlib._bootstrap>")


def test_a_window_behind_a_function_that_cython_has_compiled_is_met() -> None:
    """A profiler does not see it called."""
    expected = {n: np.random.RandomState(n).random_sample() for n in range(6)}
    lost: list[int] = []

    def draw(n: int) -> None:
        np.random.seed(n)
        if np.random.random_sample() != expected[n]:
            lost.append(n)

    call = Perturbed(seed=3, pauses=True)(draw)
    for _ in range(40):
        threads = [threading.Thread(target=call, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        if lost:
            break
    assert lost


def test_another_tracer_stays() -> None:
    def trace(*_: object) -> None:
        """Trace nothing."""

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        assert Perturbed(seed=1, pauses=True)(sys.gettrace)() is trace
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)


def test_a_window_between_two_calls_is_met() -> None:
    """A check and the act behind it, which an interpreter may separate, but hardly ever does."""
    state: dict[str, int] = {}
    lost: list[int] = []

    def update(n: int) -> None:
        before = state.get("sum", 0)
        state.update(sum=before + n)
        if state.get("sum") != before + n:
            lost.append(n)

    call = Perturbed(seed=3, pauses=True)(update)
    for _ in range(20):
        threads = [threading.Thread(target=call, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert lost


def test_a_generator_that_two_threads_resume_crashes_nothing() -> None:
    def numbers() -> Iterator[str]:
        while True:
            yield str(1)

    shared = numbers()
    raised: list[BaseException] = []

    def step() -> None:
        try:
            next(shared)
        except ValueError as error:
            raised.append(error)

    call = Perturbed(seed=3, pauses=True)(step)
    for _ in range(20):
        threads = [threading.Thread(target=call) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert all("already executing" in str(error) for error in raised)


def test_a_crowd_shows_what_is_made_once_in_each_process() -> None:
    made: list[int] = []

    def once(own: list[int]) -> tuple[int, list[int]]:
        own.append(1)  # each thread has a list of its own
        if not made:
            for number in range(5):
                made.append(int(str(number)))
        return len(made), own

    found: list[object] = []
    for seed in range(20):
        made.clear()
        found.append(Perturbed(seed=seed, pauses=True, crowd=4)(once)([]))
    assert set(map(repr, found)) - {"(5, [1])"}
    assert all(repr(one).endswith(", [1])") for one in found)
    made[:] = range(5)
    assert Perturbed(seed=1, pauses=True, crowd=4)(once)([]) == (5, [1])


def test_arrays_are_read_only_where_that_is_asked_for() -> None:
    np = pytest.importorskip("numpy")

    def write(array: object) -> None:
        array[0] = 1  # type: ignore[index]

    with pytest.raises(ValueError, match="read-only"):
        Perturbed(seed=0, readonly=True)(write)(np.zeros(2))


# the report

BAD = StressRun(
    row="backend=threads,workers=9",
    verdict=Verdict.DIFFERENT,
    equal=5,
    different=3,
    case="test_a.py::test_b[1]",
    expected="1",
    values={"2": 2, "3": 1},
    first="test_b[1]: serial 1, here 2",
)
GOOD = StressRun(row="backend=joblib,workers=2", verdict=Verdict.EQUAL, equal=8)
NONE = StressRun(row="backend=no,workers=2", verdict=Verdict.NOT_SENT, note="it cannot start")


def test_a_failure_has_all_runs_all_outcomes_and_the_row_that_reproduces_it() -> None:
    text = stress_message(Stress(asked="quick", seed=7, runs=(GOOD, BAD, NONE)), "pytest x")
    lines = text.splitlines()
    assert lines[0] == "DIFFERENT in 1 of 2 perturbed runs: test_b[1]: serial 1, here 2"
    table = [line.split() for line in lines[2:6]]
    assert table[0][:5] == ["run", "equal", "different", "lost", "values"]
    assert table[1] == ["1", "8", "0", "0", "1", "joblib,", "2", "workers"]
    assert table[2] == ["2", "5", "3", "0", "3", "threads,", "9", "workers"]
    assert table[3][:6] == ["3", "-", "-", "-", "-", "no,"]
    assert "    2 in run 2 (2 times)" in lines
    assert lines[-1].split() == ["again", "pytest", "x"]


def test_a_summary_of_a_job_has_each_wrong_run() -> None:
    made = replace(fib(), stress=Stress(asked="quick", seed=7, runs=(GOOD, BAD)))
    lines = "".join(markdown_pieces(report(made))).splitlines()
    (line,) = [one for one in lines if ", stress: " in one]
    assert "serial 1, here 2" in line
    assert "threads,workers=9" in line


def test_notes_say_what_was_run() -> None:
    found = list(stress_notes(Stress(asked="full", seed=7, runs=(GOOD, NONE), left=2)))
    assert found == [
        ("info", "stress: 1 perturbed run, all equal to serial (seed 7, no time for 2 more)"),
        ("info", "stress: it cannot start"),
    ]
    ((severity, text),) = stress_notes(Stress(asked="quick", seed=7, runs=(BAD,)))
    assert severity == "error"
    assert text.endswith("1 of 1 perturbed run not equal to serial, first: threads, 9 workers")
    assert list(stress_notes(None)) == []
