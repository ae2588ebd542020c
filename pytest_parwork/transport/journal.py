"""The journals of a host: the outcomes of tasks, which outlive the processes that ran them.

Other users of the host can write to its temporary directory, too. So files that somebody else may
have put there are not read. And what is read is only data: the pickle of an outcome is passed on to
the runner without loading it.
"""

from __future__ import annotations

import faulthandler
import re
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ..machine.private import open_folder, open_own
from ..machine.process_groups import born, lives
from ..machine.stacks import Stack, keep_stack_in, read_stack
from ..machine.system import os, threading
from .notes import Begun, Entry, encoded, read_notes
from .past import Past

#: The prefix of directories that hold the journals of a run on its host.
FOLDER = "parwork-run-"

#: The prefix of a journal until it is locked.
HIDDEN = "."

#: The file that names, for each batch, the journal of the process which ran it last; and
#: the bytes for each. One file, because the folder is listed before each batch.
CLAIMS = ".claims"
CLAIM = 96

#: The name of a journal: the process, and a unique part.
_NAME = re.compile(r"\d+-\d+-\d+-[0-9a-f]{32}")

#: Outcomes of more bytes are not kept: a task that ended is not guilty, and runs again.
WORTH_KEEPING = 1 << 20


class Journal:
    """The file to which one process writes; locked, so that others see when the process is dead.

    Its folder is opened once, and all files by their names in the opened folder: a folder that is
    put in its place later is ignored. If the folder is not private to this user, there is no
    journal.
    """

    def __init__(self, run: str) -> None:
        self.folder = _folder_of(run)
        me = os.getpid()
        self._name = f"{me}-{born(me)}-{_namespace()}-{uuid.uuid4().hex}"
        self._fd = self._stack = self._directory = -1
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._read: set[str] = {self._name}
        self._past = Past()
        # Without a place for the journal, only the scheduler knows what dies here.
        with suppress(OSError):
            self._begin()

    def _begin(self) -> None:
        with suppress(FileExistsError):
            self.folder.mkdir(mode=0o700)
        self._directory = open_folder(self.folder)
        hidden = f"{HIDDEN}{self._name}"
        self._fd = self._create(hidden, os.O_WRONLY | os.O_APPEND)
        _lock(self._fd, shared=False)
        # Others see the journal only once it is locked.
        os.rename(hidden, self._name, src_dir_fd=self._directory, dst_dir_fd=self._directory)
        if not faulthandler.is_enabled():  # else it is used by somebody else
            self._stack = self._create(_stack_name(self._name), os.O_RDWR)
            keep_stack_in(self._stack, 0)

    def _create(self, name: str, flags: int) -> int:
        return os.open(name, flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=self._directory)

    def begin(self, batch: int, entry: Entry) -> None:
        """Note that a phase of a task begins: its function is about to be called, for example."""
        self._write(Begun(batch, entry))

    def end(self, entry: Entry) -> None:
        """Note the outcome of a task; or, as a timeout, that this process ends because of it."""
        size = len(entry.data) + len(entry.output) + sum(map(len, entry.buffers))
        if size > WORTH_KEEPING:
            entry = entry._replace(data=b"", buffers=(), output=b"")
        self._write(entry)

    def _write(self, note: Begun | Entry) -> None:
        if self._fd < 0:
            return
        data = encoded(note)
        with self._writing:
            try:
                is_whole = os.write(self._fd, data) == len(data)
            except OSError:
                is_whole = False
            if not is_whole:  # no space left: nothing after this note could be read
                self._end()

    def _end(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def look_back(self) -> Past:
        """Return what other processes of this host have noted."""
        with self._reading:
            if self._directory >= 0:
                for name in filter(_NAME.fullmatch, {*os.listdir(self._directory)} - self._read):
                    self._read_if_dead(name)
            return self._past

    def claim(self, batch: int) -> Past:
        """Look back, and note that this process runs a batch, of which another may run tasks.

        A cluster sends a batch to another worker as soon as the first has left, though its process
        may live on for a while.
        """
        past = self.look_back()
        with self._reading, suppress(OSError):
            before = self._claimed(batch) if self._directory >= 0 else ""
            if before not in self._read and _NAME.fullmatch(before):
                fd = open_own(before, self._directory)
                try:
                    pid, birth, namespace = _process(before)
                    if (
                        past.add_left(batch, read_notes(fd))
                        and namespace == _namespace() != 0
                        and lives(pid, birth)
                    ):
                        past.departed.append(pid)
                finally:
                    os.close(fd)
        return past

    def _claimed(self, batch: int) -> str:
        """Note the name of this journal for a batch; return the one that was noted before."""
        try:
            fd = self._create(CLAIMS, os.O_RDWR)
        except FileExistsError:
            fd = open_own(CLAIMS, self._directory, os.O_RDWR)
        try:
            before = os.pread(fd, CLAIM, batch * CLAIM)
            os.pwrite(fd, self._name.encode("ascii").ljust(CLAIM, b"\0"), batch * CLAIM)
        finally:
            os.close(fd)
        return before.rstrip(b"\0").decode("ascii", "replace")

    def _read_if_dead(self, name: str) -> None:
        try:
            fd = open_own(name, self._directory)
        except OSError:
            return
        try:
            if _has_exited(name) or _lock(fd, shared=True):
                self._read.add(name)
                self._past.add(read_notes(fd), self._stack_of(name))
        finally:
            os.close(fd)

    def _stack_of(self, name: str) -> Stack:
        try:
            fd = open_own(_stack_name(name), self._directory)
        except OSError:
            return Stack()
        try:
            return read_stack(fd, int(name.partition("-")[0]), is_last=False)
        finally:
            os.close(fd)

    def close(self) -> None:
        """Remove the journals of this host: the run has ended."""
        with self._writing:
            self._end()
        if self._stack >= 0:
            faulthandler.disable()
            os.close(self._stack)
            self._stack = -1
        with self._reading:
            if self._directory >= 0:
                _remove(self._directory, self.folder)
                self._directory = -1


def remove_journals(run: str) -> None:
    """Remove the journals of a run on this host: it has ended."""
    folder = _folder_of(run)
    with suppress(OSError):  # there are none
        _remove(open_folder(folder), folder)


def _remove(directory: int, folder: Path) -> None:
    """Remove an opened folder and its content; another process of the run may do so, too."""
    for name in os.listdir(directory):
        with suppress(OSError):
            os.unlink(name, dir_fd=directory)
    os.close(directory)
    with suppress(OSError):
        os.rmdir(folder)


def _folder_of(run: str) -> Path:
    return Path(tempfile.gettempdir()) / f"{FOLDER}{run}"


def _process(name: str) -> tuple[int, int, int]:
    """Return the process id, the start time and the namespace of the writer of a journal."""
    pid, birth, namespace = map(int, name.split("-")[:3])
    return pid, birth, namespace


def _stack_name(name: str) -> str:
    return f"{HIDDEN}{name}-stack"


def _namespace() -> int:
    """Return the number of this process's pid namespace, 0 if unknown."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return 0


def _has_exited(name: str) -> bool:
    """Return whether the writer of a journal is known to have exited.

    A free lock would not be enough: a process that a task has forked holds the lock, too.
    """
    pid, birth, namespace = _process(name)
    return namespace == _namespace() != 0 and not lives(pid, birth)


def notes_of(run: str, pid: int) -> list[tuple[Entry, bool]]:
    """Return the notes of a living process about its tasks, each with whether the task has ended.

    They are for its parent, which may have to end the process.
    """
    found = []
    for fd in _journals(run, pid, os.O_RDONLY):
        for note in read_notes(fd):
            entry, is_over = (note.entry, False) if isinstance(note, Begun) else (note, True)
            found.append((entry, is_over))
    return found


def add_notes(run: str, pid: int, entries: Sequence[Entry]) -> None:
    """Add notes about the tasks to blame to the journal of a process that will be ended."""
    for fd in _journals(run, pid, os.O_WRONLY | os.O_APPEND):
        os.write(fd, b"".join(map(encoded, entries)))


def _journals(run: str, pid: int, flags: int) -> Iterator[int]:
    """Yield the descriptor of the journal of a process for a run, if it has one."""
    try:
        folder = open_folder(_folder_of(run))
    except OSError:
        return
    try:
        for name in sorted(filter(_NAME.fullmatch, os.listdir(folder))):
            if name.startswith(f"{pid}-"):
                with suppress(OSError):  # it is being removed, or belongs to another user
                    fd = open_own(name, folder, flags)
                    try:
                        yield fd
                    finally:
                        os.close(fd)
    finally:
        os.close(folder)


def _lock(fd: int, *, shared: bool) -> bool:
    """Lock a journal, for its writer or as shared for readers; return False if it is taken.

    The writer's lock ends with its process and all forks of that.
    """
    import fcntl  # POSIX only, like the other backends with processes

    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
