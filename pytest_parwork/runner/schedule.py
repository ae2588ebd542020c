"""The order in which tasks are submitted, in batches of numbers."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import chain

from ..model.work import Batch, WorkersAsked

#: Seconds of work that one message to a worker should carry: fifty times what it costs a Pool whose
#: workers leave it no processor, 1 ms. (Alone it is 0.2 ms.)
BATCH_SECONDS = 0.05

#: Tasks that take more seconds are long: one that waits behind another would be missed elsewhere.
LONG = 0.02

#: Seconds of work that a worker should have ahead where batches are small because somebody wants
#: them so: for so long the runner may have to wait for a processor. More than the number of batches
#: would be worth too much where the last ones have to even out.
AHEAD = 0.02
MOST_AHEAD = 16

#: How much of what is known from earlier tasks still counts after a batch.
MEMORY = 0.5

#: Batches per worker where a library wants all of them at once, so that the last ones even out.
EAGER_SHARE = 16


class Schedule:
    """Gives tasks in batches that grow where tasks turn out short.

    The longest known task comes first (Graham's LPT rule, SIAM J. Appl. Math. 17, 1969). Where no
    duration is known, the last task comes first: parameters are mostly written from small to large,
    and a long task that starts last leaves the other workers idle. `in_order` is for a run that may
    be stopped by a failure: what comes before that is then done. `order` is an order that somebody
    wants, `batches` are batches: each is submitted as it is, without what cannot be sent.
    """

    def __init__(
        self,
        tasks: Sequence[int],
        *,
        workers: int,
        chunksize: WorkersAsked = "auto",
        durations: Mapping[int, float] | None = None,
        in_order: bool = False,
        order: Sequence[int] | None = None,
        batches: Sequence[Sequence[int]] | None = None,
    ) -> None:
        known, wanted = durations or {}, set(tasks)
        if order is None and batches is None:
            order = sorted(
                tasks,
                key=lambda task: task if in_order else (-known.get(task, math.inf), -task),
            )
        elif batches is not None:
            order = list(chain.from_iterable(batches))
        assert order is not None
        self._queue = deque(task for task in order if task in wanted)
        self._order = order
        self._batch_of = {
            task: number for number, batch in enumerate(batches or ()) for task in batch
        }
        self._workers = workers
        self._chunksize = chunksize
        self._seen = 0.0  # tasks, and the seconds that they took, the earlier ones in part
        self._spent = 0.0
        self._count = 0
        self._alone: set[int] = set()

    @cached_property
    def _rank(self) -> Mapping[int, int]:
        """The places of tasks in the order; cached, and not made where nothing is put back."""
        return {task: rank for rank, task in enumerate(self._order)}

    def __len__(self) -> int:
        """Return how many tasks are still to be submitted."""
        return len(self._queue)

    def observe(self, seconds: float, *, tasks: int = 1) -> None:
        """Take note of what each task of the latest batch took, with its overhead.

        A short batch whose worker had to wait for a processor tells less than a long one, and does
        not make the next ones short by itself.
        """
        self._seen = MEMORY * self._seen + tasks
        self._spent = MEMORY * self._spent + seconds * tasks

    @property
    def _seconds(self) -> float | None:
        """What a task takes, None as long as nothing is known."""
        return self._spent / self._seen if self._seen else None

    @property
    def window(self) -> int:
        """How many batches a worker should have ahead: a second one only where batches are short.

        Two keep a worker busy while the next message is sent; with long tasks the second would
        wait behind the first while another worker is idle. More are worth it where somebody wants
        batches so small that two are no work to speak of; never more than a fair share of the rest.
        """
        seconds = self._seconds
        if seconds is None:
            return 2
        if seconds > LONG:
            return 1
        if self._chunksize == "auto":
            return 2
        wanted = math.ceil(AHEAD / max(seconds * self._chunksize, 1e-9))
        fair = math.ceil(len(self._queue) / (2 * self._workers * self._chunksize))
        return max(2, min(wanted, fair, MOST_AHEAD))

    def next(self) -> Batch | None:
        """Return the next batch, None if there is nothing left."""
        return self._take(self._size()) if self._queue else None

    def all(self) -> list[Batch]:
        """Return all that is left, for a library that wants everything at once."""
        size = max(1, len(self._queue) // (self._workers * EAGER_SHARE))
        if self._batch_of or self._chunksize != "auto":
            size = self._size()
        batches = []
        while self._queue:
            batches.append(self._take(size))
        return batches

    def single(self, task: int) -> Batch:
        """Return a batch of just `task`, which was taken before."""
        self._count += 1
        return Batch(number=self._count, tasks=(task,))

    def put_back(self, tasks: Sequence[int], *, alone: bool = False) -> None:
        """Submit `tasks` again, next; each in a batch of its own where they are to be `alone`."""
        self._queue.extendleft(sorted(tasks, key=self._rank.__getitem__, reverse=True))
        if alone:
            self._alone.update(tasks)

    def _size(self) -> int:
        if self._batch_of:
            return len(self._queue)  # up to the end of the batch
        if self._chunksize != "auto":
            return self._chunksize
        seconds = self._seconds
        if seconds is None:
            return 1
        # Never more than a fair share of the rest, or all wait for the last batch.
        fair = math.ceil(len(self._queue) / (2 * self._workers))
        return max(1, min(fair, int(BATCH_SECONDS / max(seconds, 1e-9))))

    def _take(self, size: int) -> Batch:
        queue = self._queue
        tasks = [queue.popleft()]
        while len(tasks) < size and queue:
            if self._alone and self._alone & {tasks[0], queue[0]}:
                break
            if self._batch_of and self._batch_of[tasks[0]] != self._batch_of[queue[0]]:
                break
            tasks.append(queue.popleft())
        self._count += 1
        return Batch(number=self._count, tasks=tuple(tasks))
