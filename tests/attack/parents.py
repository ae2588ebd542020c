"""The processes that fork sessions: each has imported what sessions on some backends import."""

from __future__ import annotations

import signal
import threading

from support.warm import Warm

from .experiment import environment_of_supervisors

__all__ = ["Parents"]

#: What a supervisor imports.
SUPERVISING = ("attack.forked", "attack.signals", "ctypes", "subprocess")

#: What a session on a backend imports before its first case, by how the backend's name begins.
LIBRARIES = {
    "joblib:dask": ("numpy", "joblib", "dask", "distributed"),
    "joblib": ("numpy", "joblib"),
    "dask": ("numpy", "dask", "distributed"),
}


class Parents:
    """The parents by what they have imported; each is started when it is needed first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started: dict[tuple[str, ...], Warm] = {}

    def of(self, backend: str) -> Warm:
        """Return the parent for a backend."""
        found = [names for start, names in LIBRARIES.items() if backend.startswith(start)]
        libraries = found[0] if found else ()
        with self._lock:
            if libraries not in self._started:
                parent = Warm(libraries=libraries, modules=SUPERVISING, ending=signal.SIGTERM)
                assert parent.fits(environment_of_supervisors())
                self._started[libraries] = parent
            return self._started[libraries]

    def close(self) -> None:
        """End the parents; others are started when they are needed."""
        with self._lock:
            for parent in self._started.values():
                parent.close()
            self._started.clear()
