"""Cases that damage the worker that they run in, and then return the right value."""

from __future__ import annotations

from functools import partial

from .kind import Kind, kind

__all__ = ["KINDS"]

#: The case keeps its result, or loses it by its own doing; no other case is affected.
OWN = ("LOST crash: its worker|damaged", "LOST timeout: timed out", "DIFFERENT", "NOT_SENT")

damage = partial(kind, "damage", own=OWN)

KINDS: tuple[Kind, ...] = (
    damage("len-replaced", "builtins.len = None", "EQUAL"),
    damage("builtins-emptied", "builtins.__dict__.clear()", "EQUAL"),
    damage("import-replaced", "builtins.__import__ = None", "EQUAL"),
    damage("import-replaced-output", 'print("seen"); builtins.__import__ = None', "EQUAL"),
    damage("isinstance-replaced", "builtins.isinstance = lambda *given: False", "EQUAL"),
    damage("modules-cleared", "sys.modules.clear()", "EQUAL"),
    damage(
        "our-modules-removed",
        """
        for name in list(sys.modules):
            if name.startswith("pytest_parwork"):
                del sys.modules[name]
        """,
        "EQUAL",
    ),
    damage(
        "our-modules-emptied",
        """
        for name, module in list(sys.modules.items()):
            if name.startswith("pytest_parwork"):
                vars(module).clear()
        """,
        "EQUAL",
    ),
    damage(
        "libraries-emptied",
        """
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] in {"pickle", "joblib", "cloudpickle", "struct", "mmap"}:
                vars(module).clear()
        """,
        "EQUAL",
    ),
    damage("write-replaced", "os.write = os.pwrite = None", "EQUAL"),
    damage("open-replaced", "os.open = builtins.open = io.open = None", "EQUAL"),
    damage("pickle-replaced", "pickle.dumps = pickle.loads = pickle.Pickler = None", "EQUAL"),
    damage("getpid-lies", "os.getpid = lambda: 1", "EQUAL"),
    damage("exit-replaced", "os._exit = sys.exit = lambda code=0: None", "EQUAL"),
    damage("clock-replaced", "time.perf_counter = time.monotonic = lambda: 0.0", "EQUAL"),
    damage("sleep-replaced", "time.sleep = lambda seconds: None", "EQUAL"),
    damage(
        "time-frozen",
        """
        from freezegun import freeze_time
        freeze_time("2020-01-01").start()
        """,
        "EQUAL",
        needs="freezegun",
    ),
    damage(
        "time-frozen-for-all",
        "",
        "EQUAL",
        top="""
        from freezegun import freeze_time

        @pytest.fixture(autouse=True, scope="module")
        def frozen():
            with freeze_time("2020-01-01"):
                yield
        """,
        is_every=True,
        timeout=5,
        needs="freezegun",
    ),
    damage(
        "time-frozen-for-all-and-endless",
        "threading.Event().wait(600)",
        "LOST timeout",
        top="""
        from freezegun import freeze_time
        freeze_time("2020-01-01").start()
        """,
        timeout=2,
        needs="freezegun",
    ),
    damage("gc-frozen", "gc.freeze(); gc.disable()", "EQUAL"),
    damage("stdout-closed", "sys.stdout.close(); sys.stderr.close()", "EQUAL"),
    damage("stdout-replaced", "sys.stdout = sys.stderr = None", "EQUAL"),
    damage("descriptors-closed", "os.closerange(0, 4096)", "EQUAL"),
    damage("descriptors-above-2-closed", "os.closerange(3, 4096)", "EQUAL"),
    damage(
        "descriptors-swapped",
        """
        null = os.open(os.devnull, os.O_RDWR)
        for fd in range(3, 64):
            if fd != null:
                with suppress(OSError):
                    os.fstat(fd)
                    os.dup2(null, fd)
        """,
        "EQUAL",
    ),
    damage("descriptor-limit", "resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))", "EQUAL"),
    damage("file-size-limit", "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))", "EQUAL"),
    damage("stack-limit", "resource.setrlimit(resource.RLIMIT_STACK, (1, 1))", "EQUAL"),
    damage("process-limit", "resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))", "EQUAL"),
    damage("lock-limit", "resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))", "EQUAL"),
    damage(
        "folder-deleted",
        """
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        os.rmdir(folder)
        """,
        "EQUAL",
    ),
    damage("umask", "os.umask(0o777)", "EQUAL"),
    damage("environment-cleared", "os.environ.clear()", "EQUAL"),
    damage(
        "environment-spoilt",
        """
        os.environ.update(TMPDIR="/nowhere", HOME="/nowhere", PATH="", PYTHONHASHSEED="x")
        tempfile.tempdir = None
        """,
        "EQUAL",
    ),
    damage("path-emptied", "sys.path.clear(); sys.meta_path.clear()", "EQUAL"),
    damage("thread-replaced", "threading.Thread = None", "EQUAL"),
    damage("locks-replaced", "threading.Lock = threading.RLock = threading.Event = None", "EQUAL"),
    damage("locale", 'locale.setlocale(locale.LC_ALL, "C")', "EQUAL"),
    damage("recursion-limit", "sys.setrecursionlimit(30)", "EQUAL", own=(*OWN,)),
    damage(
        "traced",
        "sys.settrace(tracing); threading.settrace(tracing)",
        "EQUAL",
        top="""
        def tracing(*given):
            return tracing
    """,
    ),
    damage(
        "tracing-raises",
        "sys.settrace(tracing)",
        "EQUAL",
        top="""
        def tracing(*given):
            raise RuntimeError("traced")
    """,
    ),
    damage("switch-interval", "sys.setswitchinterval(1000)", "EQUAL"),
    damage(
        "audit-hook",
        "sys.addaudithook(refuse)",
        "EQUAL",
        top="""
        def refuse(event, given):
            if event in {"open", "os.listdir", "pickle.find_class", "import"}:
                raise RuntimeError(f"no {event}")
    """,
    ),
    damage(
        "excepthook", "sys.excepthook = sys.unraisablehook = threading.excepthook = None", "EQUAL"
    ),
    damage(
        "signals-defaulted",
        """
        if threading.current_thread() is threading.main_thread():
            for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
                with suppress(OSError):
                    signal.signal(number, signal.SIG_DFL)
    """,
        "EQUAL",
    ),
    damage(
        "signals-ignored-by-python",
        """
        if threading.current_thread() is threading.main_thread():
            for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
                with suppress(OSError):
                    signal.signal(number, signal.SIG_IGN)
    """,
        "EQUAL",
    ),
    damage(
        "signals-blocked-for-good",
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    """,
        "EQUAL",
    ),
    damage(
        "children-ignored",
        """
        ctypes.CDLL(None).signal(int(signal.SIGCHLD), ctypes.c_void_p(1))
    """,
        "EQUAL",
    ),
    damage("group-left", "os.setpgid(0, 0)", "EQUAL"),
    damage("group-of-pytest", "os.setpgid(0, os.getpgid(PYTEST_PID))", "EQUAL", is_ours=True),
    damage(
        "session-left",
        """
        with suppress(OSError):
            os.setsid()
    """,
        "EQUAL",
    ),
    damage(
        "session-left-and-endless",
        """
        with suppress(OSError):
            os.setsid()
        time.sleep(600)
    """,
        "LOST timeout: timed out after 2 s",
        timeout=2,
    ),
    damage("nice", "os.nice(19)", "EQUAL"),
    damage("batch", "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))", "EQUAL"),
    damage("one-cpu", "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})", "EQUAL"),
    damage("renamed", 'ctypes.CDLL(None).prctl(15, b") Z 1 (", 0, 0, 0)', "EQUAL"),
    damage("random-state", "random.seed(0)", "EQUAL"),
    damage("warnings-as-errors", 'warnings.simplefilter("error")', "EQUAL"),
    damage(
        "logging-raises",
        "logging.getLogger().addHandler(Raising())",
        "EQUAL",
        top="""
        class Raising(logging.Handler):
            def emit(self, record):
                raise RuntimeError("no log")
    """,
    ),
    damage("logging-off", "logging.disable(); logging.getLogger().handlers.clear()", "EQUAL"),
    damage(
        "watcher-killed",
        """
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            with suppress(OSError):
                parent = int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
                if parent == PYTEST_PID and "leavings" in open(f"/proc/{pid}/cmdline").read():
                    os.kill(pid, signal.SIGKILL)
    """,
        "EQUAL",
    ),
    damage(
        "garbage-closed",
        """
        for found in gc.get_objects():
            if isinstance(found, (io.IOBase, socket.socket)):
                with suppress(Exception):
                    found.close()
    """,
        "EQUAL",
    ),
    damage("sys-emptied", "vars(sys).clear()", "EQUAL"),
    damage(
        "standard-library-emptied",
        """
        names = {"os", "threading", "io", "time", "signal", "traceback", "multiprocessing",
                 "selectors", "functools", "collections", "concurrent", "queue", "weakref"}
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] in names:
                vars(module).clear()
        """,
        "EQUAL",
    ),
    damage("modules-replaced", "sys.modules = {}", "EQUAL"),
    damage(
        "finder-raises",
        "sys.meta_path.insert(0, Raising()); sys.path_hooks.insert(0, Raising)",
        "EQUAL",
        top="""
        class Raising:
            def __init__(self, *given):
                if given:
                    raise RuntimeError("no folder")
            def find_spec(self, *given):
                raise RuntimeError("no module")
    """,
    ),
    damage(
        "profiler-raises",
        "sys.setprofile(profiling); threading.setprofile(profiling)",
        "EQUAL",
        top="""
        def profiling(*given):
            raise RuntimeError("profiled")
    """,
    ),
    damage(
        "collector-raises",
        "gc.callbacks.append(refuse); gc.set_threshold(1, 1, 1)",
        "EQUAL",
        "LOST timeout",  # isolated: pytest describes each of thousands, and does not end by itself
        timeout=5,
        top="""
        def refuse(phase, info):
            raise RuntimeError("no garbage")
    """,
    ),
    damage(
        "other-threads-interrupted",
        """
        raising = ctypes.pythonapi.PyThreadState_SetAsyncExc
        for thread in threading.enumerate():
            if thread is not threading.current_thread():
                raising(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
        """,
        "EQUAL",
    ),
    damage(
        "alarms-left",
        """
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGALRM, lambda number, frame: None)
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        """,
        "EQUAL",
    ),
    damage(
        "wakeup-descriptor-closed",
        """
        if threading.current_thread() is threading.main_thread():
            end = os.pipe()[1]
            os.set_blocking(end, False)
            signal.set_wakeup_fd(end)
            os.close(end)
        """,
        "EQUAL",
    ),
    damage(
        "trackers-killed",
        """
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            with suppress(OSError):
                parent = int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
                if parent == PYTEST_PID and "_tracker" in open(f"/proc/{pid}/cmdline").read():
                    os.kill(pid, signal.SIGKILL)
    """,
        "EQUAL",
    ),
    damage(
        "fork-server-killed",
        "os.kill(os.getppid(), signal.SIGKILL)",
        "EQUAL",
        only="forkserver",
    ),
    damage(
        "fork-server-stopped",
        """
        os.kill(os.getppid(), signal.SIGSTOP)
        os._exit(1)
        """,
        "LOST crash: exit code 1",
        only="forkserver",
    ),
)
