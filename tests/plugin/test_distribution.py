"""The distribution by pytest-xdist: each workload to one of its processes, each case once."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from .scratch import Scratch, Session, until

pytest.importorskip("xdist")

WORKLOADS = """
    @pytest.fixture(scope="module", params=[1, 2])
    def wide(request): return [request.param]

    @pytest.mark.parwork(backend=["threads", "processes:fork"], workers=2)
    @pytest.mark.parametrize("n", range(3))
    def test_matrix(n, wide):
        note(f"matrix {n} {wide[0]}")
        return n, wide

    @pytest.mark.parametrize("n", range(20))
    def test_free(n):
        time.sleep(0.05)

    class TestInside:
        @pytest.mark.parwork(backend="threads", workers=2, min_speedup=1e9)
        @pytest.mark.parametrize("n", ["a[b", "a::b[", "c"])
        def test_odd(self, n, wide):
            note(f"odd {n} {wide[0]}")
            return n
    """


def run(scratch: Scratch, *options: str, processes: int = 2) -> Session:
    return scratch.run_apart("-p", "xdist", f"-n{processes}", "-v", *options, report=True)


def processes_of(session: Session, function: str) -> set[str]:
    """Return the processes of xdist that ran items of a test function."""
    lines = [line for line in session.lines if f"::{function}" in line]
    return {found[1] for line in lines if (found := re.match(r"\[(gw\d+)\] .*(PASS|SKIP)", line))}


def sent(notes: list[str]) -> Counter[str]:
    """Return how often each case was run in a worker of parwork."""
    return Counter(note.removesuffix(" there") for note in notes if "there" in note)


#: How often each case runs in a worker: once a configuration.
ONCE = {
    **{f"matrix {n} {wide}": 2 for n in range(3) for wide in (1, 2)},
    **{f"odd {n} {wide}": 1 for n in ("a[b", "a::b[", "c") for wide in (1, 2)},
}


@pytest.mark.parametrize("folder", [".", "odd[1]/it's [1::2"])
def test_all_of_a_workload_is_on_one_process(scratch: Scratch, folder: str) -> None:
    scratch.write("pytest.ini", "[pytest]\npythonpath = .\n")
    scratch.cases(WORKLOADS, path=f"{folder}/test_it.py")
    session = run(scratch)
    assert session.counts == {"passed": 12 + 20 + 6, "skipped": 1}
    assert len(processes_of(session, "test_matrix")) == 1
    assert len(processes_of(session, "test_odd")) == 1
    assert len(processes_of(session, "test_free")) == 2
    notes = scratch.notes()
    assert sent(notes) == ONCE
    # Its reference is computed once for all configurations.
    here = Counter(note for note in notes if note.startswith("matrix") and note.endswith(" here"))
    assert here == {f"matrix {n} {wide} here": 1 for n in range(3) for wide in (1, 2)}


@pytest.mark.sweep  # three processes of pytest each
@pytest.mark.parametrize("options", [["--dist=load"], ["-d"], ["--dist=loadscope"]])
def test_where_the_user_chose_otherwise_each_case_runs_once(
    scratch: Scratch, options: list[str]
) -> None:
    scratch.cases(WORKLOADS)
    session = run(scratch, *options)
    assert session.counts == {"passed": 12 + 20 + 6, "skipped": 1}
    assert sent(scratch.notes()) == ONCE


def test_that_of_a_conftest_goes_before_ours(scratch: Scratch) -> None:
    scratch.write(
        "conftest.py",
        """
        from xdist.scheduler import LoadFileScheduling

        def pytest_xdist_make_scheduler(config, log):
            return LoadFileScheduling(config, log)
        """,
    )
    scratch.cases(WORKLOADS)
    session = run(scratch)
    assert "scheduling tests via LoadFileScheduling" in session.text
    assert len(processes_of(session, "test_free")) == 1
    assert session.counts == {"passed": 12 + 20 + 6, "skipped": 1}


@pytest.mark.sweep  # three processes of pytest each
@pytest.mark.parametrize("options", [["--dist=worksteal"], ["--dist=each"]])
def test_stolen_and_repeated_cases_are_equal_and_reported_once(
    scratch: Scratch, options: list[str]
) -> None:
    scratch.cases(WORKLOADS)
    session = run(scratch, *options)
    times = 2 if options == ["--dist=each"] else 1
    assert session.counts == {"passed": times * 38, "skipped": times}
    assert [len(run["cases"]) for run in session.report["runs"]] == [6, 6, 6]
    assert session.title.startswith("parwork: 2 workloads, ")


@pytest.mark.sweep  # three processes of pytest each
def test_zero_processes_are_as_without_xdist(scratch: Scratch) -> None:
    scratch.cases(WORKLOADS)
    session = run(scratch, processes=0)
    assert session.counts == {"passed": 12 + 20 + 6, "failed": 1}  # the speed is judged
    assert session.run("test_it.py::TestInside::test_odd")["exercised"] is True
    assert sent(scratch.notes()) == ONCE


def test_a_process_that_dies_takes_one_case_with_it(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(6))
        def test_it(n):
            note(n)
            if n == 2 and is_here():
                os._exit(3)
            return n
        """
    )
    session = run(scratch)
    assert session.counts == {"passed": 5, "failed": 1}
    assert "crashed while running 'test_it.py::test_it[2]'" in session.text
    assert session.verdicts("test_it.py::test_it") == dict.fromkeys("01345", "EQUAL")
    # The process in its place sends what is left.
    assert sent(scratch.notes()) == {str(n): 1 if n < 3 else 2 for n in range(6)}


@pytest.mark.sweep  # one that dies is asked daily; test_leftovers.py kills pytest itself
def test_a_process_that_is_killed_leaves_no_workers(scratch: Scratch) -> None:
    scratch.cases(
        """
        import signal

        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(6))
        def test_it(n):
            if n == 3 and not is_here() and not os.path.exists("killed"):
                open("killed", "w").close()
                os.kill(os.getppid(), signal.SIGKILL)
                time.sleep(600)
            return n
        """
    )
    apart = scratch.start("-p", "xdist", "-n2", report=True)
    session = apart.finish()
    assert session.counts == {"passed": 5, "failed": 1}
    assert "crashed while running 'test_it.py::test_it[0]'" in session.text
    assert session.verdicts("test_it.py::test_it") == dict.fromkeys("12345", "EQUAL")
    assert until(lambda: not apart.members())


@pytest.mark.sweep
def test_a_workload_of_more_cases_than_there_are_tests_for_each_process(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            note(n)
            return n
        """
    )
    session = run(scratch)
    assert session.counts == {"passed": 2}
    assert len(processes_of(session, "test_it")) == 1
    assert sent(scratch.notes()) == {"0": 1, "1": 1}


def test_a_session_without_a_workload_is_shared_as_ever(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parametrize("n", range(4))
        def test_it(n, worker_id): note(worker_id)
        """
    )
    session = run(scratch)
    assert "scheduling tests via LoadScheduling" in session.text
    assert processes_of(session, "test_it") == {"gw0", "gw1"}
    assert session.section == []


@pytest.mark.sweep  # three processes of pytest each
def test_strict_mode_says_why_it_judges_nothing(scratch: Scratch) -> None:
    scratch.cases("@pytest.mark.parwork(backend='threads')\ndef test_it(): return 1\n")
    session = run(scratch, "--parwork-strict", "-rs")
    assert session.counts == {"passed": 1, "skipped": 1}
    assert "may have received too few cases to overlap" in session.text
