"""The two clocks: one that is the same for every process of a machine, one of the calendar."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import cache, partial
from pathlib import Path
from time import monotonic, perf_counter, time

#: Where Linux tells which machine this is, until it is started again.
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

#: Seconds on the monotonic clock that all processes of a machine share (Linux, macOS, and
#: Windows from Python 3.10). Only differences mean anything. Wrapped, because libraries that freeze
#: the time in tests replace the functions of `time` under every name that a module has for them.
now = partial(perf_counter)

#: Seconds on the clock by which event loops wait, wrapped for the same reason.
steady = partial(monotonic)

#: When `now` would have been 0, in seconds since 1970.
_EPOCH = time() - perf_counter()


@cache
def host() -> str:
    """Name the machine whose clock this process reads."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        import socket  # here, because Linux never needs it

        return socket.gethostname()


def wall() -> float:
    """Return the seconds since 1970, which go on where a test has frozen the time."""
    return _EPOCH + now()


def today() -> datetime:
    """Return the date and time, in UTC."""
    return datetime.fromtimestamp(wall(), timezone.utc)
