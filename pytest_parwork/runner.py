"""Carry out one configuration on one workload: start, hand out, watch, gather, survive."""

from __future__ import annotations

import os
import signal
import sys
import time
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from . import budget
from .backends.base import Backend, Event, Workers
from .clock import now
from .errors import BackendError, PayloadError
from .ledger import Files, Ledger, State
from .model import Configuration, Lost, Run, Workload
from .outcomes import Outcomes
from .payload import ModuleTable, Payload, copy_arguments
from .schedule import Batch, Schedule
from .worker import GLANCE, BatchCall, ProcessCall, ThreadCall

__all__ = ["carry_out"]

#: Seconds that the first worker waits for the others. Missing workers cost exactly this.
RENDEZVOUS = 5.0

#: Seconds until a backend without any sign of a worker is given up.
START_PATIENCE = 60.0

#: Seconds between two looks at the health of the workers.
HEARTBEAT = 0.05

#: Seconds without any progress, after a worker died, until what it may have taken is sent again.
STALL = 1.0

#: How often a task is sent whose worker vanished before it began.
ATTEMPTS = 2

#: Seconds in which the system tells how a process ended whose library has noticed its death.
REAPING = 0.5

#: Seconds that a library has to tell how a worker ended that is gone.
HEARSAY = 0.25

#: Seconds that workers have to end.
CLOSE_DEADLINE = 5.0


def carry_out(
    workload: Workload,
    configuration: Configuration,
    backend: Backend,
    *,
    modules: ModuleTable | None = None,
    durations: Mapping[int, float] | None = None,
) -> Run:
    """Run all tasks of `workload` and return what came of each; every task has an outcome.

    `modules` are those that a worker may not be able to import by itself. `durations`, seconds by
    task number, are used to begin with the longest. The values stay where the workers left them
    until they are asked for; `run.outcomes.close()` gives them back.
    """
    began = now()
    tasks = len(workload.tasks)
    asked = budget.resolve(configuration.workers)
    threads = budget.native_threads(asked)
    try:
        workers = backend.start(max(1, min(asked, tasks)))
    except Exception as error:
        raise BackendError(
            f"the backend {configuration.backend!r} cannot start {asked} workers: "
            f"{type(error).__name__}: {error}"
        ) from error
    desk = None
    try:
        desk = _prepare(workload, workers, modules or {}, threads)
        schedule = Schedule(
            [number for number in range(tasks) if number not in desk.refused],
            workers=workers.size,
            chunksize=configuration.chunksize,
            durations=durations,
        )
        watch = _Watch(workers, desk.call, desk.ledger, schedule)
        with _limited(threads) if workers.reach == "process" else nullcontext():
            watch.run()
            ended = now()
    except BaseException:
        if desk is not None and desk.files is not None:
            desk.files.close()
        raise
    finally:
        workers.close(CLOSE_DEADLINE)
    released = watch.released or ended
    outcomes = Outcomes(
        desk.ledger,
        tasks,
        lost=watch.lost,
        refused=desk.refused,
        memory=desk.call.outcomes if isinstance(desk.call, ThreadCall) else None,
        files=desk.files,
        spools=desk.spools,
    )
    return Run(
        workload=workload.name,
        configuration=configuration,
        outcomes=outcomes,
        wall=ended - released,
        startup=released - began,
        granted=workers.size,
        workers_used=outcomes.workers_used,
        start_method=workers.start_method,
        threads=threads,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """What a run is carried out with, where memory is shared and where it is not."""

    call: BatchCall
    ledger: Ledger
    refused: Mapping[int, PayloadError]
    files: Files | None = None
    spools: tuple[int, ...] = ()


def _prepare(workload: Workload, workers: Workers, modules: ModuleTable, threads: int) -> _Desk:
    patience = 2 * RENDEZVOUS  # the runner decides; this is for the case that it is gone
    if workers.reach == "process":
        ledger = Ledger(bytearray(Ledger.size(len(workload.tasks))))
        arguments = copy_arguments(workload.tasks)
        call = ThreadCall(workload.tasks, arguments, ledger, patience=patience)
        return _Desk(call=call, ledger=ledger, refused={})
    files = Files()
    try:
        payload, ledger, spools = Payload.write(
            workload.tasks,
            files,
            run=uuid.uuid4().hex,
            spools=2 * workers.size + 2,  # a successor may start before a dead worker is gone
            modules=modules,
            threads=threads,
            patience=patience,
        )
    except BaseException:
        files.close()
        raise
    return _Desk(
        call=ProcessCall(payload.handle),
        ledger=ledger,
        refused=payload.refused,
        files=files,
        spools=tuple(spools),
    )


class _Watch:
    """Hand out batches and wait for their end, whatever happens to the workers."""

    def __init__(
        self, workers: Workers, call: BatchCall, ledger: Ledger, schedule: Schedule
    ) -> None:
        self._workers = workers
        self._call = call
        self._ledger = ledger
        self._schedule = schedule
        self._in_flight: dict[int, Batch] = {}
        self._attempts: dict[int, int] = {}
        self._dead: set[int] = set()
        self._missing: dict[int, float] = {}
        self._buried = 0
        self._target = 1
        self._first_arrival: float | None = None
        self._progress = now()
        self._has_begun = False
        self.lost: dict[int, Lost] = {}
        self.released: float | None = None

    def run(self) -> None:
        """Return when every task is stored or lost."""
        self._progress = now()
        self._push(at_start=True)
        heartbeat = now() + HEARTBEAT
        while self._in_flight or self._schedule:
            waiting = GLANCE if self.released is None else HEARTBEAT
            for event in self._workers.poll(waiting):
                self._take(event)
            if self.released is None:
                self._consider_release()
            if now() >= heartbeat:
                self._check_health()
                heartbeat = now() + HEARTBEAT
            self._push()

    def _push(self, *, at_start: bool = False) -> None:
        """Hand out what the workers have room for."""
        batches: list[Batch] = []
        if self._workers.eager:
            if not self._in_flight:
                batches = self._schedule.all()
        else:
            room = self._workers.size * self._schedule.window - len(self._in_flight)
            while room > len(batches) and (batch := self._schedule.next()):
                batches.append(batch)
        self._in_flight.update((batch.number, batch) for batch in batches)
        if at_start:
            self._target = min(self._workers.size, len(batches))
            if self._target <= 1:
                self._release()
        if batches:
            self._workers.submit(self._call, batches)

    def _release(self) -> None:
        self._ledger.release()
        self.released = now()

    def _consider_release(self) -> None:
        """Let the first tasks begin once all workers hold one, or the others stay away."""
        arrived = {
            self._ledger.worker(batch.tasks[0])
            for batch in self._in_flight.values()
            if self._ledger.state(batch.tasks[0]) >= State.ARRIVED
        }
        if arrived and self._first_arrival is None:
            self._first_arrival = now()
        late = self._first_arrival is not None and now() > self._first_arrival + RENDEZVOUS
        if len(arrived) >= self._target or late:
            self._release()

    def _take(self, event: Event) -> None:
        self._progress = now()
        if event.batch is None:
            self._bury_all(event.reason)
            return
        done = self._in_flight.get(event.batch)
        if done is None:
            return  # its end was seen in the ledger before
        if event.kind == "done" and self._is_stored(done):
            self._finish(done)
        else:
            owner = self._owner(done)
            until = now() + REAPING
            while event.kind == "broken" and self._is_dying(owner) and now() < until:
                time.sleep(GLANCE)
            told = self._deaths().get(owner)
            self._bury(done, told or event.reason or "it came back without an outcome")

    def _is_dying(self, pid: int) -> bool:
        """Return whether the exit code of a process is still to be told."""
        return self._workers.pids().get(pid, 0) is None

    def _finish(self, batch: Batch) -> None:
        del self._in_flight[batch.number]
        self._has_begun = True
        arrived, _, _ = self._ledger.times(batch.tasks[0])
        _, _, ended = self._ledger.times(batch.tasks[-1])
        if arrived is not None and ended is not None:
            begin = max(arrived, self.released or arrived)
            self._schedule.observe(max(0.0, ended - begin) / len(batch.tasks))

    def _is_stored(self, batch: Batch) -> bool:
        return all(self._ledger.state(task) is State.STORED for task in batch.tasks)

    def _bury(self, batch: Batch, reason: str) -> None:
        """End a batch whose worker is gone: keep what is stored, send again what never began."""
        del self._in_flight[batch.number]
        self._buried += 1
        again = []
        for task in batch.tasks:
            state = self._ledger.state(task)
            self._has_begun |= state >= State.STARTED
            if state is State.STORED:
                continue
            if state >= State.STARTED:
                self._lose(task, f"its worker ended while it ran this task: {reason}")
                continue
            self._attempts[task] = self._attempts.get(task, 1) + 1
            if self._attempts[task] > ATTEMPTS:
                self._lose(task, f"its worker ended before the task began, twice: {reason}")
            else:
                self._ledger.reset(task)
                again.append(task)
        self._schedule.put_back(again)
        if not self._has_begun and self._buried >= max(8, 4 * self._workers.size):
            self._give_up(f"no worker could begin: {reason}")

    def _bury_all(self, reason: str) -> None:
        while self._in_flight:
            self._bury(next(iter(self._in_flight.values())), reason)

    def _lose(self, task: int, detail: str) -> None:
        self.lost[task] = Lost(reason="crash", detail=detail)

    def _check_health(self) -> None:
        for batch in [batch for batch in self._in_flight.values() if self._is_stored(batch)]:
            self._finish(batch)
            self._progress = now()
        self._look_for_the_dead()
        idle = 0.0 if self._is_any_running() else now() - self._progress
        if self._dead and idle > STALL:
            # Nobody works on these: they went with a worker that had not begun with them.
            self._bury_all("workers die before they begin")
        elif idle > START_PATIENCE:
            self._give_up(f"no worker took it for {START_PATIENCE:.0f} s")

    def _look_for_the_dead(self) -> None:
        dead = self._deaths()
        fresh = dead.keys() - self._dead
        if not fresh:
            return
        self._dead |= fresh
        self._progress = now()
        for batch in list(self._in_flight.values()):
            owner = self._owner(batch)
            if batch.number in self._in_flight and owner in fresh and not self._is_stored(batch):
                self._bury(batch, dead[owner])

    def _deaths(self) -> dict[int, str]:
        """Return how each dead worker ended, by process id."""
        codes = self._workers.pids()
        dead = {pid: exit_name(code) for pid, code in codes.items() if code is not None}
        if self._workers.reach == "machine":
            for batch in self._in_flight.values():
                owner = self._owner(batch)
                # A library may bury its dead before anyone else could see them, and then tell, or
                # not: loky does, joblib's multiprocessing does not.
                if owner and owner not in codes and not _is_alive(owner):
                    missing_since = self._missing.setdefault(owner, now())
                    if now() > missing_since + HEARSAY:
                        dead[owner] = "its exit code is unknown"
        return dead

    def _owner(self, batch: Batch) -> int:
        """Return the process or thread that began last with a task of `batch`, else 0."""
        for task in reversed(batch.tasks):
            if self._ledger.state(task) is not State.PENDING:
                return self._ledger.worker(task)
        return 0

    def _is_any_running(self) -> bool:
        running = (State.ARRIVED, State.STARTED, State.ENDED)
        return any(
            self._ledger.state(task) in running and self._ledger.worker(task) not in self._dead
            for batch in self._in_flight.values()
            for task in batch.tasks
        )

    def _give_up(self, detail: str) -> None:
        open_tasks = [task for batch in self._in_flight.values() for task in batch.tasks]
        while batch := self._schedule.next():
            open_tasks.extend(batch.tasks)
        self._in_flight.clear()
        for task in open_tasks:
            if self._ledger.state(task) is not State.STORED:
                self.lost[task] = Lost(reason="backend", detail=detail)


def _limited(threads: int) -> AbstractContextManager[object]:
    """Limit the native threads of this process; those of others limit themselves."""
    if not {"numpy", "torch"} & sys.modules.keys():
        return nullcontext()
    import threadpoolctl

    limits: AbstractContextManager[object] = threadpoolctl.threadpool_limits(limits=threads)
    return limits


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def exit_name(code: int) -> str:
    """Name an exit code: `SIGSEGV (signal 11)`, `exit code 3`."""
    if code < 0:
        try:
            return f"{signal.Signals(-code).name} (signal {-code})"
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"
