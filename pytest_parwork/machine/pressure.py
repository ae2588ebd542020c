"""How long tasks of this machine have waited for a CPU, whoever they belong to."""

from __future__ import annotations

import re
from pathlib import Path

from ..model.dataclass import dataclass
from .clock import now

#: Where Linux counts the microseconds in which some task could have run, but had no CPU.
PRESSURE = Path("/proc/pressure/cpu")

#: Shorter times say nothing, in seconds.
SHORTEST = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """A moment on `clock.now`, and the seconds for which tasks have `waited` until then."""

    at: float
    waited: float

    @classmethod
    def here(cls) -> Pressure | None:
        """Return the pressure now, None where the system does not count it."""
        try:
            found = re.search(r"^some .*total=(\d+)", PRESSURE.read_text(encoding="ascii"), re.M)
        except OSError:
            return None
        return cls(at=now(), waited=int(found[1]) / 1e6) if found is not None else None

    def share_until(self, later: Pressure) -> float | None:
        """Return the share of the time until then in which tasks waited, None if it is too short.

        The system counts in steps, so it is capped.
        """
        seconds = later.at - self.at
        return min(1.0, (later.waited - self.waited) / seconds) if seconds >= SHORTEST else None
