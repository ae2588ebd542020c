"""A station: a process that has the tasks of a run, and calls what it is sent, job by job."""

from __future__ import annotations

import pickle
import select
import socket
from collections.abc import Callable, Sequence
from typing import cast

from ..backends.protocol import Backend, obstacle_of
from ..machine import budget
from ..machine.clock import now
from ..machine.contexts import is_measured
from ..machine.exits import exit_name
from ..machine.process_groups import kill_group
from ..model.errors import BackendError
from ..model.work import Batch
from ..transport.pickling import dumps
from ..worker.processes import ProcessCall
from ..worker.station import Answer, Serving, framed, receive
from .medium import Setting, Snapshot
from .request import RunRequest
from .suspension import Suspension
from .waits import CLOSE, LOOK


class Station:
    """A process that a backend has started for no more than to answer; the first tasks name it.

    It is started at once and answers later, so that several can start at the same time. It ends
    with `close`, or with this process.
    """

    def __init__(
        self, backend: Backend, snapshot: Snapshot, request: RunRequest, tasks: Sequence[int]
    ) -> None:
        if why := obstacle_of(backend):
            raise BackendError(why)
        if request.guard is not None:
            request.guard.begin()
        self._workers = backend.start(1)
        allowed = budget.resolve(1)
        threads = request.threads or budget.native_threads(1, cpus=allowed.cpus)
        setting = Setting(
            request=request, workers=self._workers, threads=threads, suspension=Suspension()
        )
        self._is_late = False
        self._end, there = socket.socketpair()
        try:
            self._medium = snapshot.medium(setting, tasks)
            call = cast("ProcessCall", self._medium.call)
            self._workers.submit(Serving(call, there), [Batch(number=0, tasks=(0,))])
        except BaseException:
            self._end.close()
            self._workers.close(CLOSE)
            raise
        finally:
            there.close()

    def ask(self, job: Callable[[], object], until: float) -> object:
        """Have the process call a job, and return what that gave; None if it is too late by then.

        Raises `BackendError` if the process dies, if the job raises anything, or if the answer to
        an earlier job is still missing.
        """
        if self._is_late:
            raise BackendError("its process has not answered in time before")
        try:
            answer = self._answer(dumps(job), until)
        except OSError:
            raise BackendError(self._end_of_process()) from None
        if answer is None:
            self._is_late = True
            return None
        if answer.kind == "failure":
            raise BackendError(str(answer.result))
        return answer.result

    def _answer(self, job: bytes, until: float) -> Answer | None:
        try:
            self._end.settimeout(max(LOOK, until - now()))
            self._end.sendall(framed(job))
        except TimeoutError:
            return None
        while not select.select([self._end], [], [], LOOK)[0]:
            self._medium.look()
            if now() >= until:
                return None
            if self._workers.poll(0):  # a process that it has left behind may hold its end open
                raise ConnectionResetError
        data = receive(self._end.fileno(), until)
        if data is None and now() < until:
            raise ConnectionResetError
        return None if data is None else Answer(*pickle.loads(data))

    def _end_of_process(self) -> str:
        """Say how the process has ended, as soon as the system reports it."""
        until = now() + LOOK
        while not (codes := [c for c in self._workers.pids().values() if c]) and now() < until:
            self._workers.poll(LOOK / 5)
        return f"its process died: {exit_name(codes[0])}" if codes else "its process died"

    def close(self) -> None:
        """End the process with all that it has started."""
        self._end.close()
        try:
            if not is_measured():  # else it ends by itself, because nothing is to come any more
                for pid, code in self._workers.pids().items():
                    if code is None:  # its id may be that of another process soon
                        kill_group(pid)
            self._workers.close(CLOSE)
        finally:
            self._medium.settle(())  # it unmaps the ledger
            self._medium.close()
