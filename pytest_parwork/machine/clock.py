"""The clocks that no test can stop or set, and `sleep`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from functools import cache
from importlib.machinery import BuiltinImporter
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any


def _own_time() -> Any:
    """Return another instance of the C module `time`, which only this module has.

    Libraries that freeze the time replace the functions of `time` in every module that has imported
    them, and a test may replace those of `time` itself, also before this module is imported.
    """
    spec = BuiltinImporter.find_spec("time")
    if spec is None or spec.loader is None:
        import time

        return time
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_TIME = _own_time()

#: Where Linux identifies this machine, until its next boot.
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

#: Seconds on the monotonic clock that all processes of a machine share (Linux, macOS, and
#: Windows from Python 3.10). Only differences mean anything.
now: Callable[[], float] = _TIME.perf_counter

#: Seconds on the clock that event loops use.
steady: Callable[[], float] = _TIME.monotonic

#: CPU seconds of this process alone, and of this thread where the system counts them.
_of_process: Callable[[], float] = _TIME.process_time
cpu_of_thread: Callable[[], float] = getattr(_TIME, "thread_time", _of_process)

#: Wait for so many seconds.
sleep: Callable[[float], None] = _TIME.sleep

#: When `now` would have been 0, in seconds since 1970.
_EPOCH: float = _TIME.time() - now()


def _with_children() -> Callable[[], float]:
    """Return the clock of this process together with the children that it has waited for."""
    try:
        from resource import RUSAGE_CHILDREN, getrusage
    except ImportError:  # Windows, WebAssembly
        return _of_process

    def read() -> float:
        used = getrusage(RUSAGE_CHILDREN)
        return _of_process() + used.ru_utime + used.ru_stime

    return read


#: CPU seconds of this process, and of the children that it has waited for, with theirs.
cpu_of_process: Callable[[], float] = _with_children()


def keep_clock(module: ModuleType) -> None:
    """Give a module that uses `time` an instance in which no test replaces anything."""
    vars(module)["time"] = _TIME


@cache
def host() -> str:
    """Name the machine whose clock this process reads."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        import socket  # here, because Linux never needs it

        return socket.gethostname()


def wall() -> float:
    """Return the seconds since 1970, even where a test has frozen the time."""
    return _EPOCH + now()


def today() -> datetime:
    """Return the date and time, in UTC."""
    return datetime.fromtimestamp(wall(), timezone.utc)
