"""Processes that workers have left behind end with the session."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from typing import IO

import pytest

from pytest_parwork.machine import process_groups
from pytest_parwork.machine.leavings import Leavings

#: A process that leads a process group, as workers do.
WORKER = "import os, time; os.setpgrp(); print('ready', flush=True); time.sleep(50)"

#: The same, whose first thread ends, and the other one does not.
HEADLESS = """
import ctypes, os, threading, time
os.setpgrp()
threading.Thread(target=time.sleep, args=(50,)).start()
print('ready', flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""


def enrol(registry: IO[bytes], pid: int) -> None:
    registry.write(process_groups._RECORD.pack(pid, process_groups.born(pid)))
    registry.flush()


def leavings_of(registry: IO[bytes]) -> Leavings:
    return Leavings(
        registry=registry.fileno(),
        pid=os.getpid(),
        session=os.getsid(0),
        born=process_groups.born(os.getpid()),
        since=0.0,
        token="0" * 16,
        folders=(),
    )


def test_a_process_that_exits_slowly_gets_time_to_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take a while to run a process that was killed."""
    kill, signals = os.kill, 0

    def kill_late(pid: int, number: int) -> None:
        nonlocal signals
        signals += 1
        if signals > 20:
            kill(pid, number)

    program = [sys.executable, "-I", "-S", "-c", WORKER]
    with (
        subprocess.Popen(program, stdout=subprocess.PIPE) as left,
        tempfile.TemporaryFile() as registry,
    ):
        assert left.stdout is not None
        assert left.stdout.readline() == b"ready\n"
        enrol(registry, left.pid)
        leavings = leavings_of(registry)
        monkeypatch.setattr(
            "pytest_parwork.machine.leavings.DYING", 60.0
        )  # each look takes a while
        monkeypatch.setattr(os, "kill", kill_late)
        leavings.end_workers()
        monkeypatch.undo()
        state = process_groups.state_of(left.pid)
        left.kill()
    assert state == "Z"
    assert left.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all threads end with the first one")
def test_a_process_lives_as_long_as_one_of_its_threads() -> None:
    program = [sys.executable, "-I", "-S", "-c", HEADLESS]
    with (
        subprocess.Popen(program, stdout=subprocess.PIPE) as left,
        tempfile.TemporaryFile() as registry,
    ):
        assert left.stdout is not None
        assert left.stdout.readline() == b"ready\n"
        enrol(registry, left.pid)
        until = time.monotonic() + 20.0
        while process_groups.stat_of(left.pid)[0] != "Z" and time.monotonic() < until:
            time.sleep(0.01)
        assert process_groups.stat_of(left.pid)[0] == "Z"
        assert process_groups.state_of(left.pid) in ("R", "S")  # it may not have begun to sleep
        leavings_of(registry).end_workers()
        state = process_groups.state_of(left.pid)
        left.kill()
    assert state == "Z"
    assert left.returncode == -signal.SIGKILL


def test_a_process_is_known_by_its_id_and_its_birth() -> None:
    pid = os.getpid()
    birth = process_groups.born(pid)
    assert process_groups.lives(pid, birth)
    assert not process_groups.lives(pid, birth + 1)  # whose id has been used again
    assert not process_groups.lives(0, birth)
