"""The surroundings that workers take over, and the name of the running test in threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_parwork.machine import surroundings
from pytest_parwork.machine.surroundings import Changes, Surroundings
from pytest_parwork.worker.current_test import VARIABLE, exchange_name, name_test, named_by_thread


@pytest.fixture
def umask() -> Iterator[int]:
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


@pytest.fixture
def named() -> Iterator[None]:
    before = os.environ.get(VARIABLE)
    yield
    exchange_name(before)


def test_a_variable_that_changed_back_is_still_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OF_TEST", raising=False)
    changes = Changes(dict(os.environ))
    assert changes.note() == {}
    monkeypatch.setenv("OF_TEST", "1")
    assert changes.note() == {"OF_TEST": "1"}
    monkeypatch.delenv("OF_TEST")
    assert changes.note() == {"OF_TEST": None}


def test_marks_of_processes_are_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = Changes(dict(os.environ))
    monkeypatch.setenv("PARWORK_SESSION", "0123456789abcdef")
    assert changes.note() == {}


@pytest.mark.parametrize("has_proc", [True, False])
def test_the_umask_is_read_and_stays(
    umask: int, has_proc: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if not has_proc:
        monkeypatch.setattr(surroundings, "STATUS", tmp_path / "missing")
    assert Changes({}).surroundings().umask == umask
    assert os.umask(umask) == umask


def test_a_folder_that_was_deleted_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, umask: int
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert Changes({}).surroundings().folder is None
    monkeypatch.chdir(tmp_path)
    for deleted in (None, str(folder)):
        Surroundings({}, deleted, umask).take_over()
        assert Path.cwd() == tmp_path


def test_a_process_takes_all_of_it_over(tmp_path: Path) -> None:
    code = (
        "import os, sys, time\n"
        "from pytest_parwork.machine.surroundings import Surroundings\n"
        "variables = {'ADDED': 'yes', 'REMOVED': None, 'ABSENT': None, 'TZ': 'Asia/Tokyo'}\n"
        "time.localtime()\n"
        "Surroundings(variables, sys.argv[1], 0o027).take_over()\n"
        "assert os.environ['ADDED'] == os.getenv('ADDED') == 'yes'\n"
        "assert 'REMOVED' not in os.environ and 'ABSENT' not in os.environ\n"
        "assert os.getcwd() == sys.argv[1] and os.umask(0) == 0o027\n"
        "assert time.localtime(0).tm_hour == 9\n"
    )
    environment = {**os.environ, "REMOVED": "no", "TZ": "UTC"}
    command = [sys.executable, "-c", code, str(tmp_path)]
    subprocess.run(command, env=environment, check=True, timeout=30)


@pytest.mark.usefixtures("named")
def test_each_thread_reads_the_name_of_its_own_test() -> None:
    barrier, seen = threading.Barrier(2), dict[str, object]()

    def work(name: str) -> None:
        name_test(name, "call")
        barrier.wait(10)
        seen[name] = (
            os.environ[VARIABLE],
            os.getenv(VARIABLE),
            VARIABLE in os.environ,
            dict(os.environ)[VARIABLE],
        )
        barrier.wait(10)
        os.environ[VARIABLE] = "own"  # as a task may do, and as others must not notice
        barrier.wait(10)
        seen[f"{name} set"] = os.environ.pop(VARIABLE)

    exchange_name("of the process")
    kind = type(os.environ)
    threads = [threading.Thread(target=work, args=(name,), daemon=True) for name in ("a", "b\0")]
    with named_by_thread():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert os.environ[VARIABLE] == "of the process"
    assert seen == {
        "a": ("a (call)", "a (call)", True, "a (call)"),
        "b\0": ("b(null) (call)", "b(null) (call)", True, "b(null) (call)"),
        "a set": "own",
        "b\0 set": "own",
    }
    assert type(os.environ) is kind
    assert os.environ[VARIABLE] == "of the process"


@pytest.mark.usefixtures("named")
def test_the_main_thread_names_its_test_for_the_process_until_the_run_ends() -> None:
    exchange_name("before")
    with named_by_thread():
        name_test("serial", "setup")
        command = [sys.executable, "-c", f"import os; print(os.environ[{VARIABLE!r}])"]
        child = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert child.stdout == "serial (setup)\n"
    assert os.environ[VARIABLE] == "before"


@pytest.mark.usefixtures("named")
def test_a_thread_that_goes_on_after_its_run_does_not_name_the_test_of_the_process() -> None:
    begun, ended = threading.Event(), threading.Event()

    def work() -> None:
        name_test("given up", "call")
        begun.set()
        ended.wait(10)
        name_test("given up", "teardown")

    exchange_name("of the process")
    thread = threading.Thread(target=work, daemon=True)
    with named_by_thread():
        thread.start()
        assert begun.wait(10)
    ended.set()
    thread.join(10)
    assert os.environ[VARIABLE] == "of the process"
