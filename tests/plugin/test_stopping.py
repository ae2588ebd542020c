"""`-x` and `--maxfail` during a parallel run: it stops, and no outcome is lost."""

from __future__ import annotations

import pytest

from .scratch import Scratch, slow

BACKENDS = [
    "processes:fork",
    slow("multiprocessing:fork"),
    "threads",
    "joblib",
    slow("joblib:threading"),
]

#: Two cases fail early, and many that take some time come behind them.
FAILING = """
    @pytest.mark.parwork(backend="{backend}", workers=2, chunksize=1)
    @pytest.mark.parametrize("n", [{marked}*range(1, {count})])
    def test_it(n):
        note(n)
        assert n not in (2, 5)
        if n > 5 and not is_here():
            time.sleep(0.05)
        return n
    """


def begun(scratch: Scratch) -> set[int]:
    """Return the cases that were begun in workers."""
    notes = [note.split() for note in scratch.notes()]
    return {int(text) for text, place in notes if place == "there"}


@pytest.mark.parametrize(
    ("option", "passed", "failed"),
    [("-x", 2, 1), pytest.param("--maxfail=1", 2, 1, marks=pytest.mark.sweep)],
)
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_run_is_stopped_and_the_first_failure_reported(
    scratch: Scratch, backend: str, option: str, passed: int, failed: int
) -> None:
    stops(scratch, backend, option, passed, failed)


def test_maxfail_counts_to_its_number(scratch: Scratch) -> None:
    stops(scratch, "processes:fork", "--maxfail=2", 4, 2)


def stops(scratch: Scratch, backend: str, option: str, passed: int, failed: int) -> None:
    scratch.cases(FAILING.format(backend=backend, marked="0, ", count=200))
    session = scratch.run_apart(option, report=True)
    assert session.code == 1
    assert session.counts == {"passed": passed, "failed": failed}
    assert "test_it.py::test_it[2] - assert 2 not in (2, 5)" in session.out
    verdicts = session.verdicts("test_it.py::test_it")
    assert set(verdicts.values()) == {"EQUAL"}  # they fail alike
    there = begun(scratch)
    assert {0, 1, 2} <= there
    assert len(there) < 150


@pytest.mark.parametrize("backend", ["processes:fork", "joblib", "threads"])
def test_an_expected_failure_stops_nothing(scratch: Scratch, backend: str) -> None:
    scratch.cases(
        f"""
        @pytest.mark.parwork(backend="{backend}", workers=2, chunksize=1)
        @pytest.mark.parametrize("n", [pytest.param(0, marks=pytest.mark.xfail), *range(1, 30)])
        def test_it(n):
            note(n)
            assert n
            time.sleep(0.01)
            return n
        """
    )
    session = scratch.run_apart("-x", report=True)
    assert session.counts == {"xfailed": 1, "passed": 29}
    assert len(session.verdicts("test_it.py::test_it")) == 30
    assert len(begun(scratch)) == 30


@pytest.mark.parametrize("backend", BACKENDS)
def test_cases_that_are_reached_all_the_same_are_sent_again(scratch: Scratch, backend: str) -> None:
    scratch.write(
        "conftest.py",
        """
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_setup(item):
            # Too late for whoever decides when to stop.
            if item.name == "test_it[2]":
                item.add_marker(pytest.mark.xfail)
        """,
    )
    scratch.cases(
        f"""
        @pytest.mark.parwork(backend="{backend}", workers=2, chunksize=1)
        @pytest.mark.parametrize("n", range(30))
        def test_it(n):
            assert n != 2
            time.sleep(0.03)
            return n
        """
    )
    session = scratch.run_apart("-x", report=True)
    assert session.counts == {"xfailed": 1, "passed": 29}
    verdicts = session.verdicts("test_it.py::test_it")
    assert verdicts == {str(n): "EQUAL" for n in range(30)}


def test_so_they_are_after_an_xfail_inside_a_case(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="processes:fork", workers=2, chunksize=1)
        @pytest.mark.parametrize("n", range(30))
        def test_it(n):
            if n == 2:
                pytest.xfail("not yet")
            time.sleep(0.03)
            return n
        """
    )
    session = scratch.run("-x", report=True)
    assert session.counts == {"xfailed": 1, "passed": 29}
    assert session.verdicts("test_it.py::test_it") == {str(n): "EQUAL" for n in range(30)}


def test_a_difference_and_a_lost_case_stop_it_too(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="processes:fork", workers=2, chunksize=1)
        @pytest.mark.parametrize("n", range(200))
        def test_it(n):
            note(n)
            if n == 1:
                is_here() or os._exit(3)
            if not is_here():
                time.sleep(0.03)
            return n
        """
    )
    session = scratch.run("-x", report=True)
    assert session.counts == {"passed": 1, "failed": 1}
    assert session.verdicts("test_it.py::test_it") == {"0": "EQUAL", "1": "LOST"}
    assert len(begun(scratch)) < 150


@pytest.mark.parametrize("backend", ["processes:fork", "joblib", "threads"])
def test_what_is_compared_first_comes_first(scratch: Scratch, backend: str) -> None:
    scratch.cases(FAILING.format(backend=backend, marked="0, ", count=20))
    scratch.run_apart("-x")
    first = [int(note.split()[0]) for note in scratch.notes() if note.endswith("there")][:2]
    assert set(first) <= {0, 1, 2, 3}  # one worker may run its second before another reports
