"""What this system has: processes that share files with this one, threads, installed modules."""

from __future__ import annotations

import sys
from functools import cache
from importlib.util import find_spec
from threading import Thread

#: Systems without processes; CPython runs there inside a browser, or Node.
WITHOUT_PROCESSES = ("emscripten", "wasi")

#: The start methods of processes, in the order in which backends are listed.
START_METHODS = ("fork", "spawn", "forkserver")


def is_installed(module: str) -> bool:
    """Return whether a module of the top level can be found, without importing it."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # a finder, or a module that is half imported
        return False


def start_methods() -> list[str]:
    """Return the start methods that this system supports.

    It does without `multiprocessing`, whose import takes a tenth of what a session adds to pytest's
    collection, and which has other methods than these nowhere.
    """
    return ["spawn"] if sys.platform == "win32" else [*START_METHODS]


def missing_for_processes() -> str:
    """Return in one line why worker processes are impossible here, empty if they are not."""
    remedy = f"use {'serial' if missing_for_threads() else 'threads, or serial'}"
    if sys.platform in WITHOUT_PROCESSES:
        return f"this system ({sys.platform}) has no processes; {remedy}"
    if not is_installed("fcntl"):
        return f"this system ({sys.platform}) lacks the module 'fcntl' of POSIX; {remedy}"
    return ""


@cache
def missing_for_threads() -> str:
    """Return in one line why threads are impossible here, empty if they are not."""
    thread = Thread(target=int, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        return f"this system ({sys.platform}) starts no threads: {error}; use serial"
    thread.join()
    return ""
