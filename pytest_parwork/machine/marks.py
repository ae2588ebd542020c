"""The marks by which every process and file of a session is recognised, from its start on.

Processes inherit them: those that run another program through an environment variable, forked ones
through a named page of memory, which remains when descriptors are closed. That workers enrol
themselves in a list is not enough: when pytest is killed, a worker's Python may still be starting.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from mmap import ACCESS_READ, PAGESIZE, mmap
from multiprocessing import process
from pathlib import Path

#: The variable in processes that are started while cases run: tokens, the innermost session last.
SESSION = "PARWORK_SESSION"

#: The same in processes that a worker starts. It is not in `os.environ`, so that cases see there
#: what they see in the serial run.
WORKER = "PARWORK_WORKER"

#: The start of the names of marked pages; the token follows, and `-workers` for those of workers.
PAGE = "parwork-"

_TOKENS = re.compile(r"(?:[0-9a-f]{16}:)*([0-9a-f]{16})")


class Mark:
    """The mark of one session: `token`, which is also in the names of its files and folders."""

    def __init__(self) -> None:
        self.token = os.urandom(8).hex()
        self._page: mmap | None = None
        self._prefix: str | None = None
        self._depth = 0
        self._before: str | None = None
        self._changing = threading.Lock()

    def __enter__(self) -> None:
        """Mark processes that are started inside the block, by whatever library and thread."""
        with self._changing:
            self._depth += 1
            if self._depth == 1:
                self._begin()

    def __exit__(self, *_: object) -> None:
        with self._changing:
            self._depth -= 1
            if self._depth == 0:
                self._end()

    def close(self) -> None:
        """Stop marking."""
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
            # Kept until the end: creating it for each case would take longer than many cases.
            self._page = named_page(f"{PAGE}{self.token}")
            # multiprocessing's tracker removes the semaphores of a killed process, unless it is
            # killed as well, as everything in pytest's process group may be. Not on macOS, which
            # allows no long names.
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
    """Mark processes that this worker starts, by the registry in which it has enrolled.

    Forked ones are marked as long as the returned object is kept.
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
    """Return the environment for a process that is to outlive all marked ones."""
    return {name: value for name, value in os.environ.items() if name not in (SESSION, WORKER)}


def temporary_folder(kind: str) -> str:
    """Create a private folder for temporary files, which is removed even if pytest is killed.

    That holds in every process with the mark; elsewhere only its creator removes it.
    """
    token = _token()
    return tempfile.mkdtemp(prefix=f"{PAGE}{token}-{kind}-" if token else f"{PAGE}{kind}-")


def claim_folder(path: str) -> None:
    """Have a private folder that a library has created removed if pytest is killed.

    It must be in TMPDIR, or in joblib's folder for temporary files.
    """
    token = _token()
    if token:
        Path(path, f"{PAGE}{token}").touch()


def _token() -> str:
    """Return the token of the session that this process belongs to, empty if there is none."""
    found = _TOKENS.fullmatch(os.environ.get(SESSION, ""))
    return found[1] if found is not None else ""


def named_page(name: str) -> mmap:
    """Return a page of memory that forked processes have, too, with a name that others can see."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC)
    try:
        os.ftruncate(fd, PAGESIZE)
        return mmap(fd, PAGESIZE, access=ACCESS_READ)
    finally:
        os.close(fd)


def _settings() -> dict[str, str]:
    """Return the settings from which multiprocessing names semaphores; they are not public."""
    settings: dict[str, str] = getattr(process.current_process(), "_config", {})
    return settings
