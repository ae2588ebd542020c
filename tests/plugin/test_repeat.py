"""`repeat=`: each case is several tasks of one run, all compared with the one serial result."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_parwork.plugin.running.repeats import copies_of

from .scratch import Scratch, slow

#: Cases that leave a trace of each task, and use what each task has of its own.
CASES = """
    @pytest.fixture
    def own():
        note("set up")
        yield []
        note("torn down")

    @pytest.mark.parwork(backend="{backend}", repeat=6, workers=2)
    @pytest.mark.parametrize("n", range(3))
    def test_it(n, own, tmp_path):
        (tmp_path / "mine").touch(exist_ok=False)
        own.append(n)
        time.sleep(0.02)
        return own
"""


@pytest.mark.parametrize(
    "backend",
    [
        "threads",
        "processes:fork",
        "joblib",
        "isolated:fork",
        slow("multiprocessing:fork:map"),
        slow("joblib:threading"),
        slow("joblib:multiprocessing"),
        slow("isolated:spawn"),
        slow("dask"),
    ],
)
def test_each_case_is_so_many_tasks_with_fixtures_of_their_own(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(CASES.format(backend=backend))

    session = scratch.run(report=True)

    assert session.counts == {"passed": 3}
    notes = scratch.notes()
    for text in ("set up", "torn down"):
        assert notes.count(f"{text} here") == 3
        assert notes.count(f"{text} there") == 3 * 6
    (run,) = session.report["runs"]
    assert run["verdict"] == "EQUAL"
    tasks = [task for case in run["cases"] for task in case["repeats"]]
    assert [task["verdict"] for task in tasks] == ["EQUAL"] * 18
    assert all(task["seconds"] >= 0.02 and task["worker"] in (1, 2) for task in tasks)
    assert run["exercised"] is True
    assert {task["worker"] for task in tasks} == {1, 2}
    # On isolated ones, one worker may take them all while the other one is starting a process.
    for case in run["cases"] if not backend.startswith("isolated") else ():
        assert {task["worker"] for task in case["repeats"]} == {1, 2}
    serial = sum(case["seconds"]["serial"] for case in run["cases"])
    assert run["timing"]["speedup"] == pytest.approx(6 * serial / run["timing"]["parallel"])
    assert run["timing"]["bound"] <= run["timing"]["parallel"] * 2
    assert "each case 6 times" in session.out


def test_a_single_case_meets_itself(scratch: Scratch) -> None:
    scratch.cases("""
        @pytest.mark.parwork(backend="threads", repeat=20, workers=2)
        def test_it():
            time.sleep(0.005)
            return 1
    """)

    session = scratch.run("--parwork-strict", report=True)

    assert session.counts == {"passed": 2}
    (run,) = session.report["runs"]
    assert (run["exercised"], run["peak_overlap"], run["workers_used"]) == (True, 2, 2)


@pytest.mark.parametrize("backend", ["threads", "processes:fork", slow("joblib")])
def test_one_wrong_task_fails_its_case_and_no_other(scratch: Scratch, backend: str) -> None:
    scratch.cases(f"""
        import pathlib
        here = pathlib.Path(__file__).parent

        @pytest.mark.parwork(backend="{backend}", repeat=5, workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n):
            if n == 1 and not is_here():
                try:
                    (here / "once").mkdir()
                except FileExistsError:
                    pass
                else:
                    return -1
            return n
    """)

    session = scratch.run(report=True)

    assert session.counts == {"passed": 2, "failed": 1}
    assert session.verdicts("test_it.py::test_it") == {"0": "EQUAL", "1": "DIFFERENT", "2": "EQUAL"}
    (run,) = session.report["runs"]
    verdicts = [task["verdict"] for task in run["cases"][1]["repeats"]]
    assert sorted(verdicts) == ["DIFFERENT"] + ["EQUAL"] * 4
    assert "of 5 tasks 1 different, 4 equal" in session.out
    assert "serial 1," in session.summary[0]
    assert "-1" in session.summary[0]


def test_a_tear_down_of_one_task_and_crashes_count(scratch: Scratch) -> None:
    scratch.cases("""
        import pathlib
        here = pathlib.Path(__file__).parent

        def is_first(name):
            if is_here():
                return False
            try:
                (here / name).mkdir()
            except FileExistsError:
                return False
            return True

        @pytest.fixture
        def torn():
            yield
            time.sleep(0.01)
            if not is_first("torn-1") and is_first("torn-2"):
                raise ValueError("one of them")

        @pytest.mark.parwork(backend="processes:fork", repeat=4, workers=2)
        def test_torn(torn):
            return 1

        @pytest.mark.parwork(backend="processes:fork", repeat=3, workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_crash(n):
            if n:
                os._exit(3)
            return n
    """)

    session = scratch.run(report=True)

    assert session.cases["test_it.py::test_torn"] == "error"
    assert session.verdicts("test_it.py::test_torn") == {"": "DIFFERENT"}
    assert "one of them" in session.out
    assert session.verdicts("test_it.py::test_crash") == {"0": "EQUAL", "1": "LOST"}
    crashed = session.run("test_it.py::test_crash")["cases"][1]
    assert [task["verdict"] for task in crashed["repeats"]] == ["LOST"] * 3


def test_failures_of_a_case_count_once_for_the_options_that_stop(scratch: Scratch) -> None:
    scratch.cases("""
        @pytest.mark.parwork(backend="threads", repeat=4, workers=2)
        @pytest.mark.parametrize("n", range(6))
        def test_it(n):
            assert n > 1
    """)

    session = scratch.run("--maxfail=2")
    assert session.counts == {"failed": 2}
    assert [line.split("[")[1][0] for line in session.summary] == ["0", "1"]
    assert all("assert" in line for line in session.summary)

    session = scratch.run("-x", "-k", "[1] or [4]", report=True)
    assert session.counts == {"failed": 1, "deselected": 4}
    assert session.run("test_it.py::test_it")["exercised"] is None


def test_a_case_that_is_not_verified_fails_as_its_first_failing_task(scratch: Scratch) -> None:
    scratch.cases("""
        import pathlib
        here = pathlib.Path(__file__).parent

        @pytest.mark.parwork(backend="threads", repeat=4, workers=2, verify=0)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            try:
                (here / "first").mkdir()
            except FileExistsError:
                if n == 1:
                    raise ValueError("not the first")
            return n
    """)

    session = scratch.run(report=True)

    assert session.counts == {"passed": 1, "failed": 1}
    assert set(session.verdicts("test_it.py::test_it").values()) == {"NOT_VERIFIED"}
    assert "ValueError: not the first" in session.summary[0]


def test_a_wrong_number_is_an_error_that_names_it(scratch: Scratch) -> None:
    wrong = ["0", "-1", "True", "2.5", "10**6", "10**5000", "'3'", "None", "[1, 2]"]
    for number, value in enumerate(wrong):
        scratch.cases(
            f"""
            @pytest.mark.parwork(backend="threads", repeat={value})
            def test_it():
                pass
            """,
            f"test_{number}.py",
        )

    session = scratch.run()

    assert session.counts == {"errors": len(wrong)}
    expected = "; give how many tasks of the run each case is, all compared: a whole number, 1 to"
    for value in ("0", "-1", "True", "2.5", "1000000", "<int of 16610 bits>", "'3'", "None"):
        assert f"repeat={value}{expected}" in session.text


def test_where_nothing_meets_itself_the_error_has_the_remedy(scratch: Scratch) -> None:
    scratch.cases("""
        @pytest.mark.parwork(vary={"n_jobs": [1, 2]}, repeat=3)
        def test_varied(n_jobs):
            return 1
    """)
    assert "repeat=3 has no meaning with vary=" in scratch.run().text

    scratch.cases("""
        @pytest.mark.parwork(backend="threads", repeat=3)
        def test_marked(parwork):
            parwork.map(abs, [1])

        def test_given(parwork):
            parwork.map(abs, [1], backend="threads", repeat=3)
    """)
    session = scratch.run()
    assert session.counts == {"failed": 2}
    assert session.out.count("repeat=3: a call is one task for each item; repeat the items") >= 2


WIDE = """
    pytestmark = pytest.mark.parwork(backend="threads", scope="module", workers=2)

    @pytest.mark.parwork(repeat=3)
    @pytest.mark.parametrize("n", range(2))
    def test_often(n):
        time.sleep(0.01)
        return n

    def test_once():
        return 1
    """


def test_in_a_wide_workload_each_case_keeps_its_tasks(scratch: Scratch) -> None:
    scratch.cases(WIDE)
    session = scratch.run(report=True)
    assert session.counts == {"passed": 3}
    (run,) = session.report["runs"]
    assert [len(case["repeats"]) for case in run["cases"]] == [3, 3, 0]
    assert "each case 1 to 3 times" in session.out


@pytest.mark.sweep  # test_xdist.py asks daily
def test_under_xdist_each_case_of_a_wide_workload_keeps_its_tasks(scratch: Scratch) -> None:
    scratch.cases(WIDE)
    session = scratch.run_apart("-n2", "-p", "xdist", report=True)
    assert session.counts == {"passed": 3}
    (run,) = session.report["runs"]
    assert sorted(len(case["repeats"]) for case in run["cases"]) == [0, 3, 3]
    assert run["verdict"] == "EQUAL"


def test_of_cases_that_are_repeated_the_fewest_copies_count() -> None:
    def cases(*repeats: int) -> Any:
        return [SimpleNamespace(plan=SimpleNamespace(repeat=repeat)) for repeat in repeats]

    assert copies_of(cases(1, 3, 2)) == 2
    assert copies_of(cases(1, 1)) == 1
