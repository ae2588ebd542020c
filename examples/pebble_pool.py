"""A backend on a library that parwork knows nothing about: the process pools of Pebble."""

from __future__ import annotations

import multiprocessing
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from multiprocessing.process import BaseProcess

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from pytest_parwork.backends import Batch, BatchCall, Event, EventQueue, Reach, exit_name


class PebbleWorkers:
    eager = False
    start_method = "spawn"

    def __init__(self, size: int) -> None:
        self.size = size
        self.others = set(multiprocessing.active_children())
        self.pool = ProcessPool(size, context=multiprocessing.get_context("spawn"))
        self.events = EventQueue()

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        for batch in batches:
            future = self.pool.schedule(call, args=[batch])
            future.add_done_callback(partial(self.report, batch.number))

    def report(self, number: int, future: ProcessFuture) -> None:
        """Report the fate of a batch, in the thread of Pebble that waits for it."""
        if future.cancelled():
            self.events.put(Event(kind="failed", batch=number, reason="it was cancelled"))
            return
        error = future.exception()
        if isinstance(error, ProcessExpired):
            reason = exit_name(error.exitcode)
            self.events.put(Event(kind="broken", batch=number, reason=reason))
        elif error is not None:
            reason = f"{type(error).__name__}: {error}"
            self.events.put(Event(kind="failed", batch=number, reason=reason))
        else:
            self.events.put(Event(kind="done", batch=number))

    def poll(self, timeout: float, /) -> Sequence[Event]:
        return self.events.drain(timeout)

    def pids(self) -> Mapping[int, int | None]:
        return {}  # Pebble does not publish them; it reports the exit of one with its task

    def close(self, deadline: float, /) -> Collection[int]:
        self.pool.stop()
        self.pool.join(deadline)
        return [process.pid for process in self.left() if process.pid is not None]

    def left(self) -> set[BaseProcess]:
        return set(multiprocessing.active_children()) - self.others


class PebbleBackend:
    reach: Reach = "machine"

    def start(self, workers: int, /) -> PebbleWorkers:
        return PebbleWorkers(workers)

    def close(self) -> None:
        pass
