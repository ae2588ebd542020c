"""The options of a run: an order, batches, reports of progress, a rerun."""

from __future__ import annotations

import gc
import os
import re
import sys
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress

import parwork_tasks as tasks
import pytest
from support.carrier import JOINED, Carrier, Counting, calls, outcomes

from pytest_parwork.backends.protocol import Backend
from pytest_parwork.model.outcome import Run
from pytest_parwork.model.work import Configuration, Task, Workload
from pytest_parwork.runner import Progress, Rerun, RunRequest
from pytest_parwork.worker.calling import in_thread

#: Each of them takes seconds.
DAILY_OF_EACH = 3

#: One name for each way of sharing, and loky, whose workers outlive a run.
NAMES = ["serial", "threads", "processes:fork", "joblib:loky", "dask", JOINED]

SHUFFLED = [3, 0, 7, 1, 6, 2, 5, 4]


def started(run: Run) -> list[int]:
    """Return the tasks in the order in which they started, by the ledger."""
    starts = {number: outcome.started for number, outcome in enumerate(run.outcomes)}
    return sorted(starts, key=lambda number: starts[number] or 0.0)


def workers(run: Run, numbers: Sequence[int]) -> set[int | None]:
    return {run.outcomes[number].worker for number in numbers}


def rerun_of(run: Run) -> Rerun:
    rerun = outcomes(run).rerun
    assert rerun is not None
    return rerun


def payloads() -> int:
    """Return how many payloads this process has open."""
    links = []
    for fd in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            links.append(os.readlink(f"/proc/self/fd/{fd}"))
    return sum("parwork-payload" in link for link in links)


@pytest.mark.parametrize("name", ["serial", "threads", "processes:fork", JOINED], indirect=True)
def test_one_worker_starts_tasks_in_the_order_asked_for(name: str, backend: Backend) -> None:
    carrier = Carrier(name, backend)
    run = carrier(calls(tasks.square, *[(x,) for x in range(8)]), workers=1, order=SHUFFLED)
    assert started(run) == SHUFFLED
    assert run == [x * x for x in range(8)]
    carrier.close()


@pytest.mark.parametrize("name", NAMES, indirect=True)
def test_batches_are_run_as_they_were_asked_for(name: str, backend: Backend) -> None:
    counting = Counting(backend)
    carrier = Carrier(name, counting)
    batches = [(5, 0, 1), (4,), (2, 7), (3, 6)]
    run = carrier(calls(tasks.square, *[(x,) for x in range(8)]), batches=batches)
    assert counting.submitted == batches
    assert run == [x * x for x in range(8)]
    for batch in batches:
        assert len(workers(run, batch)) == 1
        assert [task for task in started(run) if task in batch] == list(batch)
    carrier.close()


def test_what_is_left_of_a_batch_whose_worker_died_is_run_in_the_same_order(
    backends: Mapping[str, Backend],
) -> None:
    counting = Counting(backends["processes:fork"])
    carrier = Carrier("processes:fork", counting)
    run = carrier(
        [Task(id=str(x), function=tasks.die_by_kill, args=(x, 2)) for x in range(6)],
        workers=1,
        batches=[(5, 2, 0, 4), (1, 3)],
    )
    assert [outcome.kind for outcome in run.outcomes].count("lost") == 1
    assert run.outcomes[2].lost is not None
    assert counting.submitted[:2] == [(5, 2, 0, 4), (1, 3)]
    assert set(counting.submitted[2:]) == {(0, 4), (1, 3)}  # those not started yet
    carrier.close()


@pytest.mark.parametrize("name", NAMES, indirect=True)
def test_progress_ends_at_the_total(name: str, backend: Backend) -> None:
    seen: list[Progress] = []
    carrier = Carrier(name, backend)
    work = calls(tasks.square_later, *[(x, 0.1) for x in range(6)])
    work.append(Task(id="fails", function=tasks.raise_value_error, args=(1,)))
    work.append(Task(id="not sent", function=tasks.identity, args=(threading.Lock(),)))
    run = carrier(work, progress=seen.append)
    size = run.granted
    failed = 1 if name in {"serial", "threads"} else 2
    assert seen[-1] == Progress(total=8, done=8, failed=failed, lost=0, running=0, workers=size)
    assert [each.done for each in seen] == sorted(each.done for each in seen)
    assert {each.total for each in seen} == {8}
    assert all(each.running <= size for each in seen)
    if name != "serial":  # which does nothing else while a task runs
        assert any(each.done < 8 and each.running for each in seen)
    carrier.close()


def test_lost_tasks_are_counted_separately(backends: Mapping[str, Backend]) -> None:
    seen: list[Progress] = []
    carrier = Carrier("processes:fork", backends["processes:fork"])
    work = [Task(id=str(x), function=tasks.die_by_kill, args=(x, 2)) for x in range(6)]
    carrier(work, progress=seen.append)
    assert seen[-1] == Progress(total=6, done=5, failed=0, lost=1, running=0, workers=2)
    carrier.close()


def test_a_report_of_progress_that_raises_does_not_end_the_run(
    backends: Mapping[str, Backend],
) -> None:
    def broken(progress: Progress) -> None:
        raise RuntimeError("no terminal")

    carrier = Carrier("threads", backends["threads"])
    assert carrier(calls(tasks.square, (1,), (2,)), progress=broken) == [1, 4]
    carrier.close()


@pytest.mark.parametrize("name", NAMES, indirect=True)
def test_a_rerun_gets_the_original_arguments_of_the_tasks(name: str, backend: Backend) -> None:
    carrier = Carrier(name, backend)
    values = [0]
    work = calls(tasks.append, *[(values, x) for x in range(1, 5)])
    run = carrier(work, keep=True, order=range(4))
    gave = list(run)
    rerun = rerun_of(run)
    values += [98, 99]  # in the meantime
    carrier.close()
    one_by_one = [[0, x] for x in range(1, 5)]
    # Tasks in this process share one list, as they do in the serial run.
    shared = name in {"serial", "threads"}
    assert max(map(len, gave)) == 5 if shared else gave == one_by_one
    for _ in range(2):
        again = carrier.keep_open(rerun.run([2], workers=2))
        assert list(again) == [[0, 3]]
        again = carrier.keep_open(rerun.run([3, 1], batches=[[3, 1]]))
        assert list(again) == [[0, 4], [0, 4, 2] if shared else [0, 2]]
        again = carrier.keep_open(rerun.run([1, 1], batches=[[1, 1]]))
        assert list(again) == [[0, 2], [0, 2, 2] if shared else [0, 2]]
        carrier.close()
    rerun.close()


@pytest.mark.parametrize("name", ["serial", "threads", "processes:fork", JOINED], indirect=True)
def test_a_rerun_keeps_to_an_order_in_which_a_task_is_named_twice(
    name: str, backend: Backend
) -> None:
    carrier = Carrier(name, backend)
    rerun = rerun_of(carrier(calls(tasks.square, *[(x,) for x in range(4)]), keep=True))
    run = carrier.keep_open(rerun.run([2, 0, 2, 3], workers=1))
    assert run == [4, 0, 4, 9]
    assert started(run) == [0, 1, 2, 3]
    assert outcomes(run).rerun is None
    carrier.close()
    rerun.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="files have names there")
def test_nothing_is_kept_unless_it_was_asked_for(backends: Mapping[str, Backend]) -> None:
    carrier = Carrier("processes:fork", backends["processes:fork"])
    assert outcomes(carrier(calls(tasks.square, (1,)))).rerun is None
    assert payloads() == 0
    rerun = rerun_of(carrier(calls(tasks.square, (1,)), keep=True))
    carrier.close()
    assert payloads() == 1
    rerun.close()
    assert payloads() == 0


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (
            "threads",
            "task 1 cannot be run again: argument 1 cannot be copied, so it is what the first run "
            "has made of it; leave it out",
        ),
        (
            "processes:fork",
            "task 1 cannot be run again: argument 1 cannot be sent to a worker: it is a "
            "_thread.lock: cannot pickle '_thread.lock' object; leave it out",
        ),
    ],
)
def test_a_task_whose_arguments_cannot_be_kept_is_not_run_again(
    backends: Mapping[str, Backend], name: str, why: str
) -> None:
    carrier = Carrier(name, backends[name])
    rerun = rerun_of(carrier(calls(tasks.identity, ([1],), (threading.Lock(),)), keep=True))
    assert list(rerun.unavailable) == [1]
    with pytest.raises(ValueError, match=f"^{re.escape(why)}$"):
        rerun.run([0, 1])
    assert list(carrier.keep_open(rerun.run([0]))) == [[1]]
    carrier.close()
    rerun.close()


def test_a_case_in_a_fork_made_for_it_is_not_run_again(backends: Mapping[str, Backend]) -> None:
    carrier = Carrier("isolated:fork", backends["isolated:fork"])
    task = Task(id="forked", function=tasks.square, args=(3,), is_inherited=True)
    run = carrier([task], keep=True)
    assert run == [9]
    assert rerun_of(run).unavailable == {
        0: "its arguments are in the memory of this process only, which has changed"
    }
    rerun_of(run).close()
    carrier.close()


def test_a_rerun_rejects_what_it_does_not_have(backends: Mapping[str, Backend]) -> None:
    carrier = Carrier("threads", backends["threads"])
    rerun = rerun_of(carrier(calls(tasks.square, (1,), (2,)), keep=True))
    with pytest.raises(ValueError, match=r"^there is no task 2: the run had 2$"):
        rerun.run([2])
    with pytest.raises(ValueError, match=r"^batches \[\[1\]\] are not the tasks \[1, 0\] in "):
        rerun.run([1, 0], batches=[[1]])
    carrier.close()
    rerun.close()
    with pytest.raises(ValueError, match=r"^the rerun of contract is closed$"):
        rerun.run([0])


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"order": [0]}, "order has the tasks 0, but not each of the 2 tasks of the workload"),
        ({"order": [0, 0]}, "order has the tasks 0, 0, but not each of the 2 tasks"),
        ({"batches": [[0, 1], []]}, "batches has an empty batch; leave it out"),
        ({"batches": [[0, 2]]}, "batches has the tasks 0, 2, but not each of the 2 tasks"),
        ({"batches": [[0, 1]], "order": [0, 1]}, "a run has an order or batches, not both"),
    ],
)
def test_an_order_and_batches_name_each_task_once(asked: dict[str, list[int]], text: str) -> None:
    workload = Workload(name="two", tasks=tuple(calls(tasks.square, (1,), (2,))))
    configuration = Configuration(backend="threads")
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        RunRequest(workload=workload, configuration=configuration, **asked)  # type: ignore[arg-type]  # one of them


@pytest.mark.usefixtures("keeps_helpers")
@pytest.mark.parametrize("name", ["threads", "processes:fork", JOINED], indirect=True)
def test_a_rerun_elsewhere_starts_a_process_of_its_own_with_the_original_arguments(
    name: str, backend: Backend, backends: Mapping[str, Backend]
) -> None:
    carrier = Carrier(name, backend)
    values = [0]
    work = [*calls(tasks.append, (values, 1), (values, 2)), *calls(os.getpid, ())]
    rerun = rerun_of(carrier(work, keep=True, order=range(3), workers=1))
    values += [98, 99]
    other, configuration = "processes:spawn", Configuration(backend="processes:spawn", workers=1)
    run = carrier.keep_open(rerun.run_elsewhere([1, 2, 0], backends[other], configuration))
    assert run.start_method == "spawn"
    assert run[0] == [0, 2]
    assert run[1] != os.getpid()
    assert run[2] == [0, 1]
    again = rerun.run_elsewhere([1], backends[other], configuration, around=in_thread)
    assert list(carrier.keep_open(again)) == [[0, 2]]
    carrier.close()
    rerun.close()


def test_a_rerun_elsewhere_has_a_limit_of_its_own(backends: Mapping[str, Backend]) -> None:
    carrier = Carrier("threads", backends["threads"])
    rerun = rerun_of(carrier(calls(time.sleep, (0.5,)), keep=True))
    configuration = Configuration(backend="isolated:fork", workers=1)
    run = rerun.run_elsewhere([0], backends["isolated:fork"], configuration, timeout=0.1)
    lost = carrier.keep_open(run).outcomes[0].lost
    assert lost is not None
    assert lost.reason == "timeout"
    carrier.close()
    rerun.close()


def test_a_rerun_with_fewer_workers_has_the_same_limit_of_native_threads(
    backends: Mapping[str, Backend],
) -> None:
    carrier = Carrier("threads", backends["threads"])
    run = carrier(calls(tasks.square, (1,), (2,)), keep=True, workers=2)
    rerun = rerun_of(run)
    assert carrier.keep_open(rerun.run([0], workers=1)).threads == run.threads
    carrier.close()
    rerun.close()


@pytest.mark.parametrize("name", ["serial", "threads", "processes:fork", "joblib:loky", "dask"])
def test_a_closed_rerun_keeps_no_argument_alive(backends: Mapping[str, Backend], name: str) -> None:
    carrier = Carrier(name, backends[name])
    argument = tasks.Adder(1)
    kept = weakref.ref(argument)
    rerun = rerun_of(carrier(calls(tasks.identity, (argument,)), keep=True))
    again = rerun.run_elsewhere(
        [0], backends["isolated:fork"], Configuration(backend="isolated:fork", workers=1)
    )
    carrier.keep_open(again)
    del argument, again
    carrier.close()
    assert kept() is not None, "a rerun needs it"
    rerun.close()
    gc.collect()
    assert kept() is None
