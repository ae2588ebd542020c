"""Ctrl-C and SIGTERM during a session: finished cases are reported, no process is left."""

from __future__ import annotations

import os
import signal
import time

import pytest

from .scratch import Apart, Scratch, Session, slow, until

BACKENDS = [
    "processes:fork",
    slow("processes:spawn"),
    "multiprocessing:fork",
    "isolated:fork",
    "joblib",
    slow("joblib:multiprocessing"),
    "threads",
    slow("joblib:threading"),
    "serial",
]

#: The last cases come first: two end, two never do, two come behind these.
HANGING = """
    def work(n):
        if n < 4 and (not is_here() or "{backend}" == "serial"):
            note(n)
            while True:
                time.sleep(0.05)
        return n

    @pytest.mark.parwork(backend="{backend}", workers=2, chunksize=1)
    @pytest.mark.parametrize("n", range(6))
    def test_it(n):
        return work(n)
    """

#: The same as calls.
CALLS = (
    HANGING.partition("    @pytest")[0]
    + """
    def test_it(parwork):
        parwork.map(work, range(6), backend="{backend}", workers=2, chunksize=1)
    """
)

#: All cases end in the parallel run, one does not in the serial one.
HANGING_HERE = """
    def work(n):
        if n == 2 and is_here():
            note(n)
            while True:
                time.sleep(0.05)
        return n

    @pytest.mark.parwork(backend="{backend}", workers=2)
    @pytest.mark.parametrize("n", range(5))
    def test_it(n):
        return work(n)

    def test_calls(parwork):
        parwork.map(work, range(5), backend="{backend}", workers=2)
    """

#: Workers of loky that never end their first call, which imports pytest.
BUSY_WORKERS = """
    import sys, time

    class Finder:
        def find_spec(self, name, path=None, target=None):
            if name == "pytest":
                time.sleep(1000)

    if "--process-name" in sys.orig_argv:
        sys.meta_path.insert(0, Finder())
    """

PARTIAL = dict.fromkeys("0123", "LOST") | dict.fromkeys("45", "NOT_VERIFIED")


def ctrl_c(apart: Apart) -> None:
    """Send SIGINT to the whole process group, as a terminal does."""
    os.killpg(apart.pid, signal.SIGINT)


def hanging(scratch: Scratch, backend: str, *, text: str = HANGING) -> Apart:
    """Return a session in which two cases have ended and two hang; one of each on `serial`."""
    scratch.cases(text.format(backend=backend))
    apart = scratch.start(report=True)
    apart.wait_for(*(["3 here"] if backend == "serial" else ["2 there", "3 there"]))
    return apart


def nothing_is_left(apart: Apart) -> None:
    assert until(lambda: not [*apart.members(), *apart.watching(), *apart.shared()], deadline=30)


def partial_report(session: Session, workload: str = "test_it.py::test_it") -> None:
    """Check that all finished cases are reported, and no others."""
    assert session.code == 2
    assert session.err == ""
    assert session.title == "parwork: 1 workload, 4 cases LOST, 2 not verified"
    told = " ".join(" ".join(session.section).split())
    assert "4 LOST, the session was interrupted" in told
    assert "2 not verified: interrupted" in told
    cases = session.run(workload)["cases"]
    assert {case["id"][-2]: case["verdict"] for case in cases} == PARTIAL
    for case in cases:
        assert case["why"] == "interrupted"
        if case["verdict"] == "LOST":
            assert case["lost"]["reason"] == "interrupted"
        else:
            assert case["seconds"]["parallel"] is not None
            assert case["seconds"]["serial"] is None


@pytest.mark.parametrize("backend", BACKENDS)
def test_ctrl_c_in_the_parallel_run_leaves_a_partial_report_and_nothing_else(
    scratch: Scratch, backend: str
) -> None:
    apart = hanging(scratch, backend)
    ctrl_c(apart)
    session = apart.finish()
    nothing_is_left(apart)
    partial_report(session)
    assert "KeyboardInterrupt" in session.out


@pytest.mark.parametrize("backend", ["processes:fork", "threads"])
def test_so_it_does_in_calls(scratch: Scratch, backend: str) -> None:
    apart = hanging(scratch, backend, text=CALLS)
    ctrl_c(apart)
    session = apart.finish()
    nothing_is_left(apart)
    partial_report(session, "test_it.py::test_it::map[0]")


# Workers of these are ended by SIGTERM, and would report it as the interrupt that it is here.
@pytest.mark.parametrize(
    "backend", ["multiprocessing:fork", "processes:fork", "joblib:multiprocessing", "threads"]
)
def test_sigterm_is_taken_as_ctrl_c(scratch: Scratch, backend: str) -> None:
    apart = hanging(scratch, backend)
    apart.send(signal.SIGTERM)
    session = apart.finish()
    nothing_is_left(apart)
    partial_report(session)
    assert "KeyboardInterrupt: SIGTERM" in session.out


class TestInTheSerialRun:
    @pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
    def test_compared_and_missing_cases_are_both_reported(
        self, scratch: Scratch, signum: signal.Signals
    ) -> None:
        scratch.cases(HANGING_HERE.format(backend="processes:fork"))
        apart = scratch.start("-k", "test_it", report=True)
        apart.wait_for("2 here")
        apart.send(signum)
        session = apart.finish()
        nothing_is_left(apart)
        assert session.code == 2
        assert session.err == ""
        assert session.counts == {"passed": 2}
        assert session.title == "parwork: 1 workload, 2 equal to serial, 3 not verified"
        cases = session.run("test_it.py::test_it")["cases"]
        assert [(case["verdict"], case["why"]) for case in cases] == [
            *[("EQUAL", "")] * 2,
            *[("NOT_VERIFIED", "interrupted")] * 3,
        ]

    def test_so_it_is_in_calls(self, scratch: Scratch) -> None:
        scratch.cases(HANGING_HERE.format(backend="threads"))
        apart = scratch.start("-k", "test_calls", report=True)
        apart.wait_for("2 here")
        ctrl_c(apart)
        session = apart.finish()
        assert session.code == 2
        cases = session.run("test_it.py::test_calls::map[0]")["cases"]
        assert [(case["verdict"], case["why"]) for case in cases] == [
            *[("EQUAL", "")] * 2,
            *[("NOT_VERIFIED", "interrupted")] * 3,
        ]


class TestASecondSignal:
    """Whoever has no time to wait for what the end of a session takes."""

    ENDING = """
    @pytest.fixture(scope="session", autouse=True)
    def slow():
        yield
        note("ending")
        while True:
            time.sleep(0.05)
    """

    @pytest.mark.parametrize(
        ("backend", "signum"),
        [
            ("joblib", signal.SIGINT),
            ("processes:fork", signal.SIGTERM),
            ("threads", signal.SIGINT),
            ("threads", signal.SIGTERM),
        ],
    )
    def test_it_ends_all_at_once(
        self, scratch: Scratch, backend: str, signum: signal.Signals
    ) -> None:
        apart = hanging(scratch, backend, text=self.ENDING + HANGING)
        apart.send(signum)
        apart.wait_for("ending here")
        apart.send(signum)
        session = apart.finish()
        assert session.code != 0
        nothing_is_left(apart)
        assert (scratch.path / "parwork.json").exists()

    @pytest.mark.parametrize("backend", ["processes:fork", "joblib"])
    def test_it_may_come_while_workers_are_ended(self, scratch: Scratch, backend: str) -> None:
        apart = hanging(scratch, backend)
        for _ in range(5):
            apart.send(signal.SIGINT)
        assert apart.finish().code != 0
        nothing_is_left(apart)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "module", ["joblib.externals.loky.backend.resource_tracker", "joblib._memmapping_reducer"]
)
def test_a_signal_may_come_while_joblib_is_imported(
    scratch: Scratch, module: str, signum: signal.Signals
) -> None:
    """Workers start while pytest collects; what is imported by half cannot be asked to end them."""
    scratch.write(
        "conftest.py",
        f"""
        import os, sys

        class Finder:
            def find_spec(self, name, path=None, target=None):
                if name == {module!r}:
                    sys.meta_path.remove(self)
                    os.kill(os.getpid(), {int(signum)})

        def pytest_collection(session):
            sys.meta_path.insert(0, Finder())
        """,
    )
    scratch.cases(HANGING.format(backend="joblib"))
    apart = scratch.start()
    session = apart.finish()
    nothing_is_left(apart)
    assert session.code in {2, -signum}
    assert "Traceback" not in session.text
    assert "INTERNALERROR" not in session.text


def test_ctrl_c_may_come_while_loky_has_more_calls_than_its_workers_take(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread looks in vain for those that wait when all are dropped."""
    scratch.write(
        "conftest.py",
        """
        import os, sys, time

        def pytest_collection_finish():
            from pytest_parwork.backends.joblib.parallel import ParallelWorkers

            submit = ParallelWorkers.submit

            def submit_and_interrupt(self, call, batches):
                from joblib.externals.loky.reusable_executor import _executor

                submit(self, call, batches)
                while _executor._queue_count < 6 or _executor._call_queue.full():
                    time.sleep(0.001)
                os.kill(os.getpid(), 2)

            ParallelWorkers.submit = submit_and_interrupt
        """,
    )
    # Its queue has room for five calls: two that came early, and three of four that joblib submits.
    # Once workers have taken the two, the thread does not know yet that it could add another one.
    scratch.write("sitecustomize.py", BUSY_WORKERS)
    scratch.cases(HANGING.format(backend="joblib"))
    monkeypatch.setenv("PYTHONPATH", str(scratch.path), prepend=os.pathsep)
    apart = scratch.start()
    session = apart.finish()
    nothing_is_left(apart)
    assert session.code == 2
    assert session.err == ""


@pytest.mark.parametrize("leg", ["there", "here"])
@pytest.mark.parametrize("backend", ["threads", "processes:fork", slow("joblib")])
@pytest.mark.sweep
def test_time_in_which_pytest_was_stopped_does_not_count(
    scratch: Scratch, backend: str, leg: str
) -> None:
    scratch.cases(
        f"""
        @pytest.mark.parwork(backend="{backend}", workers=2, timeout=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            note(n)
            time.sleep(1)
            return n
        """
    )
    apart = scratch.start()
    apart.wait_for(f"0 {leg}")
    apart.send(signal.SIGSTOP)
    time.sleep(3)
    apart.send(signal.SIGCONT)
    session = apart.finish()
    assert session.counts == {"passed": 2}
    nothing_is_left(apart)


class TestTheHandlerOfSigterm:
    CASES = """
    @pytest.mark.parwork(backend="threads", workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_it(n):
        return n
    """

    def test_it_is_as_before_when_the_session_is_over(self, scratch: Scratch) -> None:
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        scratch.cases(self.CASES)
        assert scratch.run().counts == {"passed": 2}
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

    def test_that_of_somebody_else_stays(self, scratch: Scratch) -> None:
        scratch.cases(self.CASES)

        def somebodys(*_: object) -> None:
            raise AssertionError

        kept = signal.signal(signal.SIGTERM, somebodys)
        try:
            assert scratch.run().counts == {"passed": 2}
            assert signal.getsignal(signal.SIGTERM) is somebodys
        finally:
            signal.signal(signal.SIGTERM, kept)

    def test_one_that_comes_later_stays_too(self, scratch: Scratch) -> None:
        scratch.cases(
            self.CASES
            + """
    def test_later():
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    """
        )
        try:
            assert scratch.run().counts == {"passed": 3}
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def test_a_process_forked_by_a_case_ends_by_sigterm_even_in_c(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            import hashlib, multiprocessing

            def busy():
                note("busy")
                hashlib.pbkdf2_hmac("sha256", b"", b"", 1_000_000_000)  # minutes

            @pytest.mark.parwork(backend="threads", workers=2, verify=0)
            def test_other():
                return 1

            def test_it():
                process = multiprocessing.get_context("fork").Process(target=busy)
                process.start()
                while not noted():
                    time.sleep(0.01)
                process.terminate()
                process.join(10)
                code = process.exitcode
                process.kill()
                assert code == -15

            def noted():
                return os.path.exists("noted.txt")
            """
        )
        assert scratch.run_apart().counts == {"passed": 2}


def test_a_session_without_parwork_ends_by_sigterm_as_ever(scratch: Scratch) -> None:
    scratch.cases(
        """
        def test_it():
            note("begun")
            while True:
                time.sleep(0.05)
        """
    )
    apart = scratch.start()
    apart.wait_for("begun here")
    apart.send(signal.SIGTERM)
    assert apart.finish().code == -signal.SIGTERM


def test_sigterm_after_the_last_test_ends_the_session_as_ever(scratch: Scratch) -> None:
    """As an interrupt, nobody would catch it: a traceback, and an exit by SIGINT."""
    scratch.write(
        "conftest.py",
        """
        import time

        def pytest_terminal_summary():
            with open("noted.txt", "w") as file:
                file.write("begun here")
            time.sleep(60)
        """,
    )
    scratch.cases(
        """
        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            return n
        """
    )
    apart = scratch.start()
    apart.wait_for("begun here")
    apart.send(signal.SIGTERM)
    session = apart.finish()
    assert session.code == -signal.SIGTERM
    assert "KeyboardInterrupt" not in session.out
    nothing_is_left(apart)
