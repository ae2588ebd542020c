"""What follows a body belongs to its outcome: hooks, threads, `__del__`, soft failures."""

from __future__ import annotations

from .scratch import Scratch

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
