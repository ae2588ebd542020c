"""The cause that a report names where serial and parallel results differ."""

from __future__ import annotations

import re

import pytest

from .scratch import Scratch, Session

HEAD = """
import decimal
import random
import threading

SETTINGS = dict(backend={backend!r}, workers=2)

def cases(test):
    return pytest.mark.parwork(**SETTINGS)(pytest.mark.parametrize("n", range(4))(test))
"""

#: By test: what it does, the name of its cause, and what the detail must hold.
IN_PROCESSES = """
@cases
def test_generator(n):
    return random.random()

@cases
def test_pid(n):
    return os.getpid()

@cases
def test_clock(n):
    return time.time()

@cases
def test_hash_seed(n):
    return list({"a", "b", "c", "d", "e", "f", "g"})

COUNT = []

@cases
def test_history(n):
    COUNT.append(n)
    return len(COUNT)

FIRST = []

@cases
def test_order(n):
    if n == 0:
        FIRST.append(n)
    return bool(FIRST)

@pytest.fixture(scope="module")
def shared():
    return [1]

@cases
def test_argument(shared, n):
    shared.append(n)
    return len(shared)

@pytest.fixture(scope="module")
def precision():
    with decimal.localcontext() as context:
        context.prec = 5
        yield

@cases
def test_context(precision, n):
    return str(decimal.Decimal(1) / 3)

SCALE = 1

@pytest.fixture(scope="module")
def scale():
    global SCALE
    SCALE = 3

def scaled(n):
    return n * SCALE + SCALE

@cases
def test_global(scale, n):
    return scaled(n)
"""

CAUSES_IN_PROCESSES = {
    "test_generator": ("GLOBAL_RNG", "random"),
    "test_pid": ("PROCESS_IDENTITY", "os.getpid"),
    "test_clock": ("NONDETERMINISTIC_FUNCTION", "time"),
    "test_hash_seed": ("HASH_SEED", ""),
    "test_history": ("WORKER_HISTORY", ""),
    "test_order": ("CASE_ORDER", ""),
    "test_argument": ("INPUT_MUTATION", ""),
    "test_context": ("CONTEXT_NOT_PROPAGATED", "decimal context"),
    "test_global": ("GLOBAL_STATE_NOT_PROPAGATED", "test_it.SCALE"),
}

IN_THREADS = """
CURRENT = [0]

@cases
def test_race(n):
    for _ in range(200):
        CURRENT[0] = n
        time.sleep(0)
        if CURRENT[0] != n:
            return "another"
    return n

READY = []

def get():
    if not READY:
        READY.append(None)
        time.sleep(0.01)
        READY[0] = 7
    return READY[0]

@cases
def test_lazy(n):
    return get()

LOCAL = threading.local()
LOCAL.value = 3

@cases
def test_local(n):
    return getattr(LOCAL, "value", 0)

@pytest.fixture(scope="module")
def precision():
    with decimal.localcontext() as context:
        context.prec = 5
        yield

@cases
def test_context(precision, n):
    return str(decimal.Decimal(1) / 3)

@cases
def test_generator(n):
    return random.random()
"""

CAUSES_IN_THREADS = {
    "test_race": ("THREAD_RACE", ""),
    "test_lazy": ("THREAD_RACE", ""),
    "test_local": ("THREAD_CONTEXT", ""),
    "test_context": ("THREAD_CONTEXT", "decimal context"),
    "test_generator": ("GLOBAL_RNG", "random"),
}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a diagnosis more time than users have to wait for it: the machine may be busy."""
    monkeypatch.setattr("pytest_parwork.verify.diagnosis.diagnosis.LEAST", 25.0)


def diagnosed(scratch: Scratch, *options: str) -> Session:
    return scratch.run("--parwork-diagnose=on", *options, report=True)


def causes(session: Session, test: str) -> list[tuple[str, str, bool]]:
    run = session.run(f"test_it.py::{test}")
    assert run["cause"] == (run["causes"][0] if run["causes"] else None)
    return [(cause["name"], cause["detail"], cause["confirmed"]) for cause in run["causes"]]


@pytest.mark.usefixtures("keeps_helpers")
@pytest.mark.parametrize(
    "test",
    [
        pytest.param(test, marks=() if test == "test_generator" else pytest.mark.sweep)
        for test in CAUSES_IN_PROCESSES
    ],
)
def test_the_cause_in_processes_is_confirmed(scratch: Scratch, test: str) -> None:
    scratch.cases(HEAD.format(backend="processes:spawn") + IN_PROCESSES)
    session = diagnosed(scratch, "-k", test)
    assert causes(session, test) == [(*CAUSES_IN_PROCESSES[test], True)]


@pytest.mark.usefixtures("keeps_helpers")
@pytest.mark.parametrize(
    "test",
    [
        pytest.param(test, marks=() if test == "test_lazy" else pytest.mark.sweep)
        for test in CAUSES_IN_THREADS
        if test != "test_context"  # below
    ],
)
def test_the_cause_in_threads_is_confirmed(scratch: Scratch, test: str) -> None:
    scratch.cases(HEAD.format(backend="threads") + IN_THREADS)
    session = diagnosed(scratch, "-k", test)
    assert causes(session, test)[0] == (*CAUSES_IN_THREADS[test], True)


@pytest.mark.sweep
def test_a_context_that_threads_do_not_inherit_is_confirmed(scratch: Scratch) -> None:
    """Without pytest-check: it lets all threads of the process inherit contexts."""
    scratch.write(
        "conftest.py",
        """
        from pytest_parwork.verify.diagnosis import diagnosis

        diagnosis.LEAST = 25.0
        """,
    )
    scratch.cases(HEAD.format(backend="threads") + IN_THREADS)
    words = ("--parwork-diagnose=on", "-p", "no:check", "-k", "test_context")
    session = scratch.run_apart(*words, report=True, is_cold=True)
    assert causes(session, "test_context")[0] == (*CAUSES_IN_THREADS["test_context"], True)


@pytest.mark.usefixtures("keeps_helpers")
def test_the_message_has_cause_evidence_and_remedy_once_and_calls_have_them_too(
    scratch: Scratch,
) -> None:
    scratch.cases(
        HEAD.format(backend="processes:fork")
        + """
@cases
def test_pid(n):
    return os.getpid()

def test_calls(parwork):
    parwork.map(os.getpgid, [0, 0], **SETTINGS)
"""
    )
    session = diagnosed(scratch, "-k", "test_pid")
    assert "  cause    PROCESS_IDENTITY (os.getpid), confirmed" in session.lines
    assert "  page     docs/causes/process_identity.md" in session.lines
    (cause,) = session.run("test_it.py::test_pid")["causes"]
    assert cause["line"] == ""  # the call says it
    assert cause["not_run"] == []
    text = " ".join(session.out.split())
    assert "evidence the result depends on the id of the process; if that is fixed" in text
    assert text.count("evidence ") == 1
    assert re.search(r"call os\.getpid\(\) at test_it\.py:\d+ gives \d+ in one run, \d+ in", text)
    assert "remedy do not return what depends on os.getpid()" in text
    assert "as in test_pid[0]" in text
    assert "cause: PROCESS_IDENTITY (os.getpid), confirmed; do not return what" in text


@pytest.mark.usefixtures("keeps_helpers")
def test_a_difference_between_calls_is_diagnosed(scratch: Scratch) -> None:
    scratch.cases(
        HEAD.format(backend="processes:fork")
        + """
def pid(n):
    return os.getpid()

def test_calls(parwork):
    parwork.map(pid, [0, 0], **SETTINGS)
"""
    )
    session = diagnosed(scratch)
    run = session.run("test_it.py::test_calls::map[0]")
    assert [(one["name"], one["confirmed"]) for one in run["causes"]] == [
        ("PROCESS_IDENTITY", True)
    ]
    assert "cause    PROCESS_IDENTITY (os.getpid), confirmed" in session.out


@pytest.mark.parametrize("how", ["option", "marker", "xfail"])
def test_nothing_is_run_again_where_it_is_not_wanted(scratch: Scratch, how: str) -> None:
    keyword = ", diagnose=False" if how == "marker" else ""
    xfail = "@pytest.mark.xfail(raises=AssertionError)" if how == "xfail" else ""
    scratch.cases(
        f"""
        {xfail}
        @pytest.mark.parwork(backend="processes:fork", workers=2{keyword})
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            note("ran")
            return os.getpid()
        """
    )
    options = () if how == "option" else ("--parwork-diagnose=on",)
    session = scratch.run(*options, report=True)
    assert session.run("test_it.py::test_it")["causes"] == []
    assert len(scratch.notes()) == 4


def test_a_case_that_cannot_be_run_again_is_unexplained_with_that_reason(
    scratch: Scratch,
) -> None:
    scratch.cases(
        """
        import threading

        @pytest.fixture(scope="module")
        def lock():
            return threading.Lock()

        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(lock, n):
            return threading.current_thread().name
        """
    )
    run = diagnosed(scratch).run("test_it.py::test_it")
    cause = run["cause"]
    assert (cause["name"], cause["confirmed"]) == ("UNEXPLAINED", False)
    assert cause["evidence"].startswith(
        "the case cannot be run again: argument 'lock' cannot be copied"
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ((), "diagnose=1; give whether a difference is diagnosed"),
        (("--parwork-diagnose=yes",), "--parwork-diagnose=yes: give on or off"),
    ],
)
def test_other_values_of_diagnose_are_errors(
    scratch: Scratch, options: tuple[str, ...], text: str
) -> None:
    keyword = "" if options else ", diagnose=1"
    scratch.cases(f"@pytest.mark.parwork(backend='serial'{keyword})\ndef test_it(): return 1\n")
    assert text in scratch.run(*options).text


IN_VARIANTS = """
@pytest.mark.parwork(vary={"size": [100, 25]})
def test_chunks(size):
    data = [float(i * i % 17) for i in range(100)]
    parts = [data[at : at + size] for at in range(0, 100, size)]
    return [sum(p[max(0, i - 1) : i + 2]) for p in parts for i in range(len(p))]

SEEN = []

@pytest.mark.parwork(vary={"n_jobs": [1, 2]})
def test_left(n_jobs):
    SEEN.append(n_jobs)
    return len(SEEN)

@pytest.fixture(scope="module")
def lock():
    import threading
    return threading.Lock()

@pytest.mark.parwork(vary={"n_jobs": [1, 2]})
def test_lock(lock, n_jobs):
    return n_jobs

@pytest.mark.parwork(vary={"n_jobs": [1, 2]}, diagnose=False)
def test_quiet(n_jobs):
    return n_jobs
"""


@pytest.mark.usefixtures("keeps_helpers")
def test_a_variant_that_differs_is_diagnosed_in_other_processes(scratch: Scratch) -> None:
    scratch.cases(IN_VARIANTS)
    session = diagnosed(scratch)
    assert causes(session, "test_chunks") == [("CHUNK_DEPENDENT", "size", True)]
    assert causes(session, "test_left") == [("CASE_ORDER", "", True)]
    assert causes(session, "test_lock") == [("UNEXPLAINED", "", False)]
    assert causes(session, "test_quiet") == []
    text = " ".join(session.out.split())
    assert "cause CHUNK_DEPENDENT (size), confirmed" in text
    assert "within 0.5 of an edge between chunks, at 25, 50, 75; with size=18 they lie" in text
    assert "the case cannot be run again: argument 'lock' cannot be sent to a worker" in text
