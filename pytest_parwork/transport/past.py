"""What other processes have noted of the tasks of a run, so that nothing runs twice in vain."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ..machine.stacks import Stack
from .notes import Begun, Entry


class Past:
    """The content of the journals of a host: outcomes by task, losses by batch and task."""

    def __init__(self) -> None:
        self.ended: dict[int, Entry] = {}
        self.died: dict[tuple[int, int], Entry] = {}
        self.left: dict[tuple[int, int], Entry] = {}
        self.departed: list[int] = []  # processes of this host that have left, and live

    def known(self, batch: int, task: int) -> Entry | None:
        """Return what became of a task before; None if it is to be run."""
        place = batch, task
        return self.died.get(place) or self.ended.get(task) or self.left.get(place)

    def add_left(self, batch: int, notes: Iterable[Begun | Entry]) -> bool:
        """Add tasks of a batch that run, or ran, in a process which has left; return if any run."""
        begun: dict[int, Entry] = {}
        for note in notes:
            if isinstance(note, Begun):
                if note.batch == batch:
                    begun[note.entry.task] = note.entry
            elif begun.pop(note.task, None) is not None and note.data:
                self.ended[note.task] = note
        for task, entry in begun.items():
            self.left[batch, task] = entry._replace(kind="left")
        return bool(begun)

    def add(self, notes: Iterable[Begun | Entry], stack: Stack) -> None:
        """Add all notes of a dead process, and the stack that it has left."""
        begun: dict[int, Begun] = {}
        batches: dict[int, int] = {}
        timeouts: set[int] = set()
        stopped: dict[tuple[int, int], Entry] = {}
        for note in notes:
            if isinstance(note, Begun):
                begun[note.entry.task] = note
                batches[note.entry.task] = note.batch
            elif note.kind == "timeout":
                timeouts.add(note.task)
            elif note.kind == "stopped":
                stopped[batches[note.task], note.task] = note._replace(data=b"", buffers=())
                begun.pop(note.task, None)
                self.ended.pop(note.task, None)
            else:
                begun.pop(note.task, None)
                if note.data:
                    self.ended[note.task] = note
        # If the process ended itself because of one task, the others are not to blame; nobody is
        # if that task ended at the same time.
        guilty = {task: begun[task] for task in timeouts & begun.keys()} if timeouts else begun
        kind: Literal["died", "timeout"] = "timeout" if timeouts else "died"
        for task, (batch, entry) in guilty.items():
            self.died[batch, task] = entry._replace(kind=kind, suspects=len(guilty), stack=stack)
        self.died.update(stopped)
