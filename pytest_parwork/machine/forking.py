"""The threads that make it unsafe to fork this process."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from types import FrameType

from ..model.errors import BackendError
from .clock import now, sleep
from .collector import without_collection

#: Packages whose threads do not count. They wait for work, and hold no lock that a worker needs:
#: those of the backends' libraries, kept from one run to the next (the libraries themselves fork
#: alongside them: a Pool replaces its workers from such a thread); those of execnet in every
#: process of pytest-xdist; those of debuggers and notebooks, which handle forks. Plugins of pytest
#: are excluded by their prefix: pytest-timeout may have a timer whenever a test runs.
HELPERS = {
    "_pydevd_bundle",
    "_pytest",
    "concurrent.futures.process",
    "debugpy",
    "distributed",
    "execnet",
    "ipykernel",
    "IPython",
    "joblib",
    "loky",
    "multiprocessing",
    "xdist",
}
PREFIX = "pytest_"

#: Modules that wrap what every thread of the process runs: it is not theirs.
WRAPPERS = {"pytest_check.check_log"}

#: Threads of executors that dask keeps alongside its event loop, busy ones too.
DASK_POOLS = ("Dask-", "TCP-Executor-", "asyncio_")

#: The functions in which threads of executors wait for work and run it. An idle one holds no lock,
#: and a worker that uses its copy of the executor starts new threads; see `inherited`.
EXECUTORS = {("concurrent.futures.thread", "_worker"), ("multiprocessing.pool", "worker")}

#: Seconds that a thread gets to end, as those of the last run may be doing.
ENDING = 0.1

#: At most so many threads are named.
SHOWN = 3


def reject_fork_with_threads() -> None:
    """Raise `BackendError` if a fork could hang the workers, where the user did not ask for one."""
    found = unsafe_threads()
    if found:
        raise BackendError(
            f"they would be forked while other threads are alive: {found}. A lock that one of "
            f"these threads holds would stay locked in the workers for ever. End the thread first; "
            f"or use joblib, or a start method by name, such as processes:spawn or "
            f"processes:forkserver (processes:fork forks nevertheless)"
        )


def unsafe_threads() -> str:
    """Name the threads, other than this one, whose locks could block a forked process.

    Only those of Python are known. Native ones cannot be distinguished from the pools of BLAS and
    OpenMP, which nearly every numerical project has; OpenBLAS ends and restarts its own at a fork.
    """
    until = now() + ENDING
    while (names := sorted(_names())) and now() < until:
        sleep(0.002)
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _names() -> Iterator[str]:
    known = {thread.ident: thread for thread in threading.enumerate()}
    # From the frames, because `threading` does not know threads that `_thread` started.
    for ident, frame in frames_of_others().items():
        thread = known.get(ident)
        name = thread.name if thread is not None else f"thread {ident}"
        calls = _calls(frame)
        if isinstance(thread, threading.Timer) and not calls:
            calls = [(thread.function.__module__, thread.function.__name__)]
        if not _is_helper(name, calls):
            yield f"{name!r} ({'.'.join(calls[0])})" if calls else repr(name)


def frames_of_others() -> Mapping[int, FrameType]:
    """Return the frame of each thread but this one, by its id.

    A variable with the frame that it is in would keep it, and what all its callers hold, until the
    garbage collector runs.
    """
    frames = sys._current_frames()
    frames.pop(threading.get_ident(), None)
    return frames


def caller_of(frame: FrameType) -> FrameType | None:
    """Return the caller of a frame of another thread, which runs on meanwhile.

    CPython 3.11 reads it from the stack of that thread, and may collect garbage before it is done.
    If this lets the thread run, something else is there by then: a function was seen.
    """
    with without_collection():
        back: object = frame.f_back
    return back if isinstance(back, FrameType) else None


def _calls(frame: FrameType | None) -> list[tuple[str, str]]:
    """Return the calls of a thread as (module, function), the outermost first."""
    calls = []
    while frame is not None:
        module = frame.f_globals.get("__name__", "?")
        if module != "threading" and module not in WRAPPERS:
            calls.append((module, frame.f_code.co_name))
        frame = caller_of(frame)
    return calls[::-1]


def _is_helper(name: str, calls: list[tuple[str, str]]) -> bool:
    if any(module.startswith("pytest_parwork.") for module, _ in calls):
        return True  # one of our own threads, in which an abandoned task is still running
    if not calls:
        return False
    home = calls[0][0]
    if calls[0] in EXECUTORS:
        return len(calls) == 1 or name.startswith(DASK_POOLS)
    return home in HELPERS or home.partition(".")[0] in HELPERS or home.startswith(PREFIX)
