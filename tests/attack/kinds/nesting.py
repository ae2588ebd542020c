"""Cases that are parallel themselves, or leave something running in their worker."""

from __future__ import annotations

from functools import partial

from .kind import Kind, kind

__all__ = ["KINDS"]

nesting = partial(kind, "nesting", timeout=20)
starting = partial(kind, "starting")

#: Daemonic workers, as some libraries and clusters have them, may not have children.
DAEMONIC = ("DIFFERENT: daemonic|to have children",)

#: A file that exactly one process can create.
ONCE = """
def once(name):
    with suppress(FileExistsError):
        os.close(os.open(os.path.join(os.path.dirname(__file__), name), os.O_CREAT | os.O_EXCL))
        return True
    return False
"""

EXECUTOR = """
with concurrent.futures.ProcessPoolExecutor(2) as pool:
    assert list(pool.map(abs, range(-5, 0))) == [5, 4, 3, 2, 1]
"""

JOBLIB = """
from joblib import Parallel, delayed
assert Parallel(n_jobs=2)(delayed(abs)(-x) for x in range(6)) == list(range(6))
"""

KINDS: tuple[Kind, ...] = (
    nesting("joblib-inside", JOBLIB, "EQUAL"),
    nesting("joblib-inside-everywhere", JOBLIB, "EQUAL", is_everywhere=True),
    nesting("joblib-inside-every-case", JOBLIB, "EQUAL", is_every=True, is_everywhere=True),
    nesting(
        "joblib-used-before",
        JOBLIB,
        "EQUAL",
        is_every=True,
        top=f"if is_pytest():{JOBLIB}".replace("\n", "\n    "),
    ),
    nesting("executor-inside", EXECUTOR, "EQUAL", own=DAEMONIC),
    nesting("executor-inside-every-case", EXECUTOR, "EQUAL", own=DAEMONIC, is_every=True),
    nesting(
        "executor-left",
        """
        kept.append(concurrent.futures.ProcessPoolExecutor(2))
        kept[-1].submit(time.sleep, 600)
    """,
        "EQUAL",
        own=DAEMONIC,
        top="kept = []",
    ),
    nesting(
        "executor-made-before",
        """
        assert pool.submit(abs, -3).result() == 3
    """,
        "EQUAL",
        own=("LOST timeout",),
        top="""
        pool = concurrent.futures.ThreadPoolExecutor(1)
        pool.submit(abs, -3).result()
    """,
        is_everywhere=True,
    ),
    nesting(
        "pool-inside",
        """
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(abs, range(-5, 0)) == [5, 4, 3, 2, 1]
    """,
        "EQUAL",
        own=DAEMONIC,
    ),
    nesting(
        "process-inside",
        """
        process = multiprocessing.Process(target=abs, args=(-3,))
        process.start()
        process.join()
        assert process.exitcode == 0
    """,
        "EQUAL",
        own=DAEMONIC,
    ),
    nesting(
        "process-left",
        "multiprocessing.Process(target=time.sleep, args=(600,)).start()",
        "EQUAL",
        own=DAEMONIC,
    ),
    nesting(
        "manager-left",
        "kept.append(multiprocessing.Manager())",
        "EQUAL",
        own=DAEMONIC,
        top="kept = []",
        leaves="TMPDIR/pymp-",
    ),
    nesting(
        "shared-memory-left",
        """
        from multiprocessing import shared_memory
        kept.append(shared_memory.SharedMemory(create=True, size=4096))
    """,
        "EQUAL",
        top="kept = []",
        leaves="/dev/shm/psm_",
    ),
    nesting("thread-left", "threading.Thread(target=time.sleep, args=(600,)).start()", "EQUAL"),
    nesting(
        "daemon-thread-spins",
        "threading.Thread(target=spin, daemon=True).start()",
        "EQUAL",
        top="""
            def spin():
                while True:
                    pass
            """,
        on_threads=True,
    ),
    nesting(
        "thousand-threads",
        """
        for _ in range(500):
            threading.Thread(target=time.sleep, args=(3,), daemon=True).start()
    """,
        "EQUAL",
        on_threads=True,
    ),
    nesting(
        "loop-left",
        """
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        threading.Thread(target=loop.run_forever, daemon=True).start()
    """,
        "EQUAL",
        on_threads=True,
    ),
    nesting(
        "pytest-inside",
        """
        program = [sys.executable, "-m", "pytest", "--version"]
        subprocess.run(program, capture_output=True, check=True)
    """,
        "EQUAL",
        on_threads=True,
    ),
    nesting(
        "thread-raises",
        "threading.Thread(target=lambda: 1 / 0).start(); time.sleep(0.05)",
        "EQUAL",
        own=("DIFFERENT: ZeroDivision",),
        on_threads=True,
    ),
    nesting(
        "timer-exits-much-later",
        """
        timer = threading.Timer(30, os._exit, (3,))
        timer.start()
    """,
        "EQUAL",
    ),
    starting(
        "import-exits-in-workers",
        "",
        "EQUAL",
        "LOST: exit code 3",
        joined=("NOT_SENT: no worker could start a task", "LOST: dask has lost it"),
        top="""
        if not is_pytest():
            os._exit(3)
    """,
        is_every=True,
        is_ours=True,
    ),
    starting(
        "import-raises-in-workers",
        "",
        "EQUAL",
        "LOST: import",
        "DIFFERENT: import",
        top="""
        if not is_pytest():
            raise ImportError("not in a worker")
    """,
        is_every=True,
        is_ours=True,
    ),
    starting(
        "import-never-ends-in-workers",
        "",
        "EQUAL",
        "LOST timeout: did not get ready to run it within 20 s, at",
        "LOST timeout: no outcome arrived for 2",
        top="""
        if not is_pytest():
            time.sleep(600)
    """,
        is_every=True,
        is_ours=True,
        timeout=2,
        patience=20,
    ),
    starting(
        "first-import-dies",
        "",
        "EQUAL",
        top=ONCE
        + """
if not is_pytest() and once("died"):
    os.kill(os.getpid(), signal.SIGKILL)
""",
        is_every=True,
        is_ours=True,
    ),
    starting(
        "first-two-imports-die",
        "",
        "EQUAL",
        top=ONCE
        + """
if not is_pytest() and (once("died") or once("died-too")):
    os.kill(os.getpid(), signal.SIGKILL)
""",
        is_every=True,
        is_ours=True,
    ),
    starting(
        "first-import-stops",
        "",
        "EQUAL",
        top=ONCE
        + """
if not is_pytest() and once("stopped"):
    os.kill(os.getpid(), signal.SIGSTOP)
""",
        is_every=True,
        is_ours=True,
    ),
    starting(
        "first-import-leaves-a-child",
        "",
        "EQUAL",
        top=ONCE
        + """
if not is_pytest() and once("forked"):
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
""",
        is_every=True,
        is_ours=True,
    ),
    starting(
        "first-import-returns-twice",
        "",
        "EQUAL",
        top=ONCE
        + """
if not is_pytest() and once("forked"):
    os.fork()
""",
        is_every=True,
        is_ours=True,
    ),
    starting(
        "fixture-exits",
        "",
        "LOST crash: exit code 4",
        top="""
        @pytest.fixture(autouse=True)
        def leaving(n):
            if n in GUILTY and W():
                os._exit(4)
    """,
        is_ours=True,
    ),
    starting(
        "tear-down-exits",
        "",
        "LOST crash: exit code 4",
        top="""
        @pytest.fixture(autouse=True)
        def leaving(n):
            yield
            if n in GUILTY and W():
                os._exit(4)
    """,
        is_ours=True,
    ),
    starting(
        "tear-down-never-ends",
        "",
        "LOST timeout: timed out",
        top="""
        @pytest.fixture(autouse=True)
        def leaving(n):
            yield
            if n in GUILTY and W():
                time.sleep(600)
    """,
        is_ours=True,
        timeout=2,
    ),
    starting("every-case-dies", "os._exit(1)", "LOST crash: exit code 1", is_every=True),
    starting(
        "all-but-one-die",
        "n == 0 or os._exit(1)",
        "EQUAL",
        "LOST crash: exit code 1",
        is_every=True,
    ),
)
