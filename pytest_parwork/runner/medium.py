"""The interface of all ways in which a run shares data with its workers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

from ..backends.protocol import Workers
from ..machine.stacks import Stack
from ..model.dataclass import dataclass
from ..model.outcome import NotSent
from ..model.output import Output
from ..model.work import Batch, Task
from ..transport.ledger import Kind, Ledger
from ..worker.calling import BatchCall
from .request import RunRequest
from .schedule import MOST_AHEAD
from .suspension import Suspension
from .waits import RENDEZVOUS

if TYPE_CHECKING:
    from ..transport.notes import Entry
    from ..worker.threads import Given

#: Seconds that workers wait for the release by the runner, in case it never comes.
PATIENCE = 2 * RENDEZVOUS


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The data that a medium needs of a run: the request, the workers, the number of threads."""

    request: RunRequest
    workers: Workers
    threads: int
    suspension: Suspension


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A task that has run out of time: when it `began`, and when it was `due`."""

    task: int
    batch: Batch
    began: float
    due: float


class Snapshot(Protocol):
    """The tasks of a workload as they were when they were sent, to run them once or more.

    `unavailable` holds, by task number, why a task cannot be run a second time.
    """

    unavailable: Mapping[int, str]

    def medium(self, setting: Setting, tasks: Sequence[int]) -> Medium:
        """Return the medium for a run of these tasks, renumbered in their order."""
        ...

    def stored(self, tasks: Sequence[Task]) -> Snapshot:
        """Return the same `tasks`, which are all of its own, in a file of this machine."""
        ...

    def close(self) -> None:
        """Free everything that is kept."""
        ...


class Results(Protocol):
    """The stored results of the tasks of a run; `ledger` is the settled one."""

    ledger: Ledger

    def kind(self, task: int) -> Kind:
        """Return the kind of a stored outcome without loading it."""
        ...

    def load(self, task: int) -> Given:
        """Load a stored outcome; if that fails, it is a failure."""
        ...

    def may_run_code(self, task: int) -> bool:
        """Return whether loading an outcome may run code of its classes."""
        ...

    def has_parts(self, task: int) -> bool:
        """Return whether an outcome may be more than a plain value, so that its parts count."""
        ...

    def output(self, task: int) -> Output | None:
        """Load what a task has printed, logged and warned; None if nothing."""
        ...

    def output_of_lost(self, task: int) -> Output | None:
        """Return the output of a task that has no outcome."""
        ...

    def note_loaded(self, task: int) -> None:
        """Free the memory that a loaded outcome does not need any more."""
        ...

    def free(self, task: int) -> None:
        """Free all memory of an outcome: large values that were loaded read as zeros now."""
        ...

    def close(self) -> None:
        """Free everything."""
        ...


class Medium(Protocol):
    """The data that a run shares with its workers; the methods defined here do nothing.

    `call` is what the library of the backend calls for each batch. Workers write into the `ledger`;
    what is known of tasks that have ended is in `settled`, another table where tasks could write to
    the ledger, too. `recent` are the tasks that have ended since that one was checked. `rejected`
    are the tasks that cannot be sent, `sent` and `withheld` the project's files that were sent, or
    must not be sent.
    """

    call: BatchCall
    ledger: Ledger
    settled: Ledger
    rejected: Mapping[int, NotSent]
    recent: set[int]
    sent: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()

    #: The largest number of batches that a worker may have ahead.
    most_ahead: int = MOST_AHEAD
    #: Whether the ledger names the processes of the workers, which can be watched and ended.
    names_processes: bool = False
    #: Whether nothing is known of the tasks of a batch until the batch is over.
    is_apart: bool = False

    def held(self) -> AbstractContextManager[None]:
        """Keep up, while tasks run, what this process shares with its workers."""
        return nullcontext()

    def release(self, workers: Workers) -> None:
        """Release the workers that wait for the others with their first task."""
        self.ledger.release()

    def look(self) -> None:
        """Do the regular upkeep, now and then."""
        return

    # Batches and their outcomes.

    def arrive(self, batch: Batch, worker: str) -> None:
        """Note that a worker has received a batch, if workers report that."""
        return

    def take(self, body: bytes) -> Sequence[Entry]:
        """Store what a batch returned; return the entries of tasks that have no outcome."""
        return ()

    def withdraw(self, batch: Batch) -> bool:
        """Withdraw a batch; return False if a worker that cannot be ended has started it."""
        return True

    def keep(self, tasks: Sequence[int]) -> None:
        """Copy the rows of ended tasks to where no task can write."""
        return

    def reopen(self, task: int) -> None:
        """Forget all about a task that may have ended, so that it can be run again."""
        self.ledger.reset(task)

    def is_whole(self, task: int) -> bool:
        """Return whether the stored outcome of a task is still complete."""
        return True

    # Tasks that take too long.

    def timed_out(self, batch: Batch) -> Collection[int]:
        """Return the tasks of a batch that were ended where they ran."""
        return ()

    def end_late(self, late: Sequence[Late]) -> Sequence[Late]:
        """End late tasks with their workers; return those that were ended."""
        return ()

    def attached(self) -> Sequence[int]:
        """Return the processes that are attached to the run."""
        return ()

    def was_attached(self) -> bool:
        """Return whether a process is known to have been attached, if only for a moment."""
        return False

    # Workers that have died.

    def has_served(self, worker: str) -> bool:
        """Return whether the worker of that name, as events have it, has ended a task."""
        return False

    def process_of(self, task: int) -> int | None:
        """Return the process that has a task, None if the ledger does not name it."""
        return None

    def read_stack(self, pid: int) -> Stack:
        """Return the stack that a worker process has left."""
        return Stack()

    def keep_output(self, task: int, pid: int | None) -> None:
        """Keep what a worker process printed before it died with that task."""
        return

    # The end of the run.

    def settle(self, lost: Collection[int]) -> None:
        """Complete the settled ledger, once no worker is left."""
        return

    def results(self) -> Results:
        """Return the results of the tasks."""
        ...

    def close(self) -> None:
        """Free everything, if no results were taken."""
        return
