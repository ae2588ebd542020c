"""Cases: fanned out, compared with their serial run, passed or failed by both outcomes."""

from __future__ import annotations

import re

import pytest

from .scratch import Scratch

#: For cases that are equal: a failure on threads is looked at again in a new process.
FAST = "@pytest.mark.parwork(backend='threads', workers=2)\n"
FORKED = "@pytest.mark.parwork(backend='processes:fork', workers=2)\n"


def test_equal_cases_pass(scratch: Scratch) -> None:
    scratch.cases(
        f"""
        {FAST}
        @pytest.mark.parametrize("n", range(4))
        def test_square(n):
            return n * n
        """
    )
    session = scratch.run(report=True)
    assert session.counts == {"passed": 4}
    assert session.title == "parwork: 1 workload, all equal to serial"
    assert session.run("test_it.py::test_square")["verdict"] == "EQUAL"


def test_every_case_runs_once_in_a_worker_and_once_here(scratch: Scratch) -> None:
    scratch.cases(
        f"""
        {FORKED}
        @pytest.mark.parametrize("n", range(3))
        def test_noted(n):
            note(n)
            return n
        """
    )
    scratch.run()
    assert sorted(scratch.notes()) == [
        f"{n} {place}" for n in range(3) for place in ("here", "there")
    ]


def test_an_unparametrized_test_is_a_workload_of_one_case(scratch: Scratch) -> None:
    scratch.cases(FAST + "def test_alone(): return 1\n")
    session = scratch.run(report=True)
    assert session.counts == {"passed": 1}
    assert session.verdicts("test_it.py::test_alone") == {"": "EQUAL"}
    assert session.run("test_it.py::test_alone")["exercised"] is False
    assert session.title == "parwork: 1 workload, NOT EXERCISED"


def test_the_bare_marker_means_joblib_on_all_cpus_everything_verified(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork
        @pytest.mark.parametrize("n", range(3))
        def test_plain(n):
            return n
        """
    )
    session = scratch.run_apart(report=True)
    assert session.counts == {"passed": 3}
    configuration = session.run("test_it.py::test_plain")["configuration"]
    assert configuration["id"] == "joblib-auto"
    assert configuration["start_method"] == "loky"
    assert configuration["workers"]["resolved"] >= 2


def test_only_the_cases_that_differ_fail_and_say_where(scratch: Scratch) -> None:
    scratch.cases(
        f"""
        {FORKED}
        @pytest.mark.parametrize("n", range(3))
        def test_place(n):
            return {{"n": n, "place": "serial" if is_here() or n == 0 else "other"}}
        """
    )
    session = scratch.run()
    assert session.cases == {
        "test_it.py::test_place[0]": "passed",
        "test_it.py::test_place[1]": "failed",
        "test_it.py::test_place[2]": "failed",
    }
    assert session.title == "parwork: 1 workload, 2 cases DIFFERENT"
    assert "DIFFERENT at ['place']: serial 'serial', processes:fork-2 'other'" in session.text
    assert session.summary[0].startswith(
        "FAILED test_it.py::test_place[1] - DIFFERENT at ['place']: serial 's"
    )
    assert len(session.summary[0]) <= 80
    assert "pytest_parwork" not in session.text, "nothing of parwork's own code is shown"
    assert 'pytest "test_it.py::test_place[1]" --parwork-serial' in session.text
    assert scratch.run("test_it.py::test_place[1]", "--parwork-serial").counts == {"passed": 1}


@pytest.mark.parametrize(
    ("serial", "parallel", "told"),
    [
        ("1", "2", "serial 1, processes:fork-2 2"),
        ("1", "1.0", "serial 1, processes:fork-2 1.0"),
        ("[1, [2, 3]]", "[1, [2, 4]]", "at [1][1]: serial 3, processes:fork-2 4"),
        ("0.0", "-0.0", "serial 0.0, processes:fork-2 -0.0"),
        ("None", "1", "serial None, processes:fork-2 1"),
        ("1", "None", "serial 1, processes:fork-2 None"),
    ],
)
def test_a_difference_is_shown_as(scratch: Scratch, serial: str, parallel: str, told: str) -> None:
    scratch.cases(
        f"""
        {FORKED}
        @pytest.mark.parametrize("n", range(2))
        def test_value(n):
            return {serial} if is_here() else {parallel}
        """
    )
    session = scratch.run()
    assert session.counts == {"failed": 2}
    assert f"DIFFERENT {told}".replace("DIFFERENT serial", "DIFFERENT: serial") in session.text


class TestFailingAlike:
    def test_it_is_the_failure_of_the_serial_run(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            {FORKED}
            @pytest.mark.parametrize("n", range(3))
            def test_small(n):
                total = n + 1
                assert total < 3
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"passed": 2, "failed": 1}
        assert "E       assert 3 < 3" in session.lines
        assert "total = n + 1" in session.text
        assert session.summary == ["FAILED test_it.py::test_small[2] - assert 3 < 3"]
        assert session.verdicts("test_it.py::test_small") == dict.fromkeys("012", "EQUAL")

    def test_it_looks_as_without_parwork(self, scratch: Scratch) -> None:
        body = "def test_bad(n):\n    raise ValueError(f'bad {n}')\n"
        cases = "@pytest.mark.parametrize('n', [7])\n"
        scratch.cases(f"{cases}{FAST}{body}")
        marked = scratch.run().lines
        scratch.cases(f"{cases}\n{body}")
        plain = scratch.run().lines

        def failure(lines: list[str]) -> list[str]:
            first = next(n for n, line in enumerate(lines) if "test_bad[7]" in line)
            last = next(n for n, line in enumerate(lines) if line.startswith("test_it.py:"))
            return [line for line in lines[first + 1 : last] if "@pytest.mark" not in line]

        assert "E       ValueError: bad 7" in failure(plain)
        assert failure(marked)[-3:] == failure(plain)[-3:]
        assert not any("parwork" in line for line in failure(marked))

    @pytest.mark.parametrize(
        ("statement", "shown"),
        [
            ("raise ValueError('bad', n)", "ValueError: ('bad', 1)"),
            ("raise SystemExit(3)", "SystemExit: 3"),
            ("pytest.fail('no good')", "Failed: no good"),
            ("assert n == 0, 'text'", "AssertionError: text"),
            ("raise BaseException('base')", "BaseException: base"),
            ("raise Odd(1, 2)", "Odd: 1 and 2"),
        ],
    )
    def test_whatever_it_is(self, scratch: Scratch, statement: str, shown: str) -> None:
        scratch.cases(
            f"""
            class Odd(Exception):
                def __init__(self, a, b):
                    super().__init__(f"{{a}} and {{b}}")

            {FORKED}
            @pytest.mark.parametrize("n", range(3))
            def test_raises(n):
                if n == 1:
                    {statement}
                return n
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"passed": 2, "failed": 1}
        assert shown in session.text
        assert session.verdicts("test_it.py::test_raises") == dict.fromkeys("012", "EQUAL")


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("is_here()", "serial ValueError: bad, processes:fork-2 value 1"),
        ("not is_here()", "serial value 1, processes:fork-2 ValueError: bad"),
    ],
)
def test_failing_in_one_leg_only_is_different(scratch: Scratch, condition: str, told: str) -> None:
    scratch.cases(
        f"""
        {FORKED}
        @pytest.mark.parametrize("n", range(2))
        def test_leg(n):
            if n and {condition}:
                raise ValueError("bad")
            return n
        """
    )
    session = scratch.run(report=True)
    assert session.verdicts("test_it.py::test_leg") == {"0": "EQUAL", "1": "DIFFERENT"}
    assert session.cases["test_it.py::test_leg[1]"] == "failed"
    assert f"DIFFERENT: {told}" in session.text


def test_a_failure_of_only_the_worker_shows_its_traceback(scratch: Scratch) -> None:
    scratch.cases(
        f"""
        def deep(n):
            raise KeyError(n)

        {FORKED}
        @pytest.mark.parametrize("n", range(2))
        def test_leg(n):
            return n if is_here() else deep(n)
        """
    )
    session = scratch.run()
    assert "in its worker:" in session.text
    assert re.search(r"test_it.py\", line \d+, in deep", session.text)


def test_different_exceptions_are_different(scratch: Scratch) -> None:
    scratch.cases(
        f"""
        {FORKED}
        @pytest.mark.parametrize("n", range(2))
        def test_raises(n):
            raise (KeyError if is_here() else ValueError)(n)
        """
    )
    session = scratch.run(report=True)
    assert set(session.verdicts("test_it.py::test_raises").values()) == {"DIFFERENT"}
    assert "KeyError" in session.summary[0]
    assert "DIFFERENT: serial KeyError: 0, processes:fork-2 ValueError: 0" in session.text


def test_assertions_on_other_lines_are_different(scratch: Scratch) -> None:
    scratch.cases(
        f"""
        {FORKED}
        @pytest.mark.parametrize("n", range(2))
        def test_lines(n):
            assert is_here()
            assert not is_here()
        """
    )
    session = scratch.run(report=True)
    assert set(session.verdicts("test_it.py::test_lines").values()) == {"DIFFERENT"}


class TestSkips:
    def test_a_skip_in_the_body_is_a_skip(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            {FAST}
            @pytest.mark.parametrize("n", range(3))
            def test_skips(n):
                if n == 1:
                    pytest.skip("not today")
                return n
            """
        )
        session = scratch.run("-rs", report=True)
        assert session.counts == {"passed": 2, "skipped": 1}
        assert "not today" in session.text
        assert session.verdicts("test_it.py::test_skips") == dict.fromkeys("012", "EQUAL")

    def test_a_skip_in_one_leg_only_is_different(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            {FORKED}
            @pytest.mark.parametrize("n", range(2))
            def test_skips(n):
                if is_here():
                    pytest.skip("not here")
                return n
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"failed": 2}
        assert set(session.verdicts("test_it.py::test_skips").values()) == {"DIFFERENT"}
        assert "DIFFERENT: serial skip: not here" in session.text

    @pytest.mark.parametrize(
        "mark",
        [
            "pytest.mark.skip",
            "pytest.mark.skip(reason='why')",
            "pytest.mark.skipif(True, reason='why')",
            "pytest.mark.skipif('1 < 2', reason='why')",
            "pytest.mark.xfail(run=False)",
        ],
    )
    def test_a_case_marked_to_be_skipped_is_never_sent(self, scratch: Scratch, mark: str) -> None:
        scratch.cases(
            f"""
            {FAST}
            @pytest.mark.parametrize("n", [0, pytest.param(1, marks={mark}), 2])
            def test_noted(n):
                note(n)
                return n
            """
        )
        session = scratch.run(report=True)
        assert {note.split()[0] for note in scratch.notes()} == {"0", "2"}
        assert session.verdicts("test_it.py::test_noted") == {
            "0": "EQUAL",
            "1": "NOT_VERIFIED",
            "2": "EQUAL",
        }
        assert session.cases["test_it.py::test_noted[1]"] in ("skipped", "xfailed")
        assert session.title == "parwork: 1 workload, all equal to serial, 1 skipped"

    def test_a_skip_whose_condition_is_false_is_sent(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            {FAST}
            @pytest.mark.skipif(False, reason="why")
            @pytest.mark.parametrize("n", range(2))
            def test_noted(n):
                note(n)
            """
        )
        scratch.run()
        assert len(scratch.notes()) == 4

    def test_no_worker_starts_when_all_are_skipped(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            {FAST}
            @pytest.mark.skip
            @pytest.mark.parametrize("n", range(2))
            def test_noted(n):
                note(n)
            """
        )
        session = scratch.run(report=True)
        run = session.run("test_it.py::test_noted")
        assert session.counts == {"skipped": 2}
        assert scratch.notes() == []
        assert (run["workers_used"], run["verdict"]) == (0, "NOT_VERIFIED")

    def test_a_module_that_is_skipped_sends_nothing(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            pytestmark = pytest.mark.skip
            {FAST}
            def test_noted():
                note(0)
            """
        )
        scratch.run()
        assert scratch.notes() == []


class TestXfail:
    def test_it_works_as_serially(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            {FORKED}
            @pytest.mark.parametrize("n", [0, pytest.param(1, marks=pytest.mark.xfail), 2])
            def test_fails(n):
                assert n != 1
            """
        )
        assert scratch.run().counts == {"passed": 2, "xfailed": 1}

    @pytest.mark.parametrize(
        ("mark", "outcome"),
        [
            ("pytest.mark.xfail", "xpassed"),
            ("pytest.mark.xfail(strict=True)", "failed"),
            ("pytest.mark.xfail(raises=MismatchError)", "xpassed"),
            ("pytest.mark.xfail(raises=MismatchError, strict=True)", "failed"),
        ],
    )
    def test_a_case_that_passes_in_both_legs_is(
        self, scratch: Scratch, mark: str, outcome: str
    ) -> None:
        scratch.cases(
            f"""
            from pytest_parwork import MismatchError
            {FAST}
            {"@" + mark}
            @pytest.mark.parametrize("n", range(2))
            def test_passes(n):
                return n
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {outcome: 2}
        assert session.verdicts("test_it.py::test_passes") == dict.fromkeys("01", "EQUAL")

    @pytest.mark.parametrize("leg", ["is_here()", "not is_here()"])
    @pytest.mark.parametrize(
        "mark",
        [
            "pytest.mark.xfail",
            "pytest.mark.xfail(strict=True)",
            "pytest.mark.xfail(raises=ValueError)",
            "pytest.mark.xfail(raises=AssertionError)",
            "pytest.mark.xfail(raises=(ValueError, AssertionError))",
        ],
    )
    def test_it_cannot_hide_a_difference(self, scratch: Scratch, mark: str, leg: str) -> None:
        scratch.cases(
            f"""
            {FORKED}
            {"@" + mark}
            @pytest.mark.parametrize("n", range(2))
            def test_leg(n):
                if {leg}:
                    raise ValueError("bad")
                return n
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"failed": 2}
        assert set(session.verdicts("test_it.py::test_leg").values()) == {"DIFFERENT"}
        assert "DIFFERENT: serial" in session.text

    @pytest.mark.parametrize(
        "raises", ["MismatchError", "(ValueError, MismatchError)", "ParworkError"]
    )
    def test_it_expresses_a_known_difference(self, scratch: Scratch, raises: str) -> None:
        scratch.cases(
            f"""
            from pytest_parwork import MismatchError, ParworkError
            {FORKED}
            @pytest.mark.xfail(raises={raises}, strict=True)
            @pytest.mark.parametrize("n", range(2))
            def test_place(n):
                return is_here()
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"xfailed": 2}
        assert set(session.verdicts("test_it.py::test_place").values()) == {"DIFFERENT"}

    def test_one_on_a_parameter_expresses_the_difference_of_that_case(
        self, scratch: Scratch
    ) -> None:
        scratch.cases(
            f"""
            from pytest_parwork import MismatchError
            known = pytest.mark.xfail(raises=MismatchError)
            {FORKED}
            @pytest.mark.parametrize("n", [pytest.param(0, marks=known), 1])
            def test_place(n):
                return is_here()
            """
        )
        session = scratch.run()
        assert session.cases == {
            "test_it.py::test_place[0]": "xfailed",
            "test_it.py::test_place[1]": "failed",
        }

    def test_an_imperative_one_is_the_same_in_both_legs(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            {FORKED}
            @pytest.mark.parametrize("n", range(2))
            def test_gives_up(n):
                pytest.xfail("known")
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"xfailed": 2}
        assert set(session.verdicts("test_it.py::test_gives_up").values()) == {"EQUAL"}


class TestEndingTheSession:
    def test_pytest_exit_in_a_case_ends_the_session_as_serially(self, scratch: Scratch) -> None:
        scratch.cases(
            f"""
            {FORKED}
            @pytest.mark.parametrize("n", range(4))
            def test_exits(n):
                if n == 1:
                    pytest.exit("enough", returncode=7)
                return n
            """
        )
        session = scratch.run_apart()
        assert session.code == 7
        assert session.counts == {"passed": 1}
        assert "Exit: enough" in session.text

    def test_a_keyboard_interrupt_in_a_case_ends_the_session_as_serially(
        self, scratch: Scratch
    ) -> None:
        scratch.cases(
            f"""
            {FORKED}
            @pytest.mark.parametrize("n", range(4))
            def test_stops(n):
                if n == 1:
                    raise KeyboardInterrupt
                return n
            """
        )
        session = scratch.run_apart()
        assert session.code == pytest.ExitCode.INTERRUPTED
        assert session.counts == {"passed": 1}

    @pytest.mark.parametrize(
        "statement", ["pytest.exit('enough')", "raise KeyboardInterrupt", "raise SystemExit"]
    )
    @pytest.mark.parametrize("backend", ["threads", "processes:fork", "multiprocessing:fork"])
    def test_an_exception_that_would_end_a_worker_is_the_outcome_of_its_case(
        self, scratch: Scratch, statement: str, backend: str
    ) -> None:
        scratch.cases(
            f"""
            @pytest.mark.parwork(backend="{backend}", workers=2)
            @pytest.mark.parametrize("n", range(4))
            def test_ends(n):
                if n == 1 and not is_here():
                    {statement}
                return n
            """
        )
        session = scratch.run(report=True)
        assert session.verdicts("test_it.py::test_ends") == {
            "0": "EQUAL",
            "1": "DIFFERENT",
            "2": "EQUAL",
            "3": "EQUAL",
        }
        assert session.counts == {"passed": 3, "failed": 1}


class TestReturnedValues:
    def test_pytest_does_not_warn_of_them(self, scratch: Scratch) -> None:
        scratch.cases(FAST + "@pytest.mark.parametrize('n', [1, 2])\ndef test_it(n): return n\n")
        session = scratch.run("-W", "error")
        assert session.counts == {"passed": 2}
        assert "PytestReturnNotNoneWarning" not in session.text

    def test_pytest_still_objects_to_those_of_other_tests(self, scratch: Scratch) -> None:
        scratch.cases("def test_it(): return 1\n")
        session = scratch.run("-W", "default")
        assert "returned" in session.text  # a warning, a failure in pytest 8.4

    @pytest.mark.parametrize(
        ("body", "compared", "row", "title"),
        [
            ("return n", "values", "2 values equal", "all equal to serial"),
            (
                "assert n < 9",
                "outcomes",
                "2 outcomes equal",
                "all equal to serial, 2 compared by outcome only",
            ),
            (
                "return n or None",
                "outcomes",
                "1 value equal",
                "all equal to serial, 1 compared by outcome only",
            ),
        ],
    )
    def test_what_was_compared_is_said(
        self, scratch: Scratch, body: str, compared: str, row: str, title: str
    ) -> None:
        scratch.cases(
            f"""
            {FAST}
            @pytest.mark.parametrize("n", range(2))
            def test_it(n):
                {body}
            """
        )
        session = scratch.run(report=True)
        assert session.run("test_it.py::test_it")["compared"] == compared
        assert session.title == f"parwork: 1 workload, {title}"
        assert row in "\n".join(session.section)
        assert ("no value returned" in session.text) == (compared == "outcomes")


def test_fixtures_that_fail_are_errors_as_serially(scratch: Scratch) -> None:
    scratch.cases(
        f"""
        @pytest.fixture(scope="module")
        def broken():
            raise OSError("no such data")

        {FORKED}
        @pytest.mark.parametrize("n", range(2))
        def test_needs(n, broken):
            note(n)
        """
    )
    session = scratch.run()
    assert session.counts == {"errors": 2}
    assert "OSError: no such data" in session.text
    assert scratch.notes() == []


def test_a_class_here_is_not_the_class_of_a_worker(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="processes:fork", workers=2)
        class TestState:
            def setup_class(cls):
                cls.factor = 3

            @pytest.mark.parametrize("n", range(3))
            def test_times(self, n):
                return self.factor * n
        """
    )
    assert scratch.run().counts == {"passed": 3}


def test_output_of_the_serial_run_is_captured(scratch: Scratch) -> None:
    scratch.cases(
        f"""
        {FORKED}
        @pytest.mark.parametrize("n", range(2))
        def test_prints(n):
            print("told", n, "here" if is_here() else "there")
            assert n
        """
    )
    session = scratch.run()
    assert "told 0 here" in session.text
    assert "told 1 here" not in session.text


def test_other_plugins_hooks_around_the_call_keep_working(scratch: Scratch) -> None:
    scratch.write(
        "conftest.py",
        """
        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_pyfunc_call(pyfuncitem):
            pyfuncitem.user_properties.append(("around", pyfuncitem.obj.__name__))
            return (yield)
        """,
    )
    scratch.cases(FAST + "@pytest.mark.parametrize('n', [1, 2])\ndef test_it(n): return n\n")
    session = scratch.run()
    calls = [report for report in session.recorder.reports if report.when == "call"]
    assert [("around", "test_it") in report.user_properties for report in calls] == [True, True]


def test_an_interrupt_from_the_keyboard_ends_workers_and_session(scratch: Scratch) -> None:
    scratch.cases(
        """
        import subprocess

        @pytest.fixture(scope="module")
        def interrupt():
            command = f"sleep 0.5; kill -INT {os.getpid()}"
            with subprocess.Popen(["sh", "-c", command]):
                yield

        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_sleeps(n, interrupt):
            time.sleep(is_here() or 60)
        """
    )
    session = scratch.run_apart(deadline=30)
    assert session.code == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in session.text
