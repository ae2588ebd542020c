"""The table of faults: what a task may do, and the expected outcome, on every backend.

All faults of the table are in one run, between innocent tasks: each guilty task is named, and no
other has lost anything by it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import parwork_faults as faults
import pytest
from support.carrier import (
    ALIKE,
    CONTRACT,
    IN_PROCESS,
    JOINED,
    Carrier,
    calls,
    outcomes,
    reported_end,
)

from pytest_parwork.backends import Backend
from pytest_parwork.model.outcome import Outcome
from pytest_parwork.model.work import Task
from pytest_parwork.runner import Guard

#: Seconds that a task may take which never ends.
TIMEOUT = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A function and its expected outcome: a value, or words in the text of a failure, of
    what was not sent, or of a loss.

    `stack` is the function that the stack of a lost task has to show.
    """

    function: Callable[[], object]
    value: object = None
    failure: str = ""
    not_sent: str = ""
    crash: str = ""
    timeout: bool = False
    stack: str = ""
    #: Whether it can be shown where tasks run in the process of pytest.
    is_for_threads: bool = True
    #: Backends that reject it, with the text of the rejection.
    refused: Mapping[str, str] | None = None


NO_CHILDREN = dict.fromkeys(
    ["multiprocessing", "joblib:multiprocessing", "dask", "joblib:dask"],
    "daemonic processes are not allowed",
)

FAULTS: Mapping[str, Fault] = {
    "os._exit(1)": Fault(function=faults.exits, crash="exit code 1", is_for_threads=False),
    "SIGSEGV": Fault(
        function=faults.segfaults,
        crash="SIGSEGV (signal 11)",
        stack="segfaults",
        is_for_threads=False,
    ),
    "os.abort()": Fault(
        function=faults.aborts, crash="SIGABRT (signal 6)", stack="aborts", is_for_threads=False
    ),
    "SIGKILL": Fault(function=faults.is_killed, crash="SIGKILL (signal 9)", is_for_threads=False),
    "sleeps for ever": Fault(
        function=faults.sleeps_for_ever, timeout=True, stack="sleeps_for_ever"
    ),
    "spins for ever": Fault(function=faults.spins_for_ever, timeout=True, stack="spins_for_ever"),
    "catches all and spins": Fault(
        function=faults.catches_all_and_spins, timeout=True, stack="catches_all_and_spins"
    ),
    "raises": Fault(function=faults.raises, failure="as it may"),
    "raises what cannot be pickled": Fault(
        function=faults.raises_what_cannot_be_pickled, failure="locked"
    ),
    "raises what cannot be unpickled": Fault(
        function=faults.raises_what_cannot_be_unpickled, failure="this and that"
    ),
    "recursion": Fault(function=faults.recurses, failure="maximum recursion depth exceeded"),
    "sys.exit()": Fault(function=faults.leaves, failure="enough"),
    "memory limit": Fault(function=faults.hits_the_memory_limit, failure="", is_for_threads=False),
    "returns a lambda": Fault(function=faults.returns_a_lambda, value="<lambda>"),
    "returns a generator": Fault(
        function=faults.returns_a_generator,
        not_sent="the result cannot be sent back from a worker: it is a generator",
        is_for_threads=False,
    ),
    "returns an open file": Fault(
        function=faults.returns_an_open_file,
        not_sent="it is a _io.TextIOWrapper: cannot pickle the open file '/dev/null'; use its path",
        is_for_threads=False,
    ),
    "returns 50 MB": Fault(function=faults.returns_50_mb, value=50_000_000),
    "prints 10 MB": Fault(function=faults.prints_10_mb, value=10, is_for_threads=False),
    "closes its stdout": Fault(
        function=faults.closes_its_stdout, value="closed", is_for_threads=False
    ),
    "changes directory": Fault(function=faults.changes_directory, value="/", is_for_threads=False),
    "changes environment": Fault(
        function=faults.changes_environment, value="cleared", is_for_threads=False
    ),
    "leaves a thread": Fault(function=faults.leaves_a_thread, value="left", is_for_threads=False),
    "starts a pool": Fault(
        function=faults.starts_a_pool,
        value=[0, 1, 4],
        refused=NO_CHILDREN,
        is_for_threads=False,
    ),
}

Survey = Mapping[str, Outcome]

#: Methods of the Pool whose workers have the same faults, reported in the same way.
HEARD_ALIKE = {"multiprocessing:imap", "multiprocessing:map_async", *ALIKE}

NAMES = [name for name in CONTRACT if name not in HEARD_ALIKE]


@pytest.fixture(scope="module")
def surveys() -> dict[str, Survey]:
    return {}


#: Crashes in it have tests of their own; each of a dozen here starts all of its workers again.
SLOW = "joblib:loky"


@pytest.fixture(
    params=[pytest.param(name, marks=[pytest.mark.sweep] * (name == SLOW)) for name in NAMES]
)
def name(request: pytest.FixtureRequest) -> str:
    """Name each backend in turn."""
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture
def survey(name: str, surveys: dict[str, Survey], backend: Backend) -> Survey:
    """Give the outcomes of every fault on this backend, and of the innocent tasks between them."""
    if name not in surveys:
        tasks = []
        for number, (id, fault) in enumerate(FAULTS.items()):
            tasks.append(Task(id=f"innocent {number}", function=faults.innocent, args=(number,)))
            if fault.is_for_threads or name not in IN_PROCESS:
                timeout = TIMEOUT if fault.timeout else None
                tasks.append(Task(id=id, function=fault.function, timeout=timeout))
        carrier = Carrier(name, backend)
        run = carrier(tasks)
        surveys[name] = {task.id: run.outcomes[n] for n, task in enumerate(tasks)}
        carrier.close()
    return surveys[name]


@pytest.mark.parametrize("id", FAULTS)
def test_what_a_task_does_is_its_outcome(survey: Survey, name: str, id: str) -> None:
    fault = FAULTS[id]
    if id not in survey:
        pytest.skip("it would be the end of the process that runs pytest")
    outcome = survey[id]
    family = name if name.startswith("joblib") else name.partition(":")[0]
    refused = (fault.refused or {}).get(family)
    if refused or fault.failure or id == "memory limit":
        assert outcome.kind == "failure"
        assert outcome.failure is not None
        assert (refused or fault.failure) in outcome.failure.text
        if id == "memory limit":
            assert outcome.failure.type == "MemoryError"
    elif fault.not_sent:
        assert outcome.not_sent is not None, outcome
        assert outcome.not_sent.reason == "result"
        assert fault.not_sent in outcome.not_sent.detail
    elif fault.crash or fault.timeout:
        assert outcome.lost is not None, outcome
        assert outcome.lost.reason == ("crash" if fault.crash else "timeout")
        if fault.crash:
            end = reported_end(name, fault.crash, has_stack=bool(fault.stack))
            assert end in outcome.lost.detail
        if fault.stack and name not in IN_PROCESS:
            functions = [frame.rpartition(" in ")[2] for frame in outcome.lost.stack]
            assert fault.stack in functions
    else:
        assert outcome.kind == "value", outcome
        value = outcome.value
        if type(value) is bytes:
            value = len(value)
        assert getattr(value, "__name__", value) == fault.value


def test_no_innocent_task_loses_anything(survey: Survey) -> None:
    innocent = {id: outcome for id, outcome in survey.items() if id.startswith("innocent")}
    assert len(innocent) == len(FAULTS)
    for id, outcome in innocent.items():
        assert outcome.kind == "value", (id, outcome)
        assert outcome.value == int(id.split()[1]) ** 2


def test_a_timeout_says_so(survey: Survey, name: str) -> None:
    lost = survey["sleeps for ever"].lost
    assert lost is not None
    assert lost.detail.startswith(f"timed out after {TIMEOUT:g} s")
    is_left = "; its thread cannot be ended and goes on" in lost.detail
    assert is_left == (name in IN_PROCESS - {"serial"})


PROCESSES = [name for name in NAMES if name not in IN_PROCESS]

#: Backends whose workers may exit before the run is over: ray's, and those of the Pool that joblib
#: closes after its call. With a worker that has exited, everything that it has started ends.
ENDS_WORKERS = {"joblib:ray", "joblib:multiprocessing"}


# What a task leaves on a cluster that is joined is not ours to end.
@pytest.mark.parametrize("name", [name for name in PROCESSES if name != JOINED], indirect=True)
class TestWhatATaskHasStarted:
    @pytest.fixture
    def guard(self) -> Iterator[Guard]:
        guard = Guard()
        yield guard
        guard.close()

    @pytest.mark.parametrize(
        "function", [faults.starts_a_program, faults.starts_a_program_and_exits]
    )
    def test_it_ends_with_the_session(
        self,
        name: str,
        backends: Mapping[str, Backend],
        guard: Guard,
        function: Callable[[], object],
    ) -> None:
        carrier = Carrier(name, backends[name], guard=guard)
        run = carrier.map(function, (), ())
        pids = [outcome.value for outcome in run.outcomes if outcome.kind == "value"]
        assert len(pids) == (2 if function is faults.starts_a_program else 0)
        for pid in pids:
            assert isinstance(pid, int)
            assert is_running(pid) or name in ENDS_WORKERS
        carrier.close()
        backends[name].close()
        guard.close()
        assert not any(is_running(pid) for pid in pids if isinstance(pid, int))
        # What else there may be is looked for after every test.


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize("name", PROCESSES, indirect=True)
def test_a_busy_worker_that_somebody_kills_loses_only_its_task(
    carrier: Carrier, tmp_path: Path
) -> None:
    with killer_of(tmp_path):
        run = carrier.map(faults.tells_its_pid, *[(str(tmp_path), x) for x in range(6)])
    lost = [outcome for outcome in run.outcomes if outcome.kind == "lost"]
    assert len(lost) == 1
    assert lost[0].lost is not None
    assert reported_end(carrier.name, "SIGKILL (signal 9)") in lost[0].lost.detail
    kept = [outcome.value for outcome in run.outcomes if outcome.kind == "value"]
    assert len(set(kept)) == 5
    assert outcomes(run).workers_used == 2


#: Kills the first process that says that it is at work; a process itself, because nothing is forked
#: beside a thread.
KILLER = """
import os, signal, sys, time
while not (files := os.listdir(sys.argv[1])):
    time.sleep(0.005)
os.kill(int(files[0].rpartition("-")[2]), signal.SIGKILL)
"""


@contextmanager
def killer_of(folder: Path) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", KILLER, str(folder)]) as process:
        try:
            yield
        finally:
            process.kill()


#: The one of nine that runs daily: it takes seconds.
DAILY_END = "isolated:fork", "thread"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(name, kind, marks=[pytest.mark.sweep] * ((name, kind) != DAILY_END))
        for name in ("isolated:fork", "isolated:spawn", "processes:fork")
        for kind in ("thread", "process", "finalizer")
    ],
)
def test_a_process_that_does_not_exit_after_its_task_costs_no_other(
    name: str, backend: Backend, kind: str
) -> None:
    guard = Guard()  # it ends what they leave
    carrier = Carrier(name, backend, guard=guard)
    began = time.monotonic()
    given = calls(faults.leaves_what_is_waited_for, *[(x, 1, kind) for x in range(8)])
    assert carrier(given, chunksize=4) == [x * x for x in range(8)]
    assert time.monotonic() - began < faults.LONG
    carrier.close()
    guard.close()
