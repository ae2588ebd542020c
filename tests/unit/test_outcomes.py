"""The outcomes of a run, as a sequence and one by one."""

from __future__ import annotations

import tempfile
from typing import cast

import pytest

from pytest_parwork.model.errors import LostError, PayloadError
from pytest_parwork.model.outcome import Lost, NotSent
from pytest_parwork.runner.in_threads import Remembered
from pytest_parwork.runner.outcomes import Outcomes
from pytest_parwork.runner.spooled import Spooled
from pytest_parwork.transport.failures import describe
from pytest_parwork.transport.files import Files
from pytest_parwork.transport.ledger import Kind, Ledger
from pytest_parwork.transport.pickling import dumps
from pytest_parwork.transport.records import write_record
from pytest_parwork.worker.results import Copied
from pytest_parwork.worker.threads import Given

CRASH = Lost(reason="crash", detail="its worker ended")


def gathered(
    *values: object, lost: int | None = None, rejected: int | None = None, workers: int = 2
) -> Outcomes:
    """Return the outcomes of tasks that gave `values`, in turn on threads 100, 101, …."""
    ledger = Ledger(bytearray(Ledger.size(len(values))))
    memory: list[Given | None] = [None] * len(values)
    for task, value in enumerate(values):
        if task == rejected:
            continue
        # The last worker arrives first.
        ledger.arrive(task, 100 + task % workers, 10.0 + task // workers - 0.1 * (task % workers))
        ledger.start(task, 20.0 + task)
        if task == lost:
            continue
        ledger.end(task, 21.5 + task)
        is_failure = isinstance(value, BaseException)
        kind: Kind = "failure" if is_failure else "value"
        memory[task] = (kind, value, describe(value, value) if is_failure else None)  # type: ignore[arg-type]  # an exception
        ledger.store(task, kind, 0, 0, 0)
    return Outcomes(
        Remembered(ledger, memory),
        len(values),
        lost={} if lost is None else {lost: CRASH},
        rejected={} if rejected is None else {rejected: NotSent.of_argument(1, "cannot be sent")},
    )


def test_outcomes_are_a_sequence_in_task_order() -> None:
    outcomes = gathered("a", "b", "c")
    assert len(outcomes) == 3
    assert [outcome.value for outcome in outcomes] == ["a", "b", "c"]
    assert outcomes[-1].value == "c"
    assert [outcome.value for outcome in outcomes[::-2]] == ["c", "a"]


@pytest.mark.parametrize("index", [3, -4])
def test_there_is_no_outcome_beyond_the_tasks(index: int) -> None:
    with pytest.raises(IndexError, match=f"task {index} of a run of 3"):
        gathered("a", "b", "c")[index]


def test_a_successor_takes_over_the_number_of_the_worker_that_went() -> None:
    ledger = Ledger(bytearray(Ledger.size(4)))
    lives = [(100, 1.0, 5.0), (200, 2.0, 3.0), (300, 3.5, 4.0), (400, 5.5, 6.0)]
    for task, (worker, arrived, ended) in enumerate(lives):
        ledger.arrive(task, worker, arrived)
        ledger.start(task, arrived)
        ledger.end(task, ended)
        ledger.store(task, "value", 0, 0, 0)
    memory: list[Given | None] = [("value", n, None) for n in range(4)]
    outcomes = Outcomes(Remembered(ledger, memory), 4, lost={}, rejected={})
    assert [outcome.worker for outcome in outcomes] == [1, 2, 2, 1]
    assert outcomes.workers_used == 2


def test_workers_are_numbered_in_the_order_in_which_they_arrived() -> None:
    outcomes = gathered(*"abcd", workers=2)
    assert [outcome.worker for outcome in outcomes] == [2, 1, 2, 1]
    assert outcomes.workers_used == 2


def test_an_outcome_has_the_times_of_its_task() -> None:
    outcome = gathered("a", "b")[1]
    assert (outcome.started, outcome.ended, outcome.seconds) == (21.0, 22.5, 1.5)


def test_a_failure_holds_its_exception() -> None:
    error = ValueError("x")
    outcome = gathered(error)[0]
    assert outcome.kind == "failure"
    assert outcome.failure is not None
    assert outcome.failure.exception is error
    with pytest.raises(ValueError, match="x"):
        outcome.result()


def test_a_lost_task_keeps_what_is_known_of_it() -> None:
    outcome = gathered("a", "b", lost=1)[1]
    assert outcome.kind == "lost"
    assert outcome.lost is CRASH
    assert outcome.started == 21.0
    assert outcome.seconds is None
    with pytest.raises(LostError, match="LOST: its worker ended"):
        outcome.result()


def test_a_rejected_task_is_not_sent_and_never_arrives_in_a_worker() -> None:
    outcome = gathered("a", "b", rejected=0)[0]
    assert outcome.kind == "not_sent"
    assert outcome.worker is None
    assert outcome.arrived is None
    with pytest.raises(PayloadError, match="argument 1 cannot be sent"):
        outcome.result()


def test_letting_go_is_possible_for_every_kind_of_outcome() -> None:
    outcomes = gathered("a", ValueError("x"), "c", "d", lost=2, rejected=3)
    for number in range(4):
        outcomes.free(number)
    assert outcomes[2].lost is CRASH
    assert outcomes[3].kind == "not_sent"
    outcomes.close()


def test_the_first_and_the_last_task_of_each_worker() -> None:
    assert gathered(*range(10)).first_and_last() == {0, 1, 8, 9}
    assert gathered(1, 2, 3, rejected=0, workers=1).first_and_last() == {1, 2}
    assert gathered(1, workers=1).first_and_last() == {0}


def test_plain_values_have_no_parts_to_compare() -> None:
    plain = (None, True, 3, 2.5, "text", b"bytes")
    assert not gathered(*map(Copied, plain)).has_parts()
    others: list[object] = [[], {"a": 1}, ValueError("bad")]
    for other in others:
        value = other if isinstance(other, ValueError) else Copied(other)
        assert gathered(*map(Copied, plain), value).has_parts()
    assert not gathered(Copied(1), Copied([]), lost=1).has_parts()


def test_a_stored_none_has_no_parts_and_no_longer_record_is_trusted() -> None:
    with tempfile.TemporaryFile() as file:
        ledger = Ledger(bytearray(Ledger.size(3)))
        offset = 0
        values: list[object] = [None, 3, []]
        for task, value in enumerate(values):
            data = dumps(value, [], is_result=True)
            length = write_record(file.write, offset, data, [])
            ledger.store(task, "value", 0, offset, length)
            offset += length
        spooled = Spooled(ledger, [file.fileno()], cast("Files", None))
        assert [spooled.has_parts(task) for task in range(3)] == [False, True, True]
