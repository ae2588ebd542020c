"""Workers that die, backends that cannot start, reruns and shuffles: nothing hangs or is lost."""

from __future__ import annotations

import pytest

from .scratch import Scratch

DYING = """
    @pytest.mark.parwork(backend="{backend}", workers=2)
    @pytest.mark.parametrize("n", range(6))
    def test_it(n):
        if n == 2 and not is_here():
            {statement}
        return n
    """


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("os._exit(3)", "exit code 3"),
        ("os.kill(os.getpid(), 9)", "SIGKILL (signal 9)"),
        ("os.kill(os.getpid(), 11)", "SIGSEGV (signal 11)"),
    ],
)
@pytest.mark.parametrize("backend", ["processes:fork", "multiprocessing:fork"])
def test_the_case_of_a_worker_that_dies_is_lost_and_no_other(
    scratch: Scratch, backend: str, statement: str, told: str
) -> None:
    faulthandler = "import faulthandler; faulthandler.disable(); "  # or it reports the SIGSEGV
    scratch.cases(DYING.format(backend=backend, statement=faulthandler + statement))
    session = scratch.run(report=True)
    assert session.verdicts("test_it.py::test_it") == dict.fromkeys("013245", "EQUAL") | {
        "2": "LOST"
    }
    assert session.counts == {"passed": 5, "failed": 1}
    assert session.summary[0].startswith("FAILED test_it.py::test_it[2] - LOST: its worker ")
    assert told in session.text


def test_with_joblib_too(scratch: Scratch) -> None:
    scratch.cases(DYING.format(backend="joblib", statement="os._exit(3)"))
    session = scratch.run_apart(report=True)
    verdicts = session.verdicts("test_it.py::test_it")
    assert verdicts.pop("2") == "LOST"
    assert set(verdicts.values()) == {"EQUAL"}


class TestALostCase:
    TEXT = DYING.format(backend="processes:fork", statement="os._exit(3)")

    def test_it_is_not_run_here(self, scratch: Scratch) -> None:
        scratch.cases(self.TEXT.replace("if n ==", "note(n)\n        if n =="))
        scratch.run()
        assert [note for note in scratch.notes() if note.startswith("2 ")] == ["2 there"]

    def test_the_command_to_do_so_is_given(self, scratch: Scratch) -> None:
        scratch.cases(self.TEXT)
        session = scratch.run()
        assert "serial   not run: it could crash pytest" in session.text
        assert 'pytest "test_it.py::test_it[2]" --parwork-serial' in session.text

    def test_the_title_counts_it(self, scratch: Scratch) -> None:
        scratch.cases(self.TEXT)
        session = scratch.run(report=True)
        assert session.title.startswith("parwork: 1 workload, 1 case LOST")
        assert "1 LOST, its worker ended with exit code 3 while it ran this task" in " ".join(
            " ".join(session.section).split()
        )
        assert session.run("test_it.py::test_it")["verdict"] == "LOST"

    def test_the_report_says_why(self, scratch: Scratch) -> None:
        scratch.cases(self.TEXT)
        case = scratch.run(report=True).run("test_it.py::test_it")["cases"][2]
        assert case["lost"]["reason"] == "crash"
        assert "exit code 3" in case["lost"]["detail"]

    @pytest.mark.parametrize("mark", ["xfail", "xfail(raises=RuntimeError)"])
    def test_xfail_cannot_hide_it(self, scratch: Scratch, mark: str) -> None:
        scratch.cases(f"    pytestmark = pytest.mark.{mark}\n{self.TEXT}")
        assert scratch.run().cases["test_it.py::test_it[2]"] == "failed"

    def test_xfail_that_names_it_expresses_it(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            from pytest_parwork import LostError
            @pytest.mark.xfail(raises=LostError)
            @pytest.mark.parwork(backend="processes:fork", workers=2)
            def test_it():
                is_here() or os._exit(3)
            """
        )
        assert scratch.run().counts == {"xfailed": 1}


def test_a_failing_case_does_not_write_all_others_for_pytest(scratch: Scratch) -> None:
    scratch.write(
        "conftest.py",
        """
        from pytest_parwork.plugin.cases.groups import CASE

        def pytest_runtest_teardown(item):
            case = item.stash[CASE]
            print("longest", max(len(repr(one)) for one in (case, case.group, case.sent)))
        """,
    )
    scratch.cases(DYING.format(backend="processes:fork", statement="os._exit(3)"))
    session = scratch.run("-s")
    told = [int(line.split()[-1]) for line in session.lines if "longest" in line]
    assert len(told) == 6
    assert max(told) < 200


def test_every_worker_may_die(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(6))
        def test_it(n):
            is_here() or os._exit(3)
        """
    )
    session = scratch.run(report=True)
    assert session.counts == {"failed": 6}
    assert set(session.verdicts("test_it.py::test_it").values()) == {"LOST"}


def test_a_backend_that_cannot_start_fails_its_cases_and_no_others(scratch: Scratch) -> None:
    scratch.write(
        "conftest.py",
        """
        class Broken:
            reach = "machine"
            def start(self, workers):
                raise OSError("no cluster there")
            def close(self):
                pass

        def pytest_parwork_backends():
            return {"broken": Broken()}
        """,
    )
    scratch.cases(
        """
        @pytest.mark.parwork(backend="broken", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_broken(n): note(n)

        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_fine(n): return n
        """
    )
    session = scratch.run(report=True)
    assert session.counts == {"failed": 2, "passed": 2}
    assert "the backend 'broken' cannot start 2 workers: OSError: no cluster there" in session.text
    assert scratch.notes() == []
    case = session.run("test_it.py::test_broken")["cases"][0]
    assert (case["verdict"], case["lost"]) == ("NOT_SENT", None)
    assert case["not_sent"]["reason"] == "backend"


def test_a_function_that_cannot_be_sent_is_named_with_its_call(scratch: Scratch) -> None:
    scratch.cases(
        """
        import threading

        def make():
            lock = threading.Lock()
            def inner(n):
                return lock.locked()
            return inner

        class TestHolder:
            pass

        def test_it(parwork):
            parwork.map(make(), range(2), backend="processes:fork", workers=2)
        """
    )
    session = scratch.run()
    assert session.counts == {"failed": 1}
    assert "NOT_SENT: test_it.py::test_it::map[0][0]: the function cannot" in session.text


def test_a_module_that_cannot_be_imported_there_fails_its_cases(scratch: Scratch) -> None:
    scratch.write(
        "test_it.py",
        """
        import multiprocessing
        import pytest

        if multiprocessing.parent_process() is not None:
            raise ImportError("not in a worker")

        @pytest.mark.parwork(backend="processes:spawn", workers=1)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n): return n
        """,
    )
    session = scratch.run_apart()
    assert session.counts == {"failed": 2}
    assert "ImportError: not in a worker" in session.text


class TestReruns:
    @pytest.fixture(autouse=True)
    def _needs_it(self) -> None:
        pytest.importorskip("pytest_rerunfailures")

    def test_a_difference_stays_one(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend="processes:fork", workers=2)
            @pytest.mark.parametrize("n", range(3))
            def test_it(n):
                return n != 1 or is_here()
            """
        )
        session = scratch.run_apart("-p", "rerunfailures", "--reruns=2", report=True)
        assert session.counts == {"failed": 1, "passed": 2, "rerun": 2}
        assert session.verdicts("test_it.py::test_it") == {
            "0": "EQUAL",
            "1": "DIFFERENT",
            "2": "EQUAL",
        }
        assert session.summary[0].startswith("FAILED test_it.py::test_it[1] - DIFFERENT: serial")

    def test_a_lost_case_stays_one(self, scratch: Scratch) -> None:
        scratch.cases(DYING.format(backend="processes:fork", statement="os._exit(3)"))
        session = scratch.run_apart("-p", "rerunfailures", "--reruns=1", report=True)
        assert session.counts == {"failed": 1, "passed": 5, "rerun": 1}
        assert session.verdicts("test_it.py::test_it")["2"] == "LOST"

    def test_failing_alike_may_pass_when_run_again_as_serially(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            tries = []

            @pytest.mark.parwork(backend="processes:fork", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n):
                tries.append(n)
                assert n or tries.count(0) > 1
            """
        )
        session = scratch.run_apart("-p", "rerunfailures", "--reruns=2")
        assert session.counts == {"passed": 2, "rerun": 1}


class TestShuffled:
    @pytest.fixture(autouse=True)
    def _needs_it(self) -> None:
        pytest.importorskip("pytest_randomly")

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_equal_cases_stay_equal(self, scratch: Scratch, seed: int) -> None:
        scratch.cases(
            """
            @pytest.fixture(scope="module", params=[1, 2])
            def wide(request): return [request.param]

            @pytest.mark.parwork(backend=["processes:fork", "threads"], workers=2)
            @pytest.mark.parametrize("n", range(5))
            def test_it(n, wide): return n, wide

            @pytest.mark.parwork(backend="threads", workers=2, min_speedup=1e-9)
            @pytest.mark.parametrize("n", range(5))
            def test_more(n): return n

            def test_other(): pass
            """
        )
        session = scratch.run_apart("-p", "randomly", f"--randomly-seed={seed}", report=True)
        assert session.counts["passed"] == 27
        assert {run["verdict"] for run in session.report["runs"]} <= {"EQUAL", "NOT_EXERCISED"}
