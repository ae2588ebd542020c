"""The end of executors that tasks have left open in a worker process.

A process of multiprocessing waits for its children when it exits. Only after that would
`concurrent.futures` and loky, which wait for the end of the main thread, end these children. So a
task that leaves an executor open, as joblib does, keeps its worker alive for the 300 s that
joblib's workers wait for more tasks.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from multiprocessing.util import Finalize

#: The modules of executors with processes, with their functions for the end of the interpreter.
EXECUTORS = (
    "concurrent.futures.process",
    "joblib.externals.loky.process_executor",
    "loky.process_executor",
)

#: Higher than the priorities of pools (15) and queues (10), so that it runs before them.
PRIORITY = 100


def end_executors_at_exit() -> None:
    """End the executors of this process when it exits; may be called more than once."""
    Finalize(None, _end_executors, exitpriority=PRIORITY)


def _end_executors() -> None:
    for name in EXECUTORS:
        end = getattr(sys.modules.get(name), "_python_exit", None)
        if end is not None:
            with suppress(Exception):  # else they end with the process group
                end()
