"""The two clocks: one that is the same for every process of a machine, one of the calendar."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from time import perf_counter

__all__ = ["host", "now", "today"]

#: Where Linux tells which machine this is, until it is started again.
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

#: Seconds on the monotonic clock that all processes of a machine share (Linux, macOS, and
#: Windows from Python 3.10). Only differences mean anything.
now = perf_counter


@cache
def host() -> str:
    """Name the machine whose clock this process reads."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        import socket  # here, because Linux never needs it

        return socket.gethostname()


def today() -> datetime:
    """Return the date and time, in UTC."""
    return datetime.now(timezone.utc)
