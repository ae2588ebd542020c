"""Outcomes that come as messages: filed once, with times on the clock of this machine."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from pytest_parwork.machine.clock import host, now
from pytest_parwork.runner.inbox import Inbox
from pytest_parwork.transport.files import Files
from pytest_parwork.transport.ledger import Ledger, State
from pytest_parwork.transport.notes import Entry
from pytest_parwork.transport.records import read_record
from pytest_parwork.transport.spool import Spool
from pytest_parwork.worker.network import Body

DAY = 86_400.0


@pytest.fixture
def files() -> Iterator[Files]:
    files = Files()
    yield files
    files.close()


def value(task: int, data: object, *, at: float, worker: str = "w#0") -> Entry:
    return Entry(task, "value", worker, 1, at, at + 1, at + 2, 0.5, pickle.dumps(data))


def body(*entries: Entry, host: str = "elsewhere", sent: float = 0.0) -> bytes:
    return pickle.dumps(Body(host, sent, entries))


def test_an_outcome_stands_where_that_of_a_shared_machine_would(files: Files) -> None:
    fd, _ = files.create("spool-0")
    ledger = Ledger(bytearray(Ledger.size(3)))
    inbox = Inbox(ledger, Spool(0, fd))
    here = now()
    assert inbox.take(body(value(2, "two", at=here), host=host(), sent=here)) == []
    assert ledger.state(2) is State.STORED
    assert ledger.times(2) == (here, here + 1, here + 2)
    assert ledger.cpu(2) == 0.5
    kind, spool, offset, length = ledger.place(2)
    assert (kind, spool) == ("value", 0)
    assert read_record(fd, offset, length) == "two"


def test_a_second_outcome_of_a_task_changes_nothing(files: Files) -> None:
    fd, _ = files.create("spool-0")
    ledger = Ledger(bytearray(Ledger.size(1)))
    inbox = Inbox(ledger, Spool(0, fd))
    inbox.take(body(value(0, "first", at=1.0)))
    place = ledger.place(0)
    inbox.take(body(value(0, "second", at=5.0)))
    assert ledger.place(0) == place


def test_times_of_another_machine_are_shifted_by_its_fastest_message(files: Files) -> None:
    fd, _ = files.create("spool-0")
    ledger = Ledger(bytearray(Ledger.size(2)))
    inbox = Inbox(ledger, Spool(0, fd))
    there = now() - DAY  # its clock is a day behind
    inbox.take(body(value(0, "slow", at=there), sent=there - 100.0))
    inbox.take(body(value(1, "fast", at=there), sent=there))
    inbox.settle()
    slow, _, _ = ledger.times(0)
    fast, _, _ = ledger.times(1)
    assert slow is not None
    assert fast is not None
    assert slow == fast, "one shift for all of its times"
    assert slow >= there + DAY, "nothing comes before it was sent"
    assert slow < there + DAY + 100.0


def test_a_task_that_died_has_begun_and_has_no_outcome(files: Files) -> None:
    fd, _ = files.create("spool-0")
    ledger = Ledger(bytearray(Ledger.size(1)))
    inbox = Inbox(ledger, Spool(0, fd))
    died = Entry(0, "died", "w#0", 1, 1.0, 2.0)
    assert inbox.take(body(died, host=host())) == [died]
    assert ledger.state(0) is State.STARTED
    assert ledger.times(0) == (1.0, 2.0, None)


def test_workers_are_numbered_as_they_come(files: Files) -> None:
    fd, _ = files.create("spool-0")
    inbox = Inbox(Ledger(bytearray(Ledger.size(1))), Spool(0, fd))
    assert [inbox.number(worker) for worker in ("a#0", "b#0", "a#0", "a#1")] == [1, 2, 1, 3]
