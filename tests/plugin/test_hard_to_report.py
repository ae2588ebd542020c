"""Failures that pytest can hardly report, or not at all."""

from __future__ import annotations

from .scratch import Scratch


def test_a_report_in_a_fork_shows_a_part_of_a_long_chain(scratch: Scratch) -> None:
    """The time of pytest's report grows with the square of the length: 17 s for 3,000."""
    scratch.write(
        "conftest.py",
        """
        import pytest
        from noting import is_here, note

        def length_of(error):
            length = 0
            while error is not None:
                error, length = error.__cause__, length + 1
            return length

        @pytest.fixture
        def error():
            errors = []
            yield errors
            if errors and not is_here():
                note(f"afterwards {length_of(errors[0])}")

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_makereport(call):
            if call.excinfo is not None and not is_here():
                note(f"shown {length_of(call.excinfo.value)}")
        """,
    )
    scratch.cases(
        """
        @pytest.mark.parwork(backend="isolated:fork", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n, error):
            if n == 0 or is_here():
                return n
            last = None
            for number in range(500):
                new = ValueError(str(number))
                new.__cause__, last = last, new
            error.append(last)
            raise last
        """
    )
    session = scratch.run_apart(report=True)
    assert session.counts == {"passed": 1, "failed": 1}
    verdicts = [case["verdict"] for case in session.run("test_it.py::test_it")["cases"]]
    assert verdicts == ["EQUAL", "DIFFERENT"]
    shown, afterwards = scratch.notes()
    assert int(shown.split()[1]) <= 101
    assert afterwards == "afterwards 500 there"


def test_an_exception_that_pytest_cannot_report_is_the_outcome_of_its_case(
    scratch: Scratch,
) -> None:
    scratch.cases(
        """
        class Hostile(Exception):
            def __getattribute__(self, name):
                raise RuntimeError("no attribute")

        def nonsense():
            return SyntaxError("bad", (5, "one", object(), 7))

        @pytest.mark.parwork(backend="isolated:fork", workers=2)
        @pytest.mark.parametrize("make", [Hostile, nonsense])
        def test_it(make):
            if not is_here():
                raise make()
        """
    )
    session = scratch.run_apart(report=True)
    cases = session.run("test_it.py::test_it")["cases"]
    assert [case["verdict"] for case in cases] == ["DIFFERENT", "DIFFERENT"]
    for name in ["test_it.Hostile", "SyntaxError: bad"]:
        assert f"DIFFERENT: serial value None, isolated:fork-2 {name}\n" in session.out
