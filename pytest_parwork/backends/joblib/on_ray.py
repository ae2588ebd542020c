"""The backend `joblib:ray`: `joblib.Parallel` on ray, called in a separate process.

ray ends the process that called it, without notifying Python, if it loses its servers for a minute.
The servers end with the thread that has started them. And ray replaces joblib's own pool. So no
part of ray runs in the process of pytest.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...machine.abilities import is_installed
from ...machine.clock import now
from ...machine.exits import exit_name
from ...machine.process_groups import kill_group
from ...model.errors import BackendError
from ...model.work import Batch
from ..protocol import Event, Reach, Workers

if TYPE_CHECKING:
    from ...worker.calling import BatchCall

#: The name of the process that calls ray.
DRIVER = "parwork-ray"

#: Seconds that ray has to start; it takes about 4 on an idle machine.
STARTING = 60.0

#: The longest folder name that leaves room for ray's sockets, whose paths may have 107 bytes.
LONGEST = 24

#: Seconds that ray has to end everything that it has started.
ENDING = 10.0

#: The variable with the address of an existing ray cluster.
ADDRESS = "RAY_ADDRESS"


class RayBackend:
    """Starts ray with the first run, and keeps it until the session ends."""

    def __init__(self) -> None:
        self._driver: Driver | None = None

    @property
    def reach(self) -> Reach:
        is_joined = _is_joined() if self._driver is None else self._driver.is_joined
        return "network" if is_joined else "machine"

    def obstacle(self) -> str:
        return (
            "" if is_installed("ray") else "ray is not installed; install it with: pip install ray"
        )

    def start(self, workers: int, /) -> Workers:
        if why := self.obstacle():
            raise BackendError(why)
        if self._driver is not None and not self._driver.has_room(workers):
            self.close()
        if self._driver is not None:
            with suppress(BackendError):  # the process has ended since the last run
                return RayWorkers(self._driver, workers)
            self.close()
        self._driver = Driver(workers)
        return RayWorkers(self._driver, workers)

    def close(self) -> None:
        if self._driver is not None:
            self._driver.close()
            self._driver = None


def _is_joined() -> bool:
    return os.environ.get(ADDRESS, "local") != "local"


class Driver:
    """The process that calls ray, and the pipe to it."""

    def __init__(self, workers: int) -> None:
        import multiprocessing  # here, because to list backends needs none

        self.runs = 0
        self._room = max(2, workers)
        self.is_joined = _is_joined()
        self._pipe, theirs = multiprocessing.Pipe()
        folder = tempfile.gettempdir()
        self._folder = tempfile.mkdtemp(
            prefix="parwork-ray-", dir=folder if len(folder) < LONGEST else "/tmp"
        )
        from ...machine.contexts import Processes
        from .ray_driver import serve

        self._processes = Processes("spawn")
        self._process = self._processes.start(
            serve, theirs, self._room, self._folder, os.getpid(), name=DRIVER
        )
        theirs.close()  # so that this process notices the end of the other
        answer = self.receive(STARTING)
        if answer != [()]:
            why = str(answer[0]) if answer else self.end or f"not within {STARTING:g} s"
            self.close()
            raise BackendError(f"ray does not start: {why}")

    def has_room(self, workers: int) -> bool:
        """Return whether the process is alive and ray can run so many workers at once."""
        return self._process.exitcode is None and (self.is_joined or workers <= self._room)

    @property
    def end(self) -> str:
        """How the process ended, empty while it lives."""
        from .ray_driver import SERVER_ENDED

        code = self._process.exitcode
        if code == SERVER_ENDED:
            return "a server of ray has ended"
        return "" if code is None else f"the process that calls ray ended: {exit_name(code)}"

    def send(self, *message: object) -> None:
        """Send a message; raises `BackendError` where the process has ended."""
        try:
            self._pipe.send(message)
        except OSError as error:
            raise BackendError(self.end or "the process that calls ray ended") from error

    def receive(self, timeout: float) -> list[Any]:
        """Return all received messages, after waiting up to `timeout` seconds for one."""
        found: list[Any] = []
        try:
            while self._pipe.poll(0 if found else timeout):
                found.append(self._pipe.recv())
        except (EOFError, OSError):
            self._process.join(1.0)
        return found

    def close(self) -> None:
        """End ray and the process, within `ENDING` seconds."""
        self._pipe.close()
        self._processes.wait(ENDING)
        if self._process.pid is not None:
            kill_group(self._process.pid)  # with the remaining servers of ray
        self._processes.end(1.0)
        shutil.rmtree(self._folder, ignore_errors=True)


class RayWorkers:
    """One run on ray; the process that calls ray sends its events."""

    eager = True
    start_method = "ray"

    def __init__(self, driver: Driver, workers: int) -> None:
        self.size = workers
        self._driver = driver
        driver.runs += 1
        self._run = driver.runs
        self._call = 0
        driver.send("start", self._run, workers)
        if not driver.receive(STARTING):
            raise BackendError(driver.end or "ray does not answer")

    def submit(self, call: BatchCall, batches: Sequence[Batch], /) -> None:
        self._call += 1
        self._driver.send("submit", self._call, call, batches)

    def poll(self, timeout: float, /) -> Sequence[Event]:
        now_on = (self._run, self._call)  # messages of earlier calls may arrive late
        messages = self._driver.receive(timeout)
        events = [event for *of, event in messages if tuple(of) == now_on and event is not None]
        if not events and self._driver.end:
            return [Event(kind="gone", reason=self._driver.end)]
        return events

    def release(self) -> None:
        """Do nothing, because workers of a cluster do not wait."""

    def pids(self) -> Mapping[int, int | None]:
        return {}  # ray does not know how its workers end

    def close(self, deadline: float, /) -> list[int]:
        until = now() + deadline
        with suppress(BackendError):
            self._driver.send("close", deadline)
            while now() < until and not self._driver.end:
                if (self._run, 0, None) in self._driver.receive(until - now()):
                    break
        return []
