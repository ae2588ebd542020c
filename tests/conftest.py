"""What holds for every test: it ends in time and leaves nothing behind."""

from __future__ import annotations

import faulthandler
import gc
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest
from carrier import CONTRACT, JOINED, SWEPT, Carrier, start_method_of
from dask_programs import DaskPrograms

from pytest_parwork.backends import Backend, Family, bundled
from pytest_parwork.backends.joblib.on_ray import DRIVER

# Whoever started pytest in the background may have it ignore Ctrl-C; what tests start would, too.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: Seconds until a test that hangs ends the session, with the traceback of every thread.
DEADLINE = 60.0

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

#: How the processes are named of what is kept from run to run: a cluster of dask, or of ray.
KEPT = ("Dask Worker process", DRIVER)

STDERR = pytest.StashKey[IO[str]]()


def pytest_configure(config: pytest.Config) -> None:
    # Captured tests write to a file that nobody would see after a hard exit.
    config.stash[STDERR] = os.fdopen(os.dup(2), "w", encoding="utf-8")


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        params = getattr(getattr(item, "callspec", None), "params", {})
        if params.get("name") in SWEPT:
            item.add_marker("sweep")


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[STDERR].close()


@pytest.fixture(autouse=True)
def _ends_in_time(pytestconfig: pytest.Config) -> Iterator[None]:
    faulthandler.dump_traceback_later(DEADLINE, exit=True, file=pytestconfig.stash[STDERR])
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def keeps_helpers() -> None:
    """Allow a test to leave the processes that loky, spawn and forkserver keep for later use."""


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    allowed = allowed_helpers(request)
    is_kept = "backends" in request.fixturenames
    before = found(allowed, is_kept)
    yield
    until = time.monotonic() + SETTLING
    while left := found(allowed, is_kept) - before:
        gc.collect()  # a mapping that only a cycle still holds is no leak
        if time.monotonic() > until:
            pytest.fail(f"left behind: {sorted(left)}")
        time.sleep(0.01)


def allowed_helpers(request: pytest.FixtureRequest) -> list[str]:
    """Return the marks of helper processes that the backend of this test may keep."""
    if "keeps_helpers" in request.fixturenames:
        return list(HELPERS.values())
    kinds: set[str] = set()
    params = getattr(getattr(request.node, "callspec", None), "params", {})
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
    return {*processes(list(allowed), kept), *threads(), *open_files(), *named_files()}


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
        if not (is_ours and any(mark in line for mark in allowed)):
            yield f"process {pid}: {line[:200]}"


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
    for folder in map(Path, ("/dev/shm", tempfile.gettempdir())):
        yield from map(str, folder.glob("parwork-????????"))  # as mkdtemp names it
        # joblib 1.6 makes an empty folder for each call, and removes them all at exit.
        yield from map(str, folder.glob(f"joblib_memmapping_folder_{os.getpid()}_*/*"))


@pytest.fixture(scope="module")
def backends() -> Iterator[Mapping[str, Backend]]:
    """Give the bundled backends, and end what they kept when the module ends."""
    found = bundled()
    yield found
    for backend in found.values():
        backend.close()


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskPrograms]:
    """Give a dask cluster of two workers that are not of this process."""
    programs = DaskPrograms(tmp_path_factory.mktemp("dask"))
    yield programs
    programs.close()


@pytest.fixture(params=CONTRACT)
def name(request: pytest.FixtureRequest) -> str:
    """Name each backend under contract in turn."""
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture
def backend(name: str, backends: Mapping[str, Backend], request: pytest.FixtureRequest) -> Backend:
    """Give the backend of that name."""
    if name != JOINED:
        return backends[name]
    family = backends["dask"]
    assert isinstance(family, Family)
    return family.named(request.getfixturevalue("programs").address)


@pytest.fixture
def carrier(name: str, backend: Backend) -> Iterator[Carrier]:
    carrier = Carrier(name, backend)
    yield carrier
    carrier.close()
