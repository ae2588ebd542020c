"""A session whose cases run on a dask cluster, of its own or joined."""

from __future__ import annotations

from textwrap import dedent

import pytest
from support.dask_programs import DaskPrograms

from .scratch import Scratch, slow


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


#: Makes a worker on this machine, where it would find the project's folder, as one on another.
LEAVING = """
import os, sys, threading

def leave_folder():
    if threading.current_thread() is not threading.main_thread():
        here = os.path.dirname(__file__)
        sys.path[:] = [entry for entry in sys.path if entry != here]
"""


def secretive(scratch: Scratch, **changed: str) -> None:
    """Write a project with files that must not be sent to a cluster."""
    files = {
        "local_secrets.py": "KEY = 'hidden'\n",
        "settings_prod.py": "KEY = 'hidden'\n",
        "used.py": "VALUE = 3\n",
        "leaving.py": LEAVING,
        "test_it.py": """
            import pytest
            from leaving import leave_folder

            @pytest.mark.parwork(workers=2)
            @pytest.mark.parametrize("n", range(3))
            def test_it(n):
                leave_folder()
                import used
                return used.VALUE * n
            """,
    }
    for name, text in {**files, **changed}.items():
        scratch.write(name, text)


def test_verbose_lists_what_was_sent_to_the_cluster(
    scratch: Scratch, programs: DaskPrograms
) -> None:
    secretive(scratch)
    name = f"dask:{programs.address}"
    session = scratch.run_apart(f"--parwork-backend={name}", "-v", report=True)
    assert session.counts == {"passed": 3}
    at = session.section.index(f"3 files sent to the workers of {name}:")
    assert session.section[at + 1] == "  leaving.py, test_it.py, used.py"
    run = session.run("test_it.py::test_it")
    assert (run["sent"], run["withheld"]) == (["leaving.py", "test_it.py", "used.py"], [])


def test_nothing_is_listed_where_nothing_was_sent(scratch: Scratch) -> None:
    secretive(scratch)
    session = scratch.run("--parwork-backend=threads", "-v", report=True)
    assert " sent " not in session.text
    assert session.run("test_it.py::test_it")["sent"] == []


@pytest.mark.parametrize("how", ["option", "ini"])
def test_a_file_that_must_not_be_sent_is_named_where_it_is_imported(
    scratch: Scratch, programs: DaskPrograms, how: str
) -> None:
    secretive(scratch)
    name = f"dask:{programs.address}"
    options = [f"--parwork-backend={name}", "-v"]
    if how == "ini":
        scratch.write("pytest.ini", "[pytest]\nparwork_no_send =\n    *secret*\n    used.py\n")
    else:
        options += ["--parwork-no-send=*secret*, *prod*", "--parwork-no-send=used.py"]
    session = scratch.run_apart(*options)
    assert session.counts == {"failed": 3}
    told = (
        "ModuleNotFoundError: No module named 'used': used.py was not sent, because of "
        "--parwork-no-send=used.py; install it on the workers, or narrow the pattern"
    )
    assert told in session.text
    at = session.section.index("1 file needed there and not sent:")
    assert session.section[at + 1] == "  used.py"


def test_no_file_of_the_project_goes_to_workers_of_this_machine_but_all_can_be_imported(
    scratch: Scratch,
) -> None:
    secretive(scratch)
    session = scratch.run_apart("--parwork-backend=processes", "--parwork-no-send=*", "-v")
    assert session.counts == {"passed": 3}
    assert " sent" not in session.text


DYNAMIC = """
    import importlib
    import pytest
    from leaving import leave_folder

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_it(n):
        leave_folder()
        return importlib.import_module(f"us{'ed'}").VALUE

    def value(n):
        leave_folder()
        return importlib.import_module(f"us{'ed'}").VALUE

    def test_calls(parwork):
        parwork.map(value, range(2))
    """


@pytest.mark.sweep
@pytest.mark.parametrize("verify", ["1", "0"])
def test_a_module_that_no_statement_names_is_missed_with_the_remedy(
    scratch: Scratch, programs: DaskPrograms, verify: str
) -> None:
    secretive(scratch, **{"test_it.py": DYNAMIC})
    name = f"dask:{programs.address}"
    # A session each, because the serial run of the first one imports the module here.
    cases = [f"--parwork-backend={name}", f"--parwork-verify={verify}", "-k", "test_it"]
    calls = [f"--parwork-backend={name}", "-k", "test_calls"]
    for options in (cases, *([calls] if verify == "1" else [])):
        session = scratch.run_apart(*options)
        text = " ".join(session.text.split()).replace(" E ", " ")
        assert "ModuleNotFoundError: No module named 'used'" in text
        words = (
            "import the missing one at the top of the test module or in conftest.py, so that it is "
            "sent, or install it on the workers"
        )
        assert words in text
    secretive(scratch, **{"test_it.py": f"import used\n{dedent(DYNAMIC)}"})
    session = scratch.run_apart(f"--parwork-backend={name}", f"--parwork-verify={verify}")
    assert session.counts == {"passed": 3}


def test_a_matrix_of_the_command_line_names_the_address_in_its_ids(
    scratch: Scratch, programs: DaskPrograms
) -> None:
    project(scratch)
    options = [f"--parwork-backend=threads,dask:{programs.address}", "-k", "test_it"]
    session = scratch.run_apart("root", *options, "--collect-only", "-q")
    assert f"pack/test_it.py::test_it[dask:{programs.address}-2]" in session.text


@pytest.mark.sweep  # backends/test_dask_joined.py asks daily
def test_a_crash_on_a_joined_cluster_fails_only_its_case(
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
    assert " sent to " not in session.text  # only with -v


@pytest.mark.parametrize("backend", ["dask", slow("joblib:dask")])
def test_a_cluster_of_its_own_is_closed_when_the_session_ends(
    scratch: Scratch, keeps_helpers: None, backend: str
) -> None:
    scratch.cases(
        f"""
        @pytest.mark.parwork(backend="{backend}", workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            return n
        """
    )
    session = scratch.run_apart(report=True)
    assert session.counts == {"passed": 4}
    assert session.err == ""


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["dask", "joblib:dask", "joined"])
def test_a_limit_holds_in_a_module_whose_time_is_frozen(
    scratch: Scratch, programs: DaskPrograms, keeps_helpers: None, name: str
) -> None:
    pytest.importorskip("freezegun")
    scratch.cases(
        """
        import threading
        import freezegun

        freezegun.freeze_time("2020-01-01").start()

        @pytest.mark.parwork(workers=2, timeout=2)
        @pytest.mark.parametrize("n", range(12))
        def test_it(n):
            if n == 3 and threading.current_thread() is not threading.main_thread():
                threading.Event().wait()
            return time.time()
        """
    )
    backend = f"dask:{programs.address}" if name == "joined" else name
    session = scratch.run_apart(f"--parwork-backend={backend}", "-W", "default", report=True)
    lost = [case for case in session.report["runs"][0]["cases"] if case["verdict"] != "EQUAL"]
    assert [case["id"] for case in lost] == ["test_it.py::test_it[3]"]
    assert lost[0]["lost"]["reason"] == "timeout"


def test_a_wrong_name_after_the_colon_is_an_error_before_anything_runs(scratch: Scratch) -> None:
    project(scratch)
    for name, told in {
        "dask:host": "unknown backend 'dask:host'; after the colon comes the address of a",
        "joblib:lokky": "unknown backend 'joblib:lokky'; joblib knows: dask, loky, multipro",
        "threads:tcp": "unknown backend 'threads:tcp' (did you mean 'threads'?); known: ",
    }.items():
        session = scratch.run(f"--parwork-backend={name}")
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
