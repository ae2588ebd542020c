"""The two clocks: one that all processes of a machine share, and the calendar's."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import cache, partial
from pathlib import Path
from time import monotonic, perf_counter, time

#: Where Linux identifies this machine, until its next boot.
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

#: Seconds on the monotonic clock that all processes of a machine share (Linux, macOS, and
#: Windows from Python 3.10). Only differences mean anything. Wrapped, because libraries that freeze
#: the time in tests replace the functions of `time` in every module that has imported them.
now = partial(perf_counter)

#: Seconds on the clock that event loops use, wrapped for the same reason.
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
    """Return the seconds since 1970, even where a test has frozen the time."""
    return _EPOCH + now()


def today() -> datetime:
    """Return the date and time, in UTC."""
    return datetime.fromtimestamp(wall(), timezone.utc)
