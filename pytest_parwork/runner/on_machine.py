"""Processes of this machine as workers: they share files with the runner."""

from __future__ import annotations

import multiprocessing
import os
import sys
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from ..machine.limits import Limits
from ..machine.stacks import Stack, read_stack, size_of_stacks
from ..model.output import Output
from ..model.work import Task
from ..transport.files import Files
from ..transport.ledger import DamagedError, Ledger, State
from ..transport.payload import Handle, Header, Payload, Places
from ..transport.records import is_whole
from ..transport.spool import owner_of, was_taken
from ..worker.capture.files import OutputFiles
from ..worker.processes import Attached, ProcessCall
from .ending import end_workers
from .medium import PATIENCE, Late, Medium, Setting
from .spooled import Spooled


class StoredTasks:
    """The payload in a file, which every worker process maps."""

    def __init__(self, payload: Payload, files: Files, tasks: Sequence[Task]) -> None:
        self._payload, self._files = payload, files
        self.unavailable: Mapping[int, str] = {
            **{number: why.detail for number, why in payload.rejected.items()},
            **{
                number: "its arguments are in the memory of this process only, which has changed"
                for number, task in enumerate(tasks)
                if task.is_inherited
            },
        }

    @classmethod
    def write(cls, tasks: Sequence[Task]) -> StoredTasks:
        """Serialise tasks into a new file."""
        files = Files()
        try:
            return cls(Payload.write(tasks, files), files, tasks)
        except BaseException:
            files.close()
            raise

    @classmethod
    def copy(cls, payload: Payload, content: bytes, tasks: Sequence[Task]) -> StoredTasks:
        """Write the content of a payload whose own file is gone into a new one."""
        files = Files()
        try:
            fd, path = files.create("payload")
            with open(fd, "wb", closefd=False) as file:
                file.write(content)
            files.freeze(fd)
        except BaseException:
            files.close()
            raise
        return cls(replace(payload, path=path), files, tasks)

    def medium(self, setting: Setting, tasks: Sequence[int]) -> OnMachine:
        """Return the medium for a run of these tasks."""
        # If the system provided no memory for the file of the payload, it is not tried for others.
        files = Files(is_named=self._files.is_named)
        return OnMachine(setting, self._payload.excerpt(tasks), files)

    def stored(self, tasks: Sequence[Task]) -> StoredTasks:  # noqa: ARG002, they are its own
        """Return these."""
        return self

    def close(self) -> None:
        """Remove the file."""
        self._files.close()


class OnMachine(Medium):
    """Ledger, spools, stacks and output are files, in which each worker has its place.

    Whatever a task does to the shared table, `settled` is out of its reach.
    """

    names_processes = True

    def __init__(self, setting: Setting, payload: Payload, files: Files) -> None:
        request = setting.request
        tasks = request.workload.tasks
        places = (
            2 * setting.workers.size + 2
        )  # a successor may start before a dead worker has exited
        self._outputs: OutputFiles | None = None
        self._left: dict[int, Output] = {}
        self._modules: Mapping[str, object] = {}
        # A fork inherits the limit, so it does not have to load libraries to set it.
        is_forked = setting.workers.start_method == "fork"
        self._limits = Limits(setting.threads) if is_forked else None
        self._files = files
        try:
            table, ledger_path = self._files.create("ledger", Ledger.size(len(tasks)))
            spools = [self._files.create(f"spool-{number}") for number in range(places)]
            self._stacks, stacks_path = self._files.create("stacks", size_of_stacks(places))
            for fixed in (table, self._stacks):
                self._files.keep_size(fixed)
            for growing, _ in spools:
                self._files.keep_size(growing, may_grow=True)
            if request.capture is not None and request.capture.streams:
                self._outputs = OutputFiles(places)
            handle = Handle.write(
                Header(
                    contents=payload.contents,
                    modules=request.modules,
                    rewritten=dict(request.rewritten),
                    path=tuple(sys.path),
                    threads=setting.threads,
                    patience=PATIENCE,
                    capture=request.capture,
                    around=request.around,
                    surroundings=request.surroundings,
                ),
                Places(
                    payload=payload.path,
                    ledger=ledger_path,
                    spools=tuple(path for _, path in spools),
                    stacks=stacks_path,
                    registry=request.guard.registry() if request.guard is not None else None,
                    outputs=self._outputs.paths if self._outputs is not None else (),
                    runner=os.getpid(),
                    start_method=multiprocessing.get_context().get_start_method() or "",
                ),
                self._files,
                run=uuid.uuid4().hex,
            )
            self.ledger = Ledger.open(ledger_path)
        except BaseException:
            self.close()
            raise
        self.ledger.sign()
        self.settled = Ledger(bytearray(Ledger.size(len(tasks))))
        self.recent = set()
        self.rejected = payload.rejected
        self._spools = [fd for fd, _ in spools]
        self.call = ProcessCall(
            handle, {number: task for number, task in enumerate(tasks) if task.is_inherited}
        )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Prepare this process for forks, where workers are forked: they inherit its state."""
        if self._limits is None:
            yield
            return
        # Kept until the workers have exited: to let go of a module writes to its memory, and what
        # is written while there are forks is copied.
        self._modules = Attached.forked_with = sys.modules.copy()
        try:
            with self._limits.hold():
                yield
        finally:
            Attached.forked_with = {}

    def look(self) -> None:
        """Free the memory of endless output."""
        if self._outputs is not None:
            self._outputs.trim()

    def keep(self, tasks: Sequence[int]) -> None:
        """Copy the rows of stored tasks; raises `DamagedError` if one is impossible."""
        for task in tasks:
            if self.ledger.state(task) is State.STORED:
                self.ledger.check_place(task, len(self._spools))
                self.settled.copy(task, self.ledger)
                self.recent.add(task)

    def reopen(self, task: int) -> None:
        """Forget all about a task, in both tables."""
        self.ledger.reset(task)
        self.settled.reset(task)
        self.recent.discard(task)

    def is_whole(self, task: int) -> bool:
        """Return whether the record of a settled task is unchanged."""
        if self.settled.unstored(task) is not None:
            return True
        _, spool, offset, length = self.settled.place(task)
        return is_whole(self._spools[spool], offset, length)

    def end_late(self, late: Sequence[Late]) -> Sequence[Late]:
        """Kill the workers of late tasks; they kept running while this process was stopped."""
        by_worker = {self.ledger.worker(each.task): each for each in late}
        held = {worker: each.task for worker, each in by_worker.items()}
        return [by_worker[pid] for pid in end_workers(held, self.ledger.is_held)]

    def attached(self) -> Sequence[int]:
        """Return the living processes that have a spool."""
        return [pid for pid in map(owner_of, self._spools) if pid]

    def was_attached(self) -> bool:
        """Return whether a process, which may be dead, has taken a spool."""
        return any(map(was_taken, self._spools))

    def has_served(self, worker: str) -> bool:
        """Return whether the process of that id has ended a task."""
        return worker in {str(pid) for pid, _, _ in self.settled.spans()}

    def process_of(self, task: int) -> int | None:
        """Return the process that has a task."""
        return self.ledger.worker(task)

    def read_stack(self, pid: int) -> Stack:
        """Return the stack that a worker has left in its slot."""
        return read_stack(self._stacks, pid)

    def keep_output(self, task: int, pid: int | None) -> None:
        """Keep the output after the last mark in the files of a dead worker."""
        if self._outputs is not None and pid is not None and (left := self._outputs.left_by(pid)):
            self._left[task] = left

    def settle(self, lost: Collection[int]) -> None:
        """Copy the header of the table and the rows of lost tasks, and unmap the table."""
        self._modules = {}
        if self._outputs is not None:
            self._outputs.close()
        self.settled.copy_head(self.ledger)
        for task in lost:
            with suppress(DamagedError):
                if self.ledger.state(task):
                    self.settled.copy(task, self.ledger)
        self.ledger.close()

    def results(self) -> Spooled:
        """Return the outcomes in the spools."""
        return Spooled(self.settled, self._spools, self._files, left=self._left)

    def close(self) -> None:
        """Remove the files."""
        self._modules = {}
        self._files.close()
        if self._outputs is not None:
            self._outputs.close()
