"""What sees to it that workers end, and all that they started, even where pytest is killed."""

from __future__ import annotations

import os
import subprocess
import sys

from .. import groups
from ..ledger import Files

__all__ = ["Guard"]


class Guard:
    """The registry of all workers of a session, and a process that outlives pytest for a moment.

    Both begin with the first run that needs them.
    """

    def __init__(self) -> None:
        self._files: Files | None = None
        self._registry = -1
        self._path = ""
        self._process: subprocess.Popen[bytes] | None = None

    def registry(self) -> str:
        """Return the path of the registry, in which workers enrol themselves."""
        if self._files is None:
            self._files = Files()
            self._registry, self._path = self._files.create("workers")
            # Without site-packages and the project, which it does not need: 10 ms, not 50.
            program = [sys.executable, "-I", "-S", groups.__file__]
            self._process = subprocess.Popen(
                [*program, str(self._registry), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[self._registry],
                start_new_session=True,  # or a signal to the group of pytest would end it too
                cwd="/",
            )
        return self._path

    def close(self) -> None:
        """End what workers have left, and the process that watches."""
        if self._files is None:
            return
        groups.end_groups(self._registry, os.getsid(0))
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._files.close()
        self._files = self._process = None
