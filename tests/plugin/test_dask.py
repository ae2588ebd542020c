"""A session whose cases run on a dask cluster, of its own or joined."""

from __future__ import annotations

import pytest
from dask_programs import DaskPrograms

from .scratch import Scratch


def project(scratch: Scratch) -> None:
    """Write a package with tests that import a helper early, late and relatively."""
    scratch.write("root/pytest.ini", "[pytest]\n")
    scratch.write("root/pack/__init__.py")
    scratch.write("root/pack/early.py", "BY = 3\n")
    scratch.write("root/pack/later.py", "def add(x): return x + 100\n")
    scratch.write(
        "root/pack/test_it.py",
        """
        import pytest
        from .early import BY

        class Result:
            def __init__(self, n): self.n = n
            def __eq__(self, other): return type(other) is Result and other.n == self.n

        @pytest.mark.parwork(workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            from .later import add
            return Result(add(n * BY))

        @pytest.mark.parwork(workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_fails(n):
            assert n != 1
        """,
    )


@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_a_project_runs_on_workers_that_know_nothing_of_it(
    scratch: Scratch, programs: DaskPrograms, mode: str
) -> None:
    project(scratch)
    name = f"dask:{programs.address}"
    options = [f"--import-mode={mode}", f"--parwork-backend={name}", "-p", "no:cacheprovider"]

    session = scratch.run_apart("root", *options, report=True)

    assert session.counts == {"passed": 6, "failed": 1}
    assert [line.partition(" - ")[0] for line in session.summary] == [
        "FAILED root/pack/test_it.py::test_fails[1]"
    ]
    run = session.run("pack/test_it.py::test_it", f"{name}-2")
    assert run["verdict"] == "EQUAL"
    assert run["exercised"] is True
    assert session.verdicts("pack/test_it.py::test_fails") == dict.fromkeys("012", "EQUAL")
    assert session.err == ""
    assert programs.journals() == []


def test_a_matrix_of_the_command_line_names_the_address_in_its_ids(
    scratch: Scratch, programs: DaskPrograms
) -> None:
    project(scratch)
    options = [f"--parwork-backend=threads,dask:{programs.address}", "-k", "test_it"]
    session = scratch.run_apart("root", *options, "--collect-only", "-q")
    assert f"pack/test_it.py::test_it[dask:{programs.address}-2]" in session.text


def test_a_crash_on_a_joined_cluster_fails_its_case_alone(
    scratch: Scratch, programs: DaskPrograms
) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(workers=2)
        @pytest.mark.parametrize("n", range(6))
        def test_it(n):
            if n == 2:
                os.kill(os.getpid(), 9)
            return n
        """
    )
    session = scratch.run_apart(f"--parwork-backend=dask:{programs.address}")
    assert session.counts == {"passed": 5, "failed": 1}
    assert "LOST: its worker died of SIGKILL (signal 9) while it ran this task" in session.text


def test_a_cluster_of_its_own_is_gone_when_the_session_ends(
    scratch: Scratch, keeps_helpers: None
) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend=["dask", "joblib:dask"], workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            return n
        """
    )
    session = scratch.run_apart(report=True)
    assert session.counts == {"passed": 8}
    assert session.err == ""


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("dask:host", "unknown backend 'dask:host'; after the colon comes the address of a"),
        ("joblib:lokky", "unknown backend 'joblib:lokky'; joblib knows: dask, loky, multipro"),
        ("threads:tcp", "unknown backend 'threads:tcp' (did you mean 'threads'?); known: "),
    ],
)
def test_a_wrong_name_after_the_colon_is_an_error_before_anything_runs(
    scratch: Scratch, name: str, told: str
) -> None:
    project(scratch)
    session = scratch.run_apart(f"--parwork-backend={name}")
    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert told in session.text


def test_a_session_on_another_backend_does_not_import_dask(scratch: Scratch) -> None:
    scratch.cases(
        """
        import sys

        @pytest.mark.parwork(backend=["threads", "joblib", "processes"], workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            assert not {"dask", "distributed"} & sys.modules.keys()
        """
    )
    assert scratch.run_apart().counts == {"passed": 6}
