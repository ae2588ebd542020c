"""What the processes of a local dask cluster must not take over from the one that starts them."""

from __future__ import annotations

import os
import sys
import threading
from importlib.machinery import ModuleSpec

#: Variables by which dask passes the id of the parent to a process, in older and newer versions.
PARENT_VARIABLES = {"DASK_PARENT", "__DASK_PARENT_PID"}


class Aside:
    """Keep processes that are spawned meanwhile from importing `__main__`, which is pytest, again.

    `__main__` is not hidden, as for a process that starts in one call, because dask's start takes a
    while, in its own thread. A program run as `python -m package` is not imported again, so
    `__main__` pretends to be one. The variable that dask sets for the new process is restored.
    """

    def __init__(self) -> None:
        self._changing = threading.Lock()  # a cluster may start while another one is ending
        self._starting = 0
        self._spec: ModuleSpec | None = None
        self._variables: set[str] = set()

    def __enter__(self) -> None:
        with self._changing:
            self._starting += 1
            if self._starting == 1:
                main = sys.modules["__main__"]
                self._spec, main.__spec__ = main.__spec__, ModuleSpec("pytest.__main__", None)
                self._variables = PARENT_VARIABLES - os.environ.keys()

    def __exit__(self, *_: object) -> None:
        with self._changing:
            self._starting -= 1
            if not self._starting:
                sys.modules["__main__"].__spec__ = self._spec
                for name in self._variables:
                    os.environ.pop(name, None)
