"""Everyday options of pytest: selecting, stopping, running again, looking without running."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from .scratch import Scratch

#: A line of `--durations`: seconds, phase, node id.
DURATION = re.compile(r"(\d+\.\d+)s (\w+) +(\S+)$")

CASES = """
    @pytest.mark.parwork(backend="processes:fork", workers=2)
    @pytest.mark.parametrize("n", range(4))
    def test_it(n):
        note(n)
        return n if n != 2 else is_here()

    def test_other():
        note("other")
    """


def ran(scratch: Scratch) -> tuple[list[str], list[str]]:
    """Return what ran in workers and what ran here, sorted."""
    notes = [note.split() for note in scratch.notes()]
    there = sorted(text for text, place in notes if place == "there")
    return there, sorted(text for text, place in notes if place == "here")


@pytest.mark.parametrize(
    ("options", "cases"),
    [
        (["-k", "0 or 3"], ["0", "3"]),
        (["test_it.py::test_it[1]"], ["1"]),
        (["test_it.py::test_it[3]", "test_it.py::test_it[0]"], ["0", "3"]),
        (
            ["--deselect", "test_it.py::test_it[2]", "--deselect", "test_it.py::test_it[1]"],
            ["0", "3"],
        ),
    ],
)
def test_only_what_is_selected_is_sent_and_a_part_is_never_judged(
    scratch: Scratch, options: list[str], cases: list[str]
) -> None:
    scratch.cases(CASES)
    session = scratch.run(*options, report=True)
    there, here = ran(scratch)
    assert there == cases
    assert [case for case in here if case != "other"] == cases
    assert list(session.verdicts("test_it.py::test_it")) == [
        id.partition("[")[2].removesuffix("]") for id in session.cases if "[" in id
    ]
    assert session.run("test_it.py::test_it")["exercised"] is None
    assert session.run("test_it.py::test_it")["verdict"] == "EQUAL"
    assert "NOT EXERCISED" not in session.text


def test_nothing_is_sent_when_only_other_tests_are_selected(scratch: Scratch) -> None:
    scratch.cases(CASES)
    session = scratch.run("-k", "other")
    assert ran(scratch) == ([], ["other"])
    assert session.section == []


def test_marked_tests_can_be_selected_by_the_marker(scratch: Scratch) -> None:
    scratch.cases(CASES)
    assert scratch.run("-m", "parwork").counts == {"passed": 3, "failed": 1, "deselected": 1}
    assert scratch.run("-m", "not parwork").counts == {"passed": 1, "deselected": 4}


class TestLastFailed:
    def test_it_runs_the_cases_that_failed_until_they_pass(self, scratch: Scratch) -> None:
        scratch.cases(CASES)
        scratch.run()
        scratch.notes()
        first = scratch.run("--ff", report=True)
        assert next(iter(first.cases)) == "test_it.py::test_it[2]"
        assert ran(scratch) == (["0", "1", "2", "3"], ["0", "1", "2", "3", "other"])
        assert first.run("test_it.py::test_it")["exercised"] is True
        last = scratch.run("--lf", report=True)
        assert ran(scratch) == (["2"], ["2"])
        assert last.counts["failed"] == 1
        assert last.run("test_it.py::test_it")["exercised"] is None
        scratch.cases(CASES.replace("is_here()", "n"))
        assert scratch.run("--lf").counts["passed"] == 1

    def test_stepwise_goes_on_where_it_stopped(self, scratch: Scratch) -> None:
        scratch.cases(CASES)
        assert scratch.run("--sw").counts == {"passed": 2, "failed": 1}
        scratch.cases(CASES.replace("is_here()", "n"))
        assert scratch.run("--sw").counts["passed"] == 3


class TestStopping:
    @pytest.mark.parametrize("option", ["-x", "--maxfail=1"])
    def test_the_first_difference_stops_the_session(self, scratch: Scratch, option: str) -> None:
        scratch.cases(CASES)
        session = scratch.run(option, report=True)
        assert session.counts == {"passed": 2, "failed": 1}
        assert session.verdicts("test_it.py::test_it") == {
            "0": "EQUAL",
            "1": "EQUAL",
            "2": "DIFFERENT",
        }
        assert session.run("test_it.py::test_it")["exercised"] is None

    def test_later_workloads_are_not_started(self, scratch: Scratch) -> None:
        scratch.cases(
            CASES
            + """
    @pytest.mark.parwork(backend="threads", workers=2)
    @pytest.mark.parametrize("n", "ab")
    def test_later(n):
        note(n)
    """
        )
        scratch.run("-x")
        assert "a" not in ran(scratch)[0]


class TestLookingOnly:
    @pytest.mark.parametrize("option", ["--collect-only", "--setup-plan", "--setup-only"])
    def test_nothing_runs(self, scratch: Scratch, option: str) -> None:
        scratch.cases(CASES)
        session = scratch.run(option)
        assert session.code == 0
        assert session.section == []
        there, here = ran(scratch)
        assert there == []
        assert not {"0", "1", "2", "3"} & set(here)

    def test_setups_are_shown_with_wide_fixtures_once(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.fixture(scope="module")
            def wide(): note("made")

            @pytest.mark.parwork(backend="processes:fork", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, wide): note("ran")
            """
        )
        session = scratch.run("--setup-plan")
        assert sum("SETUP    M wide" in line for line in session.lines) == 1
        assert scratch.notes() == []
        session = scratch.run("--setup-show")
        assert sum("SETUP    M wide" in line for line in session.lines) == 1
        assert session.counts == {"passed": 2}
        assert scratch.notes().count("made here") == 1


class TestDebugging:
    def test_pdb_fans_nothing_out_and_still_takes_returned_values(self, scratch: Scratch) -> None:
        scratch.cases(CASES)
        session = scratch.run("--pdb")
        assert session.counts == {"passed": 5}
        assert ran(scratch) == ([], ["0", "1", "2", "3", "other"])
        assert "PytestReturnNotNoneWarning" not in session.text

    @pytest.mark.parametrize("fails", [True, False])
    def test_trace_begins_in_the_body(self, scratch: Scratch, fails: bool) -> None:
        scratch.cases(
            "@pytest.mark.parwork\n@pytest.mark.parametrize('n', [41])\n"
            f"def test_it(n):\n    found = note(n)\n    assert n == {42 if fails else 41}\n"
            "    return n\n"
        )
        with scratch.write("typed.txt", "continue\n").open() as typed:
            session = scratch.start("--trace", stdin=typed).finish()
        assert "-> found = note(n)" in session.text
        assert session.counts == ({"failed": 1} if fails else {"passed": 1})
        assert scratch.notes() == ["41 here"]

    def test_it_opens_the_debugger_in_the_body(self, scratch: Scratch) -> None:
        scratch.cases(
            "@pytest.mark.parwork\n@pytest.mark.parametrize('n', [41])\n"
            "def test_it(n):\n    assert n == 42\n"
        )
        session = scratch.run_apart("--pdb")
        assert "-> assert n == 42" in session.text


class TestOtherOptions:
    @pytest.mark.parametrize("processes", ["", pytest.param("-n2", marks=pytest.mark.sweep)])
    def test_durations_show_the_serial_run_and_the_parallel_one_apart(
        self, scratch: Scratch, processes: str
    ) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend=["threads", "processes:fork"], workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n): is_here() or time.sleep(0.2)

            def test_calls(parwork): parwork.map(abs, [1, 2], backend="threads", workers=2)
            """
        )
        if processes:
            pytest.importorskip("xdist")
        options = ["-p", "xdist", processes] if processes else []
        session = scratch.run_apart("--durations=0", "-vv", *options)
        shown = [found.groups() for line in session.lines if (found := DURATION.match(line))]
        assert sum(what == "call" for _, what, _ in shown) == 4 + 1
        runs = {id: float(time) for time, what, id in shown if what == "parwork"}
        assert sorted(runs) == [
            "test_it.py::test_it[processes:fork-2]",
            "test_it.py::test_it[threads-2]",
        ]
        assert min(runs.values()) >= 0.2

    def test_durations_count_wide_fixtures_with_the_first_case(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.fixture(scope="module")
            def slow(): time.sleep(0.05)

            @pytest.mark.parwork(backend="threads", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, slow): pass
            """
        )
        reports = scratch.run().recorder.reports
        first, second = [r.duration for r in reports if r.when == "setup"]
        assert first >= 0.05 > second

    def test_durations_count_wide_fixtures_once_where_a_case_is_rerun(
        self, scratch: Scratch
    ) -> None:
        pytest.importorskip("pytest_rerunfailures")
        scratch.cases(
            """
            @pytest.fixture(scope="module")
            def slow(): time.sleep(0.05)

            @pytest.mark.parwork(backend="threads", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, slow): assert n
            """
        )
        session = scratch.run("-p", "pytest_rerunfailures", "--reruns=1")
        first, second, _ = [r.duration for r in session.recorder.reports if r.when == "setup"]
        assert first >= 0.05 > second

    def test_progress_summary_and_junit_have_the_cases_and_no_run(self, scratch: Scratch) -> None:
        scratch.cases(CASES)
        session = scratch.run("-v", "-l", "-rA", "--junitxml=junit.xml", "--durations=5")
        assert session.counts == {"passed": 4, "failed": 1}
        assert "collected 5 items" in session.text
        assert sum(line.endswith("%]") for line in session.lines) == 5
        ends = [line.split()[:2] for line in session.lines if line.startswith(("PASSED", "FAILED"))]
        assert ends == [["PASSED", f"test_it.py::test_it[{n}]"] for n in (0, 1, 3)] + [
            ["PASSED", "test_it.py::test_other"],
            ["FAILED", "test_it.py::test_it[2]"],
        ]
        rows = ET.parse(scratch.path / "junit.xml").iter("testcase")
        assert [row.get("name") for row in rows] == [f"test_it[{n}]" for n in range(4)] + [
            "test_other"
        ]

    @pytest.mark.parametrize("style", ["auto", "long", "short", "line", "native", "no"])
    def test_each_traceback_style_names_the_difference_in_the_summary(
        self, scratch: Scratch, style: str
    ) -> None:
        scratch.cases(CASES)
        (line,) = scratch.run(f"--tb={style}").summary
        assert line.startswith("FAILED test_it.py::test_it[2] - DIFFERENT: serial True, ")

    @pytest.mark.parametrize(
        ("option", "is_shown"), [("-qq", False), ("-q", False), ("-v", True), ("-vv", True)]
    )
    def test_quiet_and_verbose_sessions_end_alike(
        self, scratch: Scratch, option: str, is_shown: bool
    ) -> None:
        scratch.cases(CASES)
        session = scratch.run(option)
        assert session.code == 1
        assert session.title == "parwork: 1 workload, 1 case DIFFERENT"
        assert (len(session.section) > 1) is is_shown
        assert len(session.summary) == 1

    def test_without_the_plugin_the_marker_is_a_mark_like_others(self, scratch: Scratch) -> None:
        scratch.write("pytest.ini", "[pytest]\nmarkers = parwork: of a plugin\n")
        scratch.cases(CASES.replace("return n if", "assert n >= 0 if"))
        session = scratch.run_apart("-p", "no:parwork")
        assert session.counts == {"passed": 5}
        assert session.section == []
        assert ran(scratch) == ([], ["0", "1", "2", "3", "other"])

    def test_cases_in_several_files_are_workloads_of_their_own(self, scratch: Scratch) -> None:
        text = """
            @pytest.mark.parwork(backend="threads", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n): return n
            """
        scratch.cases(text, path="test_a.py")
        scratch.cases(text, path="test_b.py")
        session = scratch.run(report=True)
        assert [run["id"] for run in session.report["runs"]] == [
            "test_a.py::test_it",
            "test_b.py::test_it",
        ]
