"""The process that calls ray on behalf of pytest's process, which ray must not be able to end."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from ...machine.clock import now
from ...machine.process_groups import state_of
from ...model.work import Batch
from ...worker.calling import BatchCall
from ..parts import EventQueue
from ..protocol import UNKNOWN, Event
from .parallel import RegisteredWorkers

#: ray's settings by environment: no usage is reported to its authors, nothing listens beyond this
#: machine (ray calls only several machines a cluster), and clients without the token are rejected.
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",
}
TOKEN = "RAY_AUTH_TOKEN"

#: Bytes for objects that ray shares; only a few numbers are sent.
OBJECT_STORE = 100 << 20

#: The exit code of this process if one of ray's servers has ended; ray would go on for a minute.
SERVER_ENDED = 70
SERVERS = (b"/gcs_server", b"/raylet")

#: Seconds between two checks whether the process of pytest and ray's servers are alive.
GLANCE = 0.5

#: Seconds that the workers of an ended call have to end.
ENDING = 5.0

#: Seconds that other workers have to write their stacks when one has died.
WRITING = 0.3

#: Seconds that ray has to end.
SHUTDOWN = 8.0


def serve(pipe: Connection, workers: int, folder: str, parent: int) -> None:
    """Start ray, report whether that succeeded, and make calls until the other end is closed."""
    if hasattr(os, "setpgid"):
        with suppress(OSError):
            os.setpgid(0, 0)  # Ctrl-C is for pytest alone
    _be_silent()
    try:
        try:
            _start(workers, folder)
        except BaseException as error:
            pipe.send(f"{type(error).__name__}: {error}")
            return
        pipe.send(())
        servers = list(_servers())
        threading.Thread(target=_watch, args=(servers, folder), daemon=True).start()
        with suppress(EOFError, OSError):
            _serve(pipe, parent, servers)
    finally:
        _end(folder)


def _be_silent() -> None:
    """Keep the output of ray out of pytest's output."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(null, stream)


def _start(workers: int, folder: str) -> None:
    address = os.environ.get("RAY_ADDRESS", "local")
    settings: dict[str, Any] = {}
    if address == "local":
        os.environ.update(SETTINGS)
        os.environ[TOKEN] = secrets.token_hex(32)
        settings = {
            "num_cpus": workers,
            "include_dashboard": False,
            "object_store_memory": OBJECT_STORE,
            "_temp_dir": folder,
        }
    import ray

    ray.init(address=address, log_to_driver=False, configure_logging=False, **settings)
    # A call of Parallel that runs during the shutdown would start ray again, with other settings.
    ray.init = _reject_start


def _reject_start(*_: object, **__: object) -> NoReturn:
    raise RuntimeError("ray has ended")


def _end(folder: str) -> None:
    """End ray and this process, even if ray's own shutdown would wait for ever."""
    ending = threading.Thread(target=_shut_down, daemon=True)
    ending.start()
    ending.join(SHUTDOWN)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _shut_down() -> None:
    if "ray" in sys.modules:
        with suppress(Exception):
            sys.modules["ray"].shutdown()


def _serve(pipe: Connection, parent: int, servers: Sequence[int]) -> None:
    """Execute the commands of pytest's process until it closes the pipe or has exited."""
    run: _Run | None = None
    sending = threading.Lock()

    def send(*message: object) -> None:
        with sending:
            pipe.send(message)

    while True:
        while not pipe.poll(GLANCE):
            if os.getppid() != parent:
                return
        kind, *message = pipe.recv()
        if kind == "start":
            if not _are_alive(servers):
                os._exit(SERVER_ENDED)
            run = _Run(send, *message)
            send(run.number, 0, None)
            continue
        assert run is not None
        if kind == "submit":
            run.submit_as(*message)
        else:
            run.close(*message)
            send(run.number, 0, None)


class _Run(RegisteredWorkers):
    """One run; its events are sent with its number and that of the call."""

    def __init__(self, send: Callable[..., None], number: int, workers: int) -> None:
        super().__init__(workers, "ray")
        self.number = number
        self._send = send
        self._call = 0

    def submit_as(self, number: int, call: BatchCall, batches: Sequence[Batch]) -> None:
        """Make the call of that number; earlier ones have ended."""
        self._end_thread(ENDING)
        _end_workers()
        self._call = number
        self.submit(call, batches)

    def close(self, deadline: float, /) -> list[int]:
        survivors = super().close(deadline)
        _end_workers()
        return survivors

    def _work(self, call: BatchCall, batches: Sequence[Batch], events: EventQueue) -> None:
        super()._work(call, batches, _Sending(partial(self._send, self.number, self._call)))

    def _backend(self) -> object:
        from ray.util.joblib.ray_backend import RayBackend

        return _reporting(RayBackend)()

    def _parallel(self) -> Any:
        import joblib

        return joblib.Parallel(max(2, self.size), backend=self._backend(), batch_size=1)


class _Sending(EventQueue):
    """Events that are sent at once."""

    def __init__(self, send: Callable[[Event], None]) -> None:
        super().__init__()
        self._send = send

    def put(self, event: Event) -> None:
        """Send an event."""
        with suppress(OSError):  # the receiver has exited
            self._send(event)


def _reporting(backend: Any) -> Any:
    """Return the class that adds to an error which workers were alive when another had died.

    ray ends the others only later, when the next call may have begun; so they are ended here.
    """

    class ReportingRay(backend):  # type: ignore[misc]  # ray has no types
        def retrieve_result_callback(self, out: Any) -> Any:
            try:
                return super().retrieve_result_callback(out)
            except sys.modules["ray"].exceptions.RayError as error:
                error.alive = frozenset(_workers())
                error.how = UNKNOWN
                time.sleep(WRITING)
                _end_workers()
                raise
            except sys.modules["ray"].util.multiprocessing.pool.PoolTaskError as error:
                raise error.underlying from None

    return ReportingRay


def _end_workers() -> None:
    """Kill the living workers, and wait for their end."""
    until = now() + ENDING
    while (left := list(_workers())) and now() < until:
        for pid in left:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _watch(servers: Sequence[int], folder: str) -> None:
    """End this process as soon as one of ray's servers ends."""
    while _are_alive(servers):
        time.sleep(GLANCE)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(SERVER_ENDED)


def _are_alive(servers: Sequence[int]) -> bool:
    return all(state_of(pid) != "Z" for pid in servers)


def _workers() -> Iterator[int]:
    """Yield the processes that run tasks: children of ray's servers (Linux)."""
    for server in _servers():
        for pid in _children(server):
            if _command(pid).startswith(b"ray::PoolActor") and state_of(pid) != "Z":
                yield pid


def _servers() -> Iterator[int]:
    """Yield ray's servers, which ray cannot work without (Linux)."""
    for pid in _children(os.getpid()):
        if _command(pid).endswith(SERVERS):
            yield pid


def _command(pid: int) -> bytes:
    with suppress(OSError):  # the process may end meanwhile
        return Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")[0]
    return b""


def _children(pid: int) -> Iterator[int]:
    for file in Path("/proc").glob(f"{pid}/task/*/children"):
        with suppress(OSError):
            yield from map(int, file.read_text().split())
