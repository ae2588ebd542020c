"""The batches that workers have in hand, and what the ledger tells of them."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence

from ..machine.clock import now
from ..model.work import Batch
from ..transport.ledger import Ledger, State
from .losses import Losses

__all__ = ["Flight"]

#: Seconds in which a library notices that a worker has died.
UNNOTICED = 0.5

_IN_HAND = (State.ARRIVED, State.STARTED, State.ENDED)
_BEGUN = (State.STARTED, State.ENDED)


class Flight:
    """What was submitted and has not ended yet, by the number of the batch.

    What is known of a task that has ended is copied to `settled`, into which no worker can write,
    unless that is the ledger itself. `spools` is the number of files that outcomes may be in.
    """

    def __init__(
        self, ledger: Ledger, losses: Losses, *, settled: Ledger | None = None, spools: int = 1
    ) -> None:
        self._ledger = ledger
        self._settled = ledger if settled is None else settled
        self._spools = spools
        self.recent: set[int] = set()  # tasks that have ended since the ledger was looked at
        self._losses = losses
        self._batches: dict[int, Batch] = {}
        self._handed_out: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        return iter(list(self._batches.values()))

    def __contains__(self, batch: Batch) -> bool:
        return batch.number in self._batches

    def get(self, number: int) -> Batch | None:
        """Return the batch of that number, None if it has come to its end."""
        return self._batches.get(number)

    def add(self, batches: Sequence[Batch]) -> None:
        """Take note that batches are handed out."""
        for batch in batches:
            self._batches[batch.number] = batch
            self._handed_out[batch.number] = now()

    def land(self, batch: Batch) -> int:
        """Take a batch out; return how many tasks of the run were lost since it was handed out.

        Those shortly before count too: a library may hand it to a worker that is dead by then.
        """
        if self._settled is not self._ledger:
            self._settle(batch.tasks)
        del self._batches[batch.number]
        return self._losses.since(self._handed_out.pop(batch.number) - UNNOTICED)

    def reopen(self, task: int) -> None:
        """Forget all about a task that may have ended, so that it can be run again."""
        self._ledger.reset(task)
        self._settled.reset(task)
        self.recent.discard(task)

    def _settle(self, tasks: Sequence[int]) -> None:
        for task in tasks:
            if self._ledger.state(task) is State.STORED:
                self._ledger.check_place(task, self._spools)
                self._settled.copy(task, self._ledger)
                self.recent.add(task)

    def owner(self, batch: Batch) -> int:
        """Return the process or thread that began last with a task of `batch`, else 0."""
        if self._ledger.state(batch.tasks[0]) is State.PENDING:  # they are begun in their order
            return 0
        for task in reversed(batch.tasks):
            if self._ledger.state(task) is not State.PENDING:
                return self._ledger.worker(task)
        return 0

    def owners(self) -> set[int]:
        """Return the processes or threads that have a batch in hand."""
        return {self.owner(batch) for batch in self._batches.values()}

    def in_hand(self, batch: Batch) -> int | None:
        """Return the task of `batch` that its worker is at, None if there is none."""
        for task in batch.tasks:
            if self._ledger.state(task) in _IN_HAND:
                return None if task in self._losses else task
        return None

    def is_held(self, task: int, worker: int) -> bool:
        """Return whether that worker is at that task."""
        return self._ledger.state(task) in _IN_HAND and self._ledger.worker(task) == worker

    def begun(self, batches: Sequence[Batch]) -> list[int]:
        """Return the tasks of `batches` that were begun and have no end."""
        return [
            task
            for batch in batches
            for task in batch.tasks
            if self._ledger.state(task) in _BEGUN and task not in self._losses
        ]

    def in_hands_of_others(self, batches: Sequence[Batch], workers: Container[int]) -> list[int]:
        """Return the tasks of `batches` that arrived at other workers than these."""
        return [
            task
            for batch in batches
            for task in batch.tasks
            if self._ledger.state(task) in _IN_HAND and self._ledger.worker(task) not in workers
        ]

    def has_end(self, task: int) -> bool:
        """Return whether a task is stored or lost."""
        return self._ledger.state(task) is State.STORED or task in self._losses

    def count_ended(self) -> int:
        """Return how many tasks of what is in flight have their end."""
        return sum(self.has_end(task) for batch in self._batches.values() for task in batch.tasks)

    def is_over(self, batch: Batch) -> bool:
        """Return whether all tasks of `batch` have their end."""
        return self._ledger.are_stored(batch.tasks) or all(map(self.has_end, batch.tasks))

    def is_any_running(self, is_dead: Callable[[int], bool]) -> bool:
        """Return whether a worker that lives is at a task."""
        return any(
            State.PENDING < self._ledger.state(task) < State.STORED
            and task not in self._losses
            and not is_dead(self._ledger.worker(task))
            for batch in self._batches.values()
            for task in batch.tasks
        )
