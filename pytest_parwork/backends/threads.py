"""The backend `threads`: `concurrent.futures.ThreadPoolExecutor`."""

from __future__ import annotations

import concurrent.futures.thread
import functools
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING, Any

from ..model.work import Batch
from .parts import EventQueue, event_of
from .protocol import Event

if TYPE_CHECKING:
    from ..worker.calling import BatchCall


@functools.cache
def _mind_forks() -> None:
    """Let a process that a task forks end with its own exit code.

    At its exit `concurrent.futures` would join all threads of executors, and the one that was
    forked is among them: "cannot join current thread", so that multiprocessing reports 1.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget_thread)


def _forget_thread() -> None:
    # It has no public name; without it, the exit code is as in any thread of an executor.
    waited_for: Any = getattr(concurrent.futures.thread, "_threads_queues", {})
    waited_for.pop(threading.current_thread(), None)


class ThreadWorkers:
    """One executor, whose threads do not keep the process from exiting."""

    eager = False
    start_method = "thread"

    def __init__(self, workers: int) -> None:
        _mind_forks()
        self.size = workers
        self._threads: list[threading.Thread] = []
        self._executor = ThreadPoolExecutor(
            workers,
            thread_name_prefix="parwork",
            initializer=lambda: self._threads.append(threading.current_thread()),
        )
        self._open: set[Future[int]] = set()
        self._events = EventQueue()
        # Threads inherit from the one that starts them to be daemons, for which exit does not wait.
        starting = threading.Thread(target=self._start_all, daemon=True)
        starting.start()
        starting.join()

    def _start_all(self) -> None:
        barrier = threading.Barrier(self.size + 1)
        for _ in range(self.size):
            self._executor.submit(barrier.wait)  # no thread gets two before each has one
        barrier.wait()

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        for batch in batches:
            future = self._executor.submit(call, batch)
            self._open.add(future)
            future.add_done_callback(partial(self._report, batch))

    def _report(self, batch: Batch, future: Future[int]) -> None:
        self._open.discard(future)
        self._events.put(event_of(future, batch))

    def poll(self, timeout: float, /) -> Sequence[Event]:
        return self._events.drain(timeout)

    def pids(self) -> Mapping[int, int | None]:
        return {}

    def close(self, deadline: float, /) -> list[int]:
        self._executor.shutdown(wait=False, cancel_futures=True)
        _, still_running = wait(set(self._open), deadline)
        if not still_running:
            self._executor.shutdown(wait=True)
        for thread in self._threads:
            if thread.is_alive():
                _abandon(thread)
        return []


def _abandon(thread: threading.Thread) -> None:
    """Leave a thread behind whose task is still running, because nothing can end it.

    At exit `concurrent.futures` waits for every thread in its own table, even for daemons.
    """
    from concurrent.futures import thread as home

    getattr(home, "_threads_queues", {}).pop(thread, None)
