"""The backend `dask` on a cluster that runs already: real programs, which serve others too."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
import distributed
import parwork_faults as faults
import parwork_tasks as tasks
import pytest
from support.carrier import JOINED, Carrier, Counting, calls, outcomes
from support.dask_programs import DEADLINE, DaskPrograms

import pytest_parwork
from pytest_parwork.backends import bundled
from pytest_parwork.backends.dask import contact, joined, named, sending
from pytest_parwork.backends.dask.clusters import Clusters
from pytest_parwork.backends.joblib import on_joined_dask
from pytest_parwork.model.errors import BackendError
from pytest_parwork.model.work import Task
from pytest_parwork.runner import Interrupted
from pytest_parwork.worker.sites import Site

#: Each test waits for processes of a cluster.
DAILY_OF_EACH = 1


@contextmanager
def joining(address: str | None) -> Iterator[Carrier]:
    carrier = Carrier(JOINED, named.DaskBackend(Clusters(), address))
    try:
        yield carrier
    finally:
        carrier.close()
        carrier.backend.close()


@contextmanager
def joining_by_joblib(address: str) -> Iterator[Carrier]:
    carrier = Carrier(JOINED, bundled()["joblib:dask"])
    with dask.config.set({"scheduler-address": address}):
        try:
            yield carrier
        finally:
            carrier.close()
            carrier.backend.close()


@pytest.fixture(params=[JOINED])
def name(request: pytest.FixtureRequest) -> str:
    """Name the only backend of these tests."""
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture
def own_programs(tmp_path: Path) -> Iterator[Callable[..., DaskPrograms]]:
    """Give a function that starts a cluster for this test only."""
    started: list[DaskPrograms] = []

    def start(**settings: int) -> DaskPrograms:
        started.append(DaskPrograms(tmp_path, **settings))
        return started[-1]

    yield start
    for programs in started:
        programs.close()


def inside(programs: DaskPrograms, function: Callable[[], Any]) -> list[Any]:
    """Call a function in every worker process, independently of parwork."""
    with distributed.Client(programs.address, set_as_default=False) as client:
        return list(client.run(function).values())


@pytest.mark.sweep
def test_a_thousand_small_tasks_are_some_dozens_of_messages(carrier: Carrier) -> None:
    backend = Counting(carrier.backend)
    carrier.backend = backend
    run = carrier.map(tasks.square, *[(x,) for x in range(1_000)])
    assert run == [x * x for x in range(1_000)]
    print(f"{backend.batches} batches in {run.wall:.2f} s")  # decides nothing: a time
    assert backend.batches < 100


def test_without_an_address_the_cluster_is_that_of_dask_s_configuration(
    programs: DaskPrograms,
) -> None:
    with dask.config.set({"scheduler-address": programs.address}), joining(None) as carrier:
        run = carrier.map(tasks.process, (), (), (), ())
        assert run.start_method == "dask"
        assert set(run) == set(inside(programs, os.getpid))


@pytest.fixture
def of_joblib(programs: DaskPrograms) -> Iterator[Carrier]:
    """Give joblib's dask, on the cluster that dask's configuration names."""
    carrier = Carrier(JOINED, bundled()["joblib:dask"])
    with dask.config.set({"scheduler-address": programs.address}):
        yield carrier
        carrier.close()
        carrier.backend.close()


def test_joblib_s_dask_joins_the_cluster_that_is_configured(
    of_joblib: Carrier, programs: DaskPrograms
) -> None:
    run = of_joblib.map(tasks.square, *[(x,) for x in range(50)])
    assert run == [x * x for x in range(50)]
    assert (run.granted, run.start_method) == (2, "dask")


@pytest.mark.sweep
def test_only_the_task_that_kills_a_worker_of_joblib_s_dask_is_lost(of_joblib: Carrier) -> None:
    run = of_joblib.map(tasks.die_by_kill, *[(x, 5) for x in range(8)])
    kinds = [outcome.kind for outcome in run.outcomes]
    assert kinds == ["value"] * 5 + ["lost"] + ["value"] * 2
    lost = run.outcomes[5].lost
    assert lost is not None
    assert "SIGKILL" in lost.detail


def test_the_workers_are_left_as_they_were(carrier: Carrier, programs: DaskPrograms) -> None:
    def state() -> tuple[object, ...]:
        import os  # it is sent by value: the tests cannot be imported there
        import sys
        from pathlib import Path

        ours = [name for name in sys.modules if name.startswith(("parwork_tasks", "conftest"))]
        finders = [type(finder).__module__ for finder in sys.meta_path]
        files = [Path(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
        left = [file for file in files if "parwork" in os.path.realpath(file)]
        return ours, finders, list(sys.path), dict(os.environ), left

    carrier.map(tasks.square, (1,), (2,))
    before = inside(programs, state)
    run = carrier.map(tasks.native_threads, (), (), (), ())
    assert {len(limits) > 0 for limits in run} == {True}
    assert inside(programs, state) == before
    assert "parwork_tasks" not in before[0][0]
    assert "pytest_parwork.transport.modules" not in before[0][1]
    assert programs.journals() == []


@pytest.mark.sweep
def test_tasks_that_ran_alongside_one_in_a_process_that_dies_are_run_again_on_their_own(
    own_programs: Callable[..., DaskPrograms],
) -> None:
    programs = own_programs(workers=1, threads=2)
    with joining(programs.address) as carrier:
        run = carrier(
            [
                *calls(tasks.square_later, (3, 1.0)),
                *calls(tasks.die_later, (0.3,)),
                *calls(tasks.square_later, (4, 0.0)),
            ],
            chunksize=1,
        )
        assert [outcome.kind for outcome in run.outcomes] == ["value", "lost", "value"]
        lost = run.outcomes[1].lost
        assert lost is not None
        assert "SIGKILL" in lost.detail
        assert "while it ran this task, twice" in lost.detail
        assert [one.is_alone for one in lost.tries] == [False, True]


@pytest.mark.sweep  # a nanny that reports late is asked daily
def test_how_a_worker_ended_is_known_before_its_successor_is_there(
    own_programs: Callable[..., DaskPrograms], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    waiting = f"import os, time\nwhile os.path.exists({str(closed)!r}): time.sleep(0.01)\n"
    monkeypatch.setenv("DASK_DISTRIBUTED__WORKER__PRELOAD", json.dumps([waiting]))
    programs = own_programs(workers=1)
    programs.worker()  # by a nanny in a process of its own
    with joining(programs.address) as carrier:
        with distributed.Client(programs.address, set_as_default=False) as client:
            client.wait_for_workers(2, DEADLINE)
        closed.touch()
        run = carrier.map(tasks.die_by_exit, *[(x, 3) for x in range(6)])
        lost = run.outcomes[3].lost
        assert lost is not None
        assert "exit code 3" in lost.detail


def test_a_nanny_may_report_later_than_the_finder_of_the_journal(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    exit_codes, asked = joined.JoinedDask.exit_codes, []

    def later(self: joined.JoinedDask) -> Mapping[int, int | None]:
        asked.append(self)
        return {} if len(asked) < 4 else exit_codes(self)

    monkeypatch.setattr(joined.JoinedDask, "exit_codes", later)
    run = carrier.map(tasks.die_by_exit, *[(x, 3) for x in range(6)])
    lost = run.outcomes[3].lost
    assert lost is not None
    assert "exit code 3" in lost.detail


@pytest.fixture
def at_the_first_outcome(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Give a function that has something done when the first outcome of a run has come."""

    def at_the_first_outcome(do: Callable[[], None]) -> None:
        note = contact.Contact.note
        came: list[contact.Contact] = []

        def note_and_do(self: contact.Contact) -> None:
            note(self)
            if not came:
                came.append(self)
                do()

        monkeypatch.setattr(contact.Contact, "note", note_and_do)

    return at_the_first_outcome


def test_two_threads_of_one_process_are_two_workers_until_their_scheduler_dies(
    own_programs: Callable[..., DaskPrograms],
    at_the_first_outcome: Callable[[Callable[[], None]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    programs = own_programs(workers=1, threads=2)
    with joining(programs.address) as carrier:
        run = carrier.map(tasks.square_later, *[(x, 0.01) for x in range(12)])
        assert run == [x * x for x in range(12)]
        assert (run.granted, run.workers_used) == (2, 2)
        run = carrier(calls(tasks.square_later, *[(x, 0.01) for x in range(6)]), workers=1)
        assert run == [x * x for x in range(6)]
        assert (run.granted, run.workers_used) == (1, 1)

        at_the_first_outcome(programs.scheduler.kill)
        run = carrier(calls(tasks.square_later, *[(x, 0.2) for x in range(50)]), chunksize=1)
        assert {outcome.kind for outcome in run.outcomes} == {"value", "lost"}
        for outcome in run.outcomes:
            if outcome.lost is not None:
                assert outcome.lost.reason == "backend"
                assert outcome.lost.detail == (
                    f"the dask scheduler at {programs.address} went away"
                )
        monkeypatch.setattr(joined, "PATIENCE", 0.5)
        with pytest.raises(BackendError, match=f"no dask scheduler answers at {programs.address}"):
            carrier.map(tasks.square, (1,), (2,))


def test_a_cluster_without_workers_is_reported_before_a_run_and_in_it(
    own_programs: Callable[..., DaskPrograms], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = own_programs(workers=0)
    monkeypatch.setattr(joined, "WORKER_PATIENCE", 0.2)
    text = f"at {programs.address} has no worker; start one with: dask worker {programs.address}"
    with joining(programs.address) as carrier, pytest.raises(BackendError, match=text):
        carrier.map(tasks.square, (1,), (2,))
    monkeypatch.setattr(joined, "WORKER_PATIENCE", DEADLINE)
    monkeypatch.setattr(contact, "WORKER_PATIENCE", 1.0)
    monkeypatch.setattr(contact, "SILENCE", 0.2)
    monkeypatch.setattr(contact, "ANSWER", DEADLINE)
    programs.worker(nanny=False)  # nobody replaces it
    with joining(programs.address) as carrier:
        run = carrier.map(tasks.die_by_kill, *[(x, 3) for x in range(6)])
        kinds = {outcome.kind for outcome in run.outcomes}
        assert kinds <= {"value", "lost"}
        reasons = {o.lost.detail for o in run.outcomes if o.lost is not None}
        assert f"the dask scheduler at {programs.address} has no worker left" in reasons


@pytest.fixture
def stop() -> Iterator[Callable[[int], None]]:
    """Give a function that has a process stand still, until the test is over at the latest."""
    stopped: list[int] = []

    def stop(pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        stopped.append(pid)

    yield stop
    for pid in stopped:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@pytest.mark.sweep
def test_a_stopped_worker_does_not_keep_the_others_from_the_tasks(
    own_programs: Callable[..., DaskPrograms],
    stop: Callable[[int], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "PATIENCE", 0.5)
    monkeypatch.setattr(sending, "COPYING", 0.5)
    programs = own_programs()
    began = tmp_path / "began"
    check, stopped = joined.JoinedDask._check_versions, []

    def check_and_stop_one(self: joined.JoinedDask) -> None:
        check(self)
        with distributed.Client(programs.address, set_as_default=False) as client:
            pids = client.run(os.getpid)
        stopped.append(pids[min(pids)])  # dask sends to that one first
        stop(stopped[0])

    def end_it_once_a_task_began() -> None:
        while not began.exists():
            time.sleep(0.01)
        with suppress(ProcessLookupError):  # it has been ended already
            os.kill(stopped[0], signal.SIGKILL)

    monkeypatch.setattr(joined.JoinedDask, "_check_versions", check_and_stop_one)
    ending = threading.Thread(target=end_it_once_a_task_began, daemon=True)
    ending.start()
    with joining(programs.address) as carrier:
        run = carrier.map(tasks.touch, *[(str(began),)] * 6)
        assert [outcome.kind for outcome in run.outcomes] == ["value"] * 6
    ending.join()


@pytest.mark.sweep
@pytest.mark.parametrize("stopped", [1, 2])
def test_workers_that_are_already_stopped_are_named_unless_others_are_left(
    own_programs: Callable[..., DaskPrograms],
    stop: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    stopped: int,
) -> None:
    monkeypatch.setattr(joined, "ANSWER", 1.0)
    programs = own_programs()
    with distributed.Client(programs.address, set_as_default=False) as client:
        workers = dict(sorted(client.run(os.getpid).items()))
        for pid in list(workers.values())[:stopped]:
            stop(pid)
    with joining(programs.address) as carrier:
        if stopped == 1:
            assert carrier.map(tasks.square, *((x,) for x in range(10))) == [
                x * x for x in range(10)
            ]
            return
        text = f"no dask worker of {programs.address} answers within 20 s: {', '.join(workers)}"
        with pytest.raises(BackendError, match=text):
            carrier.map(tasks.square, (1,), (2,))


@pytest.mark.sweep
@pytest.mark.parametrize("join", [joining, joining_by_joblib])
def test_a_stopped_scheduler_leaves_no_case_without_an_outcome(
    own_programs: Callable[..., DaskPrograms],
    stop: Callable[[int], None],
    at_the_first_outcome: Callable[[Callable[[], None]], None],
    monkeypatch: pytest.MonkeyPatch,
    join: Callable[[str], AbstractContextManager[Carrier]],
) -> None:
    monkeypatch.setattr(contact, "WORKER_PATIENCE", 4.0)
    monkeypatch.setattr(contact, "SILENCE", 0.2)
    monkeypatch.setattr(contact, "ANSWER", 0.5)
    programs = own_programs()
    with join(programs.address) as carrier:
        carrier.map(tasks.square, (1,), (2,))
        at_the_first_outcome(lambda: stop(programs.scheduler.pid))
        run = carrier(calls(tasks.square_later, *[(x, 0.2) for x in range(50)]), chunksize=1)
        assert {outcome.kind for outcome in run.outcomes} == {"value", "lost"}
        details = {outcome.lost.detail for outcome in run.outcomes if outcome.lost is not None}
        assert details == {f"the dask scheduler at {programs.address} has not answered for 4 s"}
        monkeypatch.setattr(joined, "WORKER_PATIENCE", 1.0)
        with pytest.raises(BackendError, match="does not answer within 1 s"):
            carrier.map(tasks.square, (1,), (2,))


def test_another_version_on_a_worker_is_rejected_with_both_versions(
    programs: DaskPrograms, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = pytest_parwork.__version__
    monkeypatch.setattr(joined, "__version__", "99.1")
    python = f"Python {sys.version_info[0]}.{sys.version_info[1]}"
    text = (
        rf"the dask worker tcp://127.0.0.1:\d+ has {python} and pytest-parwork {version}; here it "
        rf"is {python} and pytest-parwork 99.1. Install there what is here: "
        rf"pip install pytest-parwork==99.1"
    )
    with joining(programs.address) as carrier, pytest.raises(BackendError, match=text):
        carrier.map(tasks.square, (1,), (2,))


def test_a_task_over_its_time_ends_its_process_and_nothing_else(carrier: Carrier) -> None:
    several = calls(tasks.square_later, *[(x, 60.0 if x == 2 else 0.0) for x in range(8)])
    run = carrier([replace(task, timeout=0.5) for task in several])
    kept = {x: outcome.value for x, outcome in enumerate(run.outcomes) if outcome.kind == "value"}
    assert kept == {x: x * x for x in range(8) if x != 2}
    lost = run.outcomes[2].lost
    assert lost is not None
    assert lost.reason == "timeout"
    assert lost.detail == "timed out after 0.5 s"
    assert lost.tries[0].pid is not None


def test_in_the_process_that_runs_pytest_nothing_is_taken_over(
    keeps_helpers: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))  # dask adds to it
    with (
        dask.config.set({"temporary-directory": str(tmp_path)}),
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        joining(cluster.scheduler_address) as carrier,
    ):
        before = (list(sys.path), list(sys.meta_path), dict(os.environ))
        run = carrier.map(tasks.loaded_modules, (), ())
        assert "pytest" in run[0]
        assert run.workers_used == 2
        assert (list(sys.path), list(sys.meta_path), dict(os.environ)) == before
        assert sys.modules["parwork_tasks"] is tasks
    assert Site.sites == {}


def test_an_interrupt_leaves_the_cluster_at_once(
    carrier: Carrier, programs: DaskPrograms, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pytest_parwork.runner.watch.Watch._finish", interrupt)
    began = time.monotonic()
    with pytest.raises(Interrupted) as interrupted:
        carrier.map(tasks.square_later, *[(x, 0.3) for x in range(100)])
    run = interrupted.value.run
    assert {lost.reason for one in run.outcomes if (lost := one.lost)} == {"interrupted"}
    outcomes(run).close()
    print(f"{time.monotonic() - began:.2f} s")  # decides nothing: a time
    monkeypatch.undo()
    assert programs.journals() == []
    assert carrier.map(tasks.square, (1,), (2,)) == [1, 4]


def lost(run: pytest_parwork.Run) -> dict[int, str]:
    """Return why each lost task is."""
    return {n: one.lost.reason for n, one in enumerate(run.outcomes) if one.lost is not None}


def limited(tasks: list[Task], timeout: float = 2.0) -> list[Task]:
    return [replace(task, timeout=timeout) for task in tasks]


@pytest.mark.parametrize("timeout", [2.0, None])
@pytest.mark.sweep
def test_only_the_task_that_stops_its_worker_is_lost(
    carrier: Carrier, timeout: float | None
) -> None:
    given = calls(faults.stops, *[(x, 3) for x in range(20)])
    run = carrier([replace(task, timeout=timeout) for task in given])
    assert lost(run) == {3: "crash" if timeout is None else "timeout"}
    details = [one.lost.detail for one in run.outcomes if one.lost is not None]
    assert details == ["its worker was stopped by a signal (SIGSTOP) while it ran this task, twice"]


@pytest.mark.sweep
def test_a_worker_that_no_longer_responds_is_replaced(
    own_programs: Callable[..., DaskPrograms],
) -> None:
    with joining(own_programs().address) as carrier:
        run = carrier(limited(calls(faults.blocks_its_worker, *[(x, 3) for x in range(20)])))
        assert run == [x * x for x in range(20)]


@pytest.mark.sweep
def test_a_timeout_holds_where_one_call_blocks_the_interpreter(carrier: Carrier) -> None:
    run = carrier(limited(calls(faults.holds_the_interpreter, *[(x, 3) for x in range(20)])))
    assert lost(run) == {3: "timeout"}


@pytest.mark.parametrize("fault", [faults.breaks_len, faults.breaks_threads])
def test_a_task_that_breaks_the_python_of_its_worker_costs_no_other(
    carrier: Carrier, fault: Callable[[int, int], int]
) -> None:
    run = carrier(limited(calls(fault, *[(x, 3) for x in range(20)])))
    assert set(lost(run)) <= {3}
    assert carrier.map(tasks.square, (2,), (3,)) == [4, 9]


@pytest.mark.sweep
def test_a_task_that_replaces_pickle_costs_its_batch_and_no_later_run(carrier: Carrier) -> None:
    # dask itself pickles the answer of the batch with it.
    run = carrier(limited(calls(faults.breaks_pickle, *[(x, 3) for x in range(20)])))
    values = {x: outcome.value for x, outcome in enumerate(run.outcomes) if outcome.kind == "value"}
    assert values == {x: x * x for x in values}
    assert len(values) + len(lost(run)) == 20
    assert carrier.map(tasks.square, (2,), (3,)) == [4, 9]


@pytest.mark.sweep
@pytest.mark.parametrize("prefix", ["pytest_parwork", ""])
def test_a_worker_whose_modules_were_unloaded_costs_no_other_task(
    own_programs: Callable[..., DaskPrograms], prefix: str
) -> None:
    with joining(own_programs().address) as carrier:
        run = carrier(limited(calls(faults.unloads_modules, *[(x, 3, prefix) for x in range(20)])))
        assert lost(run) == {}


@pytest.mark.sweep
def test_a_timeout_holds_where_the_clock_is_frozen(
    own_programs: Callable[..., DaskPrograms],
) -> None:
    with joining(own_programs().address) as carrier:
        given = calls(faults.freezes_the_time_for_ever, *[(x, 3) for x in range(20)])
        assert lost(carrier(limited(given))) == {3: "timeout"}


@pytest.mark.sweep
def test_workers_with_a_frozen_clock_keep_working(
    own_programs: Callable[..., DaskPrograms],
) -> None:
    with joining(own_programs().address) as carrier:
        for _ in range(2):
            run = carrier(calls(faults.freezes_the_time, *[(x,) for x in range(200)]), chunksize=5)
            assert run == [x * x for x in range(200)]


@pytest.mark.sweep
def test_joblib_s_dask_waits_for_a_worker_that_an_earlier_session_has_killed(
    own_programs: Callable[..., DaskPrograms],
) -> None:
    programs = own_programs()
    with distributed.Client(programs.address, set_as_default=False) as client:
        os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
        until = time.monotonic() + DEADLINE
        while len(client.ncores()) > 1:
            assert time.monotonic() < until
            time.sleep(0.005)
    with joining_by_joblib(programs.address) as carrier:
        run = carrier.map(tasks.square, (2,), (3,))
        assert (list(run), run.granted) == ([4, 9], 2)


@pytest.mark.sweep
def test_joblib_s_dask_waits_once_for_a_second_thread_that_never_comes(
    own_programs: Callable[..., DaskPrograms], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = own_programs(workers=1)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(seconds)

    for module in (joined, on_joined_dask):
        monkeypatch.setattr(module, "WORKER_PATIENCE", 1.0)
    monkeypatch.setattr(joined, "sleep", wait)
    text = r"has only one thread, even after 1 s, and joblib uses no cluster for a single worker"
    with joining_by_joblib(programs.address) as carrier:
        with pytest.raises(BackendError, match=text):
            carrier.map(tasks.square, (2,), (3,))
        assert waits
        waits.clear()
        with pytest.raises(BackendError, match=text):
            carrier.map(tasks.square, (2,), (3,))
        assert waits == []
