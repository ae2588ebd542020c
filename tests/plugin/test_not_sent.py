"""The verdict NOT_SENT: arguments and results that cannot be sent, backends that cannot start."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from .scratch import Scratch, Session

LOCKS = """
    import threading
    from pytest_parwork import BackendError, PayloadError

    LOCK = threading.Lock()

    @pytest.fixture(scope="module")
    def lock():
        return LOCK

    @pytest.fixture
    def noted(n):
        note(f"set-up of {n}")
        return n
"""

CASES = """
    @pytest.mark.parwork(backend={backend!r}, workers=2, min_speedup=0.01)
    @pytest.mark.parametrize("n", [0, {{"a": [1, LOCK]}}, 2], ids="012")
    def test_argument(n, noted):
        note("body of argument")
        return 1

    @pytest.mark.parwork(backend={backend!r}, workers=2)
    @pytest.mark.parametrize("n", range(3))
    def test_result(n, noted):
        return [{{"b": LOCK}}] if n == 1 else n

    @pytest.mark.parwork(backend={backend!r}, workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_wide(n, lock):
        return n

    @pytest.mark.parwork(backend={backend!r}, workers=2, verify=0)
    @pytest.mark.parametrize("n", range(2))
    def test_unverified(n):
        return LOCK if n else n

    @pytest.mark.parwork(backend={backend!r}, workers=2)
    @pytest.mark.xfail(raises=PayloadError)
    def test_expected():
        return LOCK

    def test_call(parwork):
        with pytest.raises(PayloadError, match=r"^NOT_SENT: .*::map\\[0\\]\\[1\\]: argument 1 "):
            parwork.map(str, [1, LOCK], backend={backend!r}, workers=2)
        with pytest.raises(PayloadError, match="^NOT_SENT: .* the result cannot be sent back"):
            parwork.starmap(threading.Lock, [(), ()], backend={backend!r}, workers=2)
"""

PROCESSES = ["processes:fork", "joblib"]
OTHERS = [
    *("processes:spawn", "multiprocessing:fork", "isolated:spawn", "joblib:multiprocessing", "dask")
]


@pytest.mark.parametrize(
    "backend", [*PROCESSES, *(pytest.param(name, marks=pytest.mark.sweep) for name in OTHERS)]
)
def test_values_that_cannot_be_sent_are_counted_apart(scratch: Scratch, backend: str) -> None:
    scratch.cases(LOCKS + CASES.format(backend=backend))
    session = scratch.run("--junit-xml=junit.xml", "-o", "junit_family=legacy", report=True)
    assert session.counts == {"passed": 6, "failed": 5, "skipped": 1, "xfailed": 1}
    assert session.title.startswith("parwork: 7 workloads, 9 cases NOT_SENT")
    assert "DIFFERENT" not in session.text
    assert "LOST" not in session.text
    assert "body of argument here" in scratch.notes()
    assert scratch.notes().count("set-up of 1 here") == 0, "there is nothing to set it up for"

    run = session.run("test_it.py::test_argument")
    assert (run["verdict"], run["exercised"]) == ("NOT_SENT", True)
    assert session.verdicts("test_it.py::test_argument") == {
        "0": "EQUAL",
        "1": "NOT_SENT",
        "2": "EQUAL",
    }
    (why,) = [case["not_sent"] for case in run["cases"] if case["not_sent"] is not None]
    assert (why["reason"], why["name"], why["path"]) == ("argument", "n", "['a'][1]")
    assert all(case["lost"] is None for case in run["cases"])
    assert run["mismatches"] == []
    assert run["timing"]["flaw"] == "1 case is NOT_SENT"
    assert session.cases["test_it.py::test_argument[min_speedup]"] == "skipped"

    why = session.run("test_it.py::test_result")["cases"][1]["not_sent"]
    assert (why["reason"], why["path"]) == ("result", "[0]['b']")
    wide = session.run("test_it.py::test_wide")["cases"]
    assert {case["not_sent"]["name"] for case in wide} == {"lock"}
    assert session.verdicts("test_it.py::test_unverified")["1"] == "NOT_SENT"
    assert session.cases["test_it.py::test_expected"] == "xfailed"
    calls = session.run("test_it.py::test_call::map[0]")["cases"]
    assert [case["verdict"] for case in calls] == ["EQUAL", "NOT_SENT"]
    assert _verdicts_in(scratch).count("NOT_SENT") == 6, "one for each case, none for calls"
    _shows_reason_and_remedy(session)


def _verdicts_in(scratch: Scratch) -> list[str | None]:
    root = ET.parse(scratch.path / "junit.xml").getroot()
    return [one.get("value") for row in root.iter("testcase") for one in row.iter("property")]


def _shows_reason_and_remedy(session: Session) -> None:
    text = " ".join(session.text.split())
    assert "NOT_SENT: argument 'n' cannot be sent to a worker: ['a'][1] is a _thread.lock" in text
    assert "remedy make it where the case runs, in the test or in a fixture of function" in text
    assert "NOT_SENT: the fixture 'lock' cannot be sent to a worker: it is a" in text
    assert "remedy give it function scope" in text
    assert "NOT_SENT: the result cannot be sent back from a worker: [0]['b'] is a" in text
    assert "remedy return the value that it guards" in text
    assert "serial not run: there is nothing to compare it with. To run it anyway: pytest" in text
    assert "1 NOT_SENT, argument 'n' cannot be sent to a worker" in text


@pytest.mark.parametrize("backend", ["threads", "serial"])
def test_where_nothing_is_sent_everything_is_compared(scratch: Scratch, backend: str) -> None:
    scratch.cases(
        LOCKS
        + f"""
    @pytest.mark.parwork(backend={backend!r}, workers=2)
    @pytest.mark.parametrize("n", [0, LOCK], ids="01")
    def test_argument(n, lock):
        return 1
    """
    )
    session = scratch.run(report=True)
    assert set(session.verdicts("test_it.py::test_argument").values()) == {"EQUAL"}


BROKEN = """
    class Broken:
        reach = "machine"
        def start(self, workers): raise OSError("no cluster there")
        def close(self): pass

    def pytest_parwork_backends():
        return {"broken": Broken()}
"""


def test_a_backend_that_cannot_start_sends_nothing(scratch: Scratch) -> None:
    scratch.write("conftest.py", BROKEN)
    scratch.cases(
        """
        from pytest_parwork import BackendError

        @pytest.mark.parwork(backend="broken", workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n, tmp_path):
            note(n)

        @pytest.mark.parwork(backend="broken", workers=2)
        @pytest.mark.xfail(raises=BackendError)
        @pytest.mark.parametrize("n", range(2))
        def test_expected(n):
            note(n)

        def test_call(parwork):
            parwork.map(abs, range(2), backend="broken", workers=2)
        """
    )
    session = scratch.run("-q", report=True)
    assert session.counts == {"failed": 4, "xfailed": 2}
    assert scratch.notes() == []
    assert session.title == "parwork: 3 workloads, 7 cases NOT_SENT"
    for run in session.report["runs"]:
        for case in run["cases"]:
            assert case["verdict"] == "NOT_SENT"
            assert case["not_sent"]["reason"] == "backend"
            assert case["not_sent"]["detail"] == (
                "the backend 'broken' cannot start 2 workers: OSError: no cluster there"
            )
    assert "NOT_SENT: as in test_it[0]" in session.text
    assert session.summary[-1].startswith("FAILED test_it.py::test_call - NOT_SENT: the backend")


def test_a_backend_of_which_no_worker_runs_a_task_has_lost_nothing(scratch: Scratch) -> None:
    scratch.write(
        "conftest.py",
        """
        from pytest_parwork.backends import Event, EventQueue

        class Gone(EventQueue):
            size, eager, start_method = 2, False, "none"
            def submit(self, call, batches): raise OSError("no room")
            def pids(self): return {}
            def close(self, deadline): return ()

        class Refusing:
            reach = "machine"
            def start(self, workers): return Gone()
            def close(self): pass

        def pytest_parwork_backends():
            return {"refusing": Refusing()}
        """,
    )
    scratch.cases(
        """
        @pytest.mark.parwork(backend="refusing", workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n):
            note(n)
        """
    )
    session = scratch.run(report=True)
    cases = session.run("test_it.py::test_it")["cases"]
    assert {case["verdict"] for case in cases} == {"NOT_SENT"}
    (detail,) = {case["not_sent"]["detail"] for case in cases}
    assert detail == "it accepts no more tasks: OSError: no room"
    assert scratch.notes() == []


def test_a_case_that_was_not_sent_keeps_its_verdict_when_it_is_run_again(scratch: Scratch) -> None:
    scratch.cases(
        LOCKS
        + """
    @pytest.mark.parwork(backend="processes:fork", workers=2)
    @pytest.mark.parametrize("n", [0, LOCK], ids="01")
    def test_it(n):
        note("body")
        return 1
    """
    )
    session = scratch.run("-p", "rerunfailures", "--reruns=2", report=True)
    assert session.verdicts("test_it.py::test_it") == {"0": "EQUAL", "1": "NOT_SENT"}
    assert session.cases["test_it.py::test_it[1]"] == "failed"
    assert session.text.count("NOT_SENT: argument 'n' cannot be sent to a worker") == 1
    assert scratch.notes().count("body here") == 1, "the one that was sent"


def test_it_ends_a_session_that_stops_at_the_first_failure(scratch: Scratch) -> None:
    scratch.cases(
        LOCKS
        + """
    @pytest.mark.parwork(backend="processes:fork", workers=2, chunksize=1)
    @pytest.mark.parametrize("n", range(40))
    def test_it(n):
        import time; time.sleep(0.05)
        return LOCK if n == 0 else n
    """
    )
    session = scratch.run("-x", report=True)
    assert session.counts == {"failed": 1}
    there = [case for case in session.run("test_it.py::test_it")["cases"] if case["interval"]]
    assert len(there) < 40


#: Results that have no value, each with what to return instead.
WITHOUT_VALUE = {
    "(x for x in 'abc')": "return list(...)",
    "map(lambda x: x, 'abc')": "return list(...)",
    "iter('abc')": "return list(...)",
    "{'deep': [(x for x in 'abc')]}": "return list(...)",
    "open(__file__)": "return its content",
    "open(__file__, 'rb')": "return its content",
    "later()": "return its result",
    "many()": "return a list",
    "threading.Lock()": "return the value that it guards",
}


@pytest.mark.parametrize(
    "backend",
    [
        *("processes:fork", "threads", "joblib"),
        *(pytest.param(name, marks=pytest.mark.sweep) for name in OTHERS),
    ],
)
def test_a_result_without_a_value_says_what_to_return_instead(
    scratch: Scratch, backend: str
) -> None:
    tests = [
        f"""
    @pytest.mark.parwork(backend={backend!r}, workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_{number}(n):
        return {value} if n else n
        """
        for number, value in enumerate(WITHOUT_VALUE)
    ]
    scratch.cases(
        """
    import threading

    async def later():
        pass

    async def many():
        yield 1
    """
        + "".join(tests)
    )
    session = scratch.run(
        *("-W", "ignore::ResourceWarning", "-W", "ignore::RuntimeWarning"),
        *("-W", "ignore::pytest.PytestUnraisableExceptionWarning"),
        report=True,
    )
    assert session.counts == {"passed": len(tests), "failed": len(tests)}
    reasons = [case.longreprtext for case in session.recorder.reports if case.failed]
    for value, reason, instead in zip(WITHOUT_VALUE, reasons, WITHOUT_VALUE.values(), strict=True):
        assert instead in " ".join(reason.split()), value
