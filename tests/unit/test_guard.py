"""What outlives pytest: it ends the processes of a test that its deadline has ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.guard import MARK, marked

#: Most parameters are kinds of one question.
DAILY_OF_EACH = 2

#: Seconds until something has to be so.
DEADLINE = 40.0

#: A session with one test, which starts a sleeper that says where it is.
SESSION = """
import faulthandler, os, subprocess, sys, time
from support.guard import Guard

guard = Guard({deadline})
guard.begin()
faulthandler.dump_traceback_later({deadline}, exit=True)
program = "import os, sys, time; print(os.getpid(), flush=True); time.sleep(100)"
command = [sys.executable, "-c", program]
print(guard.folder, flush=True)
{starting}
{ending}
"""

STARTS = "subprocess.Popen(command, start_new_session=True)"
FORKS = """
if not os.fork():
    os.setsid()
    print(os.getpid(), flush=True)
    time.sleep(100)
"""


def session(starting: str, ending: str, deadline: float) -> tuple[Path, int]:
    """Return the folder of a session that has ended, and what it had started."""
    environment = {name: value for name, value in os.environ.items() if name != MARK}
    program = SESSION.format(starting=starting, ending=ending, deadline=deadline)
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        folder, started = process.stdout.readline().strip(), int(process.stdout.readline())
        process.wait(DEADLINE)
    return Path(folder), started


def is_soon(is_so: Callable[[], bool]) -> bool:
    until = time.monotonic() + DEADLINE
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("starting", "ending"),
    [
        pytest.param(STARTS, "time.sleep(100)", id="starts a program until its deadline"),
        pytest.param(FORKS, "time.sleep(100)", id="forks until its deadline"),
        pytest.param(STARTS, "time.sleep(0.5); os._exit(3)", id="starts a program and is killed"),
    ],
)
def test_what_a_test_has_started_ends_with_its_session(starting: str, ending: str) -> None:
    folder, started = session(starting, ending, deadline=3.0)
    assert is_soon(lambda: not is_running(started))
    assert is_soon(lambda: not folder.exists())


@pytest.mark.sweep
def test_a_process_of_another_session_lives_on() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"]) as other:
        folder, _ = session(STARTS, "os._exit(3)", deadline=3.0)
        assert is_soon(lambda: not folder.exists())
        assert is_running(other.pid)
        other.kill()


def test_a_process_is_known_by_the_mark_of_its_session() -> None:
    command = [sys.executable, "-c", "import time; time.sleep(100)"]
    with subprocess.Popen(command, env={**os.environ, MARK: "/tmp/tests-other"}) as process:
        assert is_soon(lambda: process.pid in [pid for pid, _ in marked("/tmp/tests-other")])
        process.kill()
