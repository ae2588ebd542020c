"""Workers that are slow to start do so while pytest collects."""

from __future__ import annotations

import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_parwork.backends.joblib import loky
from pytest_parwork.model.work import Configuration
from pytest_parwork.plugin.cases import early as start

from .scratch import Scratch
from .test_leftovers import nothing_is_left

pytestmark = pytest.mark.usefixtures("keeps_helpers")

#: Tells how many workers there are when collecting is over.
COUNTING = """
    import multiprocessing
    from noting import note

    def pytest_collection_finish():
        for child in multiprocessing.active_children():
            note(f"worker {child.pid}")
    """

CASES = """
    @pytest.mark.parwork(backend={backend}, workers=2)
    @pytest.mark.parametrize("n", range({cases}))
    def test_it(n):
        note(f"case of {{os.getpid()}}")
        return n

    def test_other():
        pass
    """


def early(scratch: Scratch) -> set[str]:
    """Return the ids of the workers that were there when collecting was over."""
    return {line.split()[1] for line in scratch.notes() if line.startswith("worker")}


@pytest.mark.parametrize("backend", ['"joblib"', '["threads", "joblib"]', '"joblib:loky"'])
def test_workers_of_loky_start_while_pytest_collects_and_run_the_cases(
    scratch: Scratch, backend: str
) -> None:
    scratch.write("conftest.py", COUNTING)
    scratch.cases(CASES.format(backend=backend, cases=8))
    session = scratch.run_apart(report=True)
    assert session.code == 0, session.text
    notes = scratch.notes()
    started = {line.split()[1] for line in notes if line.startswith("worker")}
    used = {line.split()[2] for line in notes if line.startswith("case") and "there" in line}
    assert len(started) == 2
    assert started & used
    assert session.report["runs"][-1]["exercised"] is True


def test_they_start_once_for_all_tests(scratch: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    start = loky.start_workers

    def start_workers(*arguments: Any) -> None:
        asked.append(arguments)
        start(*arguments)

    monkeypatch.setattr(loky, "start_workers", start_workers)
    scratch.cases(CASES.format(backend='"joblib"', cases=8), "test_a.py")
    scratch.cases(CASES.format(backend='["joblib", "joblib:loky"]', cases=8), "test_b.py")
    assert scratch.run().code == 0
    assert len(asked) == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--collect-only"],
        ["--fixtures"],
        ["--fixtures-per-test"],
        ["--parwork-serial"],
        ["--setup-plan"],
        ["--pdb"],
        ["-k", "other"],
        ["-m", "not parwork"],
        ["--deselect", "test_it.py::test_it"],
        ["--lf"],
        ["--sw"],
    ],
    ids=lambda options: options[0].strip("-"),
)
def test_none_start_where_they_may_not_be_needed(scratch: Scratch, options: list[str]) -> None:
    scratch.write("conftest.py", COUNTING)
    scratch.cases(CASES.format(backend='"joblib"', cases=8))
    assert scratch.run(*options).code == 0
    assert early(scratch) == set()


@pytest.mark.parametrize(
    "mark",
    [
        "@pytest.mark.parametrize('n', range(1))",
        "@pytest.mark.parametrize('n', range(8)) @pytest.mark.skip",
        "@pytest.mark.parametrize('n', range(8)) @pytest.mark.skipif(True, reason='not here')",
        "@pytest.mark.usefixtures('n')",
    ],
)
def test_none_start_for_cases_that_may_be_too_few(scratch: Scratch, mark: str) -> None:
    scratch.write("conftest.py", COUNTING)
    lines = mark.replace(" @", "\n@")
    scratch.cases(
        f"""
import pytest

@pytest.fixture(params=range(8))
def n(request):
    return request.param

@pytest.mark.parwork(workers=2)
{lines}
def test_it(n):
    return n
"""
    )
    assert scratch.run().code == 0
    assert early(scratch) == set()


@pytest.mark.sweep
def test_none_start_in_processes_of_xdist(scratch: Scratch) -> None:
    scratch.write("conftest.py", COUNTING)
    scratch.cases(CASES.format(backend='"joblib"', cases=8))
    assert scratch.run_apart("-p", "xdist.plugin", "-n", "1").code == 0
    assert early(scratch) == set()


def test_none_are_left_where_collecting_fails(scratch: Scratch) -> None:
    scratch.cases(CASES.format(backend='"joblib"', cases=8), "test_a.py")
    scratch.cases("assert False, 'no module'", "test_b.py")
    apart = scratch.start()
    session = apart.finish()
    assert session.code == pytest.ExitCode.INTERRUPTED
    nothing_is_left(apart)


def test_a_session_that_ends_at_once_leaves_no_error(scratch: Scratch) -> None:
    scratch.cases(
        """
        @pytest.mark.parwork
        @pytest.mark.parametrize("n", [0, pytest.param(1, marks=pytest.mark.parwork(workers=3))])
        def test_it(n): pass
        """
    )
    for _ in range(6):
        assert scratch.run().code == pytest.ExitCode.USAGE_ERROR


def test_none_outlive_pytest_that_is_killed_while_it_collects(scratch: Scratch) -> None:
    scratch.cases(CASES.format(backend='"joblib"', cases=8), "test_a.py")
    scratch.cases(
        """
        import multiprocessing
        workers = [child.pid for child in multiprocessing.active_children()]
        while list(map(os.getpgid, workers)) != workers:  # as they are once they have arrived
            time.sleep(0.01)
        time.sleep(0.1)
        note("collecting")
        time.sleep(1000)
        """,
        "test_b.py",
    )
    apart = scratch.start()
    apart.wait_for("collecting here")
    workers = [pid for pid in apart.members() if b"loky_posix" in cmdline(pid)]
    assert len(workers) == 2
    apart.send(signal.SIGKILL)
    apart.finish()
    nothing_is_left(apart)


def cmdline(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_no_backend_is_looked_up_in_a_process_of_xdist(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(start, "is_fanned_out", lambda config: True)
    monkeypatch.setattr(start, "backend_named", lambda config, name: asked.append(name))
    settings: list[dict[str, object]] = [{"workerinput": {}}, {}]
    for of_xdist in settings:
        config = SimpleNamespace(getoption=lambda name, default: default, **of_xdist)
        metafunc: Any = SimpleNamespace(config=config)
        start.start_early(metafunc, [Configuration(backend="joblib")])
        assert asked == ([] if of_xdist else ["joblib"])
