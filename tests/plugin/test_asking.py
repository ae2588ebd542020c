"""Cases that hooks of conftests and plugins skip are not sent; pytest's own question counts."""

from __future__ import annotations

import pytest

from .scratch import Scratch

CONFTEST = """
    import os
    import pytest
    from pathlib import Path

    def log(text):
        with open(Path(__file__).with_name("asked.txt"), "a") as file:
            file.write(text + "\\n")

    def number(item):
        return item.callspec.params["n"] if hasattr(item, "callspec") else None

    def pytest_addoption(parser):
        parser.addoption("--slow", action="store_true")

    def pytest_runtest_setup(item):
        print("noise of a hook")
        log(f"setup {item.name} {os.getpid()}")
        if item.get_closest_marker("slow") and not item.config.getoption("--slow"):
            pytest.skip("slow: use --slow")
        if item.get_closest_marker("broken"):
            raise RuntimeError("the hook is broken")

    def pytest_runtest_teardown(item, nextitem):
        log(f"teardown {item.name} {os.getpid()}")
"""

CASES = """
    @pytest.fixture(scope="module")
    def costly():
        note("costly")

    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize(
        "n", [0, 1, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 3))]
    )
    def test_some(n):
        note(f"some {n}")
        return n

    @pytest.mark.slow
    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("n", range(50))
    def test_all(n, costly, tmp_path):
        note(f"all {n}")

    @pytest.mark.broken
    @pytest.mark.parwork(workers=2)
    @pytest.mark.parametrize("n", range(2))
    def test_broken(n):
        note(f"broken {n}")
"""

INI = """
    [pytest]
    markers =
        slow: takes long
        broken: its set-up fails
"""


@pytest.mark.parametrize("backend", ["processes:fork", "threads", "joblib", "isolated:fork"])
def test_what_a_hook_skips_is_not_run_anywhere(scratch: Scratch, backend: str) -> None:
    scratch.write("conftest.py", CONFTEST)
    scratch.write("pytest.ini", INI)
    scratch.cases(CASES)
    ran = scratch.run_apart(f"--parwork-backend={backend}", report=True)
    assert ran.counts == {"passed": 2, "skipped": 52, "errors": 2}, ran.text
    assert "noise" not in ran.out.partition("ERRORS")[0]
    notes = scratch.notes()
    assert sorted(set(notes)) == ["some 0 here", "some 0 there", "some 1 here", "some 1 there"]
    assert ran.verdicts("test_it.py::test_some") == {
        "0": "EQUAL", "1": "EQUAL", "2": "NOT_VERIFIED", "3": "NOT_VERIFIED"
    }  # fmt: skip
    asked = [line for line in (scratch.path / "asked.txt").read_text().splitlines() if "[" in line]
    setups, teardowns = ([line for line in asked if line.startswith(kind)] for kind in ("s", "t"))
    assert len(setups) == len(teardowns)
    # Each of them once before it is sent, and by pytest; none for each of the others.
    of_all = [line for line in setups if "test_all[" in line]
    assert len(of_all) == 2 * 50


def test_all_is_run_if_the_hook_lets_it(scratch: Scratch) -> None:
    scratch.write("conftest.py", CONFTEST)
    scratch.write("pytest.ini", INI)
    scratch.cases(CASES)
    ran = scratch.run("--parwork-backend=threads", "--slow", "-k", "not broken", report=True)
    assert ran.counts == {"passed": 54, "deselected": 2}
    assert set(ran.verdicts("test_it.py::test_some").values()) == {"EQUAL"}


def test_the_last_answer_counts(scratch: Scratch) -> None:
    scratch.write(
        "conftest.py",
        """
        import pytest

        asked = set()

        def pytest_runtest_setup(item):
            if "test_it[" in item.name and item.name not in asked:
                asked.add(item.name)
                pytest.skip("not yet")
        """,
    )
    scratch.cases(
        """
        @pytest.mark.parwork(workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n):
            note(f"{n}")
            return n
        """
    )
    ran = scratch.run("--parwork-backend=threads", report=True)
    assert ran.counts == {"passed": 3}
    assert ran.verdicts("test_it.py::test_it")["0"] == "NOT_VERIFIED"
    assert "a hook skipped it when it was to be sent" in ran.text


def test_hooks_that_act_or_come_after_the_fixtures_are_not_asked(scratch: Scratch) -> None:
    hook = """
        from pathlib import Path

        def pytest_runtest_setup(item):
            with open(Path(__file__).with_name("acted.txt"), "a") as file:
                file.write(item.name + "\\n")
    """
    scratch.write("pytest_socket.py", hook)
    scratch.write(
        "conftest.py",
        """
        import pytest

        pytest_plugins = ["pytest_socket"]

        @pytest.hookimpl(trylast=True)
        def pytest_runtest_setup(item):
            if hasattr(item, "callspec") and "test_it[" in item.name:
                assert item.funcargs["n"] == item.callspec.params["n"]

        class Wrapping:
            @pytest.hookimpl(wrapper=True)
            def pytest_runtest_setup(self, item):
                result = yield
                if "test_it[" in item.name:
                    assert "n" in item.funcargs
                return result

        def pytest_configure(config):
            config.pluginmanager.register(Wrapping())
        """,
    )
    scratch.cases(
        """
        @pytest.mark.parwork(workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n):
            return n
        """
    )
    ran = scratch.run("--parwork-backend=threads", report=True)
    assert ran.counts == {"passed": 3}
    assert set(ran.verdicts("test_it.py::test_it").values()) == {"EQUAL"}
    acted = (scratch.path / "acted.txt").read_text().splitlines()
    assert sorted(acted) == ["test_it", "test_it[0]", "test_it[1]", "test_it[2]"]
