"""The backends `multiprocessing…`: `multiprocessing.Pool`, by start method and Pool method."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from multiprocessing import TimeoutError as NothingYet
from multiprocessing.pool import TERMINATE, AsyncResult, IMapIterator, Pool
from typing import TYPE_CHECKING, Any

from ..machine.clock import now
from ..machine.interrupts import Deferral
from ..model.dataclass import dataclass
from ..model.work import Batch
from .parts import EventQueue
from .protocol import Event

if TYPE_CHECKING:
    from ..worker.calling import BatchCall

#: Seconds between two checks of a waiting thread whether the run is over.
GLANCE = 0.05


class Hand:
    """The batches of one call of the pool; reports what became of them."""

    def __init__(self, batches: Sequence[Batch], events: EventQueue) -> None:
        self.batches = batches
        self.is_over = False
        self._open = {batch.number for batch in batches}
        self._events = events

    def done(self, numbers: Iterable[int]) -> None:
        """Report that batches are done, each as soon as its number arrives."""
        for number in numbers:
            self._open.discard(number)
            self._events.put(Event(kind="done", batch=number))

    def failed(self, error: BaseException) -> None:
        """Report that the call raised; the runner knows which batches are stored nevertheless."""
        reason = f"{type(error).__name__}: {error}"
        for number in self._open:
            self._events.put(Event(kind="failed", batch=number, reason=reason))

    def each(self, results: IMapIterator[int]) -> Iterator[int]:
        """Yield results until the run is over; an error is raised once no more results come."""
        failed: Exception | None = None
        while not self.is_over:
            try:
                yield results.next(GLANCE)
            except NothingYet:
                continue
            except StopIteration:
                break
            except Exception as error:
                failed = error
        if failed is not None:
            raise failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How a method of the pool is called; it is `eager` if it takes all batches in one call."""

    ask: Callable[[Pool, BatchCall, Hand], object]
    eager: bool = True
    blocks: bool = True


#: Every way to have a pool call a function. Arguments are tuples if the method unpacks them.
METHODS: Mapping[str, Method] = {
    "map": Method(ask=lambda pool, call, hand: hand.done(pool.map(call, hand.batches, 1))),
    "starmap": Method(
        ask=lambda pool, call, hand: hand.done(pool.starmap(call, zip(hand.batches), 1))
    ),
    "apply": Method(
        ask=lambda pool, call, hand: hand.done([pool.apply(call, tuple(hand.batches))]),
        eager=False,
    ),
    "imap": Method(
        ask=lambda pool, call, hand: hand.done(hand.each(pool.imap(call, hand.batches, 1)))
    ),
    "imap_unordered": Method(
        ask=lambda pool, call, hand: hand.done(
            hand.each(pool.imap_unordered(call, hand.batches, 1))
        )
    ),
    "map_async": Method(
        ask=lambda pool, call, hand: pool.map_async(call, hand.batches, 1, hand.done, hand.failed),
        blocks=False,
    ),
    "starmap_async": Method(
        ask=lambda pool, call, hand: pool.starmap_async(
            call, zip(hand.batches), 1, hand.done, hand.failed
        ),
        blocks=False,
    ),
    "apply_async": Method(
        ask=lambda pool, call, hand: pool.apply_async(
            call, tuple(hand.batches), {}, lambda number: hand.done([number]), hand.failed
        ),
        eager=False,
        blocks=False,
    ),
}


#: Seconds for a pool to end whose start was interrupted.
INTERRUPTED = 1.0


class _InterruptiblePool(Pool):
    """A pool whose start may be interrupted: its thread then stops starting processes."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        try:
            super().__init__(*args, **settings)
        except BaseException:
            thread = getattr(self, "_worker_handler", None)
            if thread is not None:
                thread._state = TERMINATE
            raise


class PoolWorkers:
    """One pool, which replaces workers that die without reporting it.

    If the method blocks, each of its calls has its own thread: a call whose worker died waits until
    the run ends, and no other call waits for it.
    """

    def __init__(
        self, workers: int, start_method: str | None, method: str, *, avoid: str = ""
    ) -> None:
        from ..machine.contexts import Processes  # a session on threads needs none

        self.size = workers
        self.eager = METHODS[method].eager
        self._method = METHODS[method]
        self._processes = Processes(start_method, may_change=True, avoid=avoid)
        self.start_method = self._processes.method
        self.avoided = self._processes.threads
        self._pool: Pool | None = None
        self._waiting: dict[threading.Thread, Hand] = {}
        self._events = EventQueue()
        if self.start_method == "fork":
            # The pool starts later, once the runner has prepared everything that forks inherit. But
            # check now whether there is room for its locks: with a full /dev/shm there is none.
            self._processes.context.Lock()
        else:
            try:
                self._start_pool()
            except BaseException:
                self.close(INTERRUPTED)
                raise

    def _start_pool(self) -> Pool:
        with Deferral():  # else Ctrl-C could leave a pool, or a semaphore, that nobody knows
            self._pool = _InterruptiblePool(self.size, context=self._processes.context)
            return self._pool

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        pool = self._pool or self._start_pool()
        self._waiting = {
            thread: hand for thread, hand in self._waiting.items() if thread.is_alive()
        }
        for taken in [batches] if self.eager else [[batch] for batch in batches]:
            hand = Hand(taken, self._events)
            if self._method.blocks:
                thread = threading.Thread(target=self._ask, args=(pool, call, hand), daemon=True)
                self._waiting[thread] = hand
                thread.start()
            else:
                self._ask(pool, call, hand)

    def _ask(self, pool: Pool, call: BatchCall, hand: Hand) -> None:
        try:
            self._method.ask(pool, call, hand)
        except Exception as error:
            hand.failed(error)

    def poll(self, timeout: float, /) -> Sequence[Event]:
        return self._events.drain(timeout)

    def pids(self) -> Mapping[int, int | None]:
        return self._processes.exit_codes()

    def close(self, deadline: float, /) -> list[int]:
        if self._pool is None:  # it may have been interrupted while it started its processes
            return self._processes.end(deadline)
        # `terminate` hangs for ever if a worker died while it held the queue's lock.
        ending = threading.Thread(target=_end, args=(self._pool,), daemon=True)
        ending.start()
        ending.join(deadline)
        survivors = self._processes.end(deadline)
        self._wake(self._pool, deadline)
        return survivors

    def _wake(self, pool: Any, deadline: float) -> None:
        """End the threads that wait for results which no worker will return any more.

        `map`, `starmap` and `apply` wait without a deadline, and `terminate` does not wake them.
        The pool's cache is the only access to what they wait for. Nobody reads what they return.
        """
        until = now() + deadline
        for hand in self._waiting.values():
            hand.is_over = True
        for thread in self._waiting:
            while thread.is_alive() and now() < until:
                for result in list(pool._cache.values()):  # again, for calls that began just now
                    if isinstance(result, AsyncResult):
                        result._event.set()  # type: ignore[attr-defined]  # see above
                thread.join(0.01)


def _end(pool: Any) -> None:
    from ..machine.contexts import is_measured

    if is_measured() and not pool._cache:
        pool.close()  # `terminate` would kill workers that are saving data of coverage
    else:
        pool.terminate()
    pool.join()
