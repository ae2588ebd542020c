"""A program that runs one command and sees all its descendants: the subreaper of an experiment.

Processes that the command leaves behind become children of this one, whatever their session, group
or environment is. So none can survive unnoticed, and all are killed here. The program reads a
`Command` as JSON from its standard input, and writes an `Ending` as JSON to its standard output.
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
from typing import TYPE_CHECKING, Any

from .processes import children, descendants, describe
from .signals import Sender, Shot

if TYPE_CHECKING:
    from support.dask_programs import DaskPrograms

__all__ = ["Command", "Ending"]

#: Seconds within which all descendants must exit after the command has exited.
SETTLING = 5.0

#: Seconds for the command to write its stack before it is killed because of its limit.
STACK = 1.0

GLANCE = 0.01

_SUBREAPER, _DEATH = 36, 1  # of prctl(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The command to run in `folder`/project; it writes only below `folder` and `shared`.

    `limit` is in seconds; `limits` are soft and hard resource limits by name. With `has_cluster`, a
    dask cluster is started first; its address replaces `{address}` in the words of the command.
    """

    words: Sequence[str]
    folder: str
    shared: str
    limit: float
    environment: dict[str, str]
    limits: dict[str, int] = field(default_factory=dict)
    shots: Sequence[Shot] = ()
    has_cluster: bool = False


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

    def __init__(self, command: Command) -> None:
        self._command = command
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
        with open(self._folder / "output", "wb") as output:
            process = subprocess.Popen(
                [word.replace("{address}", address) for word in command.words],
                cwd=self._folder / "project",
                env=command.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=self._set_limits,
            )
        began = time.monotonic()
        sender = Sender(command.shots, process.pid, self._folder / "project", began)
        while process.pid not in self._ended:
            self._reap()
            sender.look()
            if time.monotonic() - began > command.limit:
                self._stop(process.pid)
                break
            time.sleep(GLANCE)
        seconds = time.monotonic() - began
        code = self._ended.get(process.pid)
        process.returncode = code or 0
        left = list(self._left()) if code is not None else []
        return Ending(
            code=code,
            seconds=round(seconds, 3),
            left=left,
            shots=sender.hits,
            last_shot=round(sender.last, 3),
            files=sorted(self._files() - files) if code is not None else [],
        )

    def _set_limits(self) -> None:
        # A shell has what it starts in the background ignore SIGINT and SIGQUIT, nohup SIGHUP.
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for name, value in self._command.limits.items():
            resource.setrlimit(getattr(resource, name), (value, value))

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
            if not left or time.monotonic() > until:
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
        until = time.monotonic() + SETTLING
        while (left := descendants(os.getpid())) and time.monotonic() < until:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._reap()
            time.sleep(GLANCE)


def main() -> None:
    """Run the command from standard input; exit when the parent exits."""
    libc = ctypes.CDLL(None)
    libc.prctl(_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(_DEATH, int(signal.SIGTERM), 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    given: dict[str, Any] = json.load(sys.stdin)
    given["shots"] = [Shot(**shot) for shot in given["shots"]]
    print(json.dumps(asdict(Supervisor(Command(**given)).run())))


if __name__ == "__main__":
    main()
