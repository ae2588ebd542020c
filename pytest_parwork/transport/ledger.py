"""The table of a run, which workers write and the runner reads.

It has one row of 72 bytes per task: state, worker, three times, the place of the outcome, its CPU
seconds. Each word is stored by a single 8-byte store, the state last: `struct.pack_into` would
clear a row first, and readers would see zeros.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from enum import IntEnum
from typing import Literal

from ..machine.system import mmap, os

_WORDS = 9  # of 8 bytes each: a row, and the header before the rows
_STATE, _WORKER, _ARRIVED, _STARTED, _ENDED, _SPOOL, _OFFSET, _LENGTH, _CPU = range(_WORDS)
_SPAN = (_STATE, _WORKER, _ARRIVED, _STARTED, _ENDED)
_RELEASED, _FIRST, _LAST, _SIGNATURE = range(4)  # words of the header
_SIGNED = int.from_bytes(b"parwork\0", "little")

Kind = Literal["value", "failure", "skip", "not_sent"]
_KINDS: tuple[Kind, ...] = ("value", "failure", "skip", "not_sent")
_UNSTORED = _KINDS.index("not_sent")  # with no length: there was no room for it in the spool


#: When a task arrived, started and ended, its worker and its CPU seconds, each None if there is
#: none; whether it is known to have changed its arguments.
Record = tuple[float | None, float | None, float | None, int | None, float | None, bool]


class State(IntEnum):
    """The progress of a task."""

    PENDING = 0
    ARRIVED = 1
    STARTED = 2
    ENDED = 3
    STORED = 4


#: By number: a lookup here takes a quarter of the time of one in the class.
_STATES = tuple(State)

#: As plain numbers, for the same reason: each task is noted four times.
_IS_ARRIVED, _IS_STARTED, _IS_ENDED, _IS_STORED = map(int, _STATES[1:])


class DamagedError(Exception):
    """The table has an impossible content: something else has written into it."""


class Ledger:
    """The table itself, over any writable buffer of `Ledger.size(tasks)` bytes."""

    def __init__(self, buffer: bytearray | mmap.mmap) -> None:
        self._buffer = buffer
        view = memoryview(buffer)
        self._words = view.cast("B").cast("Q")
        self._times = view.cast("B").cast("d")

    @staticmethod
    def size(tasks: int) -> int:
        """Return the bytes that a table of `tasks` rows takes."""
        return 8 * _WORDS * (tasks + 1)

    @classmethod
    def open(cls, path: str) -> Ledger:
        """Attach to the table in the file at `path`."""
        fd = os.open(path, os.O_RDWR)
        try:
            return cls(mmap.mmap(fd, 0))
        finally:
            os.close(fd)

    def close(self) -> None:
        """Unmap the file, which needs a descriptor as long as it is mapped."""
        if isinstance(self._buffer, mmap.mmap):
            self._words.release()
            self._times.release()
            self._buffer.close()

    # Written by workers.

    def arrive(self, task: int, worker: int, at: float) -> None:
        """Note that `worker` (a process or thread id) has received `task`."""
        row = _WORDS * (task + 1)
        self._words[row + _WORKER] = worker
        self._times[row + _ARRIVED] = at
        self._words[row + _STATE] = _IS_ARRIVED

    def start(self, task: int, at: float) -> None:
        """Note that the function of `task` is being called."""
        row = _WORDS * (task + 1)
        self._times[row + _STARTED] = at
        self._words[row + _STATE] = _IS_STARTED

    def end(self, task: int, at: float, cpu: float = 0.0) -> None:
        """Note that the function of `task` returned or raised, after so many CPU seconds."""
        row = _WORDS * (task + 1)
        self._times[row + _CPU] = cpu
        self._times[row + _ENDED] = at
        self._words[row + _STATE] = _IS_ENDED

    def store(
        self,
        task: int,
        kind: Kind,
        spool: int,
        offset: int,
        length: int,
        *,
        has_output: bool = False,
    ) -> None:
        """Note the kind and place of the outcome of `task`, followed by its output, if any."""
        row = _WORDS * (task + 1)
        self._words[row + _SPOOL] = spool << 3 | has_output << 2 | _KINDS.index(kind)
        self._words[row + _OFFSET] = offset
        self._words[row + _LENGTH] = length
        self._words[row + _STATE] = _IS_STORED

    def store_nothing(self, task: int, error: int) -> None:
        """Note that there was no room for the outcome of `task`; `error` is the system's errno."""
        row = _WORDS * (task + 1)
        self._words[row + _SPOOL] = _UNSTORED
        self._words[row + _OFFSET] = error
        self._words[row + _LENGTH] = 0
        self._words[row + _STATE] = _IS_STORED

    def note_change(self, task: int) -> None:
        """Note that `task`, the first one or the last, changed its arguments."""
        self._words[_LAST if task else _FIRST] = task + 1

    @property
    def is_released(self) -> bool:
        """Whether the workers that have arrived may start their tasks."""
        return self._words[_RELEASED] != 0

    # Written and read by the runner.

    def sign(self) -> None:
        """Write the signature that `check` expects."""
        self._words[_SIGNATURE] = _SIGNED

    def check(self) -> None:
        """Raise `DamagedError` if the header of the table has changed."""
        if self._words[_SIGNATURE] != _SIGNED:
            raise DamagedError

    def check_place(self, task: int, spools: int) -> None:
        """Raise `DamagedError` if the row of a stored task is impossible."""
        row = _WORDS * (task + 1)
        worker, spool = self._words[row + _WORKER], self._words[row + _SPOOL]
        if not worker or spool >> 3 >= spools:
            raise DamagedError

    def copy(self, task: int, source: Ledger) -> None:
        """Copy the row of `task` from another table."""
        start = _WORDS * (task + 1)
        self._words[start : start + _WORDS] = source._words[start : start + _WORDS]

    def copy_head(self, source: Ledger) -> None:
        """Copy the header from another table."""
        self._words[:_WORDS] = source._words[:_WORDS]

    def release(self) -> None:
        """Release the workers that wait in the rendezvous."""
        self._words[_RELEASED] = 1

    def reset(self, task: int) -> None:
        """Forget all about `task`, so that it can be run again."""
        row = _WORDS * (task + 1)
        for word in range(_WORDS):
            self._words[row + word] = 0

    def state(self, task: int) -> State:
        """Return the state of `task`; raises `DamagedError` if it is impossible."""
        try:
            return _STATES[self._words[_WORDS * (task + 1) + _STATE]]
        except IndexError:
            raise DamagedError from None

    def states(self) -> list[int]:
        """Return the state of each task, as numbers."""
        return self._words[_WORDS + _STATE :: _WORDS].tolist()

    def count(self, but: Container[int] = ()) -> tuple[int, int]:
        """Return how many tasks other than `but` have an outcome, and how many a bad one.

        A bad one is a failure, or that it could not be sent.
        """
        states = self._words[_WORDS + _STATE :: _WORDS].tolist()
        spools = self._words[_WORDS + _SPOOL :: _WORDS].tolist()
        stored = [
            _KINDS[spool & 3]
            for task, (state, spool) in enumerate(zip(states, spools, strict=True))
            if state == _IS_STORED and task not in but
        ]
        return len(stored), stored.count("failure") + stored.count("not_sent")

    def are_stored(self, tasks: Iterable[int]) -> bool:
        """Return whether the outcomes of all `tasks` are stored."""
        words = self._words
        return all(words[_WORDS * (task + 1) + _STATE] == _IS_STORED for task in tasks)

    def worker(self, task: int) -> int:
        """Return the process or thread id that took `task`."""
        return self._words[_WORDS * (task + 1) + _WORKER]

    def is_held(self, task: int, worker: int) -> bool:
        """Return whether that worker is running that task."""
        is_open = State.PENDING < self.state(task) < State.STORED
        return is_open and self.worker(task) == worker

    def times(self, task: int) -> tuple[float | None, float | None, float | None]:
        """Return when `task` arrived, started and ended; None for each that did not happen.

        A task that could not be called at all has an outcome nevertheless.
        """
        row = _WORDS * (task + 1)
        state = self._words[row + _STATE]
        return (
            self._times[row + _ARRIVED] if state >= _IS_ARRIVED else None,
            (self._times[row + _STARTED] or None) if state >= _IS_STARTED else None,
            (self._times[row + _ENDED] or None) if state >= _IS_ENDED else None,
        )

    def cpu(self, task: int) -> float:
        """Return the CPU seconds of a task that ended."""
        return self._times[_WORDS * (task + 1) + _CPU]

    def record(self, task: int) -> Record:
        """Return everything that is known of a task but the place of its outcome, in one call."""
        row, words = _WORDS * (task + 1), self._words
        changed = task + 1 in (words[_FIRST], words[_LAST])
        worker = words[row + _WORKER] if words[row + _STATE] >= _IS_ARRIVED else None
        times = self.times(task)
        cpu = self._times[row + _CPU] if times[2] is not None else None
        return *times, worker, cpu, changed

    def spans(self) -> Iterator[tuple[int, float, float]]:
        """Yield, for every task that arrived, its worker and its first and last time."""
        states, workers = (self._words[_WORDS + word :: _WORDS].tolist() for word in _SPAN[:2])
        times = (self._times[_WORDS + word :: _WORDS].tolist() for word in _SPAN[2:])
        for state, worker, *seen in zip(states, workers, *times, strict=True):
            if state >= State.ARRIVED:
                yield worker, seen[0], seen[min(state, State.ENDED) - 1] or seen[0]

    def place(self, task: int) -> tuple[Kind, int, int, int]:
        """Return the kind of the outcome of `task`, and its spool, offset and length there."""
        row = _WORDS * (task + 1)
        spool, offset, length = self._words[row + _SPOOL : row + _LENGTH + 1]
        return _KINDS[spool & 3], spool >> 3, offset, length

    def unstored(self, task: int) -> int | None:
        """Return the errno that kept the outcome of `task` from being stored, if any."""
        row = _WORDS * (task + 1)
        if self._words[row + _SPOOL] != _UNSTORED or self._words[row + _LENGTH]:
            return None
        return self._words[row + _OFFSET]

    def has_output(self, task: int) -> bool:
        """Return whether the output of `task` follows its outcome."""
        return bool(self._words[_WORDS * (task + 1) + _SPOOL] & 4)
