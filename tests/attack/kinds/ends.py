"""Cases whose worker becomes another program, ends without Python's knowledge, or does not end."""

from __future__ import annotations

from functools import partial

from .endless import OVERDUE, TIMEOUT
from .kind import UNREPORTED, Kind, kind

__all__ = ["KINDS"]

#: A scheduler learns at once that the connection of such a worker is closed.
CUT_OFF = "LOST crash: no longer responded|left the cluster"

die = partial(kind, "dying")
endless = partial(kind, "endless", timeout=TIMEOUT)
end = partial(kind, "ending")

KINDS: tuple[Kind, ...] = (
    die(
        "becomes-a-program",
        'os.execvp("true", ["true"])',
        "LOST crash: exit code 0",
        joined=UNREPORTED,
    ),
    endless(
        "becomes-an-endless-program",
        'os.execvp("sleep", ["sleep", "600"])',
        OVERDUE,
        CUT_OFF,
        joined=UNREPORTED,
    ),
    endless(
        "becomes-a-program-with-all-descriptors",
        """
        for fd in map(int, os.listdir("/proc/self/fd")):
            with suppress(OSError):
                os.set_inheritable(fd, True)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        os.execvp("sleep", ["sleep", "600"])
        """,
        OVERDUE,
        CUT_OFF,
        joined=UNREPORTED,
    ),
    die("exit-of-libc", "ctypes.CDLL(None).exit(3)", "LOST crash: exit code 3"),
    die(
        "exit-of-python",
        "ctypes.pythonapi.Py_Exit(3)",
        "LOST crash: exit code 3|SIG",
        "LOST timeout",
        timeout=3,
    ),
    die(
        "interpreter-finalized",
        "ctypes.pythonapi.Py_FinalizeEx()",
        "LOST crash",
        "LOST timeout",
        timeout=3,
    ),
    die("fatal-error", 'ctypes.pythonapi.Py_FatalError(b"as if")', "LOST crash: SIGABRT"),
    die(
        "memory-freed-twice",
        """
        libc = ctypes.CDLL(None)
        libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        place = libc.malloc(64)
        libc.free(place)
        libc.free(place)
        """,
        "LOST crash: SIGABRT|SIGSEGV",
    ),
    die(
        "none-freed",  # it is immortal since Python 3.12
        """
        freeing = ctypes.pythonapi.Py_DecRef
        freeing.argtypes = [ctypes.py_object]
        for _ in range(100_000):
            freeing(None)
        """,
        "LOST crash: SIG",
        "EQUAL",
    ),
    die("real-time-signal", "kill(signal.SIGRTMIN + 3)", "LOST crash: signal 37|exit code"),
    die("alarm", "signal.alarm(1); time.sleep(20)", "LOST crash: SIGALRM|exit code"),
    die(
        "system-calls-forbidden",  # seccomp(2), strict: the kernel kills this thread, not all
        """
        ctypes.CDLL(None).prctl(22, 1, 0, 0, 0)
        time.sleep(600)
        """,
        "LOST crash: SIGKILL|responded",
        OVERDUE,
        timeout=TIMEOUT,
    ),
    endless(
        "thread-ends-and-process-does-not",
        """
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
        ctypes.CDLL(None).pthread_exit(None)
        """,
        OVERDUE,
        "LOST crash",
    ),
    endless(
        "faults-for-ever",
        """
        if threading.current_thread() is threading.main_thread():
            faulthandler.disable()
            signal.signal(signal.SIGSEGV, lambda number, frame: None)
            ctypes.string_at(0)
        time.sleep(600)
        """,
        OVERDUE,
    ),
    end(
        "finalizer-never-ends",
        """
        from multiprocessing.util import Finalize
        Finalize(None, time.sleep, (600,), exitpriority=200)
        """,
        "EQUAL",
    ),
    end("exit-of-threads-never-ends", "threading._register_atexit(time.sleep, 600)", "EQUAL"),
    end(
        "del-of-a-module-never-ends",
        "kept.append(Slow())",
        "EQUAL",
        top="""
        kept = []

        class Slow:
            def __del__(self, sleep=time.sleep):
                sleep(600)
        """,
    ),
    end(
        "exit-of-c-never-ends",
        """
        libc = ctypes.CDLL(None)
        libc.__cxa_atexit(libc.pause, None, None)
        """,
        "EQUAL",
    ),
    end(
        "exit-hooks-cleared",
        """
        from multiprocessing import util
        atexit._clear()
        util._finalizer_registry.clear()
        """,
        "EQUAL",
    ),
    end(
        "import-leaves-a-thread",
        "",
        "EQUAL",
        top="""
        if not is_pytest():
            threading.Thread(target=time.sleep, args=(600,)).start()
        """,
        is_every=True,
        is_ours=True,
    ),
)
