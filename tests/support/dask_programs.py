"""A dask cluster as people run one: `dask scheduler` and `dask worker`, on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

#: Seconds that a program has to come up.
DEADLINE = 40.0

#: Seconds after which programs end that nobody ends, because the tests were killed.
ALONE = 300


#: Seconds that trackers have to end once all others are gone.
ENDING = 3.0


class DaskPrograms:
    """A scheduler and workers, in a directory of theirs; none finds the tests by itself."""

    def __init__(self, folder: Path, *, workers: int = 2, threads: int = 1) -> None:
        self.folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        told = folder / "scheduler.json"
        self.scheduler = self._run(
            "scheduler", "--port=0", f"--scheduler-file={told}", f"--idle-timeout={ALONE}"
        )
        until = time.monotonic() + DEADLINE
        self.address = ""
        while not self.address:
            assert time.monotonic() < until, self.log()
            with suppress(OSError, ValueError):
                self.address = json.loads(told.read_text(encoding="utf-8"))["address"]
            time.sleep(0.02)
        if workers:
            import distributed  # not above: most sessions of the tests start no cluster

            self.worker(workers=workers, threads=threads)
            with distributed.Client(self.address, set_as_default=False) as client:
                client.wait_for_workers(workers, DEADLINE)

    def worker(self, *, workers: int = 1, threads: int = 1, nanny: bool = True) -> None:
        """Start workers; they may join later."""
        self._run(
            "worker",
            self.address,
            f"--nworkers={workers}",
            f"--nthreads={threads}",
            f"--local-directory={self.folder}",
            "--nanny" if nanny else "--no-nanny",
            "--memory-limit=0",
            f"--death-timeout={ALONE}",
        )

    def _run(self, *arguments: str) -> subprocess.Popen[bytes]:
        hidden = {"PYTHONPATH", "DASK_SCHEDULER_ADDRESS"}
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        with open(self.folder / "log", "ab") as log:
            program = subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments, "--host=127.0.0.1", "--no-dashboard"],
                cwd=self.folder,
                env={**environment, "TMPDIR": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running.append(program)
        return program

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    def journals(self) -> list[str]:
        return [path.name for path in self.folder.glob("parwork-*")]

    def close(self) -> None:
        """End all programs, with the processes that they started.

        The trackers among these are the last: they take away what the others leave in /dev/shm.
        """
        for program in self._running:
            for pid in group_of(program.pid):
                with suppress(OSError):  # it may end while it is looked at
                    if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                        os.kill(pid, signal.SIGKILL)
            program.wait(DEADLINE)
            until = time.monotonic() + ENDING
            while group_of(program.pid) and time.monotonic() < until:
                time.sleep(0.01)
            with suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)


def group_of(leader: int) -> list[int]:
    """Return the living processes of a process group: proc(5)."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError):
                stat = Path(f"/proc/{name}/stat").read_text(encoding="utf-8", errors="replace")
                state, _, group = stat.rpartition(")")[2].split()[:3]
                if int(group) == leader and state != "Z":
                    found.append(int(name))
    return found
