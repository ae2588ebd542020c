"""Systems without POSIX, and without threads: what can work there does, the rest says why not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .scratch import Scratch

#: Runs pytest without some modules, as on other systems, and perhaps without threads.
HIDING = """
import sys, threading

class Hider:
    def find_spec(self, name, path=None, target=None):
        if name in {hidden}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

for name in {hidden}:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Hider())
if not {threads}:
    import _thread

    def start(*args, **kwargs):
        raise RuntimeError("can't start new thread")

    _thread.start_new_thread = threading._start_new_thread = start
    threading._start_joinable_thread = start  # from Python 3.13
    del threading.get_native_id, threading.Thread.native_id

import pytest

sys.exit(pytest.main(sys.argv[1:]))
"""
POSIX = ["fcntl", "resource", "pwd", "grp", "termios"]

CASES = """
    @pytest.mark.parwork(workers=2, timeout=30)
    @pytest.mark.parametrize("n", range(4))
    def test_it(n, tmp_path, caplog):
        print("printed")
        return n

    def test_call(parwork):
        assert parwork.map(abs, [1, -2, 3], workers=2) == [1, 2, 3]

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_differs(n):
        return next(CALLS)

    CALLS = iter(range(100))
"""


def _run(scratch: Scratch, backend: str, *, threads: bool = True) -> tuple[int, str]:
    """Run the cases in a process of its own; return its exit code and what it printed."""
    scratch.cases(CASES)
    code = HIDING.format(hidden=POSIX, threads=threads)
    options = ["-p", "no:cacheprovider", "-p", "no:xdist", f"--parwork-backend={backend}"]
    done = subprocess.run(
        [sys.executable, "-c", code, *options],
        cwd=scratch.path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, " ".join(f"{done.stdout} {done.stderr}".split())


@pytest.mark.parametrize(
    ("backend", "threads"),
    [("serial", True), ("serial", False), ("threads", True), ("joblib:threading", True)],
)
def test_what_needs_no_processes_works_without_posix(
    scratch: Scratch, backend: str, threads: bool
) -> None:
    code, text = _run(scratch, backend, threads=threads)
    assert "5 passed" in text
    assert "2 failed" in text
    assert "2 DIFFERENT" in text or "2 cases DIFFERENT" in text
    assert "NOT_SENT" not in text
    assert code == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    "backend", ["joblib", "processes", "isolated", "multiprocessing", "dask", "joblib:loky"]
)
def test_what_needs_processes_says_in_one_line_that_it_cannot(
    scratch: Scratch, backend: str
) -> None:
    code, text = _run(scratch, backend)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert text.count("lacks the module 'fcntl' of POSIX; use threads, or serial") == 1
    assert f"the backend {backend!r} cannot start here: this system ({sys.platform})" in text
    assert "(also test_it.py::test_differs)" in text


@pytest.mark.parametrize("backend", ["threads", "joblib:threading", "processes"])
def test_without_threads_only_serial_works_and_the_others_say_so(
    scratch: Scratch, backend: str
) -> None:
    code, text = _run(scratch, backend, threads=False)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert text.count("cannot start here: this system") == 1
    assert "use serial" in text
