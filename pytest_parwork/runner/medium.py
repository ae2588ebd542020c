"""What a run shares with its workers: one interface for each way of sharing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from ..backends.protocol import Workers
from ..machine.stacks import Stack
from ..model.errors import PayloadError
from ..model.output import Output
from ..model.work import Batch
from ..transport.ledger import Kind, Ledger
from ..transport.notes import Entry
from ..worker.calling import BatchCall
from ..worker.threads import Given
from .request import RunRequest
from .schedule import MOST_AHEAD
from .suspension import Suspension
from .waits import RENDEZVOUS

#: Seconds that workers wait for the release, which the runner decides on: in case it never comes.
PATIENCE = 2 * RENDEZVOUS


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a medium has to know of a run: what was asked, who works, with how many threads."""

    request: RunRequest
    workers: Workers
    threads: int
    suspension: Suspension


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A task that has had its time: since it `began`, and it was `due`."""

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
        """Return the medium for a run of these tasks, numbered anew in their order."""
        ...

    def close(self) -> None:
        """Free what is kept."""
        ...


class Results(Protocol):
    """What the tasks of a run gave, where that is kept; `ledger` is the settled one."""

    ledger: Ledger

    def kind(self, task: int) -> Kind:
        """Return the kind of a stored outcome without loading it."""
        ...

    def load(self, task: int) -> Given:
        """Load a stored outcome; it need not have been possible, and then is a failure."""
        ...

    def may_run_code(self, task: int) -> bool:
        """Return whether to load an outcome may run code of its classes."""
        ...

    def output(self, task: int) -> Output | None:
        """Load what a task has printed, logged and warned, None if nothing."""
        ...

    def output_of_lost(self, task: int) -> Output | None:
        """Return that of a task which has no outcome."""
        ...

    def note_loaded(self, task: int) -> None:
        """Free what a loaded outcome does not need any more."""
        ...

    def free(self, task: int) -> None:
        """Free all memory of an outcome: large values that were loaded read as zeros now."""
        ...

    def close(self) -> None:
        """Free everything."""
        ...


class Medium(Protocol):
    """What a run shares with its workers; what is defined here is for where nothing is to be done.

    `call` is what the library of the backend calls for each batch. Workers write into the `ledger`;
    what is known of tasks that have ended is in `settled`, another table where tasks could write to
    the ledger, too. `recent` are the tasks that have ended since that one was checked. `rejected`
    are the tasks that cannot be sent, `sent` and `withheld` the project's files that were sent or
    must not be.
    """

    call: BatchCall
    ledger: Ledger
    settled: Ledger
    rejected: Mapping[int, PayloadError]
    recent: set[int]
    sent: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()

    #: How many batches a worker may have ahead.
    most_ahead: int = MOST_AHEAD
    #: Whether the ledger names the processes of the workers, which can be watched and ended.
    names_processes: bool = False
    #: Whether workers are out of sight: what they are at is known only when a batch is over.
    is_apart: bool = False

    def held(self) -> AbstractContextManager[None]:
        """Hold what this process shares with its workers, for as long as tasks run."""
        return nullcontext()

    def release(self, workers: Workers) -> None:
        """Let workers start that wait for the others with their first task in hand."""
        self.ledger.release()

    def look(self) -> None:
        """Do what has to be done now and then."""
        return

    # Batches and what comes of them.

    def arrive(self, batch: Batch, worker: str) -> None:
        """Note that a worker has a batch in hand, where workers report that."""
        return

    def take(self, body: bytes) -> Sequence[Entry]:
        """Store what a batch returned; return the entries of tasks that have no outcome."""
        return ()

    def withdraw(self, batch: Batch) -> bool:
        """Withdraw a batch, False if it cannot be: a worker that cannot be ended has begun it."""
        return True

    def keep(self, tasks: Sequence[int]) -> None:
        """Copy what is known of ended tasks to where no task can write."""
        return

    def reopen(self, task: int) -> None:
        """Forget all about a task that may have ended, so that it can be run again."""
        self.ledger.reset(task)

    def is_whole(self, task: int) -> bool:
        """Return whether the stored outcome of a task is still there."""
        return True

    # Tasks that take too long.

    def timed_out(self, batch: Batch) -> Collection[int]:
        """Return the tasks of a batch that were ended where they ran."""
        return ()

    def end_late(self, late: Sequence[Late]) -> Sequence[Late]:
        """End tasks that have had their time, with their workers; return those that were ended."""
        return ()

    def attached(self) -> Sequence[int]:
        """Return the processes that are attached to the run."""
        return ()

    # Workers that have died.

    def process_of(self, task: int) -> int | None:
        """Return the process that has a task, None where the ledger does not name it."""
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
        """Return what the tasks gave."""
        ...

    def close(self) -> None:
        """Free everything, where there are no results."""
        return
