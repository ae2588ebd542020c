"""The phases around a body, compared one by one: set-up and tear-down."""

from __future__ import annotations

import pytest

from .scratch import Scratch, Session, slow

BACKENDS = ["processes:fork", "joblib", slow("isolated:fork"), "threads", slow("dask")]


@pytest.fixture(autouse=True)
def _keeps(keeps_helpers: None) -> None:
    pass


def session_of(
    scratch: Scratch, fixture: str, *options: str, backend: str = "processes:fork", body: str = ""
) -> Session:
    """Run two cases with one fixture."""
    lines = fixture.strip().replace("; ", "\n    ")
    scratch.write(
        "test_it.py",
        f"""import os
import pytest
from noting import is_here, note

@pytest.fixture
def odd():
    {lines}

@pytest.mark.parwork(backend="{backend}", workers=2)
@pytest.mark.parametrize("n", range(2))
def test_it(n, odd):
    note("body")
    {body or "return n"}
""",
    )
    return scratch.run(*options, report=True)


def verdicts(session: Session) -> set[str]:
    return set(session.verdicts("test_it.py::test_it").values())


@pytest.mark.parametrize("backend", BACKENDS)
class TestOnEveryBackend:
    def test_a_set_up_that_fails_alike_is_an_error_as_serially(
        self, scratch: Scratch, backend: str
    ) -> None:
        session = session_of(scratch, "raise OSError(2, 'no data')", backend=backend)
        assert session.counts == {"errors": 2}
        assert session.summary == [
            f"ERROR test_it.py::test_it[{n}] - FileNotFoundError: [Errno 2] no data"
            for n in range(2)
        ]
        assert "ERROR at setup of test_it[0]" in session.text
        assert "pytest_parwork" not in session.text.replace("pytest_parwork.plugin", "")
        assert verdicts(session) == {"EQUAL"}
        assert scratch.notes() == []

    def test_a_tear_down_that_fails_alike_is_an_error_as_serially(
        self, scratch: Scratch, backend: str
    ) -> None:
        session = session_of(scratch, "yield; raise OSError('stuck')", backend=backend)
        assert session.counts == {"passed": 2, "errors": 2}
        assert session.summary == [
            f"ERROR test_it.py::test_it[{n}] - OSError: stuck" for n in range(2)
        ]
        assert verdicts(session) == {"EQUAL"}

    def test_a_set_up_that_fails_only_there_is_a_difference(
        self, scratch: Scratch, backend: str
    ) -> None:
        session = session_of(
            scratch, "if not is_here(): raise OSError('not there')", backend=backend
        )
        assert session.counts == {"failed": 2}
        assert verdicts(session) == {"DIFFERENT"}
        told = f"DIFFERENT: serial value 0, {backend}-2 set-up failed: OSError: not there"
        assert told[:60] in session.text
        assert "raise OSError('not there')" in session.text
        assert "fixtures/" not in session.text

    def test_a_tear_down_that_fails_only_there_is_a_difference(
        self, scratch: Scratch, backend: str
    ) -> None:
        session = session_of(
            scratch, "yield; if not is_here(): raise OSError('stuck')", backend=backend
        )
        assert session.counts == {"passed": 2, "errors": 2}
        assert verdicts(session) == {"DIFFERENT"}
        told = f"DIFFERENT: serial torn down, {backend}-2 tear-down failed: OSError: stuck"
        assert told in session.text
        assert session.summary[0].startswith("ERROR test_it.py::test_it[0] - DIFFERENT: serial")
        assert "ERROR at teardown of test_it[0]" in session.text

    def test_a_case_that_a_fixture_skips_is_skipped(self, scratch: Scratch, backend: str) -> None:
        session = session_of(scratch, "pytest.skip('no data')", "-rs", backend=backend)
        assert session.counts == {"skipped": 2}
        assert "SKIPPED [2] test_it.py:" in session.text
        assert "DIFFERENT" not in session.text
        assert scratch.notes() == []


class TestOneSideAlone:
    def test_a_set_up_that_fails_only_here(self, scratch: Scratch) -> None:
        session = session_of(scratch, "if is_here(): raise OSError('not here')")
        assert session.counts == {"errors": 2}
        assert verdicts(session) == {"DIFFERENT"}
        assert "OSError: not here" in session.text
        told = "DIFFERENT: serial set-up failed: OSError: not here, processes:fork-2 value 0"
        assert told in session.text

    def test_a_tear_down_that_fails_only_here(self, scratch: Scratch) -> None:
        session = session_of(scratch, "yield; if is_here(): raise OSError('stuck')")
        assert session.counts == {"passed": 2, "errors": 2}
        assert verdicts(session) == {"DIFFERENT"}
        assert "serial tear-down failed: OSError: stuck, processes:fork-2 torn down" in session.text

    def test_a_fixture_that_skips_only_here(self, scratch: Scratch) -> None:
        session = session_of(scratch, "if is_here(): pytest.skip('no data')")
        assert session.counts == {"errors": 2}
        assert "DIFFERENT: serial skip: no data, processes:fork-2 value 0" in session.text

    def test_a_fixture_that_skips_only_there(self, scratch: Scratch) -> None:
        session = session_of(scratch, "if not is_here(): pytest.skip('no data')")
        assert session.counts == {"failed": 2}
        assert "DIFFERENT: serial value 0, processes:fork-2 skip: no data" in session.text


class TestOtherErrors:
    def test_two_that_are_not_the_same(self, scratch: Scratch) -> None:
        session = session_of(scratch, "raise OSError('here' if is_here() else 'there')")
        assert session.counts == {"errors": 2}
        assert verdicts(session) == {"DIFFERENT"}

    def test_a_failure_of_the_set_up_is_none_of_the_body(self, scratch: Scratch) -> None:
        session = session_of(
            scratch, "if not is_here(): raise OSError('late')", body="raise OSError('late')"
        )
        assert session.counts == {"failed": 2}
        assert verdicts(session) == {"DIFFERENT"}

    def test_a_body_and_a_tear_down_that_fail_alike(self, scratch: Scratch) -> None:
        session = session_of(scratch, "yield; raise OSError('stuck')", body="raise KeyError(n)")
        assert session.counts == {"failed": 2, "errors": 2}
        assert verdicts(session) == {"EQUAL"}

    def test_a_body_that_differs_and_a_tear_down_that_fails(self, scratch: Scratch) -> None:
        session = session_of(scratch, "yield; raise OSError('stuck')", body="return is_here()")
        assert session.counts == {"failed": 2, "errors": 2}
        assert verdicts(session) == {"DIFFERENT"}
        case = session.run("test_it.py::test_it")["mismatches"]
        assert {mismatch["actual"] for mismatch in case} == {"False"}

    def test_a_result_that_cannot_be_sent_and_a_tear_down_that_fails(
        self, scratch: Scratch
    ) -> None:
        session = session_of(
            scratch,
            "yield; raise OSError('stuck')",
            body="import threading; return threading.Lock()",
        )
        assert session.counts == {"failed": 2, "errors": 2}
        assert "the result cannot be sent back from a worker" in " ".join(session.text.split())

    def test_several_tear_downs_of_one_case(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.fixture
            def one(request):
                request.addfinalizer(lambda: 1 / 0)
                yield
                raise OSError("one")

            @pytest.fixture
            def two(one):
                yield
                raise KeyError("two")

            @pytest.mark.parwork(backend="processes:fork", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, two): return n
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"passed": 2, "errors": 2}
        assert verdicts(session) == {"EQUAL"}

    def test_tear_downs_of_wider_fixtures_are_pytests_affair(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.fixture(scope="module")
            def wide():
                yield
                raise OSError("wide")

            @pytest.fixture
            def narrow(wide):
                yield

            @pytest.mark.parwork(backend="processes:fork", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, narrow): return n
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"passed": 2, "errors": 1}
        assert verdicts(session) == {"EQUAL"}
        assert "OSError: wide" in session.text

    @pytest.mark.parametrize(
        "fixture",
        [
            "yield 1; yield 2",
            "if False: yield",
            "yield; raise SystemExit(3)",
        ],
    )
    def test_fixtures_that_do_odd_things(self, scratch: Scratch, fixture: str) -> None:
        session = session_of(scratch, fixture)
        assert session.counts["errors"] == 2
        assert verdicts(session) == {"EQUAL"}

    def test_expected_failures(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.fixture
            def imperative():
                pytest.xfail("known")

            @pytest.fixture
            def broken():
                raise OSError

            pytestmark = pytest.mark.parwork(backend="processes:fork", workers=2)

            def test_imperative(imperative): pass

            @pytest.mark.xfail(raises=OSError)
            def test_broken(broken): pass
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"xfailed": 2}


class TestWorkersThatDie:
    def test_a_fixture_that_ends_its_worker_is_not_made_here(self, scratch: Scratch) -> None:
        session = session_of(scratch, "note('up'); os._exit(3)")
        assert session.counts == {"failed": 2}
        assert verdicts(session) == {"LOST"}
        assert "LOST: its worker ended with exit code 3" in session.text
        assert set(scratch.notes()) == {"up there"}

    def test_where_its_stack_is_left_it_names_the_fixture(self, scratch: Scratch) -> None:
        session = session_of(scratch, "os.kill(os.getpid(), 11)")
        assert "test_it.py:7 in odd" in session.text
        assert "case_run.py" not in session.text

    def test_one_that_takes_too_long_is_not_made_here(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.fixture
            def slow():
                if is_here(): note("up")
                time.sleep(1000)

            @pytest.mark.parwork(backend="processes:fork", workers=2, timeout=0.3)
            def test_it(slow): pass
            """
        )
        session = scratch.run(report=True)
        assert verdicts(session) == {"LOST"}
        assert scratch.notes() == []

    def test_the_same_in_threads(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.fixture
            def slow():
                yield
                note("down")

            @pytest.mark.parwork(backend="threads", workers=2, timeout=0.3)
            @pytest.mark.parametrize("n", range(3))
            def test_it(n, slow):
                while n == 1: time.sleep(0.01)
                return n
            """
        )
        session = scratch.run(report=True)
        assert session.verdicts("test_it.py::test_it") == {"0": "EQUAL", "1": "LOST", "2": "EQUAL"}

    def test_x_ends_the_parallel_run_after_a_set_up_that_failed(self, scratch: Scratch) -> None:
        scratch.cases(
            """
            @pytest.fixture
            def broken():
                note("up")
                time.sleep(0 if is_here() else 0.02)  # or all would be over when one looks
                raise OSError

            @pytest.mark.parwork(backend="processes:fork", workers=2, chunksize=1)
            @pytest.mark.parametrize("n", range(200))
            def test_it(n, broken): pass
            """
        )
        session = scratch.run("-x")
        assert session.counts == {"errors": 1}
        assert len(scratch.notes()) < 100


class TestFolders:
    def test_a_failure_that_names_its_folder_is_the_same_in_both_runs(
        self, scratch: Scratch
    ) -> None:
        scratch.cases(
            """
            @pytest.mark.parwork(backend="processes:fork", workers=2)
            @pytest.mark.parametrize("n", range(2))
            def test_it(n, tmp_path):
                if n:
                    raise ValueError(f"nothing in {tmp_path}/here")
                (tmp_path / "nothing").read_text()
            """
        )
        session = scratch.run(report=True)
        assert session.counts == {"failed": 2}
        assert verdicts(session) == {"EQUAL"}
