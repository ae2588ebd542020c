"""The order in which tasks are submitted, in batches of numbers."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import chain

from ..model.work import Batch, WorkersAsked

#: Seconds of work that one message to a worker should carry: fifty times its cost of 1 ms, which is
#: that of a Pool whose workers use all processors. (Without such load it is 0.2 ms.)
BATCH_SECONDS = 0.05

#: Below so many seconds of work, or tasks, a batch is not worth its message: to even out less costs
#: more. But no worker gets more than its share of the rest.
LEAST_SECONDS = 0.001
LEAST_TASKS = 16

#: Tasks that take more seconds are long: they should not wait behind another on one worker while
#: another worker is idle.
LONG = 0.02

#: Seconds of work that a worker should have ahead if batches are small by request, because the
#: runner may have to wait so long for a processor. `MOST_AHEAD` is the limit in batches: with more,
#: the last batches could not even out the load.
AHEAD = 0.02
MOST_AHEAD = 16

#: The weight that the durations of earlier tasks keep after each batch.
MEMORY = 0.5

#: Batches per worker if a library wants all of them at once, so that the last ones even out.
EAGER_SHARE = 16


class Schedule:
    """Yields tasks in batches, which grow if the tasks turn out to be short.

    The longest known task comes first (Graham's LPT rule, SIAM J. Appl. Math. 17, 1969). Where no
    duration is known, the last task comes first: parameters are mostly written from small to large,
    and a long task that starts last leaves the other workers idle. `in_order` is for a run that may
    be stopped by a failure: all tasks before that one are then done. `order` is a requested order,
    `batches` are requested batches; both are used as they are, without tasks that cannot be sent.
    Tasks that share a lane in `lanes` are one batch, whatever its size. Where no size is requested,
    a batch has at most `most` tasks.
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
        lanes: Mapping[int, int] | None = None,
        most: int | None = None,
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
        self._lanes = lanes or {}
        self._most = most
        self._workers = workers
        self._chunksize = chunksize
        self._seen = 0.0  # the number of tasks and their seconds, earlier ones weighted less
        self._spent = 0.0
        self._count = 0
        self._alone: set[int] = set()

    @cached_property
    def _rank(self) -> Mapping[int, int]:
        """The places of tasks in the order; only computed if a task is put back."""
        return {task: rank for rank, task in enumerate(self._order)}

    def __len__(self) -> int:
        """Return how many tasks are still to be submitted."""
        return len(self._queue)

    def observe(self, seconds: float, *, tasks: int = 1) -> None:
        """Note the seconds of each task of the latest batch, including overhead.

        A short batch counts less than a long one: if its worker had to wait for a processor, it
        does not make the next batches short.
        """
        self._seen = MEMORY * self._seen + tasks
        self._spent = MEMORY * self._spent + seconds * tasks

    @property
    def _seconds(self) -> float | None:
        """The seconds of a task, None as long as they are unknown."""
        return self._spent / self._seen if self._seen else None

    @property
    def window(self) -> int:
        """How many batches a worker should have ahead: a second one only if batches are short.

        Two keep a worker busy while the next message is sent; with long tasks the second would
        wait behind the first while another worker is idle. More are useful if the requested batches
        are so small that two are little work; but never more than a fair share of the rest.
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
        """Return all remaining batches, for a library that wants everything at once."""
        size = self._limited(max(1, len(self._queue) // (self._workers * EAGER_SHARE)))
        if self._batch_of or self._chunksize != "auto":
            size = self._size()
        batches = []
        while self._queue:
            batches.append(self._take(size))
        return batches

    def _rest_of(self, lane: int) -> list[int]:
        """Take the tasks of a lane out of the queue, except those that are to be alone."""
        rest = [task for task in self._queue if self._lanes.get(task) == lane]
        taken = set(rest) - self._alone
        self._queue = deque(task for task in self._queue if task not in taken)
        return [task for task in rest if task in taken]

    def single(self, task: int) -> Batch:
        """Return a batch of only `task`, which was taken before."""
        self._count += 1
        return Batch(number=self._count, tasks=(task,))

    def put_back(self, tasks: Sequence[int], *, alone: bool = False) -> None:
        """Submit `tasks` again, next; with `alone`, each in its own batch."""
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
        # Never more than a fair share of the rest, or all would wait for the last batch.
        fair = math.ceil(len(self._queue) / (2 * self._workers))
        seconds = max(seconds, 1e-9)
        share = math.ceil(len(self._queue) / self._workers)
        least = min(share, LEAST_TASKS, int(LEAST_SECONDS / seconds))
        return self._limited(max(1, least, min(fair, int(BATCH_SECONDS / seconds))))

    def _limited(self, size: int) -> int:
        return size if self._most is None else min(size, self._most)

    def _take(self, size: int) -> Batch:
        tasks = [self._queue.popleft()]
        lane = self._lanes.get(tasks[0])
        if lane is not None and tasks[0] not in self._alone:
            tasks += self._rest_of(lane)
            size = len(tasks)
        queue = self._queue
        while len(tasks) < size and queue:
            if queue[0] in self._lanes:
                break
            if self._alone and self._alone & {tasks[0], queue[0]}:
                break
            if self._batch_of and self._batch_of[tasks[0]] != self._batch_of[queue[0]]:
                break
            tasks.append(queue.popleft())
        self._count += 1
        return Batch(number=self._count, tasks=tuple(tasks))
