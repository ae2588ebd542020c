"""The backend `joblib:ray`: `joblib.Parallel` on ray, called in a process of its own.

ray ends the process that called it, without a word to Python, where it loses its servers for a
minute; these end with the thread that has started them; and it changes what joblib's own pool is.
So nothing of ray runs in the process of pytest.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ...machine.clock import now
from ...machine.contexts import Processes
from ...machine.exits import exit_name
from ...machine.process_groups import kill_group
from ...model.errors import BackendError
from ...model.work import Batch
from ...worker.calling import BatchCall
from ..protocol import Event, Reach, Workers
from .ray_driver import SERVER_ENDED, serve

#: The name of the process that calls ray.
DRIVER = "parwork-ray"

#: Seconds that ray has to start; about 4 where the machine has nothing else to do.
STARTING = 60.0

#: The longest folder below which ray's sockets have room: their names may have 107 bytes.
LONGEST = 24

#: Seconds that it has to end all that it has started.
ENDING = 10.0

#: Where ray is told of a cluster that runs already.
ADDRESS = "RAY_ADDRESS"


class RayBackend:
    """Starts ray with the first run, and keeps it until the session ends."""

    def __init__(self) -> None:
        self._driver: Driver | None = None

    @property
    def reach(self) -> Reach:
        is_joined = _is_joined() if self._driver is None else self._driver.is_joined
        return "network" if is_joined else "machine"

    def start(self, workers: int, /) -> Workers:
        if importlib.util.find_spec("ray") is None:
            raise BackendError("ray is not installed; pip install ray")
        if self._driver is not None and not self._driver.has_room(workers):
            self.close()
        if self._driver is not None:
            with suppress(BackendError):  # it has ended since the last run
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
    """The process that calls ray, and the way there and back."""

    def __init__(self, workers: int) -> None:
        self.runs = 0
        self._room = max(2, workers)
        self.is_joined = _is_joined()
        self._pipe, theirs = multiprocessing.Pipe()
        folder = tempfile.gettempdir()
        self._folder = tempfile.mkdtemp(
            prefix="parwork-ray-", dir=folder if len(folder) < LONGEST else "/tmp"
        )
        self._processes = Processes("spawn")
        self._process = self._processes.start(
            serve, theirs, self._room, self._folder, os.getpid(), name=DRIVER
        )
        theirs.close()  # so that its end is seen here
        told = self.receive(STARTING)
        if told != [()]:
            why = str(told[0]) if told else self.end or f"not within {STARTING:g} s"
            self.close()
            raise BackendError(f"ray does not start: {why}")

    def has_room(self, workers: int) -> bool:
        """Return whether it is alive and can have so many workers at once."""
        return self._process.exitcode is None and (self.is_joined or workers <= self._room)

    @property
    def end(self) -> str:
        """How the process ended, empty while it lives."""
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
        """Return all that has come, after waiting up to `timeout` seconds for something."""
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
            kill_group(self._process.pid)  # with what is left of ray's servers
        self._processes.end(1.0)
        shutil.rmtree(self._folder, ignore_errors=True)


class RayWorkers:
    """One run on ray; what the process that calls it sends are events."""

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
        now_on = (self._run, self._call)  # an earlier call may end late
        messages = self._driver.receive(timeout)
        events = [told for *of, told in messages if tuple(of) == now_on and told is not None]
        if not events and self._driver.end:
            return [Event(kind="gone", reason=self._driver.end)]
        return events

    def release(self) -> None:
        """Do nothing: those of a cluster do not wait."""

    def pids(self) -> Mapping[int, int | None]:
        return {}  # how its workers end, ray does not know

    def close(self, deadline: float, /) -> list[int]:
        until = now() + deadline
        with suppress(BackendError):
            self._driver.send("close", deadline)
            while now() < until and not self._driver.end:
                if (self._run, 0, None) in self._driver.receive(until - now()):
                    break
        return []
