"""One run from start to end: prepare, start workers, watch them, gather outcomes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from ..backends.parts import Flexible
from ..backends.protocol import Backend, Reach, Workers, is_threaded, obstacle_of
from ..equivalence import load_comparers
from ..machine import budget
from ..machine.abilities import missing_for_processes
from ..machine.clock import now
from ..model.errors import BackendError, ParworkWarning
from ..model.outcome import Lost, NotSent, Run
from ..model.work import Budget, Configuration
from ..transport.identity import inherited
from ..transport.ledger import Ledger
from ..worker.inputs import has_inputs
from .crew import Crew
from .losses import Losses
from .medium import Medium, Setting, Snapshot
from .outcomes import Outcomes
from .request import RunRequest
from .rerun import Rerun
from .schedule import Schedule
from .suspension import Suspension
from .waits import CLOSE, CLOSE_INTERRUPTED
from .watch import Watch

#: Where Linux keeps named semaphores, which are the locks of multiprocessing.
LOCKS = "/dev/shm"


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a run: `cause` was raised, `run` has the outcomes until then."""

    def __init__(self, run: Run, cause: KeyboardInterrupt) -> None:
        super().__init__()
        self.run = run
        self.cause = cause


def execute(request: RunRequest, backend: Backend) -> Run:
    """Run all tasks of a workload; every task gets an outcome.

    The values stay where the workers stored them until they are loaded; `run.outcomes.close()`
    frees them. Raises `BackendError` if no worker could be started, `Interrupted` on Ctrl-C.
    """
    tasks = request.workload.tasks
    if any(map(has_inputs, (*tasks[:1], *tasks[-1:]))):  # those whose arguments are checked
        load_comparers()
    with inherited(tasks):
        run = _execute(backend, None, request, range(len(tasks)))
    if isinstance(run.outcomes, Outcomes) and run.outcomes.has_parts():
        load_comparers()
    return run


def stored(request: RunRequest, backend: Backend) -> Rerun:
    """Return the tasks of a workload for runs elsewhere, without a run of them here."""
    from .on_machine import StoredTasks

    return Rerun(request, StoredTasks.write(request.workload.tasks), backend, _execute)


def _snapshot(reach: Reach, setting: Setting) -> Snapshot:
    """Return the tasks as they are kept for this reach; a session loads no other way."""
    if reach == "process":
        from .in_threads import CopiedTasks

        return CopiedTasks(setting)
    if reach == "machine":
        from .on_machine import StoredTasks

        return StoredTasks.write(setting.request.workload.tasks)
    from .over_network import SentTasks

    return SentTasks(setting)


def _execute(
    backend: Backend, snapshot: Snapshot | None, request: RunRequest, numbers: Sequence[int]
) -> Run:
    """Run the tasks of a request; `numbers` are their numbers in the snapshot, if there is one."""
    began = now()
    allowed = budget.resolve(request.configuration.workers)
    # From the allowed workers, not from the tasks: with -k, a case has as many threads as without.
    threads = request.threads or budget.native_threads(allowed.workers, cpus=allowed.cpus)
    given = allowed.for_tasks(len(request.workload.tasks))
    suspension = Suspension()

    def start() -> Workers:
        if why := obstacle_of(backend):
            raise BackendError(why)
        if request.guard is not None and not is_threaded(backend) and not missing_for_processes():
            request.guard.begin()  # also for `serial`, whose tasks may start processes
        if isinstance(backend, Flexible):
            from .forks import pools_in_use

            return backend.start(given.workers, avoid=pools_in_use(request))
        return backend.start(given.workers)

    workers = _started(start, request.configuration, given)
    own: Snapshot | None = None
    try:
        setting = Setting(request=request, workers=workers, threads=threads, suspension=suspension)
        if snapshot is None:
            if workers.start_method == "fork":
                from .forks import warn_of_fork

                warn_of_fork(request.workload, request.configuration, request.modules)
            snapshot = own = _snapshot(backend.reach, setting)
        medium = snapshot.medium(setting, numbers)
    except BaseException as error:
        workers.close(CLOSE_INTERRUPTED)
        if own is not None:
            own.close()
        # With -W error, the user wants warnings as exceptions.
        if isinstance(error, ParworkWarning) or not isinstance(error, Exception):
            raise
        raise _cannot_start(request.configuration, given, error) from error
    rerun = None
    if own is not None and request.keep:
        kept = replace(request, threads=threads)  # a rerun with other workers has them, too
        rerun = Rerun(kept, own, backend, _execute)
    try:
        return _watched(setting, Crew(workers, start, suspension), medium, given, began, rerun)
    except Interrupted:
        raise
    except BaseException:
        if own is not None:
            own.close()
        raise
    finally:
        if own is not None and not request.keep:
            own.close()


def _started(start: Callable[[], Workers], configuration: Configuration, given: Budget) -> Workers:
    try:
        return start()
    except Exception as error:
        raise _cannot_start(configuration, given, error) from error


def _watched(
    setting: Setting, crew: Crew, medium: Medium, given: Budget, began: float, rerun: Rerun | None
) -> Run:
    """Run the tasks, close the workers, and gather the outcomes."""
    request = setting.request
    tasks = request.workload.tasks
    losses = Losses(medium, tasks)
    is_enough = None
    if request.stop is not None:
        is_enough = partial(
            request.stop.is_reached, medium.settled, losses, medium.rejected, len(tasks)
        )
    watch = Watch(
        crew,
        medium,
        _scheduled(request, crew.workers, medium),
        tasks,
        losses,
        setting.suspension,
        is_enough=is_enough,
        progress=request.progress,
    )
    ended, interrupted = _to_the_end(watch, crew, medium, losses)
    medium.settle(losses.all())
    released = watch.released or _first_start(medium.settled, len(tasks)) or ended
    lost, rejected = _absent(medium, losses, len(tasks))
    outcomes = Outcomes(medium.results(), len(tasks), lost=lost, rejected=rejected, rerun=rerun)
    run = Run(
        workload=request.workload.name,
        configuration=request.configuration,
        outcomes=outcomes,
        wall=ended - released,
        startup=released - began,
        granted=crew.workers.size,
        workers_used=outcomes.workers_used,
        start_method=crew.workers.start_method,
        budget=given.granted(crew.workers.size),
        threads=setting.threads,
        sent=medium.sent,
        withheld=medium.withheld,
        avoided=getattr(crew.workers, "avoided", ""),  # only a few backends can
    )
    if interrupted is not None:
        raise Interrupted(run, interrupted) from interrupted
    return run


def _to_the_end(
    watch: Watch, crew: Crew, medium: Medium, losses: Losses
) -> tuple[float, KeyboardInterrupt | None]:
    """Watch over the tasks and close the workers; return when the tasks ended, and Ctrl-C, if any.

    If it comes while workers are closed, perhaps for the second time, they are not waited for.
    """
    interrupted: KeyboardInterrupt | None = None
    try:
        try:
            with medium.held():
                watch.run()
        except KeyboardInterrupt as error:
            interrupted = error
            watch.interrupt("the session was interrupted")
        ended = now()
        is_interrupted = any(lost.reason == "interrupted" for lost in losses.all().values())
        # It is useless to wait for a thread that was given up.
        is_cut = is_interrupted or watch.has_left_threads
        try:
            crew.workers.close(CLOSE_INTERRUPTED if is_cut else CLOSE)
        except KeyboardInterrupt as error:
            interrupted = interrupted or error
            crew.workers.close(0.0)
    except BaseException:
        crew.workers.close(CLOSE_INTERRUPTED)
        medium.close()
        raise
    return ended, interrupted


def _scheduled(request: RunRequest, workers: Workers, medium: Medium) -> Schedule:
    return Schedule(
        [n for n in range(len(request.workload.tasks)) if n not in medium.rejected],
        workers=workers.size,
        chunksize=request.configuration.chunksize,
        durations=request.durations,
        in_order=request.stop is not None,
        order=request.order,
        batches=request.batches,
        lanes=request.lanes,
        most=max(1, request.copies // workers.size) if request.copies > 1 else None,
    )


def _first_start(ledger: Ledger, tasks: int) -> float | None:
    """Return when the first task started, None if none did.

    Fallback if the release never happened: workers stop waiting after `PATIENCE`, for example when
    this process was suspended.
    """
    starts = [started for n in range(tasks) if (started := ledger.times(n)[1]) is not None]
    return min(starts, default=None)


def _absent(
    medium: Medium, losses: Losses, tasks: int
) -> tuple[Mapping[int, Lost], Mapping[int, NotSent]]:
    """Return the tasks without an outcome: the lost ones, and those that were not sent.

    A backend that has not started any of the tasks cannot start here: it has lost nothing.
    """
    lost = losses.all()
    if _first_start(medium.settled, tasks) is not None:
        return lost, medium.rejected
    unsent = {
        task: NotSent(reason="backend", detail=why.detail)
        for task, why in lost.items()
        if why.reason == "backend"
    }
    left = {task: why for task, why in lost.items() if task not in unsent}
    return left, {**medium.rejected, **unsent}


def _cannot_start(configuration: Configuration, given: Budget, error: Exception) -> BackendError:
    reason = error if isinstance(error, BackendError) else f"{type(error).__name__}: {error}"
    return BackendError(
        f"the backend {configuration.backend!r} cannot start {given.workers} workers: "
        f"{str(reason).rstrip('.')}{_remark_on_locks()}"
    )


def _remark_on_locks() -> str:
    """Return a remark if the only place for the locks of multiprocessing has no room."""
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
