"""What became of tasks on one host, written so that it outlives the processes that ran them."""

from __future__ import annotations

import faulthandler
import os
import pickle
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from .ledger import Kind
from .stacks import Stack, keep_stack, read_stack

__all__ = ["Entry", "Journal", "Past", "add_notes", "notes_of"]

#: How the name of a directory begins that holds the journals of a run on its host.
FOLDER = "parwork-run-"

#: How the name of a journal begins until it is locked.
HIDDEN = "."

#: Outcomes above this many bytes are not kept: a task that ended is not guilty, and runs again.
WORTH_KEEPING = 1 << 20


class Entry(NamedTuple):
    """What became of one task, as it travels to the runner; times on the clock of its host.

    `worker` names the worker, `pid` its process. `data` is the pickle of the outcome, `buffers`
    what it has out of band, `output` the pickle of what the task printed, logged and warned. Of a
    task that died with its process, `suspects` says how many were running there, `stack` what the
    process has left. One that was *stopped* ran in a process, or had run there, when a signal
    stopped that.
    """

    task: int
    kind: Kind | Literal["died", "stopped", "timeout"]
    worker: str
    pid: int
    arrived: float
    started: float
    ended: float = 0.0
    data: bytes = b""
    buffers: tuple[bytes, ...] = ()
    suspects: int = 1
    stack: Stack = Stack()
    output: bytes = b""


class _Begun(NamedTuple):
    """The call of a task that may end its process, noted before."""

    batch: int
    entry: Entry


class Past:
    """What the journals of dead processes say: outcomes by task, deaths by batch and task."""

    def __init__(self) -> None:
        self.ended: dict[int, Entry] = {}
        self.died: dict[tuple[int, int], Entry] = {}

    def add(self, notes: Iterator[_Begun | Entry], stack: Stack) -> None:
        """Take note of all that one process wrote, and of the stack that it has left."""
        begun: dict[int, _Begun] = {}
        batches: dict[int, int] = {}
        timeouts: set[int] = set()
        stopped: dict[tuple[int, int], Entry] = {}
        for note in notes:
            if isinstance(note, _Begun):
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
        # Where it ended itself because of one task, the others had nothing to do with it.
        overdue = {task: begun[task] for task in timeouts & begun.keys()}
        guilty = overdue or begun
        kind: Literal["died", "timeout"] = "timeout" if overdue else "died"
        for task, (batch, entry) in guilty.items():
            self.died[batch, task] = entry._replace(kind=kind, suspects=len(guilty), stack=stack)
        self.died.update(stopped)


class Journal:
    """The file to which one process writes; locked, so that others see when it is dead."""

    def __init__(self, run: str) -> None:
        self.folder = Path(tempfile.gettempdir()) / f"{FOLDER}{run}"
        self._name = f"{os.getpid()}-{uuid.uuid4().hex}"
        self._fd = self._stack = -1
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._read: set[str] = {self._name}
        self.past = Past()
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            is_ours = self.folder.lstat().st_uid == os.geteuid()
            if is_ours and not self.folder.is_symlink():
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
                hidden = self.folder / f"{HIDDEN}{self._name}"
                self._fd = os.open(hidden, flags, 0o600)
                _lock(self._fd, shared=False)
                hidden.rename(self.folder / self._name)  # seen only once it is locked
                if not faulthandler.is_enabled():  # or it is somebody else's
                    path = self._path_of_stack(self._name)
                    path.touch(0o600, exist_ok=False)
                    self._stack = keep_stack(str(path), 0)
        except OSError:
            pass  # a host without a place for it: what dies here is told by the scheduler alone

    def begin(self, batch: int, entry: Entry) -> None:
        """Note that the function of a task is about to be called."""
        self._write(_Begun(batch, entry))

    def end(self, entry: Entry) -> None:
        """Note what came of a task; or, as a timeout, that this process ends because of it."""
        size = len(entry.data) + len(entry.output) + sum(map(len, entry.buffers))
        if size > WORTH_KEEPING:
            entry = entry._replace(data=b"", buffers=(), output=b"")
        self._write(entry)

    def _write(self, note: _Begun | Entry) -> None:
        if self._fd < 0:
            return
        data = pickle.dumps(note, protocol=5)
        with self._writing:
            try:
                os.write(self._fd, len(data).to_bytes(8, "little") + data)
            except OSError:  # no space left
                os.close(self._fd)
                self._fd = -1

    def look_back(self) -> Past:
        """Return what the dead of this host have left."""
        with self._reading:
            try:
                names = set(os.listdir(self.folder))
            except OSError:
                return self.past
            for name in names - self._read:
                if not name.startswith(HIDDEN):
                    self._read_if_dead(name)
            return self.past

    def _read_if_dead(self, name: str) -> None:
        try:
            fd = os.open(self.folder / name, os.O_RDONLY)
        except OSError:
            return
        try:
            if _lock(fd, shared=True):
                self._read.add(name)
                self.past.add(_notes(fd), self._stack_of(name))
        finally:
            os.close(fd)

    def _stack_of(self, name: str) -> Stack:
        try:
            fd = os.open(self._path_of_stack(name), os.O_RDONLY)
        except OSError:
            return Stack()
        try:
            return read_stack(fd, int(name.partition("-")[0]), is_last=False)
        finally:
            os.close(fd)

    def _path_of_stack(self, name: str) -> Path:
        return self.folder / f"{HIDDEN}{name}-stack"

    def close(self) -> None:
        """Remove the journals of this host: the run has ended."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self._stack >= 0:
            faulthandler.disable()
            os.close(self._stack)
            self._stack = -1
        shutil.rmtree(self.folder, ignore_errors=True)


def notes_of(run: str, pid: int) -> list[tuple[Entry, bool]]:
    """Return what a living process has noted of its tasks, each with whether it was over by then.

    For its parent, which may have to end it.
    """
    found = []
    for path in _journals(run, pid):
        with open(path, "rb") as file:
            for note in _notes(file.fileno()):
                entry, is_over = (note.entry, False) if isinstance(note, _Begun) else (note, True)
                found.append((entry, is_over))
    return found


def add_notes(run: str, pid: int, entries: Sequence[Entry]) -> None:
    """Note for a process, before it is ended from outside, which of its tasks are to blame."""
    for path in _journals(run, pid):
        fd = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            for entry in entries:
                data = pickle.dumps(entry, protocol=5)
                os.write(fd, len(data).to_bytes(8, "little") + data)
        finally:
            os.close(fd)


def _journals(run: str, pid: int) -> list[Path]:
    """Return the journal of a process for a run, if it has one."""
    folder = Path(tempfile.gettempdir()) / f"{FOLDER}{run}"
    return sorted(folder.glob(f"{pid}-*"))


def _lock(fd: int, *, shared: bool) -> bool:
    """Lock a journal, its writer for itself, readers together; return False where it is taken.

    The writer's lock goes with its process.
    """
    import fcntl  # POSIX only, as are the other backends with processes

    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _notes(fd: int) -> Iterator[_Begun | Entry]:
    """Yield the notes in a journal, up to one that its process could not write to the end."""
    with open(fd, "rb", closefd=False) as file:
        while len(head := file.read(8)) == 8:
            length = int.from_bytes(head, "little")
            data = file.read(length)
            if len(data) < length:
                return
            note = pickle.loads(data)
            assert isinstance(note, _Begun | Entry)
            yield note
