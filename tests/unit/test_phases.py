"""The phases of a task in a process that shares nothing with the runner, each with the limit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_parwork.transport.journal import Journal, notes_of
from pytest_parwork.worker import phases
from pytest_parwork.worker.outside import end_if_stuck
from pytest_parwork.worker.phases import Phases

RUN = "a-run"

#: A process with a task that has been in its latest phase for ten seconds; its arguments are the
#: folder of journals and the phase.
STUCK = """
import os, sys, tempfile
from pytest_parwork.machine.clock import now
from pytest_parwork.transport.journal import Journal
from pytest_parwork.transport.notes import Entry

tempfile.tempdir = sys.argv[1]
journal = Journal("a-run")
times = {"load": (10.0,), "call": (20.0, 10.0), "store": (20.0, 15.0, 10.0)}[sys.argv[2]]
for count in range(1, len(times) + 1):
    seen = [now() - seconds for seconds in times[:count]] + [0.0, 0.0]
    journal.begin(7, Entry(1, "died", "w#0", os.getpid(), *seen[:3]))
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    journal = Journal(RUN)
    yield journal
    journal.close()


def test_each_phase_of_a_task_has_its_whole_limit(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, ended = [100.0], list[float]()
    monkeypatch.setattr(phases, "now", lambda: clock[0])
    monkeypatch.setattr(phases, "_end_process", lambda: ended.append(clock[0]))
    table = Phases(2, journal, {0: 10.0})

    def pass_time(seconds: float) -> None:
        clock[0] += seconds
        table.look()

    with table.running(0, 7, "worker"):
        pass_time(9)
        table.start(0, clock[0])
        pass_time(9)
        table.end(0, clock[0])
        pass_time(9)
        assert ended == []
        pass_time(2)
        assert ended == [129.0]
    with table.running(1, 7, "worker"):  # it has no limit
        table.start(1, clock[0])
        pass_time(100)
        table.end(1, clock[0])
        pass_time(100)
    assert ended == [129.0]


@pytest.mark.parametrize("phase", ["load", "call", "store"])
def test_a_process_that_does_not_keep_a_limit_is_ended_from_outside(
    journal: Journal, tmp_path: Path, phase: str
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK, str(tmp_path), phase],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert len(notes_of(RUN, process.pid)) == {"load": 1, "call": 2, "store": 3}[phase]
        assert not end_if_stuck(process.pid, RUN, {1: 300.0}, is_deaf=True)
        assert end_if_stuck(process.pid, RUN, {1: 5.0}, is_deaf=False)
        assert process.wait(30) < 0
    died = journal.look_back().died[7, 1]
    assert (died.kind, died.suspects) == ("timeout", 1)
