"""A result whose loading ends pytest is named in a last message."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from pytest_parwork.plugin.session import breadcrumb

from .scratch import Scratch, slow, until

#: Case 3 returns a value that ends the process that loads it.
CASES = """
    def end_here():
        if is_here():
            {statement}

    class Deadly:
        def __reduce__(self):
            return end_here, ()

    @pytest.mark.parwork(backend="{backend}", workers=2)
    @pytest.mark.parametrize("n", range(6))
    def test_it(n):
        return {value} if n == 3 else n
    """

TOLD = "pytest ended while the result of test_it.py::test_it[3] was being loaded"

BACKENDS = ["processes:fork", slow("processes:spawn"), slow("joblib"), slow("dask")]


def watching(pid: int) -> list[int]:
    """Return the processes that wait for the exit of another, to report what it was loading."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{name}/cmdline").read_bytes().decode().split("\0")
        except (OSError, UnicodeDecodeError):
            continue
        if breadcrumb.__file__ in words and str(pid) in words:
            found.append(int(name))
    return found


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("os._exit(7)", "Deadly()"),
        ("os._exit(0)", "[1, {'a': Deadly()}]"),
        ("__import__('ctypes').string_at(0)", "Deadly()"),
        ("os.kill(os.getpid(), 9)", "Deadly()"),
    ],
    ids=["exit", "inside", "segfault", "kill"],
)
def test_it_is_named(scratch: Scratch, backend: str, statement: str, value: str) -> None:
    scratch.cases(CASES.format(backend=backend, statement=statement, value=value))
    apart = scratch.start()
    session = apart.finish()
    assert TOLD in session.err
    assert until(lambda: not watching(apart.pid), deadline=30)


@pytest.mark.parametrize("capture", ["fd", "sys", "no"])
def test_it_is_named_however_output_is_captured(scratch: Scratch, capture: str) -> None:
    text = CASES.format(backend="processes:fork", statement="os._exit(7)", value="Deadly()")
    scratch.cases(text)
    assert TOLD in scratch.run_apart(f"--capture={capture}").err


def test_an_exception_is_named_too(scratch: Scratch) -> None:
    scratch.cases(
        """
        class Deadly(Exception):
            def __setstate__(self, state):
                if is_here():
                    os._exit(7)

        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(6))
        def test_it(n):
            if n == 3:
                error = Deadly("x")
                error.n = n
                raise error
            return n
        """
    )
    assert TOLD in scratch.run_apart().err


def test_the_result_of_a_call_is_named(scratch: Scratch) -> None:
    scratch.cases(
        """
        class Deadly:
            def __setstate__(self, state):
                if is_here():
                    os._exit(7)

        def work(n):
            made = Deadly()
            made.n = n
            return made if n == 3 else n

        def test_it(parwork):
            parwork.map(work, range(6), backend="processes:fork", workers=2)
        """
    )
    told = "pytest ended while the result of test_it.py::test_it::map[0][3] was being loaded"
    assert told in scratch.run_apart().err


def test_results_that_load_leave_no_message_and_no_process(scratch: Scratch) -> None:
    scratch.cases(
        """
        from pathlib import Path

        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(6))
        def test_it(n):
            return Path(str(n))

        def test_other():
            note("loaded")
        """
    )
    apart = scratch.start()
    session = apart.finish()
    assert session.err == ""
    assert session.counts == {"passed": 7}
    assert not watching(apart.pid)


def test_nothing_is_said_where_pytest_is_killed_at_something_else(scratch: Scratch) -> None:
    scratch.cases(
        """
        from pathlib import Path

        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(6))
        def test_it(n):
            return Path(str(n))

        def test_other():
            note("loaded")
            time.sleep(1000)
        """
    )
    apart = scratch.start()
    apart.wait_for("loaded here")
    assert watching(apart.pid)
    apart.send(signal.SIGKILL)
    assert apart.finish().err == ""
    assert until(lambda: not watching(apart.pid), deadline=30)


@pytest.mark.parametrize(
    "value", ["n", "str(n)", "[n, 'x', {1: (2.0, None, True)}]", "b'x' * 100", "{n, 2}"]
)
def test_plain_data_need_no_second_process(scratch: Scratch, value: str) -> None:
    scratch.cases(
        f"""
        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(6))
        def test_it(n):
            return {value}

        def test_other():
            note("loaded")
            time.sleep(1000)
        """
    )
    apart = scratch.start()
    apart.wait_for("loaded here")
    assert not watching(apart.pid)
    apart.kill()


def test_a_parent_that_has_ended_before_the_other_began_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "crumb"
    text = b"test_it.py::test_it"
    file.write_bytes(len(text).to_bytes(8, "little") + text)
    fd = os.open(file, os.O_RDONLY)
    try:
        done = subprocess.run(
            ["python", "-I", "-S", breadcrumb.__file__, str(fd), "1"],
            pass_fds=[fd],
            capture_output=True,
            text=True,
            timeout=30,
        )
    finally:
        os.close(fd)
    assert "while the result of test_it.py::test_it was being loaded" in done.stderr


def test_it_starts_where_a_fixture_has_replaced_the_start_of_programs(scratch: Scratch) -> None:
    """As that of pytest-subprocess does; nothing may be imported late, and find the replacement."""
    scratch.cases(
        """
        import subprocess
        from unittest import mock

        class Value:
            def __init__(self, n):
                self.n = n

            def __eq__(self, other):
                return self.n == other.n

            __hash__ = None

        @pytest.fixture
        def no_programs():
            with mock.patch("subprocess.Popen", side_effect=OSError("a program")):
                yield

        @pytest.mark.parwork(backend="processes:fork", workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_it(n, no_programs):
            return Value(n)
        """
    )
    session = scratch.run_apart(is_cold=True)
    assert session.counts == {"passed": 4}
