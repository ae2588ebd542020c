"""Results that are wrong, and ways in which they once passed or broke the session."""

from __future__ import annotations

import pytest

from .scratch import Scratch


@pytest.mark.parametrize("backend", ["threads", "joblib:threading"])
def test_a_buffer_that_threads_share_is_not_compared_with_itself(
    scratch: Scratch, backend: str
) -> None:
    scratch.cases(
        f"""
        import threading

        BUFFER = [None]
        BOTH = threading.Barrier(2)

        @pytest.mark.parwork(backend={backend!r}, workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_shared(n):
            BUFFER[0] = n
            if threading.current_thread() is not threading.main_thread():
                BOTH.wait(20)  # both have written, the last one wins
            return BUFFER
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 1, "failed": 1}
    assert "DIFFERENT at [0]" in session.text


def test_a_difference_is_reported_where_the_serial_run_skips(scratch: Scratch) -> None:
    scratch.cases(
        """
        import os
        HERE = os.getpid()

        @pytest.mark.xfail(raises=__import__("pytest_parwork").MismatchError)
        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(2))
        def test_skips(n):
            if os.getpid() == HERE:
                pytest.skip("only in workers")
            return n
        """
    )
    session = scratch.run()
    assert session.counts == {"failed": 2}
    assert "DIFFERENT: serial skip" in session.text


def test_a_broken_skipif_fails_only_its_case(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize(
            "n", [1, 2, pytest.param(3, marks=pytest.mark.skipif("undefined_name"))]
        )
        def test_it(n):
            return n
        """
    )
    session = scratch.run()
    assert session.counts == {"passed": 2, "errors": 1}
    assert "undefined_name" in session.text


def test_a_late_marker_on_a_single_case_is_rejected(scratch: Scratch) -> None:
    scratch.write(
        "conftest.py",
        """
import pytest

def pytest_collection_modifyitems(items):
    items[1].add_marker(pytest.mark.parwork(backend="serial"))
""",
    )
    scratch.cases(
        """
        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize("n", range(3))
        def test_it(n):
            return n
        """
    )
    session = scratch.run()
    assert session.counts == {}
    assert "this case asks for serial-2 but other cases of the test for threads-2" in session.text


def test_the_report_names_every_policy_that_was_used(scratch: Scratch) -> None:
    scratch.cases(
        """
        from pytest_parwork import close

        @pytest.mark.parwork(backend="threads", workers=2)
        @pytest.mark.parametrize(
            "n", [1, pytest.param(2, marks=pytest.mark.parwork(compare=close(rtol=0.5)))]
        )
        def test_it(n):
            return n
        """
    )
    session = scratch.run(report=True)
    assert session.run("test_it.py::test_it")["policy"] == "exact(), close(rtol=0.5, atol=0.0)"


def test_a_plugin_may_have_no_backend_to_offer(scratch: Scratch) -> None:
    scratch.write("conftest.py", "def pytest_parwork_backends(config):\n    return None\n")
    scratch.cases("@pytest.mark.parwork(backend='threads', workers=2)\ndef test_it(): return 1\n")
    assert scratch.run().counts == {"passed": 1}


def test_an_exception_that_is_false_is_raised_all_the_same(scratch: Scratch) -> None:
    scratch.cases(
        """
        class Empty(Exception):
            def __len__(self):
                return 0

        def fail(n):
            raise Empty(n)

        def test_it(parwork):
            with pytest.raises(Empty):
                parwork.map(fail, [1, 2], backend="threads", workers=2)
        """
    )
    assert scratch.run().counts == {"passed": 1}


@pytest.mark.parametrize("backend", ["processes:fork", "joblib", "isolated:fork", "dask"])
def test_a_case_may_patch_functions_of_the_system(scratch: Scratch, backend: str) -> None:
    scratch.cases(
        f"""
        import mmap, os, pickle, threading

        def patch(monkeypatch, name):
            def fail(*_, **__):
                raise RuntimeError(name)
            module, _, function = name.partition(".")
            monkeypatch.setattr(globals()[module], function, fail)

        @pytest.fixture
        def patched(monkeypatch, name):
            patch(monkeypatch, name)

        NAMES = pytest.mark.parametrize("name", [
            "os.lseek", "os.close", "os.pread", "os.pwrite", "os.ftruncate",
            "mmap.mmap", "pickle.loads", "pickle.dumps", "threading.get_ident",
        ])

        @pytest.mark.parwork(backend={backend!r}, workers=2)
        @NAMES
        def test_in_its_body(name, monkeypatch):
            patch(monkeypatch, name)
            return [name, b"x" * 100_000]

        @pytest.mark.parwork(backend={backend!r}, workers=2)
        @NAMES
        def test_in_a_fixture(name, patched):
            return [name, b"x" * 3_000]
        """
    )
    session = scratch.run_apart(report=True)
    assert session.counts == {"passed": 18}
    for test in ("test_in_its_body", "test_in_a_fixture"):
        assert set(session.verdicts(f"test_it.py::{test}").values()) == {"EQUAL"}
