"""What a session loads: the modules that its tests need, and before a test can be in the way."""

from __future__ import annotations

import pytest

from .scratch import Scratch

#: Prints the modules of the package that were loaded by the end of the session.
LISTING = """
    import sys

    def pytest_unconfigure(config):
        ours = sorted(name for name in sys.modules if name.startswith("pytest_parwork."))
        print("loaded:", *(name.removeprefix("pytest_parwork.") for name in ours))
    """

PLAIN = """
    import pytest

    @pytest.mark.parametrize("n", range(3))
    def test_cases(n): assert n < 3

    class TestInside:
        def test_method(self): pass

    def test_folder(tmp_path): assert tmp_path.exists()
    """

#: Two tests that cannot be fanned out: it is a mistake of the marked one alone.
MISTAKEN = """
    import pytest

    async def test_reached(): pass

    @pytest.mark.parwork
    async def test_marked(): pass
    """


def test_a_list_of_tests_without_marks_needs_nothing_that_runs_them(scratch: Scratch) -> None:
    scratch.write("conftest.py", LISTING)
    scratch.write("test_it.py", PLAIN)
    options = ("--parwork-all", "--parwork-backend=threads", "--collect-only", "-q")
    session = scratch.run_apart(*options, is_cold=True)
    assert session.code == 0
    assert "test_it.py::test_cases[2]" in session.lines
    folders = {name.partition(".")[0] for name in _loaded(session.lines)}
    assert not folders & {"runner", "transport", "verify", "worker"}


def test_the_list_still_has_checks_and_mistakes(scratch: Scratch) -> None:
    scratch.write("test_it.py", PLAIN)
    options = ("--parwork-all", "--parwork-backend=threads", "--collect-only", "-q")
    session = scratch.run(*options, "--parwork-strict")
    assert "test_it.py::[exercised]" in session.lines
    scratch.write("test_mistaken.py", MISTAKEN)
    session = scratch.run(*options)
    (mistake,) = [line for line in session.lines if "cannot be fanned out" in line]
    assert "ERROR: test_mistaken.py::test_marked: an async test" in mistake


@pytest.mark.parametrize("backend", ["threads", "processes:fork"])
def test_what_compares_parts_is_loaded_when_a_run_has_given_some(
    scratch: Scratch, backend: str
) -> None:
    scratch.write(
        "test_it.py",
        """
        import os, sys, threading
        import pytest

        HERE = os.getpid()

        def is_loaded():
            return "pytest_parwork.equivalence.walk" in sys.modules

        def is_serial():
            return os.getpid() == HERE and threading.current_thread() is threading.main_thread()

        @pytest.mark.parametrize("n", range(3))
        def test_plain(n):
            assert not is_loaded()

        @pytest.mark.parametrize("n", range(3))
        def test_parts(n):
            assert is_loaded() == is_serial()
            return [n]
        """,
    )
    options = ("--parwork-all", "-o", "parwork_scope=function", f"--parwork-backend={backend}")
    session = scratch.run_apart(*options, "--parwork-workers=2", is_cold=True)
    assert session.counts == {"passed": 6}


def test_workers_that_check_arguments_inherit_what_does_so(scratch: Scratch) -> None:
    scratch.write(
        "test_it.py",
        """
        import sys
        import pytest

        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("items", [[1], [2], [3]])
        def test_items(items):
            assert "pytest_parwork.equivalence.digest" in sys.modules
        """,
    )
    session = scratch.run_apart(is_cold=True)
    assert session.counts == {"passed": 3}


def _loaded(lines: list[str]) -> list[str]:
    """Return the modules of the package that the session has printed."""
    (line,) = [line for line in lines if line.startswith("loaded:")]
    return line.split()[1:]
