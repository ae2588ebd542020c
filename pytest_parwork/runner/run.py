"""One run from start to end: get ready, start workers, have them watched, gather."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass

from .. import budget
from ..backends.base import Backend, Workers
from ..backends.forking import threads_beside
from ..clock import now
from ..errors import BackendError, ParworkWarning, PayloadError
from ..ledger import Files, Ledger
from ..limits import Limits
from ..model import Budget, Configuration, Run, Workload
from ..modules import ModuleTable
from ..outcomes import Outcomes
from ..payload import Payload, copy_arguments
from ..schedule import Schedule
from ..worker import BatchCall, ProcessCall, ThreadCall
from .guard import Guard
from .losses import Losses
from .watch import RENDEZVOUS, Stop, Watch

__all__ = ["Interrupted", "carry_out"]

#: Seconds that workers have to end.
CLOSE_DEADLINE = 5.0

#: The same where the run ends in the middle of tasks: nobody waits for these.
INTERRUPTED_DEADLINE = 0.2


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in the middle of a run: `cause` came, `run` holds what had come of it by then."""

    def __init__(self, run: Run, cause: KeyboardInterrupt) -> None:
        super().__init__()
        self.run = run
        self.cause = cause


def carry_out(
    workload: Workload,
    configuration: Configuration,
    backend: Backend,
    *,
    modules: ModuleTable | None = None,
    durations: Mapping[int, float] | None = None,
    stop: Stop | None = None,
    guard: Guard | None = None,
) -> Run:
    """Run all tasks of `workload` and return what came of each; every task has an outcome.

    `modules` are those that a worker may not be able to import by itself. `durations`, seconds by
    task number, are used to begin with the longest. With `stop`, tasks are begun in their order,
    and no more after so many failures. `guard` ends workers where pytest is killed. The values
    stay where the workers left them until they are asked for; `run.outcomes.close()` gives them
    back.

    Raises `BackendError` where nothing could be started, `Interrupted` on Ctrl-C.
    """
    began = now()
    tasks = len(workload.tasks)
    allowed = budget.resolve(configuration.workers)
    # Of what is allowed, not of the tasks: with -k, a case computes as it does among all others.
    threads = budget.native_threads(allowed.workers)
    given = allowed.for_tasks(tasks)

    def start() -> Workers:
        return backend.start(given.workers)

    try:
        workers = start()
    except Exception as error:
        raise _cannot_start(configuration, given, error) from error
    desk = None
    try:
        if workers.start_method == "fork":
            _warn_of_threads(configuration)
        desk = _prepare(workload, workers, modules or {}, threads, guard)
    except Exception as error:
        workers.close(INTERRUPTED_DEADLINE)
        if isinstance(error, ParworkWarning):
            raise  # the user wants errors instead of warnings
        raise _cannot_start(configuration, given, error) from error
    except BaseException:
        workers.close(INTERRUPTED_DEADLINE)
        raise
    schedule = Schedule(
        [number for number in range(tasks) if number not in desk.refused],
        workers=workers.size,
        chunksize=configuration.chunksize,
        durations=durations,
        in_order=stop is not None,
    )
    losses = Losses(desk.ledger, workload.tasks, stacks=desk.stacks)
    watch = Watch(
        workers, start, desk.call, desk.ledger, schedule, workload.tasks, losses, stop=stop
    )
    interrupted: KeyboardInterrupt | None = None
    try:
        with Limits(threads).hold() if workers.reach == "process" else nullcontext():
            watch.run()
    except KeyboardInterrupt as error:
        interrupted = error
        watch.interrupt("the session was interrupted")
    except BaseException:
        watch.workers.close(INTERRUPTED_DEADLINE)
        if desk.files is not None:
            desk.files.close()
        raise
    ended = now()
    is_cut = any(lost.reason == "interrupted" for lost in losses.all().values())
    watch.workers.close(INTERRUPTED_DEADLINE if is_cut else CLOSE_DEADLINE)
    released = watch.released or ended
    outcomes = Outcomes(
        desk.ledger,
        tasks,
        lost=losses.all(),
        refused=desk.refused,
        memory=desk.call.outcomes if isinstance(desk.call, ThreadCall) else None,
        files=desk.files,
        spools=desk.spools,
    )
    run = Run(
        workload=workload.name,
        configuration=configuration,
        outcomes=outcomes,
        wall=ended - released,
        startup=released - began,
        granted=watch.workers.size,
        workers_used=outcomes.workers_used,
        start_method=watch.workers.start_method,
        budget=given.granted(watch.workers.size),
        threads=threads,
    )
    if interrupted is not None:
        raise Interrupted(run, interrupted) from interrupted
    return run


def _cannot_start(configuration: Configuration, given: Budget, error: Exception) -> BackendError:
    told = error if isinstance(error, BackendError) else f"{type(error).__name__}: {error}"
    return BackendError(
        f"the backend {configuration.backend!r} cannot start {given.workers} workers: {told}"
    )


def _warn_of_threads(configuration: Configuration) -> None:
    """Tell what a fork may meet here; where it was not chosen, the backend has refused to start."""
    if beside := threads_beside():
        warnings.warn(
            f"the backend {configuration.backend!r} forks while other threads are alive: {beside}. "
            f"A lock that one of these holds stays locked in a worker for ever",
            ParworkWarning,
            stacklevel=3,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """What a run is carried out with, where memory is shared and where it is not."""

    call: BatchCall
    ledger: Ledger
    refused: Mapping[int, PayloadError]
    files: Files | None = None
    spools: tuple[int, ...] = ()
    stacks: int | None = None


def _prepare(
    workload: Workload,
    workers: Workers,
    modules: ModuleTable,
    threads: int,
    guard: Guard | None,
) -> _Desk:
    patience = 2 * RENDEZVOUS  # the runner decides; this is for the case that it is gone
    if workers.reach == "process":
        ledger = Ledger(bytearray(Ledger.size(len(workload.tasks))))
        arguments = copy_arguments(workload.tasks)
        call = ThreadCall(workload.tasks, arguments, ledger, patience=patience, threads=threads)
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
            registry=guard.registry() if guard is not None else None,
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
        stacks=payload.stacks,
    )
