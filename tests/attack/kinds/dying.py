"""Cases that kill their worker, with and without children that survive."""

from __future__ import annotations

from functools import partial

from .kind import UNREPORTED, Kind, kind

__all__ = ["KINDS"]

die = partial(kind, "dying")
leave = partial(kind, "children")
fork = partial(kind, "forks")

KINDS: tuple[Kind, ...] = (
    kind("innocent", "innocent", "", "EQUAL"),
    die("exit-0", "os._exit(0)", "LOST crash: exit code 0", joined=UNREPORTED),
    die("exit-1", "os._exit(1)", "LOST crash: exit code 1"),
    die("exit-255", "os._exit(255)", "LOST crash: exit code 255"),
    die("sigkill", "kill(signal.SIGKILL)", "LOST crash: SIGKILL"),
    die("sigsegv", "kill(signal.SIGSEGV)", "LOST crash: SIGSEGV"),
    die("null-pointer", "ctypes.string_at(0)", "LOST crash: SIGSEGV"),
    die("abort", "os.abort()", "LOST crash: SIGABRT"),
    die(
        "sigterm",
        """
        kill(signal.SIGTERM)
        """,
        "LOST crash: SIGTERM|exit code",
    ),
    die(
        "sighup",
        """
        kill(signal.SIGHUP)
        """,
        "LOST crash: SIGHUP|exit code",
    ),
    die("sigbus", "kill(signal.SIGBUS)", "LOST crash: SIGBUS"),
    die("sigquit", "kill(signal.SIGQUIT)", "LOST crash: SIGQUIT|exit code"),
    die("illegal-instruction", "kill(signal.SIGILL)", "LOST crash: SIGILL"),
    die(
        "stack-overflow",
        """
        sys.setrecursionlimit(1 << 30)
        threading.stack_size(64 << 20)

        def deeper(*given):
            return [*map(deeper, [0])]

        deeper()
        """,
        "LOST crash: SIGSEGV",
        "DIFFERENT: RecursionError",
    ),
    die(
        "killed-in-a-thread",
        """
        thread = threading.Thread(target=os._exit, args=(6,))
        thread.start()
        thread.join(20)
        """,
        "LOST crash: exit code 6",
    ),
    die(
        "exit-in-del",
        """
        leaving = Leaving()
        del leaving
        """,
        "LOST crash: exit code 5",
        top="""
        class Leaving:
            def __del__(self):
                if W():
                    os._exit(5)
        """,
    ),
    die("exit-at-exit", "atexit.register(os._exit, 9)", "EQUAL"),
    die(
        "raise-at-exit",
        """
        atexit.register(time.sleep, 600)
        """,
        "EQUAL",
    ),
    die(
        "exit-in-handler",
        """
        if threading.current_thread() is not threading.main_thread():
            os._exit(8)
        signal.signal(signal.SIGUSR1, lambda number, frame: os._exit(8))
        os.kill(os.getpid(), signal.SIGUSR1)
        time.sleep(20)
        """,
        "LOST crash: exit code 8",
    ),
    die(
        "out-of-memory",
        """
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), used + (64 << 20)))
        bytearray(1 << 30)
        """,
        "DIFFERENT: MemoryError",
        own=("LOST crash",),
    ),
    die(
        "cpu-limit",
        """
        resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
        while True:
            pass
        """,
        "LOST crash: SIGXCPU|SIGKILL",
        timeout=30,
    ),
    die("sys-exit", "sys.exit(3)", "DIFFERENT: SystemExit", on_threads=True),
    die(
        "interrupt",
        "raise KeyboardInterrupt",
        "DIFFERENT: KeyboardInterrupt",
        on_threads=True,
    ),
    die("generator-exit", "raise GeneratorExit", "DIFFERENT: GeneratorExit", on_threads=True),
    die("pytest-exit", "pytest.exit('enough')", "DIFFERENT: enough", on_threads=True),
    die(
        "interrupts-itself",
        """
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(3)
        """,
        "DIFFERENT: KeyboardInterrupt",
        "LOST crash: SIGINT|exit code",
        "EQUAL",
        timeout=8,
    ),
    die(
        "kills-its-group",
        """
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)
        """,
        "LOST crash: SIGKILL|exit code 1",
    ),
    leave(
        "fork-and-exit",
        """
        if os.fork() == 0:
            time.sleep(600)
        os._exit(1)
        """,
        "LOST crash: exit code 1",
    ),
    leave(
        "process-and-sigkill",
        """
        multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,)).start()
        kill(signal.SIGKILL)
        """,
        "LOST crash: SIGKILL",
        own=("DIFFERENT: daemonic|to have children",),
    ),
    leave(
        "program-and-exit",
        """
        subprocess.Popen(["sleep", "600"])
        os._exit(1)
        """,
        "LOST crash: exit code 1",
    ),
    leave("program-left", 'subprocess.Popen(["sleep", "600"])', "EQUAL"),
    leave(
        "program-with-all-descriptors",
        """
        for fd in map(int, os.listdir("/proc/self/fd")):
            with suppress(OSError):
                os.set_inheritable(fd, True)
        subprocess.Popen(["sleep", "600"], close_fds=False)
        os._exit(1)
        """,
        "LOST crash: exit code 1",
    ),
    leave(
        "program-with-all-descriptors-left",
        """
        for fd in map(int, os.listdir("/proc/self/fd")):
            with suppress(OSError):
                os.set_inheritable(fd, True)
        subprocess.Popen(["sleep", "600"], close_fds=False)
        """,
        "EQUAL",
    ),
    leave(
        "fork-left",
        """
        if os.fork() == 0:
            time.sleep(600)
            os._exit(0)
        """,
        "EQUAL",
    ),
    leave(
        "fork-waits-for-its-parent",
        """
        if os.fork() == 0:
            parent = os.getppid()
            while os.getppid() == parent:
                time.sleep(0.01)
            time.sleep(600)
            os._exit(0)
        kill(signal.SIGKILL)
        """,
        "LOST crash: SIGKILL",
    ),
    leave(
        "child-deaf-to-signals",
        """
        if os.fork() == 0:
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            time.sleep(600)
            os._exit(0)
        os._exit(1)
        """,
        "LOST crash: exit code 1",
    ),
    leave(
        "stopped-child",
        """
        child = os.fork()
        if child == 0:
            time.sleep(600)
            os._exit(0)
        os.kill(child, signal.SIGSTOP)
        os._exit(1)
        """,
        "LOST crash: exit code 1",
    ),
    leave(
        "double-fork",
        """
        if os.fork() == 0:
            if os.fork() == 0:
                time.sleep(600)
            os._exit(0)
        os._exit(1)
        """,
        "LOST crash: exit code 1",
    ),
    leave(
        "daemon",
        """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execvp("sleep", ["sleep", "600"])
            os._exit(0)
        """,
        "EQUAL",
        escapes=True,
    ),
    leave(
        "new-session-and-exit",
        """
        subprocess.Popen(["sleep", "600"], start_new_session=True)
        os._exit(1)
        """,
        "LOST crash: exit code 1",
        escapes=True,
    ),
    leave(
        "own-group-and-exit",
        """
        if os.fork() == 0:
            os.setpgid(0, 0)
            time.sleep(600)
        time.sleep(0.05)
        os._exit(1)
        """,
        "LOST crash: exit code 1",
    ),
    leave(
        "shell-job-left",
        """
        subprocess.run(["sh", "-c", "sleep 600 & sleep 601 & exit 0"], stdin=subprocess.DEVNULL)
        """,
        "EQUAL",
    ),
    leave("zombies-left", "for _ in range(20): os.fork() or os._exit(0)", "EQUAL"),
    fork(
        "fork-returns-twice",
        """
        os.fork()
        """,
        "EQUAL",
    ),
    fork("every-case-returns-twice", "os.fork()", "EQUAL", is_every=True),
    fork(
        "every-third-returns-twice",
        """
        if n % 3 == 0:
            os.fork()
        """,
        "EQUAL",
        is_every=True,
    ),
    fork(
        "every-case-leaves-a-fork",
        """
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        """,
        "EQUAL",
        is_every=True,
    ),
    fork(
        "fork-raises",
        """
        if os.fork() == 0:
            raise RuntimeError("in the child")
        """,
        "EQUAL",
    ),
    fork(
        "fork-exits-by-sys",
        """
        if os.fork() == 0:
            sys.exit(3)
        """,
        "EQUAL",
    ),
    fork(
        "child-returns-parent-waits",
        """
        child = os.fork()
        if child:
            os.waitpid(child, 0)
        """,
        "EQUAL",
        timeout=6,
    ),
    fork(
        "fork-runs-on-and-parent-dies",
        """
        if os.fork():
            os._exit(4)
        time.sleep(0.1)
        """,
        "LOST crash: exit code 4",
    ),
    fork("fork-in-a-thread", "threading.Thread(target=os.fork).start()", "EQUAL"),
    fork(
        "fork-in-a-fixture",
        "",
        "EQUAL",
        top="""
        @pytest.fixture(autouse=True)
        def forking(n):
            if n in GUILTY and W():
                os.fork()
        """,
        is_ours=True,
    ),
    fork(
        "fork-in-a-tear-down",
        "",
        "EQUAL",
        top="""
        @pytest.fixture(autouse=True)
        def forking(n):
            yield
            if n in GUILTY and W():
                os.fork()
        """,
        is_ours=True,
    ),
    fork(
        "fork-in-del",
        "forking = Forking(); del forking",
        "EQUAL",
        top="""
        class Forking:
            def __del__(self):
                os.fork()
        """,
    ),
)
