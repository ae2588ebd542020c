"""Subtests: recorded in workers and compared, reported by pytest once."""

from __future__ import annotations

import importlib.util

import pytest

from .scratch import Scratch, returning

#: pytest 9 has the fixture itself, before it a plugin has.
PLUGIN: tuple[str, ...] = ()
if importlib.util.find_spec("_pytest.subtests") is None:
    pytest.importorskip("pytest_subtests")
    PLUGIN = ("-p", "subtests")

DAILY_OF_EACH = 3

BACKENDS = ["processes:fork", "processes:spawn", "threads"]

CASES = """
    pytestmark = [pytest.mark.parwork(workers=2{verify}), pytest.mark.parametrize("n", range(2))]

    def test_passes(n, subtests):
        for i in range(3):
            with subtests.test(i=i): assert i >= 0
        return n

    def test_fails(n, subtests):
        for i in range(3):
            with subtests.test("part", i=i): assert i != n
        return n

    @pytest.fixture
    def around(subtests): return subtests

    def test_skips(n, around):
        with around.test(): pytest.skip("why")
        with around.test(i=1): raise SystemExit
    """

#: What pytest itself makes of them.
COUNTS = {"passed": 2, "failed": 8, "subtests passed": 10, "subtests skipped": 2}


def outcomes(text: str) -> str:
    return text.splitlines()[-1].partition(" in ")[0].strip("= ")


@pytest.mark.parametrize("verify", ["", ", verify=0"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_pytest_reports_them_as_without_the_plugin(
    scratch: Scratch, backend: str, verify: str
) -> None:
    scratch.cases(CASES.format(verify=verify))
    plain = scratch.run_apart(*PLUGIN, "-p", "no:parwork", "-W", "ignore", *returning())
    session = scratch.run_apart(*PLUGIN, f"--parwork-backend={backend}", report=True)
    assert outcomes(session.out) == outcomes(plain.out), session.text
    assert "DIFFERENT" not in session.text
    verdicts = {case["verdict"] for run in session.report["runs"] for case in run["cases"]}
    assert verdicts == {"NOT_VERIFIED" if verify else "EQUAL"}


def test_a_subtest_that_ends_otherwise_is_a_difference(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n, subtests):
            with subtests.test("first"): pass
            with subtests.test(n=n): assert is_here()
            return n
        """
    )
    session = scratch.run_apart(*PLUGIN, report=True)
    assert session.counts["failed"] == 2
    assert set(session.verdicts("test_it.py::test_it").values()) == {"DIFFERENT"}
    assert "[first] passed, subtest: (n=0) failed" in " ".join(session.text.split())


def test_with_x_both_runs_stop_at_the_first_that_fails(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="processes:fork", workers=2)
        def test_it(subtests):
            for i in range(3):
                note(i)
                with subtests.test(i=i): assert i != 1
        """
    )
    session = scratch.run_apart(*PLUGIN, "-x")
    assert "DIFFERENT" not in session.text
    assert sorted(scratch.notes()) == ["0 here", "0 there", "1 here", "1 there"]
