"""`timeout=`: a case that never ends is LOST, in either run, and affects no other case."""

from __future__ import annotations

import signal

import pytest

from .scratch import Scratch, Session, slow, until

#: Where a worker can be killed, and so leaves its stack.
PROCESSES = [
    "processes:fork",
    "processes:spawn",
    "multiprocessing:fork",
    "isolated:fork",
    "joblib",
]
SWEPT = {"processes:spawn", "isolated:fork", "joblib:threading"}
BACKENDS = [
    slow(name) if name in SWEPT else name for name in (*PROCESSES, "threads", "joblib:threading")
]

#: Two of the cases never end in the parallel run.
HANGING = """
    def spins():
        while True:
            pass

    def sleeps():
        note("sleeps")
        time.sleep(1000)

    @pytest.mark.parwork(backend="{backend}", workers=2, timeout=1)
    @pytest.mark.parametrize("n", range(7))
    def test_it(n):
        if n == 2:
            sleeps()
        if n == 4:
            spins()
        return n
    """

#: Case 1 never ends in the serial run.
HANGING_HERE = """
    def work(n):
        if n == 1 and is_here():
            note("begun")
            {statement}
        return n

    @pytest.mark.parwork(backend={backend}, workers=2, timeout=0.5)
    @pytest.mark.parametrize("n", range(4))
    def test_it(n):
        return work(n)

    def test_other():
        pass
    """

CATCHING = """
            while True:
                try:
                    time.sleep(0.01)
                except {kind}:
                    pass
"""


def equal_but(session: Session, **others: str) -> bool:
    """Return whether all cases are EQUAL but for `others`, `_2="LOST"`."""
    found = session.verdicts("test_it.py::test_it")
    return found == dict.fromkeys(found, "EQUAL") | {
        name.removeprefix("_"): verdict for name, verdict in others.items()
    }


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_case_that_never_ends_is_lost_and_no_other_and_the_session_ends(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(HANGING.format(backend=backend))
    apart = scratch.start(report=True)
    session = apart.finish()
    assert until(lambda: not [*apart.members(), *apart.watching()], deadline=30)
    assert session.counts == {"passed": 5, "failed": 2}
    assert session.err == ""
    assert equal_but(session, _2="LOST", _4="LOST")
    notes = scratch.notes()
    assert set(notes) == {"sleeps there"}  # never here
    # loky ends all workers with the one that is ended, so that their tasks start again.
    assert len(notes) == 1 or (backend == "joblib" and len(notes) == 2)
    assert session.title == "parwork: 1 workload, 2 cases LOST"
    assert "2 LOST, timed out after 1 s" in " ".join(" ".join(session.section).split())
    for number, function in ((2, "sleeps"), (4, "spins")):
        assert f"FAILED test_it.py::test_it[{number}] - LOST: timed out after 1 s" in session.out
        lost = session.run("test_it.py::test_it")["cases"][number]["lost"]
        assert (lost["reason"], lost["leg"]) == ("timeout", "parallel")
        (tried,) = lost["tries"]
        assert tried["seconds"] >= 1
        if backend in PROCESSES:
            assert tried["pid"]
            assert lost["stack"][0].endswith(f" in {function}")
            assert f"stack    {lost['stack'][0]}" in session.out
        else:
            assert tried["pid"] is None
            assert lost["stack"] == []
            assert "its thread cannot be ended and goes on" in session.out
    assert session.out.count("serial   not run: it could block all further tests") == 2


def test_it_works_on_serial_too(scratch: Scratch) -> None:
    scratch.cases(HANGING.format(backend="serial").replace("workers=2, ", ""))
    session = scratch.run(report=True)
    assert session.counts == {"passed": 5, "failed": 2}
    assert equal_but(session, _2="LOST", _4="LOST")


@pytest.mark.parametrize("backend", ["processes:fork", "threads"])
def test_each_case_may_have_a_timeout_of_its_own(scratch: Scratch, backend: str) -> None:
    scratch.cases(
        f"""
        def timeout(seconds):
            return pytest.mark.parwork(timeout=seconds)

        @pytest.mark.parwork(backend="{backend}", workers=2, timeout=0.2)
        @pytest.mark.parametrize(
            "n",
            [0, pytest.param(1, marks=timeout(1000)), pytest.param(2, marks=timeout(None)), 3],
        )
        def test_it(n):
            time.sleep({{0: 1, 3: 1000}}.get(n, 0.4) if not is_here() else 0)
        """
    )
    session = scratch.run(report=True)
    assert equal_but(session, _0="LOST", _3="LOST")
    assert session.text.count("LOST: timed out after 0.2 s") >= 2


@pytest.mark.parametrize(
    ("options", "ini"), [(["--parwork-timeout=0.3"], ""), ([], "parwork_timeout = 0.3")]
)
def test_an_option_is_for_tests_that_name_none(
    scratch: Scratch, options: list[str], ini: str
) -> None:
    scratch.write("pytest.ini", f"[pytest]\n{ini}\n")
    scratch.cases(
        """
        def work(n):
            if n == 1 and not is_here():
                time.sleep(1000)
            return n

        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n):
            return work(n)

        def test_calls(parwork):
            parwork.map(work, range(3), backend="processes:fork", workers=2)

        @pytest.mark.parwork(backend="processes:fork", workers=2, timeout=1000)
        def test_named():
            time.sleep(0.6)
        """
    )
    session = scratch.run(*options, report=True)
    assert session.counts == {"passed": 3, "failed": 2}
    assert equal_but(session, _1="LOST")
    assert "LOST: test_it.py::test_calls::map[0][1]: timed out after 0.3 s" in session.text


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("0", "timeout=0.0; give the seconds that a case may take, in either run, above 0"),
        ("-1", "timeout=-1.0; give the seconds"),
        ("nan", "timeout=nan; give the seconds"),
        ("inf", "timeout=inf; give the seconds"),
        ("soon", "--parwork-timeout=soon: give the seconds that a case may take"),
        ("1,2", "--parwork-timeout=1,2: give the seconds that a case may take"),
    ],
)
def test_an_option_that_is_no_number_of_seconds_is_a_usage_error(
    scratch: Scratch, option: str, told: str
) -> None:
    scratch.cases("\ndef test_it(): pass\n")
    session = scratch.run(f"--parwork-timeout={option}")
    assert session.code == 4
    assert told in session.text


@pytest.mark.parametrize("options", [["--parwork-serial"], ["--pdb"]])
def test_whoever_looks_at_one_case_has_all_the_time_there_is(
    scratch: Scratch, options: list[str]
) -> None:
    scratch.cases(
        """
        def work(n):
            time.sleep(0.2)
            return n

        @pytest.mark.parwork(backend="threads", workers=2, timeout=0.05)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            return work(n)
        """
        + (
            """
        def test_calls(parwork):
            parwork.map(work, range(2), backend="threads", workers=2, timeout=0.05)
        """
            if "--pdb" not in options
            else ""
        )
    )
    assert set(scratch.run(*options).counts) == {"passed"}


class TestInTheSerialRun:
    @pytest.mark.parametrize(
        "statement",
        [
            "time.sleep(1000)",
            "while True: pass",
            "import subprocess; subprocess.run(['sleep', '1000'])",
            "import threading; threading.Event().wait()",
            CATCHING.format(kind="Exception"),
            CATCHING.format(kind="BaseException"),
        ],
    )
    def test_it_is_lost_and_all_others_go_on(self, scratch: Scratch, statement: str) -> None:
        scratch.cases(HANGING_HERE.format(backend="'threads'", statement=statement.strip()))
        session = scratch.run(report=True)
        assert session.counts == {"passed": 4, "failed": 1}
        assert equal_but(session, _1="LOST")
        told = "LOST: timed out after 0.5 s in the serial run"
        assert session.summary[0].startswith(f"FAILED test_it.py::test_it[1] - {told}")
        case = session.run("test_it.py::test_it")["cases"][1]
        assert case["lost"]["leg"] == "serial"
        assert case["lost"]["reason"] == "timeout"
        assert case["lost"]["stack"][-1].endswith(" in test_it")
        assert case["seconds"]["parallel"] is not None
        assert "not run" not in session.text
        assert "other cases kept" not in session.text

    def test_other_configurations_do_not_wait_again(self, scratch: Scratch) -> None:
        backends = '["threads", "processes:fork"]'
        scratch.cases(HANGING_HERE.format(backend=backends, statement="time.sleep(1000)"))
        session = scratch.run(report=True)
        assert session.counts == {"passed": 7, "failed": 2}
        assert scratch.notes() == ["begun here"]

    def test_in_calls_lost_error_is_raised(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            from pytest_parwork import LostError

            def work(n):
                if n == 1 and is_here():
                    time.sleep(1000)
                return n

            def test_it(parwork):
                with pytest.raises(LostError, match="timed out after 0.3 s in the serial run"):
                    parwork.map(work, range(3), backend="threads", workers=2, timeout=0.3)
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"passed": 1}
        cases = session.run("test_it.py::test_it::map[0]")["cases"]
        assert [case["verdict"] for case in cases] == ["EQUAL", "LOST", "EQUAL"]

    def test_the_alarm_of_another_plugin_is_as_it_was(self, scratch: Scratch) -> None:
        scratch.write(
            "conftest.py",
            """
            import signal
            import pytest

            @pytest.hookimpl(wrapper=True)
            def pytest_runtest_protocol(item):
                def ring(*_):
                    raise AssertionError

                signal.signal(signal.SIGALRM, ring)
                signal.setitimer(signal.ITIMER_REAL, 1000)
                yield
                left, _ = signal.getitimer(signal.ITIMER_REAL)
                signal.setitimer(signal.ITIMER_REAL, 0)
                assert 0 < left < 1000
                assert signal.getsignal(signal.SIGALRM) is ring
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                return True
            """,
        )
        scratch.cases(HANGING_HERE.format(backend="'threads'", statement="time.sleep(1000)"))
        session = scratch.run(report=True)
        assert session.counts == {"passed": 4, "failed": 1}
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_in_calls_lost_error_is_raised(scratch: Scratch) -> None:
    scratch.cases(
        """
        from pytest_parwork import LostError

        def work(n):
            if n == 1 and not is_here():
                time.sleep(1000)
            return n

        def test_it(parwork):
            with pytest.raises(LostError, match=r"map\\[0\\]\\[1\\]: timed out after 0.3 s"):
                parwork.map(work, range(3), backend="processes:fork", workers=2, timeout=0.3)

        def test_wrong(parwork):
            parwork.map(work, range(3), timeout=0)

        def test_list(parwork):
            parwork.map(work, range(3), timeout=[1, 2])
        """
    )
    session = scratch.run_apart(report=True)
    assert session.counts == {"passed": 1, "failed": 2}
    cases = session.run("test_it.py::test_it::map[0]")["cases"]
    assert [case["verdict"] for case in cases] == ["EQUAL", "LOST", "EQUAL"]
    assert "timeout=0; give the seconds that a case may take" in session.out
    assert "timeout=[1, 2]: a call takes a single value" in session.out


@pytest.mark.sweep
def test_more_threads_may_hang_than_there_are_workers(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="threads", workers=2, timeout=0.2)
        @pytest.mark.parametrize("n", range(10))
        def test_it(n):
            if n % 2 and not is_here():
                time.sleep(1000)
            return n
        """
    )
    session = scratch.run_apart(report=True)
    assert session.counts == {"passed": 5, "failed": 5}
    assert equal_but(session, **{f"_{n}": "LOST" for n in range(1, 10, 2)})


def test_the_limit_of_faulthandler_is_that_of_a_case_and_not_of_all(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch.cases(
        """
        import time

        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(6))
        def test_it(n):
            time.sleep(0 if is_here() else 0.3)
        """
    )
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p parwork")
    session = scratch.run_apart("-o", "faulthandler_timeout=0.6")
    assert session.counts == {"passed": 6}
    assert "Timeout" not in session.text, "pytest would write all stacks"
