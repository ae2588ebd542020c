"""The marks of what tasks start on a cluster, whose workers may serve several runs at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from pytest_parwork.worker.children import Children, end_children

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are found on Linux only")


@pytest.fixture
def runs() -> Iterator[tuple[str, str]]:
    """Give the names of two runs, and end what they have left."""
    names = uuid.uuid4().hex, uuid.uuid4().hex
    yield names
    for name in names:
        end_children(name)


def forked() -> int:
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    return pid


def lives(pid: int) -> bool:
    return os.waitpid(pid, os.WNOHANG) == (0, 0)


def test_a_fork_of_a_process_that_serves_two_runs_ends_with_the_last_of_them(
    runs: tuple[str, str],
) -> None:
    first, second = map(Children, runs)
    pid = forked()
    first.close()
    end_children(runs[0])
    assert lives(pid)
    second.close()
    end_children(runs[1])
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL


def test_a_run_whose_tasks_outlive_it_protects_nothing(runs: tuple[str, str]) -> None:
    first, second = map(Children, runs)
    first.outlive_run()
    pid = forked()
    end_children(runs[0])
    assert lives(pid)
    second.close()
    end_children(runs[1])
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
    pid = forked()
    first.close()
    end_children(runs[0])
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL


def test_a_program_belongs_to_a_run_that_is_still_open(runs: tuple[str, str]) -> None:
    first, second = map(Children, runs)
    with ExitStack() as stack:
        stack.callback(first.close)
        second.close()
        program = stack.enter_context(subprocess.Popen(["sleep", "1000"]))
        stack.callback(program.kill)
        end_children(runs[1])
        assert program.poll() is None
        end_children(runs[0])
        assert program.wait(10) == -signal.SIGKILL


def test_only_what_a_thread_has_started_ends_where_threads_are_given(
    runs: tuple[str, str],
) -> None:
    children = Children(runs[0])
    pid = forked()
    end_children(runs[0], threads=[0])
    assert lives(pid)
    end_children(runs[0], threads=[os.getpid()])  # the id of the main thread
    children.close()
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
