"""The two clocks: one that is the same for every process of a machine, one of the calendar."""

from __future__ import annotations

from datetime import datetime, timezone
from time import perf_counter

__all__ = ["now", "today"]

#: Seconds on the monotonic clock that all processes of a machine share (Linux, macOS, and
#: Windows from Python 3.10). Only differences mean anything.
now = perf_counter


def today() -> datetime:
    """Return the date and time, in UTC."""
    return datetime.now(timezone.utc)
