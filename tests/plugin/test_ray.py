"""The backend `joblib:ray` in a session: no failure of ray ends pytest."""

from __future__ import annotations

import importlib.util
import signal
import tempfile
from pathlib import Path

import pytest

from .scratch import Scratch, until

pytestmark = [
    pytest.mark.sweep,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed"),
]

CASES = """
    from ending import end

    @pytest.mark.parwork(backend="joblib:ray", workers=2)
    @pytest.mark.parametrize("n", range(6))
    def test_one(n):
        return n * n

    def test_between():
        if {who!r}:
            end({who!r})

    @pytest.mark.parwork(backend="joblib:ray", workers=2)
    @pytest.mark.parametrize("n", range(6))
    def test_two(n):
        return n + 1
    """

#: Ends the process that calls ray, or one of ray's below it.
ENDING = """
    import os
    import signal

    def children(pid):
        found = []
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += map(int, file.read().split())
        return found

    def is_called(pid, name):
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().partition(b"\\0")[0].endswith(name.encode())

    def end(who):
        for driver in children(os.getpid()):
            below = children(driver)
            if any(is_called(pid, "raylet") for pid in below):
                named = {pid for pid in below if is_called(pid, who)}
                os.kill(driver if who == "driver" else named.pop(), signal.SIGKILL)
                return
        raise LookupError("ray is not running")
    """


def left() -> set[Path]:
    """Return the folders that ray has made for us, and those where it makes its own."""
    folder = Path(tempfile.gettempdir())
    return {*folder.glob("parwork-ray-*"), *folder.glob("ray/session_*_*")}


@pytest.mark.parametrize("name", ["joblib:ray"])
def test_runs_follow_one_another_and_nothing_is_left(scratch: Scratch, name: str) -> None:
    before = left()
    scratch.write("ending.py", ENDING)
    scratch.cases(CASES.format(who=""))
    apart = scratch.start("-q", report=True)
    session = apart.finish()
    assert session.counts == {"passed": 13}
    assert session.run("test_it.py::test_two")["configuration"]["backend"] == name
    assert session.run("test_it.py::test_two")["verdict"] == "EQUAL"
    assert until(lambda: not apart.members(), deadline=30)
    assert left() <= before


@pytest.mark.parametrize("name", ["joblib:ray"])
@pytest.mark.parametrize("who", ["driver", "gcs_server", "raylet"])
def test_the_end_of_ray_is_not_the_end_of_pytest(scratch: Scratch, name: str, who: str) -> None:
    scratch.write("ending.py", ENDING)
    scratch.cases(CASES.format(who=who))
    apart = scratch.start("-q", report=True)
    session = apart.finish()
    assert session.run("test_it.py::test_one")["configuration"]["backend"] == name
    assert session.run("test_it.py::test_one")["verdict"] == "EQUAL"
    assert session.run("test_it.py::test_two")["verdict"] in {"EQUAL", "LOST"}
    assert until(lambda: not apart.members(), deadline=30)


@pytest.mark.parametrize("name", ["joblib:ray"])
def test_nothing_is_left_where_pytest_is_killed_in_the_middle(scratch: Scratch, name: str) -> None:
    before = left()
    scratch.cases(
        f"""
        @pytest.mark.parwork(backend={name!r}, workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            if not is_here():
                note("under way")
                time.sleep(100)
        """
    )
    apart = scratch.start("-q")
    apart.wait_for("under way there")
    apart.send(signal.SIGKILL)
    assert until(lambda: not apart.members() and left() <= before, deadline=30)
