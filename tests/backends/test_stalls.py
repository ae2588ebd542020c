"""Slow runs are not taken for runs at a standstill."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from multiprocessing.process import BaseProcess
from pathlib import Path

import parwork_faults as faults
import parwork_tasks
import pytest
from support.carrier import Carrier, calls

from pytest_parwork.backends import Backend, Event, Reach, Workers, processes
from pytest_parwork.backends.joblib import loky
from pytest_parwork.machine import contexts
from pytest_parwork.model.work import Address, Task
from pytest_parwork.runner import deaths, ending, on_machine, overdue, schedule

#: Each of them takes seconds.
DAILY_OF_EACH = 1


@pytest.mark.sweep
def test_processes_that_start_slowly_after_a_crash_are_no_standstill(
    backends: Mapping[str, Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = contexts.Processes.start

    def slow_start(
        self: contexts.Processes, call: Callable[..., object], *args: object
    ) -> BaseProcess:
        time.sleep(0.03)  # as on a machine that has much else to do
        return start(self, call, *args)

    monkeypatch.setattr(contexts.Processes, "start", slow_start)
    backend = Counting(backends["isolated:fork"])
    carrier = Carrier("isolated:fork", backend)
    tasks = [Task(id=str(n), function=faults.innocent, args=(n,)) for n in range(120)]
    tasks[-1] = Task(id="guilty", function=faults.exits)  # the last one comes first
    run = carrier(tasks, chunksize=60)
    lost = [n for n, outcome in enumerate(run.outcomes) if outcome.kind == "lost"]
    carrier.close()
    assert lost == [119]
    assert backend.starts == 1


@pytest.mark.parametrize("name", ["processes:fork", "processes:spawn"], indirect=True)
def test_one_death_is_one_however_many_batches_its_worker_had(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule.Schedule, "window", 20)
    tasks = calls(faults.innocent, *((n,) for n in range(40)))
    tasks[39] = Task(id="guilty", function=faults.exits)  # the last one is submitted first
    run = carrier(tasks, chunksize=1)
    assert [n for n, outcome in enumerate(run.outcomes) if outcome.kind == "lost"] == [39]


@pytest.mark.usefixtures("keeps_helpers")
@pytest.mark.sweep
def test_a_death_that_loky_reports_late_is_not_blamed_on_another_task(
    backends: Mapping[str, Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    retrieve = loky.ReportingLoky.retrieve_result_callback

    def report_slowly(self: loky.ReportingLoky, out: object) -> object:
        if isinstance(out.exception(), BrokenExecutor):  # type: ignore[attr-defined]  # a future
            time.sleep(0.6)
        return retrieve(self, out)

    monkeypatch.setattr(loky.ReportingLoky, "retrieve_result_callback", report_slowly)
    monkeypatch.setattr(deaths, "HEARSAY", 0.1)
    carrier = Carrier("joblib", backends["joblib"])
    innocent = Task(id="innocent", function=time.sleep, args=(1.5,))
    run = carrier([innocent, Task(id="guilty", function=faults.is_killed)])
    kinds = [outcome.kind for outcome in run.outcomes]
    carrier.close()
    assert kinds == ["value", "lost"]


class Counting:
    """A backend that counts how often it is started: once more for each set of new workers."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.reach: Reach = backend.reach
        self.starts = 0

    def start(self, workers: int, /) -> Workers:
        self.starts += 1
        return self._backend.start(workers)

    def close(self) -> None:
        self._backend.close()


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["threads", "joblib:threading", "processes:fork", "joblib"])
def test_any_number_of_tasks_may_take_too_long(backends: Mapping[str, Backend], name: str) -> None:
    carrier = Carrier(name, backends[name])
    hang = Task(id="hang", function=faults.spins_for_ever, timeout=0.1)
    run = carrier([*[hang] * 20, Task(id="innocent", function=faults.innocent, args=(3,))])
    reasons = [outcome.lost and outcome.lost.reason for outcome in run.outcomes]
    value = run.outcomes[20].value
    carrier.close()
    assert reasons == [*["timeout"] * 20, None]
    assert value == 9


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["joblib", "processes:fork"])
def test_tasks_whose_time_is_over_at_once_all_leave_their_stack(
    backends: Mapping[str, Backend], name: str
) -> None:
    """A library that ends its whole pool at one death must not be ahead of the second stack."""
    carrier = Carrier(name, backends[name])
    hang = [faults.sleeps_for_ever, faults.spins_for_ever] * 4
    run = carrier([Task(id=str(n), function=f, timeout=0.3) for n, f in enumerate(hang)])
    lost = [outcome.lost for outcome in run.outcomes]
    carrier.close()
    assert [one.reason for one in lost if one] == ["timeout"] * len(hang), lost
    for one, function in zip(lost, hang, strict=True):
        assert one is not None
        assert any(frame.endswith(f" in {function.__name__}") for frame in one.stack), lost


@pytest.mark.parametrize("name", ["joblib", "processes:fork"])
def test_a_worker_that_is_slow_to_continue_leaves_its_stack_nevertheless(
    backends: Mapping[str, Backend], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    send = ending._send
    gone_on: list[int] = []

    def send_slowly(pid: int, number: signal.Signals) -> bool:
        if number == signal.SIGCONT:
            if gone_on:
                ending._wait_for(gone_on[-1], "Z")
                time.sleep(0.3)  # in which the library learns of it
            gone_on.append(pid)
        return send(pid, number)

    monkeypatch.setattr(ending, "_send", send_slowly)
    carrier = Carrier(name, backends[name])
    hang = [faults.sleeps_for_ever, faults.spins_for_ever]
    run = carrier([Task(id=str(n), function=f, timeout=0.3) for n, f in enumerate(hang)])
    lost = [outcome.lost for outcome in run.outcomes]
    carrier.close()
    for one, function in zip(lost, hang, strict=True):
        assert one is not None
        assert any(frame.endswith(f" in {function.__name__}") for frame in one.stack), lost


@pytest.mark.parametrize("name", ["processes:spawn", "isolated:fork", "joblib", "dask"])
def test_a_worker_that_is_stopped_before_it_comes_to_a_task_is_woken(
    backends: Mapping[str, Backend], tmp_path: Path, name: str
) -> None:
    carrier = Carrier(name, backends[name])
    function = parwork_tasks.SignalsFirstLoader(str(tmp_path / "loaded"), signal.SIGSTOP)
    run = carrier.map(function, *[(x,) for x in range(4)])
    values = list(run)
    carrier.close()
    assert values == [0, 1, 4, 9]


@pytest.mark.parametrize("name", ["processes:spawn", "multiprocessing:fork", "joblib"])
def test_an_import_that_never_ends_is_named_where_tasks_have_a_timeout(
    backends: Mapping[str, Backend], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(overdue, "READY", 2.0)
    file = tmp_path / "endless.py"
    file.write_text("import time\ntime.sleep(1000)\n", encoding="utf-8")
    address = Address(module="endless", attribute="f")
    task = Task(id="0", function=abs, address=address, timeout=0.5)
    carrier = Carrier(name, backends[name])
    run = carrier([task] * 4, modules={"endless": (str(file), None)})
    lost = {(lost.reason, lost.detail) for one in run.outcomes if (lost := one.lost) is not None}
    carrier.close()
    detail = "its worker did not get ready to run it within 2 s, at endless.py:2 in <module>"
    assert lost == {("timeout", detail)}


def test_a_run_that_ended_before_one_looked_has_its_wall_time(
    backends: Mapping[str, Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is where the process that runs pytest was held up for longer than workers wait."""
    monkeypatch.setattr(on_machine, "PATIENCE", 0.1)
    poll = processes.ProcessWorkers.poll

    def poll_late(self: processes.ProcessWorkers, timeout: float, /) -> Sequence[Event]:
        time.sleep(0.5)
        return poll(self, timeout)

    monkeypatch.setattr(processes.ProcessWorkers, "poll", poll_late)
    carrier = Carrier("processes:fork", backends["processes:fork"])
    run = carrier([Task(id=str(n), function=time.sleep, args=(0.05,)) for n in range(2)])
    carrier.close()
    assert run.wall >= 0.05
    assert run.startup > 0


@pytest.mark.parametrize("name", ["multiprocessing:spawn", "processes:fork", "dask"])
def test_the_successor_of_a_dead_worker_may_take_long_to_import_what_it_needs(
    backends: Mapping[str, Backend], name: str
) -> None:
    """So it does where the machine is busy; to replace all workers only makes it worse."""
    backend = Counting(backends[name])
    carrier = Carrier(name, backend)
    given = calls(parwork_tasks.SlowLoader(1.3, 2), *((n,) for n in range(3)))
    run = carrier(given, workers=1, chunksize=1)
    lost = [n for n, outcome in enumerate(run.outcomes) if outcome.kind == "lost"]
    carrier.close()
    assert lost == [2]
    assert backend.starts == 1


@pytest.mark.parametrize(
    "name",
    ["processes:forkserver", "isolated:forkserver", "multiprocessing:forkserver"],
    indirect=True,
)
def test_a_fork_server_that_a_task_has_stopped_goes_on(carrier: Carrier) -> None:
    tasks = calls(faults.innocent, *((n,) for n in range(8)))
    tasks[3] = Task(id="guilty", function=faults.stops_its_parent_and_exits)
    run = carrier(tasks, chunksize=1)
    assert [n for n, outcome in enumerate(run.outcomes) if outcome.kind == "lost"] == [3]
    assert run.outcomes[3].lost is not None
    assert "exit code 1" in run.outcomes[3].lost.detail
