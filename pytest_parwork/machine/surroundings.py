"""What a process inherits from the one that starts it: variables, working directory, umask."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from .marks import SESSION, WORKER
from .system import os

#: The state of this process, with its umask (Linux).
STATUS = Path("/proc/self/status")


class Surroundings(NamedTuple):
    """The surroundings of pytest's process when a run begins, for workers that started earlier.

    `variables` are those that have changed, None for one that was removed; `folder` is the working
    directory, None if it has been deleted.
    """

    variables: Mapping[str, str | None]
    folder: str | None
    umask: int

    def take_over(self) -> None:
        """Make this process as if it were started by pytest's process now."""
        variables = os.environ
        changed = {name: v for name, v in self.variables.items() if variables.get(name) != v}
        for name, value in changed.items():
            if value is None:
                del variables[name]
            else:
                variables[name] = value
        if "TZ" in changed and hasattr(time, "tzset"):
            time.tzset()  # the C library reads it once, as the process starts
        if self.folder is not None:
            with suppress(OSError):  # deleted meanwhile
                os.chdir(self.folder)
        os.umask(self.umask)


class Changes:
    """The variables of this process that differ from those that it had `before`.

    Only these are sent to workers: others may differ there on purpose, because the library of a
    backend sets them in its workers. A variable that changes back remains among them, because a
    worker may have started meanwhile.
    """

    def __init__(self, before: Mapping[str, str]) -> None:
        self._before = before
        self._names: set[str] = set()

    def note(self) -> Mapping[str, str | None]:
        """Return the present value of each variable that differs, or has differed before."""
        now = dict(os.environ)
        self._names |= {
            name
            for name in now.keys() | self._before.keys()
            if now.get(name) != self._before.get(name)
        } - {SESSION, WORKER}
        return {name: now.get(name) for name in self._names}

    def surroundings(self) -> Surroundings:
        """Return the surroundings of this process for its workers."""
        try:
            folder = os.getcwd()
        except OSError:
            folder = None
        return Surroundings(self.note(), folder, _umask())


def _umask() -> int:
    """Return the umask of this process without changing it, where that is possible."""
    if sys.platform == "linux":
        with suppress(OSError):
            found = re.search(rb"^Umask:\s*([0-7]+)$", STATUS.read_bytes(), re.MULTILINE)
            if found is not None:
                return int(found[1], 8)
    umask = os.umask(0o077)  # for a moment, during which another thread may create a file
    os.umask(umask)
    return umask


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables while processes are started, which inherit them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
