"""One run from start to end: get ready, start workers, have them watched, gather."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from functools import partial

from ..backends.protocol import Backend, Workers
from ..machine import budget
from ..machine.clock import now
from ..machine.limits import Limits
from ..model.errors import BackendError, ParworkWarning
from ..model.outcome import Run
from ..model.output import Capture
from ..model.work import Budget, Configuration, Workload
from ..transport.ledger import DamagedError, Ledger
from ..transport.modules import ModuleTable
from ..transport.sources import Sendable
from ..worker.threads import ThreadCall
from .desk import Desk, prepare
from .forks import warn_of_fork
from .guard import Guard
from .losses import Losses
from .outcomes import Outcomes
from .schedule import Schedule
from .stop import Stop
from .watch import Watch

__all__ = ["Interrupted", "carry_out"]

#: Where Linux keeps named semaphores, which are the locks of multiprocessing.
LOCKS = "/dev/shm"

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
    sendable: Sendable | None = None,
    durations: Mapping[int, float] | None = None,
    stop: Stop | None = None,
    guard: Guard | None = None,
    capture: Capture | None = None,
) -> Run:
    """Run all tasks of `workload` and return what came of each; every task has an outcome.

    `modules` are those that a worker may not be able to import by itself, `sendable` says which
    files may be sent to one that has none of the project. `durations`, seconds by
    task number, are used to begin with the longest. With `stop`, tasks are begun in their order,
    and no more after so many failures. `guard` ends workers where pytest is killed. `capture`
    says which output of the tasks is to come back with their outcomes, None for none. The values
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
        if guard is not None and not getattr(backend, "is_threaded", False):
            guard.begin()
        return backend.start(given.workers)

    def ready(workers: Workers) -> Desk:
        if workers.start_method == "fork":
            warn_of_fork(workload, configuration, modules or {})
        return prepare(
            workload, workers, modules or {}, sendable or Sendable(), threads, guard, capture
        )

    workers, desk = _begin(configuration, given, start, ready)
    schedule = Schedule(
        [number for number in range(tasks) if number not in desk.refused],
        workers=workers.size,
        chunksize=configuration.chunksize,
        durations=durations,
        in_order=stop is not None,
    )
    settled = desk.ledger
    if workers.reach == "machine":  # whose workers can write into the ledger whatever they like
        settled = Ledger(bytearray(Ledger.size(tasks)))
    left_by = desk.outputs.left_by if desk.outputs is not None else None
    losses = Losses(desk.ledger, workload.tasks, stacks=desk.stacks, left_by=left_by)
    is_enough = None
    if stop is not None:
        is_enough = partial(stop.is_reached, settled, losses, desk.refused, tasks)
    watch = Watch(
        workers,
        start,
        desk.call,
        desk.ledger,
        schedule,
        workload.tasks,
        losses,
        settled=settled,
        spools=desk.spools,
        inbox=desk.inbox,
        is_enough=is_enough,
        outputs=desk.outputs,
    )
    interrupted: KeyboardInterrupt | None = None
    try:
        # What is forked has the limit from its birth, and need not start threads to keep to it.
        is_ours = workers.reach == "process" or workers.start_method == "fork"
        with _held_here(desk, threads) if is_ours else nullcontext():
            watch.run()
    except KeyboardInterrupt as error:
        interrupted = error
        watch.interrupt("the session was interrupted")
    except BaseException:
        watch.workers.close(INTERRUPTED_DEADLINE)
        if desk.files is not None:
            desk.files.close()
        if desk.outputs is not None:
            desk.outputs.close()
        raise
    ended = now()
    if desk.inbox is not None:
        desk.inbox.settle()
    reasons = {lost.reason for lost in losses.all().values()}
    # A thread that was given up does not come back for being waited for.
    is_cut = "interrupted" in reasons or ("timeout" in reasons and workers.reach == "process")
    watch.workers.close(INTERRUPTED_DEADLINE if is_cut else CLOSE_DEADLINE)
    if desk.outputs is not None:
        desk.outputs.close()
    if settled is not desk.ledger:
        _settle(settled, desk.ledger, losses)
    released = watch.released or _first_start(settled, tasks) or ended
    outcomes = _gathered(desk, settled, losses, tasks)
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
        sent=desk.selection.sent if desk.selection is not None else (),
        withheld=desk.selection.withheld if desk.selection is not None else (),
    )
    if interrupted is not None:
        raise Interrupted(run, interrupted) from interrupted
    return run


def _first_start(ledger: Ledger, tasks: int) -> float | None:
    """Return when the first task began, though nobody had released it: they do not wait for ever.

    So it is where this process was held up for longer.
    """
    starts = [started for n in range(tasks) if (started := ledger.times(n)[1]) is not None]
    return min(starts, default=None)


@contextmanager
def _held_here(desk: Desk, threads: int) -> Iterator[None]:
    """Hold what this process shares with its workers: threads, or forked processes."""
    capture = desk.call.capture if isinstance(desk.call, ThreadCall) else None
    with Limits(threads).hold():
        if capture is not None:
            capture.start()
        try:
            yield
        finally:
            if capture is not None:
                capture.close()


def _settle(settled: Ledger, ledger: Ledger, losses: Losses) -> None:
    """Take what is known of tasks that are lost as well, and let the shared table go."""
    settled.copy_head(ledger)
    for task in losses.all():
        with suppress(DamagedError):
            if ledger.state(task):
                settled.copy(task, ledger)
    ledger.close()


def _gathered(desk: Desk, settled: Ledger, losses: Losses, tasks: int) -> Outcomes:
    return Outcomes(
        settled,
        tasks,
        lost=losses.all(),
        refused=desk.refused,
        memory=desk.call.outcomes if isinstance(desk.call, ThreadCall) else None,
        files=desk.files,
        spools=desk.spools,
        outputs=desk.call.outputs if isinstance(desk.call, ThreadCall) else losses.outputs,
    )


def _begin(
    configuration: Configuration,
    budget: Budget,
    start: Callable[[], Workers],
    ready: Callable[[Workers], Desk],
) -> tuple[Workers, Desk]:
    """Start the workers and get all ready that they need; raises `BackendError`."""
    try:
        workers = start()
    except Exception as error:
        raise _cannot_start(configuration, budget, error) from error
    try:
        return workers, ready(workers)
    except BaseException as error:
        workers.close(INTERRUPTED_DEADLINE)
        # With -W error, a warning is one that the user wants.
        if isinstance(error, ParworkWarning) or not isinstance(error, Exception):
            raise
        raise _cannot_start(configuration, budget, error) from error


def _cannot_start(configuration: Configuration, given: Budget, error: Exception) -> BackendError:
    reason = error if isinstance(error, BackendError) else f"{type(error).__name__}: {error}"
    return BackendError(
        f"the backend {configuration.backend!r} cannot start {given.workers} workers: "
        f"{str(reason).rstrip('.')}{_remark_on_locks()}"
    )


def _remark_on_locks() -> str:
    """Say so where the locks of multiprocessing have no place, which can be nowhere else."""
    if not sys.platform.startswith("linux"):
        return ""
    try:
        system = os.statvfs(LOCKS)
    except FileNotFoundError:
        state, remedy = "does not exist", "mount a tmpfs there"
    except OSError:
        return ""
    else:
        if system.f_flag & os.ST_RDONLY:
            state, remedy = "is read-only", "make it writable"
        elif not system.f_bavail or (system.f_files and not system.f_favail):
            state, remedy = "is full", "make room there"
        else:
            return ""
    return (
        f". {LOCKS}, where multiprocessing has its locks, {state}: {remedy}, or use the "
        f"backend isolated or threads, which need none"
    )
