"""The workers of a run on a cluster of `dask.distributed` that is joined."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from ...model.work import Batch
from ...worker.calling import BatchCall
from ...worker.network import NetworkCall
from ...worker.sites import release
from ..parts import EventQueue
from ..protocol import Event
from .contact import Contact
from .futures import LOST, CallError, first_to_end, received
from .joined import WORKER_PATIENCE, JoinedDask
from .lookout import Lookout
from .senders import announce, leave_with_sender
from .sending import Sending

if TYPE_CHECKING:
    from distributed import Future

#: How often a batch is sent again that dask has given up because all workers with the payload died
#: at once. It keeps its number, because the journals have the results of its tasks under that.
AGAIN = 4

#: The topic under which workers report their arrival; only one, because schedulers keep all topics.
TOPIC = "parwork"


class JoinedWorkers:
    """Threads of the workers of a cluster that serves others too."""

    eager = False
    start_method = "dask"

    def __init__(self, joined: JoinedDask, workers: int) -> None:
        self._joined = joined
        self._client = joined.client(workers)
        threads = joined.threads(WORKER_PATIENCE)
        self.size = min(workers, sum(threads.values()))
        # If there are more threads than were asked for: as few processes as have enough threads.
        # This is a preference only, because the cluster may lose them.
        self._chosen: list[str] = []
        for address in sorted(threads):
            if sum(threads[other] for other in self._chosen) < self.size:
                self._chosen.append(address)
        self._is_narrowed = self.size < sum(threads.values())
        self._call: NetworkCall | None = None
        self._sending: Sending | None = None
        self._sent: Future | None = None
        self._waiting: deque[Batch] = deque()
        self._open: dict[Future, Batch] = {}
        self._events = EventQueue()
        self._again: Counter[int] = Counter()
        self._is_released = False
        self._is_gone = False
        self._contact = Contact(joined)
        self._lookout: Lookout | None = None
        self._announced: Future | None = None

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        if self._call is None:
            self._call = cast("NetworkCall", call)
            self._lookout = Lookout(self._joined, self._call)
            self._announced = announce(self._client, self._call.run)
            self._client.subscribe_topic(TOPIC, self._arrived)
        self._waiting.extend(batches)
        self._fill()

    def _is_sent(self) -> bool:
        """Send the call to the cluster; wait a moment and return whether it has arrived."""
        from distributed import TimeoutError

        if self._sent is None:
            try:
                if self._sending is None:
                    self._sending = Sending(self._client, self._call, WORKER_PATIENCE)
                self._sent = self._sending.poll()
            except TimeoutError:
                self._fail(f"the dask scheduler at {self._joined.address} has no worker left")
            except Exception as error:
                self._fail(f"{type(error).__name__}: {error}")
            if self._sent is not None:
                self._sending = None
        return self._sent is not None

    def _fill(self) -> None:
        """Submit batches; never more than `size` at once if dask would use more threads."""
        assert self._call is not None
        if self._is_gone or not self._waiting or not self._is_sent():
            return
        limit = self.size if self._is_narrowed else len(self._open) + len(self._waiting)
        settings: dict[str, Any] = {"pure": False}
        if self._is_narrowed:
            settings |= {"workers": self._chosen, "allow_other_workers": True}
        while self._waiting and len(self._open) < limit and not self._is_gone:
            batch = self._waiting.popleft()
            again = self._again[batch.number]
            key = f"parwork-{self._call.run}-{batch.number}-{again}"
            try:
                future = self._client.submit(
                    run_batch, self._sent, batch, not self._is_released, key=key, **settings
                )
            except Exception as error:
                self._fail(f"{type(error).__name__}: {error}")
            else:
                self._open[future] = batch

    def _arrived(self, event: tuple[float, Mapping[str, Any]]) -> None:
        _, message = event
        if self._call is not None and message["run"] == self._call.run:
            who = message["who"]  # dask puts its own "worker" into the message
            self._events.put(Event(kind="arrived", batch=message["batch"], worker=who))

    def poll(self, timeout: float, /) -> Sequence[Event]:
        for future in first_to_end(self._client, self._open, 0 if self._sending else timeout):
            if not self._joined.is_connected:
                break
            batch = self._open[future]
            event = received(future, batch)
            if event is None:
                continue
            self._contact.note()
            if event.is_innocent:
                at = self._joined.end_where_failed([str(future.key)])
                event = replace(event, worker=next(iter(at), ""))
            del self._open[future]
            future.release()
            if event.reason == LOST and self._again[batch.number] < AGAIN:
                self._again[batch.number] += 1
                self._waiting.appendleft(batch)
                self._sent = None
            else:
                self._events.put(event)
        if self._open or self._waiting:
            if reason := self._contact.complaint():
                self._fail(reason)
            if self._lookout is not None:
                self._lookout.look({str(future.key) for future in self._open})
        if self._call is not None:
            self._fill()
        return self._events.drain(0)

    def _fail(self, reason: str) -> None:
        if not self._is_gone:
            self._is_gone = True
            self._give_up_sending()
            self._waiting.clear()
            self._open.clear()
            self._events.put(Event(kind="gone", reason=reason))

    def _give_up_sending(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None

    def release(self) -> None:
        self._is_released = True
        if self._call is not None:  # else no worker was asked to wait
            self._joined.say_to_all(release, self._call.run)

    def pids(self) -> Mapping[int, int | None]:
        return self._joined.exit_codes() if self._joined.is_connected else {}

    def close(self, deadline: float, /) -> list[int]:
        self._give_up_sending()
        if self._call is None or not self._joined.is_connected:
            return []
        with suppress(Exception):  # a cluster that is going away at this moment
            if self._open:
                self._client.cancel(list(self._open))
            self._client.unsubscribe_topic(TOPIC)
        self._open.clear()
        self._joined.clean_up(self._call.run)
        self._sent = self._announced = None
        return []


def run_batch(call: NetworkCall, batch: Batch, is_meeting: bool) -> bytes:
    """Run a batch in a thread of a dask worker."""
    from distributed import get_worker

    from .preparing import end_if_broken, prepare

    worker = get_worker()
    prepare(worker)

    def arrive(name: str) -> None:
        worker.log_event(TOPIC, {"run": call.run, "batch": batch.number, "who": name})

    try:
        leave_with_sender(worker, call)
        return call(batch, place=worker.address, announce=arrive if is_meeting else None)
    except Exception as error:
        end_if_broken(worker)
        raise CallError.of(error) from error
