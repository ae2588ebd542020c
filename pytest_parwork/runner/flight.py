"""The submitted batches that are not over, and the start of the first tasks of a run."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence

from ..machine.clock import now
from ..model.work import Batch
from ..transport.ledger import State
from ..worker.calling import GLANCE
from .losses import Losses
from .medium import Medium
from .suspension import Suspension
from .waits import RENDEZVOUS, UNNOTICED

#: The longest time between two checks whether the first worker has arrived.
LONG_GLANCE = 4 * GLANCE

_IN_HAND = (State.ARRIVED, State.STARTED, State.ENDED)
_BEGUN = (State.STARTED, State.ENDED)


class Flight:
    """The batches that were submitted and are not over, by number."""

    def __init__(self, medium: Medium, losses: Losses) -> None:
        self._medium = medium
        self._ledger = medium.ledger
        self._losses = losses
        self._batches: dict[int, Batch] = {}
        self._submitted: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        return iter(list(self._batches.values()))

    def __contains__(self, batch: Batch) -> bool:
        return batch.number in self._batches

    def get(self, number: int) -> Batch | None:
        """Return the batch of that number, None if it is over."""
        return self._batches.get(number)

    def add(self, batches: Sequence[Batch]) -> None:
        """Note that batches were submitted."""
        for batch in batches:
            self._batches[batch.number] = batch
            self._submitted[batch.number] = now()

    def land(self, batch: Batch) -> int:
        """Take a batch out; return how many tasks of the run were lost since it was submitted.

        Tasks lost shortly before count, too: a library may send a batch to a worker that is dead.
        """
        self._medium.keep(batch.tasks)
        del self._batches[batch.number]
        return self._losses.since(self._submitted.pop(batch.number) - UNNOTICED)

    def reopen(self, task: int) -> None:
        """Forget all about a task that may have ended, so that it can be run again."""
        self._medium.reopen(task)

    def owner(self, batch: Batch) -> int:
        """Return the worker that was the last to start a task of `batch`, 0 if there is none."""
        if self._ledger.state(batch.tasks[0]) is State.PENDING:  # they start in their order
            return 0
        for task in reversed(batch.tasks):
            if self._ledger.state(task) is not State.PENDING:
                return self._ledger.worker(task)
        return 0

    def owners(self) -> set[int]:
        """Return the workers that have a batch, by their ids in the ledger."""
        return {self.owner(batch) for batch in self._batches.values()}

    def process_of(self, batch: Batch) -> int:
        """Return the process that was the last to start a task of `batch`, 0 if it is unknown."""
        return self.owner(batch) if self._medium.names_processes else 0

    def processes(self) -> set[int]:
        """Return the processes that have a batch, as far as they are known."""
        return self.owners() if self._medium.names_processes else set()

    def in_hand(self, batch: Batch) -> int | None:
        """Return the task of `batch` that its worker is running, None if there is none."""
        for task in batch.tasks:
            if self._ledger.state(task) in _IN_HAND:
                return None if task in self._losses else task
        return None

    def begun(self, batches: Sequence[Batch]) -> list[int]:
        """Return the tasks of `batches` that have started and not ended."""
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
        """Return how many tasks of the submitted batches are stored or lost."""
        return sum(self.has_end(task) for batch in self._batches.values() for task in batch.tasks)

    def is_over(self, batch: Batch) -> bool:
        """Return whether all tasks of `batch` are stored or lost."""
        return self._ledger.are_stored(batch.tasks) or all(map(self.has_end, batch.tasks))

    def is_any_running(self, is_dead: Callable[[int], bool]) -> bool:
        """Return whether a living worker is running a task."""
        return any(
            State.PENDING < self._ledger.state(task) < State.STORED
            and task not in self._losses
            and not is_dead(self._ledger.worker(task))
            for batch in self._batches.values()
            for task in batch.tasks
        )


class Rendezvous:
    """Waits for the workers, but not for ever: equal results only prove something if they met."""

    def __init__(self, flight: Flight, suspension: Suspension) -> None:
        self._glance = GLANCE
        self._flight = flight
        self._suspension = suspension
        self._expected = 0
        self._first_arrival: float | None = None

    def expect(self, workers: int) -> None:
        """Wait for so many workers."""
        self._expected = workers

    def glance(self) -> float:
        """Return the seconds until the next check; new processes need some time to arrive."""
        if self._first_arrival is not None:
            return GLANCE
        seconds, self._glance = self._glance, min(2 * self._glance, LONG_GLANCE)
        return seconds

    def is_over(self) -> bool:
        """Return whether all workers hold a task, or the wait for the others has timed out."""
        if self._expected <= 1:
            return True
        arrived = self._flight.owners() - {0}
        if arrived and self._first_arrival is None:
            self._first_arrival = now()
        if len(arrived) >= self._expected:
            return True
        first = self._first_arrival
        return first is not None and now() > first + RENDEZVOUS + self._suspension.since(first)
