"""Cases that never end, each with a timeout."""

from __future__ import annotations

from functools import partial

from .kind import Kind, kind

__all__ = ["KINDS", "TIMEOUT"]

#: The timeout of a case that never ends, in seconds.
TIMEOUT = 2.0

OVERDUE = "LOST timeout: timed out after 2 s"

#: What stops its worker may be found by that, before its time is over.
STOPPED = "LOST timeout: stopped by a signal"

endless = partial(kind, "endless", timeout=TIMEOUT)

KINDS: tuple[Kind, ...] = (
    endless("sleep", "time.sleep(600)", OVERDUE, on_threads=True),
    endless(
        "spin",
        """
        while True:
            pass
        """,
        OVERDUE,
        on_threads=True,
    ),
    endless(
        "catch-all-and-spin",
        """
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass
        """,
        OVERDUE,
        on_threads=True,
    ),
    endless("sleep-in-c", "ctypes.CDLL(None).sleep(600)", OVERDUE),
    endless("sleep-in-c-with-the-gil", "ctypes.PyDLL(None).sleep(600)", OVERDUE),
    endless("regex", "re.match(r'(a+)+$', 'a' * 60 + 'b')", OVERDUE),
    endless("spin-in-c", "max(itertools.repeat(0))", OVERDUE),
    endless("sigstop", "os.kill(os.getpid(), signal.SIGSTOP)", OVERDUE, STOPPED),
    endless(
        "sigstop-its-group",
        """
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        """,
        OVERDUE,
        STOPPED,
    ),
    endless(
        "lock",
        """
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()
        """,
        OVERDUE,
        on_threads=True,
    ),
    endless("event", "threading.Event().wait()", OVERDUE, on_threads=True),
    endless("queue", "queue.Queue().get()", OVERDUE, on_threads=True),
    endless(
        "input",
        "input()",
        OVERDUE,
        "DIFFERENT: EOFError|OSError|ValueError|RuntimeError",
        on_threads=True,
    ),
    endless("pipe", "os.read(os.pipe()[0], 1)", OVERDUE, on_threads=True),
    endless("waits-for-child", 'subprocess.run(["sleep", "600"])', OVERDUE),
    endless("select", "select.select([], [], [])", OVERDUE, on_threads=True),
    endless(
        "pause",
        """
        while True:
            signal.pause()
        """,
        OVERDUE,
    ),
    endless(
        "signals-blocked",
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        time.sleep(600)
        """,
        OVERDUE,
    ),
    endless(
        "signals-ignored",
        """
        ignore_signals()
        while True:
            time.sleep(1)
        """,
        OVERDUE,
        top="""
        def ignore_signals():
            libc = ctypes.CDLL(None)
            libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
            for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
                libc.signal(number, 1)
        """,
    ),
    endless(
        "alarms",
        """
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGALRM, lambda number, frame: None)
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        while True:
            time.sleep(0.1)
        """,
        OVERDUE,
    ),
    endless(
        "deaf-to-abort",
        """
        faulthandler.disable()
        ctypes.CDLL(None).signal(int(signal.SIGABRT), ctypes.c_void_p(1))
        time.sleep(600)
        """,
        OVERDUE,
    ),
    endless(
        "asyncio",
        "asyncio.new_event_loop().run_forever()",
        OVERDUE,
        on_threads=True,
    ),
    endless("fork-and-wait", "os.waitpid(os.fork() or time.sleep(600), 0)", OVERDUE),
    endless(
        "import-lock",
        "imp_lock()",
        OVERDUE,
        top="""
        def imp_lock():
            import _imp
            _imp.acquire_lock()
            time.sleep(600)
    """,
    ),
    endless(
        "logging-lock",
        """
        with logging._lock:
            time.sleep(600)
        """,
        OVERDUE,
    ),
    endless(
        "slow-to-store",
        """
        return Slow()
        """,
        OVERDUE,
        top="""
        class Slow:
            def __reduce__(self):
                time.sleep(600)
        """,
    ),
    endless(
        "twice-stopped",
        """
        if os.fork() == 0:
            os.kill(os.getppid(), signal.SIGSTOP)
            time.sleep(600)
        time.sleep(600)
    """,
        OVERDUE,
        joined=("LOST: stopped by a signal",),
    ),
    endless(
        "thread-of-its-own",
        """
        thread = threading.Thread(target=time.sleep, args=(600,))
        thread.start()
        thread.join()
    """,
        OVERDUE,
    ),
)
