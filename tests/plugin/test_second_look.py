"""Serial runs that share memory with threads, and are looked at again in a fresh process."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from .scratch import Scratch

#: Each workload has two cases; `spoil` fails for ever in a process where a thread has called it.
PROJECT = """
import functools
import threading

THREADS = dict(backend="threads", workers=2, diagnose=False)
SPOILT, LAST = [], {}

def spoil(n):
    if threading.current_thread() is not threading.main_thread():
        SPOILT.append(n)
    if SPOILT:
        raise ValueError("spoilt")
    return n

@functools.cache
def stored(what, n):
    time.sleep(0.12)
    return what()

def name_here():
    return [threading.current_thread().name.partition("_")[0]]

def order_here():
    return list({"a", "b", "c", "d", "e", "f", "g", "h"})

def cases(test):
    return pytest.mark.parwork(**THREADS)(pytest.mark.parametrize("n", range(2))(test))

@cases
def test_spoilt(n):
    return spoil(n)

@pytest.mark.xfail(raises=ValueError)
@cases
def test_spoilt_and_expected(n):
    return spoil(n)

@cases
@pytest.mark.xfail
def test_fails_everywhere(n):
    assert n == 7

@pytest.fixture(scope="module")
def lock():
    return threading.Lock()

@cases
def test_cannot_be_sent(lock, n):
    raise ValueError(n)

@cases
def test_poisoned(n):
    if threading.current_thread() is not threading.main_thread():
        LAST[n] = "a thread"
        return "wrong"
    return LAST.get(n, "nobody")

@cases
def test_differs(n):
    return threading.current_thread() is threading.main_thread()

@cases
def test_stored_name(n):
    return stored(name_here, n)

@cases
def test_stored_ident(n):
    return stored(threading.get_ident, n)

@cases
def test_stored_safely(n):
    return stored(int, n)

@cases
def test_stored_order(n):
    return stored(order_here, n)

def test_calls(parwork):
    with pytest.raises(AssertionError, match="fresh process value 1: it passes there"):
        parwork.map(spoil, [1, 2], **THREADS)
"""


#: By test: the verdict on its cases, and what the note on the first one says, if there is one.
EXPECTED = {
    "test_spoilt": (
        "DIFFERENT",
        "threads-2 ValueError: spoilt; serial here ValueError: spoilt; serial in a fresh process "
        "value 0: it passes there",
    ),
    "test_spoilt_and_expected": ("DIFFERENT", "serial in a fresh process value 0"),
    "test_fails_everywhere": ("EQUAL", ""),
    "test_cannot_be_sent": (
        "EQUAL",
        "both runs failed alike, and could not be run in a fresh process: argument 'lock' cannot "
        "be copied",
    ),
    "test_poisoned": (
        "DIFFERENT",
        "threads-2 'wrong'; serial here 'a thread'; serial in a fresh process 'nobody': the serial "
        "run depends on what ran in this process before",
    ),
    "test_differs": ("DIFFERENT", "the fresh process confirms the serial run"),
    "test_stored_name": ("DIFFERENT", "serial in a fresh process 'MainThread': the serial run"),
    "test_stored_ident": ("DIFFERENT", "so it may have read what the threads had stored"),
    "test_stored_safely": ("EQUAL", "in a fresh process the result is the same"),
    "test_stored_order": ("EQUAL", "another one in each process, threads or not"),
}


#: One of each kind; a fresh process takes half a second.
DAILY = ("test_spoilt_and_expected", "test_fails_everywhere", "test_poisoned", "test_stored_safely")


@pytest.mark.usefixtures("keeps_helpers")
@pytest.mark.parametrize(
    "tests",
    [DAILY, pytest.param((*EXPECTED, "test_calls"), marks=pytest.mark.sweep)],
    ids=["of each kind", "all"],
)
def test_a_fresh_process_says_what_threads_have_done_to_the_serial_run(
    scratch: Scratch, tests: Sequence[str]
) -> None:
    scratch.cases(PROJECT)
    session = scratch.run(*(f"test_it.py::{test}" for test in tests), report=True)
    for test, (verdict, text) in EXPECTED.items():
        if test not in tests:
            continue
        run = session.run(f"test_it.py::{test}")
        assert {case["verdict"] for case in run["cases"]} == {verdict}, test
        texts = [note["text"] for note in run["notes"] if note["kind"] == "fresh-process"]
        assert bool(texts) is bool(text), test
        assert text in (texts[0] if texts else ""), test
    # xfail expects a failure, not that threads make it fail.
    cases = {id.partition("::")[2]: outcome for id, outcome in session.cases.items()}
    assert cases["test_spoilt_and_expected[0]"] == "failed"
    assert cases["test_fails_everywhere[0]"] == "xfailed"
    assert cases.get("test_calls") == ("passed" if "test_calls" in tests else None)
    first = "DIFFERENT: serial value 0 in a fresh process, threads-2 ValueError: spoilt"
    assert first in session.out
    assert "slow each other down" not in session.out


@pytest.mark.usefixtures("keeps_helpers")
def test_a_fixture_that_acts_here_is_named_where_a_fresh_process_lacks_it(
    scratch: Scratch,
) -> None:
    scratch.cases(
        """
        STATE = []

        @pytest.fixture(scope="module", autouse=True)
        def switch():
            STATE.append(1)

        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            assert not STATE
        """
    )
    text = " ".join(scratch.run().out.split())
    assert "serial in a fresh process value None" in text
    assert "a fresh process has the value of 'switch'; what it does in pytest's process" in text


@pytest.mark.parametrize("backend", ["processes:fork", "serial"])
def test_what_shares_no_memory_with_the_serial_run_is_not_looked_at(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(
        f"""
        @pytest.mark.parwork(backend={backend!r}, workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            note("ran")
            raise ValueError(n)
        """
    )
    session = scratch.run(report=True)
    assert session.run("test_it.py::test_it")["notes"] == []
    lines = (scratch.path / "noted.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 4


def test_an_ordinary_run_on_threads_starts_no_process(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            note("ran")
            time.sleep(0.12)
            return n

        @pytest.mark.parwork(backend="threads", workers=2, verify=0)
        @pytest.mark.parametrize("n", range(2))
        def test_unverified(n):
            note("ran")
            raise ValueError(n)
        """
    )
    scratch.run()
    lines = (scratch.path / "noted.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 10


@pytest.mark.sweep
def test_its_time_does_not_count_for_an_alarm_around_the_test(scratch: Scratch) -> None:
    scratch.write(
        "conftest.py",
        """
        import signal
        import pytest

        def ring(*_):
            raise RuntimeError("out of time")

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_protocol(item):  # as pytest-timeout does
            before = signal.signal(signal.SIGALRM, ring)
            signal.setitimer(signal.ITIMER_REAL, 2)
            try:
                return (yield)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)
        """,
    )
    scratch.cases(
        """
        HOME = os.environ.setdefault("HOME_PROCESS", str(os.getpid()))

        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            if HOME != str(os.getpid()):
                time.sleep(3)  # in the fresh process
            raise ValueError(n)
        """
    )
    session = scratch.run_apart(report=True)
    assert session.counts == {"failed": 2}
    assert "out of time" not in session.text
    assert set(session.verdicts("test_it.py::test_it").values()) == {"EQUAL"}


@pytest.mark.usefixtures("keeps_helpers")
def test_a_test_that_may_be_run_again_is_left_to_its_mark(scratch: Scratch) -> None:
    pytest.importorskip("pytest_rerunfailures")
    scratch.cases(
        """
        from pathlib import Path

        @pytest.mark.flaky(reruns=2)
        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            file = Path(f"calls-{n}")
            calls = int(file.read_text()) if file.exists() else 0
            file.write_text(str(calls + 1))
            assert calls >= 2
        """
    )
    session = scratch.run_apart("-p", "rerunfailures", report=True)
    assert session.counts == {"passed": 2, "rerun": 2}, session.text
    assert set(session.verdicts("test_it.py::test_it").values()) == {"EQUAL"}
