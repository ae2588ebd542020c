"""What a test may leave behind: processes, threads, open files and files with a name."""

from __future__ import annotations

import gc
import multiprocessing
import os
import re
import tempfile
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import pytest

from pytest_parwork.backends.dask.local import FOLDER
from pytest_parwork.backends.joblib.on_ray import DRIVER
from support.carrier import start_method_of

#: Seconds that what a test started may take to be gone.
SETTLING = 3.0

#: Processes that libraries keep for later use, by what their command line holds.
HELPERS = {
    "resource_tracker": "multiprocessing.resource_tracker",
    "forkserver": "multiprocessing.forkserver",
    "loky": "joblib.externals.loky.",
}

#: A dask cluster that tests join, with all that its programs start, ends with its fixture.
PROGRAMS = "-m dask "

#: The process that forks sessions stays; what it has forked must have ended.
FORKING = "support/warm.py"

#: How the processes are named of what is kept from run to run: a cluster of dask, or of ray.
KEPT = ("Dask Worker process", DRIVER)

#: How the folder is named of a cluster that is kept: with the mark of a session, if it has one.
KEPT_FOLDER = re.compile(rf"/parwork-(\w+-)?{FOLDER}-")


def leaving_nothing_behind(items: Sequence[pytest.Item]) -> Iterator[None]:
    """Fail where these tests leave something behind, run in the meantime."""
    allowed = [mark for item in items for mark in allowed_helpers(item)]
    is_kept = any("backends" in fixtures_of(item) for item in items)
    before = found(allowed, is_kept)
    yield
    until = time.monotonic() + SETTLING
    while left := found(allowed, is_kept) - before:
        gc.collect()  # a mapping that only a cycle still holds is no leak
        if time.monotonic() > until:
            pytest.fail(f"left behind: {sorted(left)}")
        time.sleep(0.01)


def fixtures_of(item: pytest.Item) -> Sequence[str]:
    names: Sequence[str] = getattr(item, "fixturenames", ())
    return names


def allowed_helpers(item: pytest.Item) -> list[str]:
    """Return the marks of helper processes that the backend of this test may keep."""
    if "keeps_helpers" in fixtures_of(item):
        return list(HELPERS.values())
    # A session may look again at a serial run next to threads in a new process. multiprocessing
    # starts its tracker with the first one; it ends with this process, because others may have
    # registered with it what it has to remove.
    kinds = {"resource_tracker"} if "scratch" in fixtures_of(item) else set()
    params = getattr(getattr(item, "callspec", None), "params", {})
    for name in (value for value in params.values() if isinstance(value, str)):
        family = name.partition(":")[0]
        if family == "joblib":
            kinds |= {"loky", "resource_tracker"}
        if {"dask", "ray"} & set(name.split(":")):
            kinds.add("resource_tracker")
        if family in {"isolated", "multiprocessing", "processes"}:
            kinds |= {"spawn": {"resource_tracker"}, "fork": set()}.get(
                start_method_of(name), {"resource_tracker", "forkserver"}
            )
    return [HELPERS[kind] for kind in kinds]


def found(allowed: Iterable[str], is_kept: bool) -> set[str]:
    """Return all that a run could leave behind and that is there now.

    The cluster of this process is left out where it is kept for other tests.
    """
    # This also takes those that ended off the list of the system.
    workers = {p.pid for p in multiprocessing.active_children() if p.name.startswith(KEPT)}
    kept = workers if is_kept else set()
    named = {file for file in named_files() if not (is_kept and KEPT_FOLDER.search(file))}
    return {*processes(list(allowed), kept), *threads(), *open_files(), *named}


def processes(allowed: list[str], kept: Collection[int | None]) -> Iterator[str]:
    """Yield all descendants, but for the allowed helpers, which are children of this process."""
    todo = [(child, True) for child in children(os.getpid()) if child not in kept]
    while todo:
        pid, is_ours = todo.pop()
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if PROGRAMS in line:
            continue
        todo.extend((child, False) for child in children(pid))
        if not (is_ours and any(mark in line for mark in (*allowed, FORKING))):
            yield f"process {pid}: {line[:200] or _origin_of(pid)}"


def _origin_of(pid: int) -> str:
    """Say what a process was that is exiting, or has exited, and has no command line any more."""
    with suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
        state, parent = stat[2].split()[:2]
        line = Path(f"/proc/{parent}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        return f"{stat[0].partition('(')[2]}, state {state}, child of {parent}: {line[:200]}"
    return ""


def children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):  # it may end while it is asked
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children") as file:
                found += map(int, file.read().split())
    return found


def threads() -> Iterator[str]:
    for thread in threading.enumerate():
        if not thread.daemon and thread.is_alive() and thread is not threading.main_thread():
            yield f"thread {thread.name} {thread.ident}"


def open_files() -> Iterator[str]:
    for fd in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{fd}")
            if target.startswith("/memfd:parwork-"):
                yield f"descriptor {fd} → {target}"


def named_files() -> Iterator[str]:
    # Path.glob asks of each file whether it is a folder, and /dev/shm may hold thousands.
    yield from beginning_with("parwork-", tempfile.gettempdir())
    for folder in ("/dev/shm", tempfile.gettempdir()):
        # joblib 1.6 makes an empty folder for each call, and removes them all at exit.
        for found in beginning_with(f"joblib_memmapping_folder_{os.getpid()}_", folder):
            yield from beginning_with("", found)


def beginning_with(prefix: str, folder: str) -> list[str]:
    """Return the paths of the files in a folder whose names begin so."""
    with suppress(OSError):  # it may be removed meanwhile, or be none
        return _beginning_with(prefix, folder, os.stat(folder).st_mtime_ns)
    return []


@lru_cache(maxsize=8)  # what others have left in /dev/shm took half of the time of a small test
def _beginning_with(prefix: str, folder: str, changed: int) -> list[str]:
    return [f"{folder}/{name}" for name in os.listdir(folder) if name.startswith(prefix)]
