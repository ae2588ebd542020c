"""Start methods of multiprocessing that record their processes and do not import `__main__`."""

from __future__ import annotations

import gc
import multiprocessing
import multiprocessing.context
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import connection, util
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

from .abilities import start_methods
from .clock import keep_clock, now
from .exits import hear_of_exit
from .forking import reject_fork_with_threads, unsafe_threads
from .inherited import inherited, repair
from .interrupts import Deferral, resume_in_fork
from .marks import claim_folder
from .native import pause_openmp
from .process_groups import state_of

#: The variables by which coverage makes new processes measure themselves as well.
MEASURED = ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")

#: Seconds between two checks whether processes have exited.
LOOK = 0.05

_swapping = threading.Lock()

#: Set once frozen objects have been found in this process.
_has_frozen = threading.Event()

# Where a fixture has replaced `time.monotonic`, a wait of the libraries for a process never ended.
keep_clock(connection)


def is_measured() -> bool:
    """Return whether workers write coverage data at their exit, for which they need time."""
    return any(name in os.environ for name in MEASURED)


class Processes:
    """A multiprocessing context whose processes can be watched; `context` is for the library.

    Without a start method, the default one is used. Where that is fork, and there are threads whose
    locks could block a forked worker, it is forkserver instead if `may_change`, and `threads` names
    them; else `BackendError` is raised. `avoid` names further threads that a fork would lack.
    """

    def __init__(self, method: str | None, *, may_change: bool = False, avoid: str = "") -> None:
        self.method = method or multiprocessing.get_context().get_start_method() or "fork"
        self.threads = ""
        if method is None and self.method == "fork":  # here, because a Pool forks when it is made
            if not may_change or "forkserver" not in start_methods():
                reject_fork_with_threads()
            elif threads := ", ".join(filter(None, (unsafe_threads(), avoid))):
                self.method, self.threads = "forkserver", threads
        if self.method == "forkserver":
            claim_folder(util.get_temp_dir())  # the location of its socket
        self._started: list[BaseProcess] = []
        self._ended: dict[int, int] = {}  # exit codes of processes that are closed
        base: Any = type(multiprocessing.get_context(self.method))
        plain: Callable[..., BaseProcess] = base.Process

        def process(*args: Any, **kwargs: Any) -> BaseProcess:
            made = plain(*args, **kwargs)
            start = made.start

            def recorded_start() -> None:
                del made.start  # otherwise the process could not be pickled
                self._started.append(made)  # before, because it may fail in the middle
                with Deferral():  # else Ctrl-C could leave a process that nobody knows
                    if self.method == "fork":
                        pause_openmp()
                        with _without_fork_warning(), _repaired(made):
                            start()
                    else:
                        if self.method == "forkserver":
                            _wake_server()
                        with _without_main():
                            start()
                    if self.method == "forkserver":
                        _read_once(made)
                    hear_of_exit(made)

            made.start = recorded_start  # type: ignore[method-assign]
            return made

        self._make = process
        self.context: multiprocessing.context.BaseContext = base()
        self.context.Process = process

    def start(
        self, call: Callable[..., object], *args: object, name: str | None = None
    ) -> BaseProcess:
        """Start a process for one call."""
        made = self._make(target=call, args=args, name=name)
        made.start()
        return made

    def exit_codes(self) -> Mapping[int, int | None]:
        """Return the exit code of every process started so far, None while it lives."""
        if self.method == "forkserver":
            _wake_server()
        codes = {process.pid: process.exitcode for process in self._started}
        return {pid: code for pid, code in codes.items() if pid is not None} | self._ended

    def release(self, process: BaseProcess) -> int:
        """Release a process that is exiting and that no library holds; return its exit code."""
        process.join()
        assert process.pid is not None
        assert process.exitcode is not None
        code = self._ended[process.pid] = process.exitcode
        self._started.remove(process)
        process.close()  # otherwise thousands of them would hold a descriptor each
        return code

    def wait(self, deadline: float) -> None:
        """Wait up to `deadline` seconds in all for the processes to exit by themselves."""
        until = now() + deadline
        # Sentinels are not enough: a child that a task left behind keeps that of its parent open.
        while (
            left := [process.sentinel for process in self._started if process.is_alive()]
        ) and now() < until:
            connection.wait(left, LOOK)

    def end(self, deadline: float) -> list[int]:
        """Kill all living processes, wait up to `deadline` seconds, and return the survivors."""
        if is_measured():
            self.wait(deadline)
        for process in self._started:
            if process.is_alive():
                process.kill()
        self.wait(deadline)
        return [pid for pid, code in self.exit_codes().items() if code is None]


def _wake_server() -> None:
    """Continue the fork server, if a task has stopped it.

    Nobody else starts its processes, and reports their exits: the run would wait for ever.
    """
    from multiprocessing.forkserver import _forkserver  # here, because few runs have it

    pid = getattr(_forkserver, "_forkserver_pid", None)  # the only way to it
    if pid is not None and state_of(pid) == "T":
        os.kill(pid, signal.SIGCONT)


def _read_once(process: BaseProcess) -> None:
    """Let only one thread at a time read the exit code of a process of the fork server.

    The code can be read from its pipe once. When two threads read it, the library's and ours, the
    later one gets nothing and overwrites the code with 255.
    """
    popen: Any = process._popen  # type: ignore[attr-defined]  # the only way to it
    poll, reading = popen.poll, threading.Lock()

    def poll_alone(flag: int = os.WNOHANG) -> int | None:
        if flag != os.WNOHANG:
            connection.wait([popen.sentinel])
        with reading:
            code: int | None = poll(os.WNOHANG)
            return code

    popen.poll = poll_alone


@contextmanager
def _repaired(process: BaseProcess) -> Iterator[None]:
    """Make a process that is forked inside the block first repair what it inherits."""
    repairs, run, keep = inherited(), process.run, _keeps_frozen_objects()

    def run_repaired() -> None:
        resume_in_fork()
        if not keep:
            _age_inherited_objects()
        repair(repairs)
        run()

    process.run = run_repaired  # type: ignore[method-assign]
    try:
        yield
    finally:
        # In this process only: the forked one calls `run_repaired`.
        del process.run


def _age_inherited_objects() -> None:
    """Put all objects into the oldest generation of the garbage collector, in a forked process.

    A collection of the younger ones would write to the objects that the parent has made lately, and
    so copy their memory: a fifth of what a worker of trivial tasks costs.
    """
    gc.freeze()
    gc.unfreeze()


def _keeps_frozen_objects() -> bool:
    """Return whether somebody has frozen objects in this process: those stay so in its forks.

    Python counts them one by one, 20 ms for 400,000, but none at once. So it is asked before the
    fork, and no more once there were some; afterwards forks only do without their ageing.
    """
    if not _has_frozen.is_set() and gc.get_freeze_count():
        _has_frozen.set()
    return _has_frozen.is_set()


@contextmanager
def _without_fork_warning() -> Iterator[None]:
    """Silence the warning of Python 3.12 about a fork in a process with any other thread.

    It includes threads that only wait. We report those that matter, once a run; see `forking`. The
    filter matches the text and nothing else, because a forked child inherits it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r".*use of fork\(\) may lead to deadlocks")
        yield


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide `__main__` while a process starts.

    Otherwise spawn and forkserver import it again in every worker. It is pytest, which takes
    130 ms, or a script that may call `pytest.main()` without a guard.
    """
    with _swapping:
        main = sys.modules["__main__"]
        bare = ModuleType("__main__")
        bare.__spec__ = None
        sys.modules["__main__"] = bare
        try:
            yield
        finally:
            sys.modules["__main__"] = main
