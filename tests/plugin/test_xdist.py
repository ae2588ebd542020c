"""With pytest-xdist: its processes share the cases, and one report is shown."""

from __future__ import annotations

import pytest

from .scratch import Scratch, Session

pytest.importorskip("xdist")

CASES = """
    @pytest.fixture(scope="module", params=[1, 2])
    def wide(request): return [request.param]

    @pytest.mark.parwork(backend="threads", workers=2, min_speedup=1e9)
    @pytest.mark.parametrize("n", range(4))
    def test_equal(n): return n

    @pytest.mark.parwork(backend=["threads", "processes:fork"], workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_matrix(n, wide): return n, wide

    def test_other(): pass

    def test_calls(parwork):
        assert parwork.map(abs, [-1, 2], backend="threads", workers=2) == [1, 2]
    """


def run(scratch: Scratch, *options: str) -> Session:
    return scratch.run_apart("-p", "xdist", "-n2", "-rs", *options, report=True)


@pytest.mark.sweep  # three processes of pytest each
@pytest.mark.parametrize("distribution", ["load", "loadscope", "each"])
def test_equal_cases_pass_however_they_are_distributed(scratch: Scratch, distribution: str) -> None:
    scratch.cases(CASES)
    session = run(scratch, f"--dist={distribution}")
    each = 2 if distribution == "each" else 1
    assert session.counts["passed"] == each * (4 + 8 + 2)
    assert "failed" not in session.counts


def test_equal_cases_pass_in_one_section_and_speed_is_not_judged(scratch: Scratch) -> None:
    scratch.cases(CASES)
    session = run(scratch)
    assert session.counts == {"passed": 4 + 8 + 2, "skipped": 1}
    assert "speed-up cannot be judged under pytest-xdist: other tests" in session.text
    assert "no speed-up: xdist shared the cases" in " ".join(" ".join(session.section).split())
    assert session.title.startswith("parwork: 3 workloads, ")
    assert {
        (run["id"], run["configuration"]["id"]): len(run["cases"]) for run in session.report["runs"]
    } == {
        ("test_it.py::test_equal", "threads-2"): 4,
        ("test_it.py::test_matrix", "threads-2"): 4,
        ("test_it.py::test_matrix", "processes:fork-2"): 4,
        ("test_it.py::test_calls::map[0]", "threads-2"): 2,
    }
    assert set(session.verdicts("test_it.py::test_equal").values()) == {"EQUAL"}
    assert all(run["verdict"] == "EQUAL" for run in session.report["runs"])


def test_a_bad_marker_is_reported(scratch: Scratch) -> None:
    scratch.cases("@pytest.mark.parwork(workers=0)\ndef test_it(): note(0)\n")
    session = scratch.run_apart("-p", "xdist", "-n1")
    assert session.code != 0
    assert "workers=0; give a positive int" in session.text
    assert scratch.notes() == []


def test_an_unsupported_fixture_is_reported(scratch: Scratch) -> None:
    scratch.cases("@pytest.mark.parwork\ndef test_it(pytester): note(0)\n")
    session = scratch.run_apart("-p", "xdist", "-n1", "-p", "pytester")
    assert session.code != 0
    assert "the fixture 'pytester' exists only in the main process" in session.text
    assert scratch.notes() == []


def test_groups_leave_no_trace_in_ids_and_strict_judges_nothing_that_it_cannot(
    scratch: Scratch,
) -> None:
    scratch.cases(
        """
        @pytest.mark.xdist_group("one")
        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_it(n): return n
        """
    )
    session = run(scratch, "--dist=loadgroup", "--parwork-strict")
    assert session.counts in ({"passed": 4, "skipped": 1}, {"passed": 5})
    assert session.verdicts("test_it.py::test_it") == dict.fromkeys("0123", "EQUAL")


def test_the_processes_share_the_cpus(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.fixture(autouse=True, scope="session")
        def _nine_cpus():
            from pytest_parwork.machine import budget, cpus
            budget.usable_cpus = lambda: cpus.Cpus(number=9)

        @pytest.mark.parwork(backend="threads")
        @pytest.mark.parametrize("n", range(20))
        def test_auto(n): return n

        @pytest.mark.parwork(backend="threads", workers=3)
        @pytest.mark.parametrize("n", range(20))
        def test_asked(n): return n
        """
    )
    session = run(scratch)
    found = {
        name: session.run(f"test_it.py::test_{name}")["configuration"] for name in ("auto", "asked")
    }
    assert found["auto"]["workers"] == {
        "asked": "auto",
        "resolved": 4,
        "source": "9 usable CPUs shared among 2 xdist workers",
    }
    assert found["asked"]["workers"] == {"asked": 3, "resolved": 3, "source": "3 asked for"}
    assert [configuration["threads"] for configuration in found.values()] == [1, 1]


def test_an_invalid_cap_is_reported(scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARWORK_MAX_WORKERS", "many")
    scratch.cases("@pytest.mark.parwork\ndef test_it(): note(0)\n")
    session = scratch.run_apart("-p", "xdist", "-n1")
    assert session.code != 0
    assert "PARWORK_MAX_WORKERS=many: give a whole number, at least 1" in session.text
    assert scratch.notes() == []


FEATURES = """
    @pytest.fixture
    def file(tmp_path):
        file = tmp_path / "data.txt"
        assert not file.exists()
        file.write_text("data")
        return file

    @pytest.mark.parwork(backend="processes:fork", workers=2)
    @pytest.mark.parametrize("n", range(4))
    def test_fixture(n, file): return file.read_text()

    @pytest.mark.parwork(backend="isolated:fork", workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_in_fork(n, pytestconfig): return n

    @pytest.mark.parwork(backend="multiprocessing", workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_bare(n): return n

    @pytest.mark.parwork(backend="threads", workers=2, repeat=3)
    @pytest.mark.parametrize("n", range(2))
    def test_often(n):
        time.sleep(0.01)
        return n

    @pytest.mark.parwork(vary={"n_jobs": [1, 2, 3]})
    @pytest.mark.parametrize("k", range(4))
    def test_varied(k, n_jobs):
        note(f"{k}-{os.getpid()}")
        return n_jobs == 3

    @pytest.mark.parwork(backend="processes:fork", workers=2)
    @pytest.mark.parametrize("n", range(6))
    def test_wrong(n):
        if n == 1 and not is_here():
            os._exit(3)
        return {"here": is_here() or n != 2}

    @pytest.mark.parwork(backend="threads", workers=2)
    class TestAround:
        def test_plain(self, monkeypatch): monkeypatch.setenv("SOME", "thing")
    """


def test_each_feature_works_in_the_processes(scratch: Scratch) -> None:
    """Ask in one session what the sweep asks in many."""
    scratch.cases(FEATURES)
    session = run(scratch)
    assert session.counts == {"passed": 4 + 2 + 2 + 2 + 8 + 4 + 1, "failed": 4 + 2}
    for test in ("fixture", "in_fork", "bare", "often"):
        assert session.run(f"test_it.py::test_{test}")["verdict"] == "EQUAL"
    often = session.run("test_it.py::test_often")
    assert [len(case["repeats"]) for case in often["cases"]] == [3, 3]
    notes = scratch.notes()
    assert len(notes) == 4 * 3  # each reference once
    assert len(set(notes)) == 4  # and each case in one process
    assert session.verdicts("test_it.py::test_wrong") == dict.fromkeys("012345", "EQUAL") | {
        "1": "LOST",
        "2": "DIFFERENT",
    }
    assert "DIFFERENT at ['here']: serial True, processes:fork-2 False" in session.text
    assert "LOST: its worker ended with exit code 3 while it ran this task" in session.text
    varied = session.verdicts("test_it.py::test_varied", "n_jobs:3")
    assert set(varied.values()) == {"DIFFERENT"}
    assert [entry["id"] for entry in session.report["plain"]] == [
        "test_it.py::TestAround::test_plain"
    ]
