"""Workers of dask that break, leave or answer late, on both kinds of clusters, also by joblib."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
import distributed
import parwork_faults as faults
import parwork_tasks as tasks
import pytest
from support.carrier import JOINED, Carrier, calls
from support.dask_programs import DaskPrograms

from pytest_parwork.backends import Event, bundled
from pytest_parwork.backends.dask import nanny, roster
from pytest_parwork.backends.joblib import on_dask
from pytest_parwork.machine.process_groups import state_of
from pytest_parwork.model.work import Address, Task

#: Each of them waits for workers that start.
DAILY_OF_EACH = 1

pytestmark = pytest.mark.usefixtures("keeps_helpers")  # spawn's resource tracker

JOBLIB_JOINED = "joblib:dask:joined"


@pytest.fixture(params=["dask", "joblib:dask", JOINED, JOBLIB_JOINED])
def carrier(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Carrier]:
    """Give a carrier with a cluster of its own; its workers may not be the same afterwards."""
    name = request.param.removesuffix(":joined")
    if name == request.param:
        carrier = Carrier(name, bundled()[name])
        yield carrier
        carrier.close()
        carrier.backend.close()
        return
    programs = DaskPrograms(tmp_path)
    carrier = Carrier(JOINED, bundled()[name])
    with dask.config.set({"scheduler-address": programs.address}):
        yield carrier
        carrier.close()
        carrier.backend.close()
    left = programs.journals()
    programs.close()
    assert left == []


@pytest.mark.sweep  # test_dask.py asks daily
def test_nothing_is_submitted_to_a_worker_that_a_task_has_broken(carrier: Carrier) -> None:
    function = faults.breaks_locks_and_names_its_process
    first = carrier(calls(function, *((x, 5) for x in range(10))), chunksize=1)
    assert [outcome.kind for outcome in first.outcomes] == ["value"] * 10
    second = carrier.map(tasks.process, *[()] * 12)
    assert first[5] not in set(second)


@pytest.mark.sweep  # test_dask.py asks daily
@pytest.mark.parametrize("carrier", [JOINED, JOBLIB_JOINED], indirect=True)
def test_a_task_that_interrupts_its_worker_does_not_end_it(carrier: Carrier) -> None:
    """asyncio would end the worker: its loop runs in the main thread, which gets all signals."""
    with distributed.Client(dask.config.get("scheduler-address"), set_as_default=False) as client:
        before = client.run(os.getpid)
        seen = carrier.map(faults.interrupts_its_worker, *[(0.1,)] * 6)
        assert set(seen) <= set(before.values())
        assert client.run(os.getpid) == before


@pytest.mark.parametrize("carrier", ["joblib:dask"], indirect=True)
@pytest.mark.sweep
def test_a_batch_that_failed_is_noticed_however_late_one_looks(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """joblib drops what failed as soon as it sees another result, and waits for ever."""
    poll = on_dask.DaskWorkers.poll

    def poll_late(self: on_dask.DaskWorkers, timeout: float, /) -> Sequence[Event]:
        time.sleep(0.5)
        return poll(self, timeout)

    monkeypatch.setattr(on_dask.DaskWorkers, "poll", poll_late)
    run = carrier.map(faults.breaks_locks, *((x, 5) for x in range(10)))
    assert run == [x * x for x in range(10)]


@pytest.mark.parametrize("carrier", ["joblib:dask"], indirect=True)
@pytest.mark.sweep
def test_workers_that_answer_late_are_ended_alone_and_not_their_cluster(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So they do on a busy machine, where another cluster takes very long to start."""
    made: list[object] = []
    start = nanny.QuietCluster._start

    async def start_and_note(self: Any) -> None:
        made.append(self)
        await start(self)

    monkeypatch.setattr(nanny.QuietCluster, "_start", start_and_note)
    monkeypatch.setattr(roster, "ANSWER", 1e-6)
    run = carrier.map(faults.dies_while_another_works, *((x, 5, 1.0) for x in range(6)))
    assert [outcome.kind for outcome in run.outcomes] == ["value"] * 5 + ["lost"]
    assert run.outcomes[5].lost is not None
    assert "exit code 3" in run.outcomes[5].lost.detail
    assert len(made) == 1


@pytest.mark.parametrize("carrier", [JOINED], indirect=True)
def test_a_task_whose_worker_leaves_the_cluster_is_not_run_by_the_others(carrier: Carrier) -> None:
    """It would have them leave, too: then all other tasks had no worker."""
    run = carrier.map(faults.leaves_its_cluster, *((x, 5) for x in range(8)))
    lost = {n: outcome.lost for n, outcome in enumerate(run.outcomes) if outcome.lost is not None}
    assert lost.keys() == {5}
    assert lost[5].detail == "its worker left the cluster while it ran this task"
    assert carrier.map(tasks.square, (2,), (3,)) == [4, 9]


@pytest.mark.parametrize("carrier", [JOINED, JOBLIB_JOINED], indirect=True)
def test_what_tasks_have_started_ends_with_the_run_and_not_its_worker(
    carrier: Carrier, tmp_path: Path
) -> None:
    note = tmp_path / "daemon"
    given = calls(faults.starts_a_program, ())
    given += [Task(id="daemon", function=faults.leaves_a_daemon_and_exits, args=(str(note),))]
    with distributed.Client(dask.config.get("scheduler-address"), set_as_default=False) as client:
        before = set(client.run(os.getpid).values())
        run = carrier(given, chunksize=1)
        assert [outcome.kind for outcome in run.outcomes] == ["value", "lost"]
        assert before & set(client.run(os.getpid).values())
    assert state_of(run[0]) == "Z"
    assert state_of(int(note.read_text())) == "Z"


@pytest.mark.parametrize("carrier", ["dask"], indirect=True)
def test_where_dask_fails_to_start_a_cluster_it_is_asked_once_more(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    scale = nanny.QuietCluster.scale
    failures: list[str] = []

    def scale_and_fail_once(self: Any, workers: int) -> None:
        scale(self, workers)
        if not failures:
            failures.append("tls://127.0.0.1:41281")
            raise KeyError(*failures)

    monkeypatch.setattr(nanny.QuietCluster, "scale", scale_and_fail_once)
    assert carrier.map(tasks.square, (2,), (3,)) == [4, 9]
    assert failures


@pytest.mark.parametrize("carrier", ["dask", "joblib:dask"], indirect=True)
@pytest.mark.sweep
def test_workers_that_all_exit_as_they_load_a_task_are_reported_with_their_exit_code(
    carrier: Carrier, tmp_path: Path
) -> None:
    file = tmp_path / "deadly.py"
    file.write_text("import os\nos._exit(7)\n", encoding="utf-8")
    task = Task(id="0", function=abs, address=Address(module="deadly", attribute="f"))
    run = carrier([task] * 2, modules={"deadly": (str(file), None)})
    details = [outcome.lost.detail for outcome in run.outcomes if outcome.lost is not None]
    assert len(details) == 2
    assert all("exit code 7" in detail for detail in details)


@pytest.mark.sweep  # test_dask.py asks daily of one, test_burial.py of several
def test_tasks_that_break_one_worker_after_the_other_cost_nobody_else(carrier: Carrier) -> None:
    """A batch that meets two of them, one after the other, is not to blame for either."""
    run = carrier.map(faults.breaks_locks_of_many, *((x, (1, 3, 5, 7)) for x in range(16)))
    lost = {n: outcome.lost for n, outcome in enumerate(run.outcomes) if outcome.kind == "lost"}
    assert lost == {}
    assert [outcome.value for outcome in run.outcomes] == [x * x for x in range(16)]


@pytest.mark.parametrize("carrier", [JOBLIB_JOINED], indirect=True)
@pytest.mark.sweep
def test_tasks_that_end_one_worker_after_the_other_cost_nobody_else(carrier: Carrier) -> None:
    run = carrier.map(faults.some_die, *((x, (1, 4, 7), 0.3) for x in range(12)))
    lost = {n for n, outcome in enumerate(run.outcomes) if outcome.lost is not None}
    assert lost == {1, 4, 7}


@pytest.mark.parametrize("carrier", [JOBLIB_JOINED], indirect=True)
@pytest.mark.sweep  # test_endless_phases.py asks the others
def test_a_result_that_is_never_stored_costs_only_its_task(carrier: Carrier) -> None:
    given = calls(faults.innocent, *((x,) for x in range(20)))
    given[3] = Task(id="store", function=faults.is_never_stored, timeout=0.5)
    run = carrier(given, chunksize=5)
    lost = {n: one.lost.detail for n, one in enumerate(run.outcomes) if one.lost is not None}
    assert lost == {3: "timed out after 0.5 s"}


@pytest.mark.parametrize("carrier", [JOBLIB_JOINED], indirect=True)
@pytest.mark.sweep
def test_tasks_over_their_time_in_all_workers_are_reported_as_such(carrier: Carrier) -> None:
    """With the last worker, dask loses what all calls need, and drops the calls."""
    given = calls(tasks.square_later, *((x, 60.0 if x < 4 else 0.0) for x in range(8)))
    run = carrier([replace(task, timeout=0.5) for task in given])
    lost = {n: one.lost.detail for n, one in enumerate(run.outcomes) if one.lost is not None}
    assert lost == dict.fromkeys(range(4), "timed out after 0.5 s")
    assert [one.value for one in run.outcomes if one.kind == "value"] == [16, 25, 36, 49]
