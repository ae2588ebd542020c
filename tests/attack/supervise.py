"""A program that runs one command and sees all its descendants: the subreaper of an experiment.

Processes that the command leaves behind become children of this one, whatever their session, group
or environment is. So none can survive unnoticed, and all are killed here. The program reads a
`Command` from a file of JSON, and writes an `Ending` as JSON to its standard output. The command is
a new program, or a fork of this one if that has been forked itself, by a process that has imported
what sessions need.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from .forked import ForkedSession
from .processes import children, descendants, describe
from .signals import Sender, Shot

if TYPE_CHECKING:
    from support.dask_programs import DaskPrograms

__all__ = ["Command", "Ending"]

#: Seconds within which all descendants must exit after the command has exited, and in which workers
#: of a cluster remove the files of its run.
SETTLING = 5.0

#: Seconds for the command to write its stack before it is killed because of its limit.
STACK = 1.0

GLANCE = 0.01

_SUBREAPER, _DEATH = 36, 1  # of prctl(2)

_NEW_MOUNTS, _BIND, _PRIVATE = 0x20000, 0x1000, 0x44000  # of unshare(2) and mount(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The command to run in `folder`/project; it writes only below `folder` and `shared`.

    `limit` is in seconds; `limits` are soft and hard resource limits by name. With `has_cluster`, a
    dask cluster is started first; its address replaces `{address}` in the words of the command.
    With `is_bound`, `shared` is mounted for the command at /dev/shm. With `is_forked`, a fork of
    the supervisor does what the words say: `python -m` and a module with arguments.
    """

    words: Sequence[str]
    folder: str
    shared: str
    limit: float
    environment: dict[str, str]
    limits: dict[str, int] = field(default_factory=dict)
    shots: Sequence[Shot] = ()
    has_cluster: bool = False
    is_bound: bool = False
    is_forked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The result of a command.

    `code` is None if it did not exit within its limit, and was killed. `left` are the processes
    that survived it for seconds. `shots` describes the signals sent, `last_shot` is the time of the
    last one.
    """

    code: int | None
    seconds: float
    left: list[str]
    shots: list[str]
    last_shot: float
    files: list[str]


class Supervisor:
    """The running command, with its cluster, if it has one."""

    def __init__(self, command: Command, session: ForkedSession | None) -> None:
        self._command = command
        self._session = session
        self._folder = Path(command.folder)
        self._ended: dict[int, int] = {}
        self._cluster: DaskPrograms | None = None

    def run(self) -> Ending:
        """Run the command until it exits, or until its limit."""
        try:
            return self._run()
        finally:
            self._end_all()

    def _run(self) -> Ending:
        command = self._command
        address = ""
        if command.has_cluster:
            from support.dask_programs import DaskPrograms  # here, because it is slow to import

            os.environ["ATTACK_PYTEST"] = "0"
            folder = self._folder / "cluster"
            folder.mkdir()
            self._cluster = DaskPrograms(folder)
            address = self._cluster.address
        files = self._files()
        pid = self._begin([word.replace("{address}", address) for word in command.words])
        began = time.monotonic()
        sender = Sender(command.shots, pid, self._folder / "project", began)
        while pid not in self._ended:
            self._reap()
            sender.look()
            if time.monotonic() - began > command.limit:
                self._stop(pid)
                break
            time.sleep(GLANCE)
        seconds = time.monotonic() - began
        code = self._ended.get(pid)
        left = list(self._left()) if code is not None else []
        return Ending(
            code=code,
            seconds=round(seconds, 3),
            left=left,
            shots=sender.hits,
            last_shot=round(sender.last, 3),
            files=sorted(self._files() - files) if code is not None else [],
        )

    def _begin(self, words: Sequence[str]) -> int:
        """Start the command, and return its process id."""
        if self._session is not None:
            self._session.begin(words)
            return self._session.pid
        with open(self._folder / "output", "wb") as output:
            process = subprocess.Popen(
                words,
                cwd=self._folder / "project",
                env=self._command.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=lambda: prepare(self._command),
            )
        process.returncode = 0  # it is reaped here, with all others
        return process.pid

    def _reap(self) -> None:
        """Reap all children that have exited, including orphans."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                self._ended[pid] = os.waitstatus_to_exitcode(status)

    def _stop(self, pid: int) -> None:
        """Make a process write its stacks."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, signal.SIGABRT)
        until = time.monotonic() + STACK
        while pid not in self._ended and time.monotonic() < until:
            self._reap()
            time.sleep(GLANCE)
        self._ended.pop(pid, None)

    def _left(self) -> Iterator[str]:
        until = time.monotonic() + SETTLING
        while True:
            self._reap()
            left = [pid for pid in descendants(os.getpid()) if pid not in self._of_cluster()]
            # Workers of a cluster live on, and take a moment to remove what is theirs.
            has_files = self._cluster is not None and self._cluster.journals()
            if not (left or has_files) or time.monotonic() > until:
                break
            time.sleep(GLANCE)
        for pid in left:
            yield describe(pid)

    def _of_cluster(self) -> set[int]:
        """Return the programs of the cluster and their children, but no further descendants."""
        if self._cluster is None:
            return set()
        programs = [program.pid for program in self._cluster._running]
        return {*programs, *(child for program in programs for child in children(program))}

    def _files(self) -> set[str]:
        """Return the files in the folders for temporary files and in shared memory."""
        folders = {"TMPDIR": self._folder / "tmp", "/dev/shm": Path(self._command.shared)}
        found = {f"{name}/{path.name}" for name, of in folders.items() for path in of.glob("*")}
        if self._cluster is not None:
            found |= {f"cluster/{name}" for name in self._cluster.journals()}
        return found

    def _end_all(self) -> None:
        if self._cluster is not None:
            self._cluster.close()
        until = time.monotonic() + SETTLING
        while (left := descendants(os.getpid())) and time.monotonic() < until:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._reap()
            time.sleep(GLANCE)


def prepare(command: Command) -> None:
    """Make this process as a shell makes those that it starts, with the limits of the command."""
    # A shell has what it starts in the background ignore SIGINT and SIGQUIT, nohup SIGHUP.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if command.is_bound:
        shared = command.shared.encode()
        _call("unshare", _NEW_MOUNTS)
        _call("mount", b"none", b"/", None, _PRIVATE, None)
        _call("mount", shared, b"/dev/shm", None, _BIND, None)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name, value in command.limits.items():
        resource.setrlimit(getattr(resource, name), (value, value))


def _call(name: str, *arguments: int | bytes | None) -> None:
    """Call a function of the system that returns 0."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is left is killed now
    sys.exit(1)


def main() -> None:
    """Run the command from a file; exit when the parent exits."""
    _call("prctl", _SUBREAPER, 1, 0, 0, 0)
    _call("prctl", _DEATH, int(signal.SIGTERM), 0, 0, 0)
    signal.signal(signal.SIGTERM, _exit)
    given: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    given["shots"] = [Shot(**shot) for shot in given["shots"]]
    command = Command(**given)
    session = ForkedSession() if command.is_forked else None
    if session is not None and not session.pid:
        session.become(
            folder=f"{command.folder}/project",
            environment=command.environment,
            output=f"{command.folder}/output",
            prepare=lambda: prepare(command),
        )
    print(json.dumps(asdict(Supervisor(command, session).run())), flush=True)
    os._exit(0)  # to free all that is imported would take as long as some sessions


if __name__ == "__main__":
    main()
