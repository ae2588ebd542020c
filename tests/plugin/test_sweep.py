"""A thousand cases of which ten end their workers: those ten fail, each with its reason."""

from __future__ import annotations

import pytest

from .scratch import Scratch

#: How a worker ends, and how that is reported.
ENDS = {
    "os._exit(1)": "exit code 1",
    "os._exit(3)": "exit code 3",
    "os._exit(255)": "exit code 255",
    "os.kill(os.getpid(), 9)": "SIGKILL (signal 9)",
    "signal.raise_signal(15)": "SIGTERM (signal 15)",
    "signal.raise_signal(11)": "SIGSEGV (signal 11)",
    "os.abort()": "SIGABRT (signal 6)",
    "signal.raise_signal(8)": "SIGFPE (signal 8)",
    "ctypes.string_at(0)": "SIGSEGV (signal 11)",
    "signal.raise_signal(10)": "SIGUSR1 (signal 10)",
}

#: So many cases have one that ends its worker. A process for each case takes 30 ms of two CPUs.
AMONG = {"isolated:fork": 30}

CASES = """
    import ctypes, signal, threading

    ENDS, AMONG = {ends}, {among}

    @pytest.mark.parwork(backend="{backend}", workers=2)
    @pytest.mark.parametrize("n", range(10 * AMONG))
    def test_it(n):
        if n % AMONG == AMONG // 2 and not is_here():
            if threading.current_thread() is threading.main_thread():
                signal.signal(15, signal.SIG_DFL)
            exec(ENDS[n // AMONG])
        return n
    """

FAST = ["multiprocessing:fork", "processes:fork"]
SLOW = ["multiprocessing:spawn", "processes:spawn", "isolated:fork", "joblib", "dask"]


@pytest.mark.parametrize(
    "backend", [*FAST, *(pytest.param(name, marks=pytest.mark.sweep) for name in SLOW)]
)
def test_ten_of_a_thousand_fail_and_each_says_why(scratch: Scratch, backend: str) -> None:
    among = AMONG.get(backend, 100)
    scratch.cases(CASES.format(backend=backend, ends=list(ENDS), among=among))
    session = scratch.run_apart("-q", report=True)
    assert session.counts == {"passed": 10 * among - 10, "failed": 10}
    for number, told in enumerate(ENDS.values()):
        case = session.run("test_it.py::test_it")["cases"][among * number + among // 2]
        assert case["verdict"] == "LOST"
        assert told in case["lost"]["detail"], (number, case["lost"])
