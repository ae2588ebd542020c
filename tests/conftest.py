"""What holds for every test: it ends in time and leaves nothing behind."""

from __future__ import annotations

import compileall
import faulthandler
import gc
import os
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import IO

import pytest
from support.carrier import CONTRACT, JOINED, Carrier
from support.dask_programs import DaskPrograms
from support.guard import Guard
from support.leftovers import leaving_nothing_behind
from support.selection import mark_sweep, sampled

import pytest_parwork
from pytest_parwork.backends import Backend, Family, bundled

# Whoever started pytest in the background may have it ignore Ctrl-C; what tests start would, too.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Hundreds of processes import the package or the tests. Where Python is not to keep what it
# compiles, each would compile them again, which takes as long as all else that a short one does.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Each fork ends the threads of OpenBLAS in the process that is forked. When that gets its own limit
# back they start again, and spin for work that never comes: a tenth of what a small session takes.
# The number is the logarithm of the ticks for which they do; NumPy reads it when it is imported.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")

#: Seconds until a test that hangs ends the session, with the traceback of every thread.
DEADLINE = 60.0

STDERR = pytest.StashKey[IO[str]]()
GUARD = pytest.StashKey[Guard]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tests of pytest-parwork")
    group.addoption(
        "--sample", type=int, metavar="NUMBER", help="run so many of the selected tests"
    )
    group.addoption(
        "--sample-seed",
        default="0",
        metavar="TEXT",
        help="which tests --sample takes, such as a commit",
    )


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # pytest keeps only what it has rewritten
        compileall.compile_dir(Path(pytest_parwork.__path__[0]), quiet=2)
    # Captured tests write to a file that nobody would see after a hard exit.
    config.stash[STDERR] = os.fdopen(os.dup(2), "w", encoding="utf-8")
    # Folders of tests are kept for a look at them, as those of any project are.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    config.stash[GUARD] = Guard(DEADLINE)
    os.environ["TMPDIR"] = tempfile.tempdir = config.stash[GUARD].folder
    # What tests start is not of this session, and does not share its CPUs.
    for name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
        del os.environ[name]
    config.pluginmanager.register(Sampling())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Give each process a stretch of the tests, and to one that has ended its own half of another.

    Tests of a module stay together as far as possible: its fixtures may be a cluster.
    """
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let the garbage collection leave alone what is imported and collected.

    It would look at all of it again and again, and copy it in each process that a test forks.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_sweep(items)


class Sampling:
    """Take a sample of the tests that -m and -k select."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        number: int | None = config.getoption("sample")
        if number is not None:
            taken = sampled(items, number, seed=config.getoption("sample_seed"))
            config.hook.pytest_deselected(items=[item for item in items if item not in taken])
            items[:] = taken


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[GUARD].close()
    config.stash[STDERR].close()


@pytest.fixture(autouse=True)
def _ends_in_time(pytestconfig: pytest.Config) -> Iterator[None]:
    guard = pytestconfig.stash[GUARD]
    guard.begin()
    faulthandler.dump_traceback_later(DEADLINE, exit=True, file=pytestconfig.stash[STDERR])
    yield
    faulthandler.cancel_dump_traceback_later()
    guard.end()


@pytest.fixture
def keeps_helpers() -> None:
    """Allow a test to leave the processes that loky, spawn and forkserver keep for later use."""


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    assert isinstance(request.node, pytest.Item)
    yield from leaving_nothing_behind([request.node])


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
