"""What follows a body belongs to its outcome: hooks, threads, `__del__`, soft failures."""

from __future__ import annotations

import pytest

from .scratch import Scratch, slow

#: Hooks that skip a case after its body, fail it, catch what it raised, or change its report only.
HOOKS = """
import os
import pytest

MAIN = os.getpid()

def is_fork():
    return os.getpid() != MAIN

@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    name = item.originalname
    try:
        yield
    except ValueError:
        if "caught" not in name:
            raise
    if "skipped" in name:
        pytest.skip("late")
    if "failed" in name or ("fork_only" in name and is_fork()):
        raise RuntimeError("late")
    if "here_only" in name and not is_fork():
        raise RuntimeError("late")

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call" and "marked" in item.originalname:
        report.outcome = "failed"
        report.longrepr = "marked"
    if call.when == "call" and "differently" in item.originalname and is_fork():
        report.outcome = "failed"
        report.longrepr = "differently"
    return report
"""


def test_a_fork_is_compared_with_all_that_hooks_make_of_a_case(scratch: Scratch) -> None:
    scratch.write("conftest.py", HOOKS)
    scratch.cases(
        """
import threading

pytestmark = [
    pytest.mark.parwork(backend="isolated:fork", workers=2),
    pytest.mark.parametrize("n", [0, 1]),
]

class Bad:
    def __del__(self):
        raise OSError("in del")

def fail():
    raise ValueError("in a thread")

def in_thread():
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()

def test_skipped(n, tmp_path): return n
def test_failed(n, tmp_path): return n
def test_caught(n, tmp_path): raise ValueError(n)
def test_marked(n, tmp_path): return n
def test_raises(n, tmp_path): raise KeyError(n)
def test_thread(n, tmp_path): in_thread(); return n
def test_del(n, tmp_path): Bad(); return n
@pytest.mark.filterwarnings("default::pytest.PytestUnhandledThreadExceptionWarning")
def test_warned(n, tmp_path): in_thread(); return n
def test_differs_fork_only(n, tmp_path): return n
def test_differs_here_only(n, tmp_path): return n
def test_differs_differently(n, tmp_path): return n
@pytest.mark.parwork(verify=0)
def test_unverified_fork_only(n, tmp_path): return n
"""
    )
    session = scratch.run(report=True)
    expected = {"EQUAL": "passed", "DIFFERENT": "failed", "NOT_VERIFIED": "failed"}
    for run in session.report["runs"]:
        name = run["id"].partition("::")[2]
        verdict = (
            "DIFFERENT"
            if "differs" in name
            else "NOT_VERIFIED"
            if "unverified" in name
            else "EQUAL"
        )
        assert run["verdict"] == verdict, (name, session.text)
        outcome = {
            "test_skipped": "skipped",
            **dict.fromkeys(
                ["test_failed", "test_marked", "test_raises", "test_thread", "test_del"], "failed"
            ),
        }.get(name, expected[verdict])
        assert session.cases[f"test_it.py::{name}[0]"] == outcome, name
    text = session.text
    assert "isolated:fork-2    after the body: RuntimeError: late" in text
    assert "isolated:fork-2    after the body: report: failed" in text


#: What the body does not raise: in both legs, or in one of them.
MISHAPS = """
import threading

class Bad:
    def __del__(self):
        raise OSError("in del")

def fail():
    raise ValueError("in a thread")

def in_thread():
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()

TWO = pytest.mark.parametrize("n", [0, 1])
ERROR = pytest.mark.filterwarnings("error")
WARNING = pytest.mark.filterwarnings("default")
"""

UNCAUGHT = """
@TWO
@WARNING
def test_warned_in_both(n): in_thread(); return n

@TWO
@WARNING
def test_warned_there(n, tmp_path):
    if not is_here():
        Bad() if n else in_thread()
    return n

@TWO
@pytest.mark.filterwarnings("ignore::pytest.PytestWarning")
def test_ignored(n):
    if not is_here():
        in_thread()
    return n

@TWO
@ERROR
def test_failed_in_both(n, tmp_path): Bad() if n else in_thread(); return n

@TWO
@ERROR
def test_differs_there(n):
    if not is_here():
        Bad() if n else in_thread()
    return n

@TWO
@ERROR
def test_differs_here(n, tmp_path):
    if is_here():
        Bad() if n else in_thread()
    return n

@TWO
@ERROR
@pytest.mark.parwork(verify=0)
def test_unverified(n): Bad() if n else in_thread(); return n
"""


@pytest.mark.parametrize(
    "backend", ["processes:fork", "threads", "joblib", slow("processes:spawn"), slow("dask")]
)
def test_what_a_body_does_not_raise_counts_as_much_in_a_worker(
    scratch: Scratch, backend: str
) -> None:
    mark = f"pytestmark = pytest.mark.parwork(backend={backend!r}, workers=2)\n"
    scratch.cases(mark + MISHAPS + UNCAUGHT)
    session = scratch.run_apart(report=True)
    verdicts = {run["id"].partition("::")[2]: run["verdict"] for run in session.report["runs"]}
    assert verdicts == {
        "test_warned_in_both": "EQUAL",
        "test_warned_there": "EQUAL",
        "test_ignored": "EQUAL",
        "test_failed_in_both": "EQUAL",
        "test_differs_there": "DIFFERENT",
        "test_differs_here": "DIFFERENT",
        "test_unverified": "NOT_VERIFIED",
    }, session.text
    assert session.counts["passed"] == 6
    assert session.counts["failed"] == 8
    # One for each case, though both legs of one test gave it.
    assert session.counts["warnings"] == 4
    assert "nothing a" in session.text  # one leg; the texts are shortened to the width


@pytest.mark.parametrize("backend", ["processes:fork", "threads", slow("joblib"), slow("dask")])
def test_a_soft_failure_fails_the_case_that_it_belongs_to(scratch: Scratch, backend: str) -> None:
    pytest.importorskip("pytest_check", reason="it is not installed")
    mark = f"pytestmark = pytest.mark.parwork(backend={backend!r}, workers=2)\n"
    scratch.cases(
        mark
        + MISHAPS
        + """
from pytest_check import check

FOUR = pytest.mark.parametrize("n", range(4))

@FOUR
def test_in_both(n):
    check.equal(n % 2, 0)
    return n

@FOUR
def test_there(n):
    if not is_here():
        check.equal(n % 2, 0)
    return n

@FOUR
@pytest.mark.parwork(verify=0)
def test_unverified(n):
    check.equal(n % 2, 0)
    return n
"""
    )
    session = scratch.run_apart("-p", "pytest_check.plugin", report=True)
    odd = {"0": "EQUAL", "1": "DIFFERENT", "2": "EQUAL", "3": "DIFFERENT"}
    assert session.verdicts("test_it.py::test_in_both") == dict.fromkeys("0123", "EQUAL")
    assert session.verdicts("test_it.py::test_there") == odd
    failed = [line.split()[1] for line in session.summary]
    assert failed == [
        f"test_it.py::{name}[{n}]"
        for name in ("test_in_both", "test_there", "test_unverified")
        for n in (1, 3)
    ]
