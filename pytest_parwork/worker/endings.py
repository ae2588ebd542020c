"""The end of executors that tasks have used in a worker process, before it waits for their workers.

A process of multiprocessing waits for its children at its end, and only then would
`concurrent.futures` and loky, which go by the end of the main thread, tell these to end. So a task
that leaves an executor open, as joblib does, keeps its worker alive for the 300 s that joblib's
workers wait for more.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from multiprocessing.util import Finalize

#: The modules of executors with processes that have a function for the end of the interpreter.
EXECUTORS = (
    "concurrent.futures.process",
    "joblib.externals.loky.process_executor",
    "loky.process_executor",
)

#: Before the finalizers of pools and queues, which have 15 and 10.
PRIORITY = 100


def end_executors_at_exit() -> None:
    """Have the executors of this process end with it; called once or more."""
    Finalize(None, _end_executors, exitpriority=PRIORITY)


def _end_executors() -> None:
    for name in EXECUTORS:
        end = getattr(sys.modules.get(name), "_python_exit", None)
        if end is not None:
            with suppress(Exception):  # what cannot be told to end is left to the end of the group
                end()
