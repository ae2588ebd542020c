"""All that can go wrong in a task, as functions that workers import; nothing heavy is imported."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO, Any, NoReturn

from parwork_tasks import LockedError, PickyError

#: What a task does to its worker.
Fault = Callable[[], object]
#: Seconds that something takes for which nobody should wait.
LONG = 40.0


def innocent(x: int) -> int:
    return x * x


def exits() -> NoReturn:
    os._exit(1)


def exits_with_0() -> NoReturn:
    os._exit(0)


def segfaults() -> NoReturn:
    ctypes.string_at(0)
    raise AssertionError("still there")


def aborts() -> NoReturn:
    os.abort()


def is_killed() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still there")


def sleeps_for_ever() -> NoReturn:
    while True:
        time.sleep(1000)


def spins_for_ever() -> NoReturn:
    while True:
        pass


def catches_all_and_spins() -> NoReturn:
    while True:
        try:
            while True:
                pass
        except Exception:
            pass


def raises() -> NoReturn:
    raise ValueError("as it may")


def raises_what_cannot_be_pickled() -> NoReturn:
    raise LockedError


def raises_what_cannot_be_unpickled() -> NoReturn:
    raise PickyError("this", "that")


def returns_a_lambda() -> Callable[[], int]:
    return lambda: 7


def returns_a_generator() -> Iterator[int]:
    return (x for x in range(3))


def returns_an_open_file() -> IO[str]:
    return open(os.devnull, encoding="utf-8")


class NeverAsked:
    """Raises whatever it is asked for, its class included."""

    def __getattribute__(self, name: str) -> NoReturn:
        raise RuntimeError(f"nobody may ask for {name}")


def returns_what_nobody_may_ask() -> NeverAsked:
    return NeverAsked()


def returns_50_mb() -> bytes:
    return b"x" * 50_000_000


def prints_10_mb() -> int:
    line = "x" * 99 + "\n"
    fd = os.open(os.devnull, os.O_WRONLY)
    kept = os.dup(1)
    os.dup2(fd, 1)  # the terminal of whoever runs the tests has no use for it
    try:
        for _ in range(100_000):
            os.write(1, line.encode())
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(fd)
    return 10


def closes_its_stdout() -> str:
    sys.stdout.close()
    os.close(1)
    return "closed"


def changes_directory() -> str:
    os.chdir("/")
    return os.getcwd()


def changes_environment() -> str:
    os.environ.clear()
    return "cleared"


def recurses() -> int:
    return recurses() + 1


def leaves() -> NoReturn:
    sys.exit("enough")


def hits_the_memory_limit() -> int:
    import resource

    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), hard))
    try:
        return len(bytearray(1 << 30))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def starts_a_program() -> int:
    return subprocess.Popen(["sleep", "1000"], stdout=subprocess.DEVNULL).pid


def starts_a_program_and_exits() -> NoReturn:
    starts_a_program()
    os._exit(1)


def forks_a_sleeper_and_exits() -> NoReturn:
    """Exit while a child lives that has inherited all descriptors of its worker."""
    if os.fork() == 0:
        sleeps_for_ever()
    os._exit(1)


def starts_a_process_and_is_killed() -> NoReturn:
    """As when the system runs out of memory."""
    multiprocessing.get_context("fork").Process(target=sleeps_for_ever).start()
    is_killed()


def leaves_a_daemon_and_exits(note: str) -> NoReturn:
    """Exit while a child lives that has left the process group of its worker."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        with open(note, "w") as file:
            file.write(str(os.getpid()))
        os.write(writer, b"!")
        sleeps_for_ever()
    os.read(reader, 1)
    os._exit(1)


def starts_programs_later(note: str, moment: str) -> None:
    """Start a daemon, and a program that is waited for, once a file exists; note their ids."""
    while not os.path.exists(moment):
        time.sleep(0.01)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        if (daemon := os.fork()) != 0:
            os.write(writer, str(daemon).encode())
            os._exit(0)
        sleeps_for_ever()
    os.waitpid(child, 0)
    program = subprocess.Popen(["sleep", "1000"], stdout=subprocess.DEVNULL)
    with open(f"{note}-new", "w") as file:
        file.write(f"{os.read(reader, 10).decode()} {program.pid}")
    os.rename(f"{note}-new", note)
    program.wait()


def leaves_another_group_and_exits() -> NoReturn:
    """Exit while a child lives that has a process group of its own, in the same session."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setpgid(0, 0)
        os.write(writer, b"!")
        time.sleep(50)
        os._exit(0)
    os.read(reader, 1)
    os._exit(1)


def forks_and_returns_twice(x: int) -> int:
    _fork()
    return x * x


def forks_and_raises_twice() -> NoReturn:
    _fork()
    raise ValueError("as it may")


def stops_its_parent_and_exits() -> NoReturn:
    os.kill(os.getppid(), signal.SIGSTOP)
    os._exit(1)


class ForkingWhenStored:
    """A result whose pickling forks; what the original process stores is the square of `x`."""

    def __init__(self, x: int) -> None:
        self.x = x

    def __reduce__(self) -> tuple[Callable[[int], object], tuple[int]]:
        process = os.getpid()
        _fork()
        return abs, (self.x * self.x if os.getpid() == process else 1,)


def gives_what_forks(x: int) -> ForkingWhenStored:
    return ForkingWhenStored(x)


def _fork() -> None:
    """Fork, and wait for the child."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)


def leaves_a_sleeper(seconds: float, x: int) -> int:
    """Leave a process that holds all descriptors of its worker for some time."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return x * x
    if not os.fork():
        time.sleep(seconds)
    os._exit(0)


def starts_a_process(x: int) -> int:
    """Start a process in the default way, and return its exit code."""
    process = multiprocessing.Process(target=os._exit, args=(x,))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def overwrites_all_tables(byte: int) -> None:
    """Write into all files of the run that the process of pytest, the parent of this one, has."""
    for path, size in _tables():
        with suppress(OSError), open(path, "r+b", buffering=0) as file:
            file.write(bytes([byte]) * min(size, 1 << 20))


def cuts_all_tables() -> None:
    for path, _ in _tables():
        with suppress(OSError):
            os.truncate(path, 0)


def says_that_all_is_stored() -> None:
    """Write the state of a stored task into each row, wherever the table of tasks is."""
    from pytest_parwork.transport.ledger import Ledger

    header = Ledger.size(0)  # as long as a row
    for path, size in _tables():
        if "ledger" in os.readlink(path):
            with open(path, "r+b", buffering=0) as file:
                for row in range(header, size, header):
                    file.seek(row)
                    file.write((4).to_bytes(8, sys.byteorder))


def _tables() -> list[tuple[str, int]]:
    folder = f"/proc/{os.getppid()}/fd"
    found = []
    for name in os.listdir(folder):
        path = f"{folder}/{name}"
        with suppress(OSError):
            if os.readlink(path).startswith("/memfd:parwork-"):
                found.append((path, os.stat(path).st_size))
    return found


def closes_all_descriptors() -> None:
    os.closerange(3, 1000)


def has_null_for_descriptors() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for fd in range(3, 64):
        if fd != null:
            with suppress(OSError):
                os.fstat(fd)
                os.dup2(null, fd)


def may_open_nothing_more() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def limits_the_size_of_files() -> bytes:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    return b"x" * 100_000


def starts_a_pool() -> list[int]:
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(2) as pool:
        return list(pool.map(innocent, range(3)))


def leaves_a_thread() -> str:
    threading.Thread(target=sleeps_for_ever, daemon=True).start()
    return "left"


def tells_its_pid(folder: str, x: int) -> Any:
    """Say who runs this, and take some time, so that somebody can kill it."""
    with open(os.path.join(folder, f"{x}-{os.getpid()}"), "w"):
        pass
    time.sleep(0.2)
    return x


def stops(x: int, bad: int) -> int:
    """Stop this process by a signal, of which its other threads hear first."""
    if x == bad:
        os.kill(os.getpid(), signal.SIGSTOP)
    return x * x


def freezes_the_time(x: int) -> int:
    """Stop all clocks of this process, as libraries do that freeze the time for a test."""
    for name in ("time", "monotonic", "perf_counter"):
        real = getattr(time, name)
        if not hasattr(real, "__self__"):
            continue  # it is frozen
        at = real()
        for module in list(sys.modules.values()):
            for key, value in list(vars(module).items()):
                if value is real:
                    setattr(module, key, lambda at=at: at)
    return x * x


def freezes_the_time_for_ever(x: int, bad: int) -> int:
    freezes_the_time(x)
    if x == bad:
        threading.Event().wait()
    return x * x


def blocks_its_worker(x: int, bad: int) -> int:
    """Keep the event loop of a dask worker from all that it has to do."""
    if x == bad:
        from distributed import get_worker

        get_worker().loop.add_callback(time.sleep, 1000)
    return x * x


def damages_its_worker_or_waits(x: int, bad: int) -> int:
    """Have a dask worker leave its cluster while it is at the task after this one."""
    if x == bad:
        from distributed import get_worker

        worker = get_worker()
        threading.Timer(0.3, lambda: worker.loop.add_callback(worker.close)).start()
        threading.current_thread().__dict__["damaged"] = True
    elif "damaged" in threading.current_thread().__dict__:
        threading.Event().wait()
    return x * x


class NeverPickled:
    def __reduce__(self) -> NoReturn:
        threading.Event().wait()
        raise AssertionError("it was set")


def is_never_stored() -> NeverPickled:
    return NeverPickled()


class NeverLoaded:
    """An argument that no other process comes to load."""

    def __reduce__(self) -> tuple[Callable[[int], None], tuple[int]]:
        return _waits_elsewhere, (os.getpid(),)


def _waits_elsewhere(pid: int) -> None:
    if os.getpid() != pid:
        threading.Event().wait()


class NeverDeleted:
    """A result whose deletion never ends but in the process `pid`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def __del__(self) -> None:
        _waits_elsewhere(self.pid)


def blocks_its_worker_and_is_never_stored(x: int, bad: int) -> int | NeverPickled:
    """Be over, in a dask worker that neither comes to store it nor gives any sign."""
    blocks_its_worker(x, bad)
    return NeverPickled() if x == bad else x * x


def closes_its_worker(x: int, bad: int) -> int:
    """Have a dask worker leave its cluster."""
    if x == bad:
        from distributed import get_worker

        worker = get_worker()
        worker.loop.add_callback(worker.close)
    return x * x


def breaks_len(x: int, bad: int) -> int:
    if x == bad:
        import builtins

        builtins.len = None  # type: ignore[assignment]
    return x * x


def breaks_pickle(x: int, bad: int) -> int:
    if x == bad:
        import pickle

        pickle.dumps = pickle.loads = None  # type: ignore[assignment]
    return x * x


def breaks_isinstance(x: int, bad: int) -> int:
    if x == bad:
        import builtins

        builtins.isinstance = lambda *_: False
    return x * x


def releases_all_memory(x: int, bad: int) -> int:
    if x == bad:
        import gc
        import mmap

        for found in gc.get_objects():
            if type(found) is memoryview:
                with suppress(Exception):
                    found.release()
        for found in gc.get_objects():
            if type(found) is mmap.mmap:
                with suppress(Exception):
                    found.close()
    return x * x


def replaces_exit(x: int, bad: int) -> int:
    if x == bad:
        os._exit = sys.exit = lambda *_: None  # type: ignore[assignment]
    return x * x


def breaks_threads(x: int, bad: int) -> int:
    if x == bad:
        threading.Thread = threading.Event = None  # type: ignore[assignment,misc]
    return x * x


def breaks_locks(x: int, bad: int) -> int:
    if x == bad:
        threading.Lock = threading.RLock = threading.Event = None  # type: ignore[assignment,misc]
    return x * x


def interrupts_its_worker(seconds: float) -> int:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(seconds)
    return os.getpid()


def unloads_modules(x: int, bad: int, prefix: str) -> int:
    if x == bad:
        for name in list(sys.modules):
            if name.startswith(prefix):
                del sys.modules[name]
    return x * x


def holds_the_interpreter(x: int, bad: int) -> int:
    """Call a function that lets no other thread of the process run."""
    if x == bad:
        ctypes.PyDLL(None).sleep(1000)
    return x * x


def ends_the_threads_of_its_worker(x: int, bad: int) -> int:
    """Leave nothing of a worker of dask but its main thread, in which its event loop goes on.

    Since Python 3.13, a task that finalizes the interpreter in its thread does that.
    """
    if x == bad:
        kept = {threading.get_ident(), threading.main_thread().ident}
        for ident in sys._current_frames().keys() - kept:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(ident), ctypes.py_object(SystemExit)
            )
        time.sleep(LONG)
    return x * x


def finalizes_its_interpreter(x: int, bad: int, act: str) -> int:
    """End the interpreter, and perhaps the process, by a function of Python's C API."""
    if x == bad:
        getattr(ctypes.pythonapi, act)(*([3] if act == "Py_Exit" else []))
    return x * x


def leaves_what_is_waited_for(x: int, bad: int, kind: str) -> int:
    """Keep this process from exiting, in one of the ways in which Python waits at its end."""
    if x == bad and kind == "thread":
        threading.Thread(target=time.sleep, args=(LONG,), daemon=False).start()
    if x == bad and kind == "process":
        import multiprocessing

        multiprocessing.get_context("fork").Process(target=time.sleep, args=(LONG,)).start()
    if x == bad and kind == "finalizer":
        from multiprocessing import util

        util.Finalize(None, time.sleep, args=(LONG,), exitpriority=1)
    return x * x


def leaves_its_cluster(x: int, bad: int) -> int:
    """Have a dask worker leave its cluster, and its process run on for a while."""
    if x == bad:
        closes_its_worker(x, bad)
        time.sleep(5)
    return x * x


def breaks_locks_and_names_its_process(x: int, bad: int) -> int:
    breaks_locks(x, bad)
    return os.getpid()


def dies_while_another_works(x: int, bad: int, seconds: float) -> int:
    """End the process of one task while all others take their time."""
    time.sleep(seconds / 4 if x == bad else seconds)
    if x == bad:
        os._exit(3)
    return x * x


def breaks_locks_of_many(x: int, bad: tuple[int, ...]) -> int:
    return breaks_locks(x, x if x in bad else -1)


def some_die(x: int, bad: tuple[int, ...], seconds: float = 0.0) -> int:
    time.sleep(seconds)
    if x in bad:
        os._exit(3)
    return x * x
