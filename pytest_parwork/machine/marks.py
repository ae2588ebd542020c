"""The marks by which all that a session has started is recognised, from its first moment on.

Processes inherit them: those that run another program by an environment variable, those that are
forked by a page of memory with a name, which no closing of descriptors takes away. A worker that
enrols itself in a list is too late for this: a killed pytest may leave it while Python starts.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, PAGESIZE, mmap
from multiprocessing import process
from pathlib import Path

#: The variable of what is started while pytest works on cases: tokens, the innermost session last.
SESSION = "PARWORK_SESSION"

#: The same of what a worker starts. It is not in `os.environ`, so that cases find there what they
#: find in the serial run.
WORKER = "PARWORK_WORKER"

#: How the names of marked pages begin; the token follows, and for those of workers `-workers`.
PAGE = "parwork-"

_TOKENS = re.compile(r"(?:[0-9a-f]{16}:)*([0-9a-f]{16})")


class Mark:
    """The mark of one session: `token`, which also is in the names of what it puts into folders."""

    def __init__(self) -> None:
        self.token = os.urandom(8).hex()
        self._page: mmap | None = None
        self._prefix: str | None = None
        self._depth = 0
        self._before: str | None = None
        self._changing = threading.Lock()

    @contextmanager
    def on(self) -> Iterator[None]:
        """Mark what is started inside, by whatever library and thread."""
        with self._changing:
            self._depth += 1
            if self._depth == 1:
                self._begin()
        try:
            yield
        finally:
            with self._changing:
                self._depth -= 1
                if self._depth == 0:
                    self._end()

    def close(self) -> None:
        """Mark nothing any more."""
        if self._page is not None:
            self._page.close()
            self._page = None
        if self._prefix is not None:
            _settings()["semprefix"] = self._prefix
            self._prefix = None

    def _begin(self) -> None:
        self._before = os.environ.get(SESSION)
        os.environ[SESSION] = f"{self._before}:{self.token}" if self._before else self.token
        if sys.platform == "linux" and self._page is None:
            # Kept until the end: to make it for each of many cases would take longer than these.
            self._page = _page(f"{PAGE}{self.token}")
            # multiprocessing's tracker removes the semaphores of a killed process, unless it is
            # killed with it, as everything in the group of pytest may be. macOS allows no long
            # names.
            settings = _settings()
            self._prefix = settings.get("semprefix")
            if self._prefix is not None:
                settings["semprefix"] = f"/{PAGE}{self.token}"

    def _end(self) -> None:
        if self._before is None:
            os.environ.pop(SESSION, None)
        else:
            os.environ[SESSION] = self._before


def mark_worker(registry: str) -> mmap | None:
    """Mark what this worker starts, by the registry in which it has enrolled itself.

    A process that it forks has the mark as long as what is returned is kept.
    """
    tokens = os.environ.get(SESSION)
    if tokens is not None:
        os.putenv(WORKER, tokens)
    if sys.platform != "linux":
        return None
    fd = os.open(registry, os.O_RDONLY)
    try:
        return mmap(fd, 0, access=ACCESS_READ)
    finally:
        os.close(fd)


def unmarked() -> dict[str, str]:
    """Return the environment for a process that is to outlive all that have the mark."""
    return {name: value for name, value in os.environ.items() if name not in (SESSION, WORKER)}


def temporary_folder(kind: str) -> str:
    """Make a private folder for temporary files, which is removed where pytest is killed.

    So it is in every process that has the mark; elsewhere its maker alone removes it.
    """
    token = _token()
    return tempfile.mkdtemp(prefix=f"{PAGE}{token}-{kind}-" if token else f"{PAGE}{kind}-")


def claim_folder(path: str) -> None:
    """Have a private folder that a library has made removed where pytest is killed.

    It is one of those in TMPDIR, or in joblib's folder for temporary files.
    """
    token = _token()
    if token:
        Path(path, f"{PAGE}{token}").touch()


def _token() -> str:
    """Return the token of the session that this process works for, empty outside of any."""
    found = _TOKENS.fullmatch(os.environ.get(SESSION, ""))
    return found[1] if found is not None else ""


def _page(name: str) -> mmap:
    fd = os.memfd_create(name, os.MFD_CLOEXEC)
    try:
        os.ftruncate(fd, PAGESIZE)
        return mmap(fd, PAGESIZE, access=ACCESS_READ)
    finally:
        os.close(fd)


def _settings() -> dict[str, str]:
    """Return what multiprocessing names semaphores by; it has no public way to that."""
    settings: dict[str, str] = getattr(process.current_process(), "_config", {})
    return settings
