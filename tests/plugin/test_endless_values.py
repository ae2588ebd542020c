"""Values whose own code never ends in pytest's process: `timeout=` holds for that code too."""

from __future__ import annotations

import signal

import pytest

from .scratch import Scratch, Session, slow

BACKENDS = ["threads", "processes:fork", slow("joblib"), slow("dask"), slow("multiprocessing:fork")]

#: Case 3 gives or takes something whose code does not come back.
CASES = """
    from pytest_parwork import unordered

    def hang():
        while True:
            time.sleep(0.01)

    class Value:
        def __init__(self, n):
            self.n = n

    class Endless(Value):
        {method}

    def fail(n):
        raise ValueError(Endless(n))

    {extra}

    @pytest.mark.parwork(backend={backend}, workers=2, timeout=1{marker})
    @pytest.mark.parametrize("n", {values})
    def test_it(n):
        return {result}

    def test_after():
        pass
    """

LOADING = "its result could not be loaded within 1 s"
COMPARING = "comparing the two results took longer than 1 s"
DELETING = "deleting its results took longer than 1 s"

HASHABLE = "__hash__ = object.__hash__"


def cases(
    method: str = "pass",
    *,
    backend: str = "'threads'",
    marker: str = "",
    extra: str = "",
    result: str = "Endless(n) if n == 3 else n",
    values: str = "range(6)",
) -> str:
    indented = method.replace("\n", "\n" + " " * 8)
    return CASES.format(
        method=indented, backend=backend, marker=marker, extra=extra, result=result, values=values
    )


def equal_but_3(session: Session, verdict: str, told: str) -> None:
    found = session.verdicts("test_it.py::test_it")
    assert found == dict.fromkeys(map(str, range(6)), "EQUAL") | {"3": verdict}
    (line,) = session.summary
    assert line.startswith(f"FAILED test_it.py::test_it[3] - {verdict}: {told[:25]}")
    assert f"{verdict}: {told}" in session.out


@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != "threads"])
@pytest.mark.parametrize(
    ("method", "result"),
    [
        ("def __setstate__(self, state): hang()", "Endless(n) if n == 3 else n"),
        ("def __reduce__(self): return hang, ()", "[1, Endless(n)] if n == 3 else n"),
        (
            "def __hash__(self): return hash(self.n) if hasattr(self, 'n') else hang()",
            "{Endless(n): 1} if n == 3 else n",
        ),
    ],
    ids=["setstate", "reduce", "hash"],
)
def test_a_result_that_takes_too_long_to_be_loaded_is_lost(
    scratch: Scratch, backend: str, method: str, result: str
) -> None:
    if "__hash__" in method:  # called before the state is set, only in a cycle
        result = "(lambda e: e.__dict__.update(all={e: 1}) or e)(Endless(n)) if n == 3 else n"
    scratch.cases(cases(method, backend=repr(backend), result=result))
    session = scratch.run_apart(report=True)
    equal_but_3(session, "LOST", LOADING)
    case = session.run("test_it.py::test_it")["cases"][3]
    assert (case["lost"]["reason"], case["lost"]["leg"]) == ("timeout", "parallel")
    assert case["seconds"]["parallel"] is not None
    assert "serial   not run: it could block all further tests" in session.out
    assert "others   all 5 other cases kept their outcomes" in session.out
    assert " in hang" in case["lost"]["stack"][0]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("method", "options"),
    [
        (f"def __eq__(self, other): hang()\n{HASHABLE}", {}),
        (f"def __eq__(self, other): hang()\n{HASHABLE}", {"result": "[[n, {'k': Endless(n)}]]"}),
        (f"def __eq__(self, other): hang()\n{HASHABLE}", {"marker": ", compare=unordered()"}),
        (
            f"def __eq__(self, other): return False\ndef __repr__(self): hang()\n{HASHABLE}",
            {},
        ),
        ("def __getstate__(self): hang() if is_here() else None\nreturn self.__dict__", {}),
        (
            "pass",
            {
                "marker": ", compare=judge",
                "extra": "def judge(a, b):\n        return a == b if a != 3 else hang()",
                "result": "n",
            },
        ),
    ],
    ids=["eq", "eq inside", "eq unordered", "repr", "getstate", "function"],
)
def test_results_that_take_too_long_to_be_compared_are_different(
    scratch: Scratch, backend: str, method: str, options: dict[str, str]
) -> None:
    if "result" in options and "[[" in options["result"]:
        options = {**options, "result": f"{options['result']} if n == 3 else n"}
    if method.startswith("def __getstate__"):
        method = "def __getstate__(self):\n    if is_here(): hang()\n    return self.__dict__"
    scratch.cases(cases(method, backend=repr(backend), **options))
    session = scratch.run_apart(report=True)
    equal_but_3(session, "DIFFERENT", COMPARING)
    (mismatch,) = session.run("test_it.py::test_it")["mismatches"]
    assert mismatch["class"] == "uncomparable"


@pytest.mark.parametrize("backend", BACKENDS)
def test_failures_that_take_too_long_to_be_compared_are_different(
    scratch: Scratch, backend: str
) -> None:
    method = f"def __eq__(self, other): hang()\n{HASHABLE}\ndef __repr__(self): return 'it'"
    scratch.cases(cases(method, backend=repr(backend), result="fail(n) if n == 3 else n"))
    session = scratch.run_apart(report=True)
    assert session.verdicts("test_it.py::test_it")["3"] == "DIFFERENT"
    assert f"DIFFERENT: {COMPARING}" in session.out
    assert session.counts == {"passed": 6, "failed": 1}


def test_tear_downs_that_take_too_long_to_be_compared_are_different(scratch: Scratch) -> None:
    scratch.cases(
        """
        class Endless:
            def __eq__(self, other):
                while True:
                    pass
            __hash__ = object.__hash__
            __repr__ = lambda self: "it"

        @pytest.fixture
        def broken():
            yield
            raise ValueError(Endless())

        @pytest.mark.parwork(backend="processes:fork", workers=2, timeout=1)
        def test_it(broken):
            return 1
        """
    )
    session = scratch.run_apart(report=True)
    assert session.verdicts("test_it.py::test_it") == {"": "DIFFERENT"}
    assert "comparing the two tear-downs took longer than 1 s" in session.out


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", BACKENDS)
def test_results_that_take_too_long_to_be_deleted_are_lost(scratch: Scratch, backend: str) -> None:
    method = "def __del__(self):\n    if is_here(): hang()"
    scratch.cases(cases(method, backend=repr(backend)))
    session = scratch.run_apart("-W", "ignore", report=True)
    equal_but_3(session, "LOST", DELETING)
    assert "not run" not in session.out


def test_a_warning_that_takes_too_long_to_be_loaded_is_shown_as_its_text(scratch: Scratch) -> None:
    scratch.cases(
        """
        import warnings

        class Endless(UserWarning):
            def __setstate__(self, state):
                while is_here():
                    pass

        @pytest.mark.parwork(backend="processes:fork", workers=2, timeout=1)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            if not is_here():
                warning = Endless("said there alone")
                warning.n = n
                warnings.warn(warning)
            return n
        """
    )
    session = scratch.run_apart("-W", "default")
    assert session.counts == {"passed": 2, "warnings": 2}
    assert "Endless: said there alone" in session.out


def test_several_configurations_are_not_shown_without_end(scratch: Scratch) -> None:
    method = f"def __eq__(self, other): return False\n{HASHABLE}\n"
    method += "def __getstate__(self):\n    if digesting(): hang()\n    return self.__dict__"
    extra = (
        "import sys\n    def digesting():\n        frame = sys._getframe()\n"
        "        while frame and not frame.f_code.co_filename.endswith('digest.py'):\n"
        "            frame = frame.f_back\n        return frame is not None"
    )
    backend = "['threads', 'processes:fork']"
    scratch.cases(cases(method, backend=backend, extra=extra))
    session = scratch.run_apart(report=True)
    assert session.counts == {"passed": 11, "failed": 2}


class TestArguments:
    """Copied for threads, serialised for processes, digested before and after the call."""

    GETSTATE = "def __getstate__(self):\n    if is_here(): hang()\n    return self.__dict__"
    DEEPCOPY = "def __deepcopy__(self, memo): hang()"
    VALUES = "[Endless(3) if n == 3 else n for n in range(6)], ids=range(6)"

    @pytest.mark.parametrize(
        "backend", ["processes:fork", slow("joblib"), slow("dask"), slow("isolated:spawn")]
    )
    def test_one_that_takes_too_long_to_be_serialised_fails_its_case(
        self, scratch: Scratch, backend: str
    ) -> None:
        scratch.cases(cases(self.GETSTATE, backend=repr(backend), values=self.VALUES, result="1"))
        session = scratch.run_apart(report=True)
        equal_but_3(session, "NOT_SENT", "argument 'n' could not be serialised within 1 s")
        why = session.run("test_it.py::test_it")["cases"][3]["not_sent"]
        assert why["reason"] == "argument"

    @pytest.mark.parametrize("method", [GETSTATE, DEEPCOPY])
    def test_one_that_takes_too_long_to_be_copied_is_passed_as_it_is(
        self, scratch: Scratch, method: str
    ) -> None:
        values = self.VALUES
        if "deepcopy" in method:
            values = values.replace("Endless(3)", "Endless(__import__('threading').Lock())")
        scratch.cases(cases(method, values=values, result="1"))
        session = scratch.run_apart(report=True)
        assert session.counts == {"passed": 7}

    @pytest.mark.sweep
    def test_many_of_a_class_that_takes_too_long_cost_its_time_once(self, scratch: Scratch) -> None:
        values = "[Endless(n) for n in range(200)]"
        scratch.cases(cases(self.GETSTATE, values=values, result="1"))
        assert scratch.run_apart(deadline=30).counts == {"passed": 201}

    @pytest.mark.parametrize(("backend", "verdict"), [("serial", "EQUAL"), ("threads", "LOST")])
    def test_one_that_takes_too_long_to_be_digested(
        self, scratch: Scratch, backend: str, verdict: str
    ) -> None:
        method = "def __getstate__(self):\n    if digesting(): hang()\n    return self.__dict__"
        extra = (
            "import sys\n    def digesting():\n        frame = sys._getframe()\n"
            "        while frame and not frame.f_code.co_filename.endswith('inputs.py'):\n"
            "            frame = frame.f_back\n        return frame is not None"
        )
        values = "[[Endless(3)] if n == 0 else n for n in range(6)], ids=range(6)"
        text = cases(method, backend=repr(backend), extra=extra, values=values, result="1")
        scratch.cases(text.replace("workers=2, ", "" if backend == "serial" else "workers=2, "))
        session = scratch.run_apart(report=True)
        assert session.verdicts("test_it.py::test_it")["0"] == verdict
        assert session.counts["passed"] == 6 + (verdict == "EQUAL")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_result_that_takes_too_long_to_be_stored_is_lost(scratch: Scratch, backend: str) -> None:
    method = "def __getstate__(self):\n    if not is_here(): hang()\n    return self.__dict__"
    scratch.cases(cases(method, backend=repr(backend)))
    equal_but_3(scratch.run_apart(report=True), "LOST", "timed out after 1 s")


def test_the_backend_serial_has_the_same_limits(scratch: Scratch) -> None:
    method = "def __reduce_ex__(self, protocol): hang()"
    text = cases(method, backend="'serial'").replace("workers=2, ", "")
    scratch.cases(text)
    equal_but_3(scratch.run_apart(report=True), "LOST", "timed out after 1 s")


@pytest.mark.parametrize("backend", ["threads", "processes:fork"])
def test_an_exception_of_the_serial_run_whose_text_has_no_end_is_lost(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(
        f"""
        class Endless(Exception):
            def __str__(self):
                while is_here():
                    pass
                return "text"

        @pytest.mark.parwork(backend="{backend}", workers=2, timeout=1)
        @pytest.mark.parametrize("n", range(6))
        def test_it(n):
            if n == 3:
                raise Endless(n)
            return n
        """
    )
    session = scratch.run_apart(report=True)
    told = "it raised Endless in the serial run, and str() of the exception took longer than 1 s"
    equal_but_3(session, "LOST", told)
    assert session.run("test_it.py::test_it")["cases"][3]["lost"]["leg"] == "serial"


class TestCalls:
    CALLS = """
        from pytest_parwork import LostError, MismatchError

        def hang():
            while True:
                time.sleep(0.01)

        class Endless:
            def __init__(self, n):
                self.n = n
            {method}

        def work(n):
            return Endless(n) if n == 3 else n

        def test_it(parwork):
            with pytest.raises({error}, match={match!r}):
                parwork.map(work, range(6), backend="{backend}", workers=2, timeout=1)
        """

    @pytest.mark.parametrize(
        ("method", "error", "match", "verdict"),
        [
            ("def __setstate__(self, state): hang()", "LostError", LOADING, "LOST"),
            ("def __eq__(self, other): hang()", "MismatchError", COMPARING, "DIFFERENT"),
            (
                "def __del__(self):\n                is_here() and hang()",
                "LostError",
                DELETING,
                "LOST",
            ),
        ],
    )
    def test_they_have_the_same_limits(
        self, scratch: Scratch, method: str, error: str, match: str, verdict: str
    ) -> None:
        scratch.cases(
            self.CALLS.format(method=method, error=error, match=match, backend="processes:fork")
        )
        session = scratch.run_apart(report=True)
        assert session.counts == {"passed": 1}
        cases = session.run("test_it.py::test_it::map[0]")["cases"]
        assert [case["verdict"] for case in cases] == ["EQUAL"] * 3 + [verdict] + ["EQUAL"] * 2


class TestTheAlarmOfAnotherPlugin:
    @pytest.mark.parametrize(
        ("method", "verdict", "told"),
        [
            (f"def __eq__(self, other): hang()\n{HASHABLE}", "DIFFERENT", COMPARING),
            ("def __setstate__(self, state): hang()", "LOST", LOADING),
        ],
    )
    def test_it_is_as_it_was_and_ours_holds(
        self, scratch: Scratch, method: str, verdict: str, told: str
    ) -> None:
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
        scratch.cases(cases(method, backend="'processes:fork'"))
        equal_but_3(scratch.run_apart(report=True), verdict, told)
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL

    def test_one_that_comes_first_ends_the_comparison(self, scratch: Scratch) -> None:
        scratch.write(
            "conftest.py",
            """
            import signal
            import pytest

            @pytest.hookimpl(wrapper=True)
            def pytest_runtest_call(item):
                def ring(*_):
                    pytest.fail("theirs")

                signal.signal(signal.SIGALRM, ring)
                signal.setitimer(signal.ITIMER_REAL, 0.5)
                try:
                    return (yield)
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
                    signal.signal(signal.SIGALRM, signal.SIG_DFL)
            """,
        )
        method = f"def __eq__(self, other): hang()\n{HASHABLE}"
        text = cases(method, backend="'processes:fork'").replace("timeout=1", "timeout=50")
        scratch.cases(text)
        session = scratch.run_apart(report=True, deadline=40)
        assert session.counts == {"passed": 6, "failed": 1}
        assert "theirs" in session.out
