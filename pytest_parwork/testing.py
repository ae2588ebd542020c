"""The contract of a backend, as tests that its author adds to his own."""

from __future__ import annotations

import operator
import os
import socket
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any, cast, get_args

import pytest

from .backends.protocol import Backend, Reach, check_reach, is_threaded, place_of
from .machine.deadline import TimedOut, deadline
from .model.outcome import Failure, Outcome, Run
from .model.work import Configuration, Task, WorkersAsked, Workload
from .runner import RunRequest, execute
from .runner.outcomes import Outcomes

__all__ = ["BackendContract"]

#: A function and its arguments. All are built in, so that every worker can import them.
Call = tuple[Any, ...]

RUNNER = pytest.StashKey["Runner"]()

#: What the tasks of one run do, by what is to be seen.
TOUR: Mapping[str, Call] = {
    "first": (operator.mul, 6, 7),
    "exception": (operator.truediv, 1, 0),
    "exit": (sys.exit, 3),
    "skip": (pytest.skip, "not here"),
    "large": (operator.mul, b"x", 1_000_000),
    "last": (operator.mul, 8, 9),
}

#: Seconds that workers may take to be gone once their backend is closed.
ENDING = 5.0

#: Seconds between two looks at whether they are.
LOOK = 0.05


class Runner:
    """Runs tasks on one backend, as a test session does."""

    def __init__(self, backend: Backend, workers: int, patience: float) -> None:
        self.backend = backend
        self._workers = workers
        self._patience = patience
        self.tour: Mapping[str, Outcome] = {}

    def __call__(
        self, *calls: Call, chunksize: WorkersAsked = "auto", timeout: float | None = None
    ) -> Run:
        """Run so many calls, each in `timeout` seconds; fails where the run does not end."""
        tasks = tuple(
            Task(id=str(number), function=call[0], args=call[1:], timeout=timeout)
            for number, call in enumerate(calls)
        )
        request = RunRequest(
            workload=Workload(name="contract", tasks=tasks),
            configuration=Configuration(
                backend="contract", workers=self._workers, chunksize=chunksize
            ),
        )
        run: Run | None = None
        with suppress(TimedOut), deadline(self._patience):
            run = execute(request, self.backend)
        if run is None:
            pytest.fail(
                f"the run has not ended within patience={self._patience:g} s: some batches were "
                f"submitted, and neither run nor reported by an event"
            )
        held = cast("Outcomes", run.outcomes)
        with closing(held):
            return replace(run, outcomes=list(held))


class BackendContract:
    """Tests that a backend gives every task its outcome, whatever happens to its worker.

    The author of a backend adds them to his tests, and pytest finds them there::

        from pytest_parwork.testing import BackendContract

        class TestMine(BackendContract):
            backend = MyBackend()

    In place of the attribute there may be a fixture `backend`, of module scope or so. They start
    `workers` workers, at least 2, and fail where a run takes longer than `patience` seconds. Tests
    that the reach of the backend makes pointless are skipped with the reason.
    """

    backend: Any
    workers = 2
    patience = 60.0

    @pytest.fixture
    def runner(self, request: pytest.FixtureRequest) -> Runner:
        """Give what runs tasks on the backend, which is closed after the last test of the class."""
        # By the node, because fixtures of class scope are deprecated as methods since pytest 9.1.
        node: pytest.Class = request.node.getparent(pytest.Class)
        if RUNNER not in node.stash:
            backend: Any = getattr(self, "backend", None)
            if not hasattr(backend, "start"):
                backend = request.getfixturevalue("backend")
            node.stash[RUNNER] = Runner(backend, self.workers, self.patience)
            node.addfinalizer(backend.close)
        return node.stash[RUNNER]

    @pytest.fixture
    def tour(self, runner: Runner) -> Mapping[str, Outcome]:
        """Give what each call of `TOUR` came to, all in one run for all tests of the class."""
        if not runner.tour:
            runner.tour = dict(zip(TOUR, runner(*TOUR.values()).outcomes, strict=True))
        return runner.tour

    def test_every_task_has_its_outcome_in_the_order_of_tasks(
        self, tour: Mapping[str, Outcome]
    ) -> None:
        assert [outcome.kind for outcome in tour.values()] == [
            *("value", "failure", "failure", "skip", "value", "value")
        ]
        assert (tour["first"].value, tour["last"].value) == (42, 72)

    def test_an_exception_comes_back(self, tour: Mapping[str, Outcome]) -> None:
        assert _failure(tour["exception"]).type == "ZeroDivisionError"
        with pytest.raises(ZeroDivisionError):
            tour["exception"].result()

    def test_an_exit_is_the_outcome_of_its_task(self, tour: Mapping[str, Outcome]) -> None:
        failure = _failure(tour["exit"])
        assert (failure.type, failure.text) == ("SystemExit", "3")

    def test_a_skip_comes_back(self, tour: Mapping[str, Outcome]) -> None:
        skipped = tour["skip"].failure
        assert skipped is not None
        assert skipped.text == "not here"

    def test_a_result_of_a_megabyte_comes_back(self, tour: Mapping[str, Outcome]) -> None:
        assert tour["large"].value == b"x" * 1_000_000

    def test_it_says_how_many_workers_there_are_and_how_they_start(self, runner: Runner) -> None:
        run = runner(*[(operator.mul, 2, number) for number in range(2 * self.workers)])
        assert 1 <= run.granted <= self.workers
        assert isinstance(run.start_method, str)
        assert run.start_method

    def test_its_reach_is_true(self, runner: Runner) -> None:
        """Tests are accepted or rejected by the reach, before any worker is started."""
        backend = check_reach("under contract", runner.backend)
        assert backend.reach in get_args(Reach)
        run = runner(*[call for _ in range(4) for call in [(os.getpid,), (socket.gethostname,)]])
        pids, hosts = set(run[::2]), set(run[1::2])
        if backend.reach == "process":
            assert pids == {os.getpid()}
        elif backend.reach == "machine":
            assert os.getpid() not in pids
            assert hosts == {socket.gethostname()}
        else:
            assert os.getpid() not in pids or socket.gethostname() not in hosts

    def test_its_place_is_true(self, runner: Runner) -> None:
        """Tasks of the caller's thread may change the whole process; those of others may not."""
        place = place_of(runner.backend)
        if place == "fork":
            pids = list(runner(*[(os.getpid,)] * 4))
            assert len(set(pids)) == len(pids)
        threads = set(runner(*[(threading.get_ident,)] * 4))
        if place == "caller":
            # The main thread of a forked process has the same identifier.
            assert threads == {threading.get_ident()}
            assert set(runner((os.getpid,), (os.getpid,))) == {os.getpid()}
        elif is_threaded(runner.backend):
            assert threading.get_ident() not in threads

    def test_more_batches_than_workers_are_all_run(self, runner: Runner) -> None:
        run = runner(*[(operator.mul, number, number) for number in range(30)], chunksize=1)
        assert list(run) == [number * number for number in range(30)]

    def test_workers_run_alongside_one_another(self, runner: Runner) -> None:
        run = runner(*[(time.sleep, 0.2)] * 2 * self.workers, chunksize=1)
        if run.granted == 1:
            pytest.skip("the backend has granted a single worker")
        assert run.workers_used > 1

    def test_a_crash_loses_its_own_task_only(self, runner: Runner) -> None:
        """The worker exits in the middle of a task, and the backend serves the next run, too."""
        _needs_processes(runner)
        innocent = [(operator.mul, number, number) for number in range(7)]
        run = runner(*innocent[:4], (os._exit, 3), *innocent[4:])
        lost = run.outcomes[4].lost
        assert lost is not None
        assert lost.reason == "crash"
        values = [outcome.value for number, outcome in enumerate(run.outcomes) if number != 4]
        assert values == [number * number for number in range(7)]
        assert list(runner(*innocent)) == values

    def test_a_task_without_an_end_is_lost_and_no_other(self, runner: Runner) -> None:
        _needs_processes(runner)
        run = runner((operator.mul, 2, 3), (time.sleep, 600.0), (operator.mul, 3, 4), timeout=2.0)
        lost = run.outcomes[1].lost
        assert lost is not None
        assert lost.reason == "timeout"
        assert (run[0], run[2]) == (6, 12)

    def test_close_ends_all_workers_and_it_starts_again(self, runner: Runner) -> None:
        threads = {*threading.enumerate()}
        calls: list[Call] = [(os.getpid,)] * 2 * self.workers
        pids = set(runner(*calls)) - {os.getpid()} if runner.backend.reach != "network" else set()
        runner.backend.close()

        def left() -> list[object]:
            new = {*threading.enumerate()} - threads
            return [*filter(_is_running, pids), *(thread for thread in new if not thread.daemon)]

        until = time.monotonic() + ENDING
        while left() and time.monotonic() < until:
            time.sleep(LOOK)
        assert left() == []
        assert list(runner((operator.mul, 2, 3), (operator.mul, 3, 4))) == [6, 12]


def _failure(outcome: Outcome) -> Failure:
    assert outcome.failure is not None
    return outcome.failure


def _needs_processes(runner: Runner) -> None:
    reach = runner.backend.reach
    if reach != "machine":
        pytest.skip(f"its workers are no processes of this machine: reach={reach!r}")
    # Before a task ends its process or is ended with it: that could be this one.
    assert os.getpid() not in list(runner((os.getpid,), (os.getpid,)))


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
