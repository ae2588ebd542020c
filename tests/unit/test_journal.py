"""Journals: what a dead process leaves for those that take over its batch."""

from __future__ import annotations

import os
import pickle
import signal
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_parwork.machine import system
from pytest_parwork.transport.journal import WORTH_KEEPING, Journal
from pytest_parwork.transport.notes import Entry

RUN = "a-run"

#: A process that runs tasks of batch 7, and dies; its arguments are the folder and its last deed.
DEADLY = """
import os, signal, sys, tempfile
from pytest_parwork.transport.journal import Journal
from pytest_parwork.transport.notes import Entry

tempfile.tempdir = sys.argv[1]
journal = Journal("a-run")

def begun(task):
    return Entry(task, "died", "w#0", os.getpid(), 1.0, 2.0)

journal.begin(7, begun(1))
journal.end(Entry(1, "value", "w#0", os.getpid(), 1.0, 2.0, 3.0, 0.5, b"one", (b"buffer",)))
journal.begin(7, begun(2))
journal.begin(7, begun(3))
if sys.argv[2] == "timeout":
    journal.end(begun(2)._replace(kind="timeout"))
if sys.argv[2] == "large":
    journal.end(Entry(3, "value", "w#0", os.getpid(), 1.0, 2.0, 3.0, 0.5, bytes(1 << 21)))
if sys.argv[2] == "torn":
    os.write(journal._fd, (100).to_bytes(8, "little") + b"123")
if sys.argv[2] == "child" and os.fork() == 0:
    os.close(1)
    sys.stdin.read()
    os._exit(0)
if sys.argv[2] == "claims":
    journal.claim(7)
if sys.argv[2] in {"alive", "claims"}:
    print("ready", flush=True)
    sys.stdin.read()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    journal = Journal(RUN)
    yield journal
    journal.close()


def process(folder: Path, deed: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", DEADLY, str(folder), deed],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def die(folder: Path, deed: str) -> int:
    with process(folder, deed) as dying:
        assert dying.wait(30) == -signal.SIGKILL
    return dying.pid


def test_what_ended_is_kept_and_what_had_begun_is_told_as_dead(
    journal: Journal, tmp_path: Path
) -> None:
    pid = die(tmp_path, "")
    past = journal.look_back()
    assert past.ended == {
        1: Entry(1, "value", "w#0", pid, 1.0, 2.0, 3.0, 0.5, b"one", (b"buffer",))
    }
    assert past.died == {
        (7, task): Entry(task, "died", "w#0", pid, 1.0, 2.0, suspects=2) for task in (2, 3)
    }


def test_of_a_process_that_ended_itself_only_the_task_over_its_time_is_told(
    journal: Journal, tmp_path: Path
) -> None:
    die(tmp_path, "timeout")
    died = journal.look_back().died
    assert [(key, entry.kind, entry.suspects) for key, entry in died.items()] == [
        ((7, 2), "timeout", 1)
    ]


def test_a_large_outcome_is_not_kept_but_its_task_is_not_guilty(
    journal: Journal, tmp_path: Path
) -> None:
    assert WORTH_KEEPING < 1 << 21
    die(tmp_path, "large")
    past = journal.look_back()
    assert past.ended.keys() == {1}
    assert past.died.keys() == {(7, 2)}


def test_a_note_that_was_not_written_to_its_end_is_left_out(
    journal: Journal, tmp_path: Path
) -> None:
    die(tmp_path, "torn")
    assert journal.look_back().ended.keys() == {1}


def test_the_journal_of_a_living_process_is_not_read_until_it_is_dead(
    journal: Journal, tmp_path: Path
) -> None:
    with process(tmp_path, "alive") as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"ready\n"
        assert journal.look_back().ended == {}
        other.stdin.close()
        other.wait(30)
    assert journal.look_back().ended.keys() == {1}


def test_the_journal_of_a_dead_process_is_read_though_a_child_of_it_lives(
    journal: Journal, tmp_path: Path
) -> None:
    with process(tmp_path, "child") as left:
        assert left.wait(20) == -signal.SIGKILL
        assert {task for _, task in journal.look_back().died} == {2, 3}


def test_journals_are_for_nobody_else_and_are_removed_in_the_end(
    journal: Journal, tmp_path: Path
) -> None:
    assert stat.S_IMODE(journal.folder.stat().st_mode) == 0o700
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_without_a_place_for_it_nothing_is_noted_and_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    journal = Journal(RUN)
    entry = Entry(1, "value", "w#0", os.getpid(), 1.0, 2.0)
    journal.begin(1, entry)
    journal.end(entry)
    assert journal.look_back().ended == {}
    journal.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of the journals of a run before there is any."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / f"parwork-run-{RUN}"


def is_without_journals(folder: Path) -> bool:
    """Tell whether a worker takes nothing from a folder, leaves nothing there, and works on."""
    before = {path.name: path.lstat() for path in folder.iterdir()}
    journal = Journal(RUN)
    journal.begin(1, Entry(1, "died", "w#0", os.getpid(), 1.0, 2.0))
    journal.end(Entry(1, "value", "w#0", os.getpid(), 1.0, 2.0, 3.0, data=b"one"))
    past = journal.look_back()
    journal.close()
    after = {path.name: path.lstat() for path in folder.iterdir()}
    return after == before and not past.ended and not past.died


def test_a_folder_to_which_others_can_write_is_not_used(folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    folder.chmod(0o700)
    die(tmp_path, "")
    for mode in (0o777, 0o770, 0o705):
        folder.chmod(mode)
        assert is_without_journals(folder)


def test_a_folder_of_another_user_is_not_used(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    die(tmp_path, "")
    us = os.geteuid()
    monkeypatch.setattr("os.geteuid", lambda: us + 1)
    assert is_without_journals(folder)


def test_a_link_in_the_place_of_the_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    die(tmp_path, "")
    folder.rename(tmp_path / "target")
    folder.symlink_to(tmp_path / "target")
    assert is_without_journals(tmp_path / "target")


def test_only_files_that_nobody_else_can_have_written_are_read(
    journal: Journal, tmp_path: Path
) -> None:
    for _ in range(4):
        die(tmp_path, "")
    linked, twice, open_to_all, kept = sorted(
        path for path in journal.folder.iterdir() if path.name[0].isdigit() and not is_of(path)
    )
    linked.rename(tmp_path / "elsewhere")
    linked.symlink_to(tmp_path / "elsewhere")
    os.link(twice, tmp_path / "second name")
    open_to_all.chmod(0o622)
    os.mkfifo(journal.folder / f"1-0-0-{'0' * 32}", 0o600)
    (journal.folder / f"2-0-0-{'0' * 32}").mkdir()
    read = {entry.pid for entry in journal.look_back().died.values()}
    assert read == {int(kept.name.partition("-")[0])}


def is_of(path: Path) -> bool:
    return path.name.startswith(f"{os.getpid()}-")


def test_what_is_put_in_the_place_of_the_folder_later_is_not_looked_at(
    journal: Journal, tmp_path: Path
) -> None:
    journal.folder.rename(tmp_path / "ours")
    die(tmp_path, "")  # in a new folder, which might be anybody's
    assert journal.look_back().ended == {}
    journal.close()
    assert list((tmp_path / "ours").iterdir()) == []
    assert len(list(journal.folder.iterdir())) > 0


class Deed:
    """What runs code when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.file,)


def test_a_journal_is_not_unpickled(journal: Journal, tmp_path: Path) -> None:
    """Neither what looks like a note of old, nor the outcome in a note of today."""
    data = pickle.dumps(Deed(tmp_path / "touched"))
    file = journal.folder / f"1-0-0-{'0' * 32}"
    file.touch(0o600)
    file.write_bytes(len(data).to_bytes(8, "little") + data)
    file = journal.folder / f"2-0-0-{'0' * 32}"
    file.touch(0o600)
    entry = Entry(2, "value", "w#0", 2, 1.0, 2.0, 3.0, 0.5, data, (data,), output=data)
    with file.open("wb") as writing:
        fd, journal._fd = journal._fd, writing.fileno()
        journal.end(entry)
        journal._fd = fd
    past = journal.look_back()
    assert past.ended == {2: entry}
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    "garbage",
    [b"x" * 200, bytes(200), b"\xff" * 200, struct.pack("<IQ", 2, 0) + b"[]"],
    ids=["text", "zeros", "endless", "no note"],
)
def test_what_is_no_note_ends_a_journal(journal: Journal, tmp_path: Path, garbage: bytes) -> None:
    die(tmp_path, "")
    (file,) = [
        path for path in journal.folder.iterdir() if path.name[0].isdigit() and not is_of(path)
    ]
    with file.open("ab") as writing:
        writing.write(garbage)
    past = journal.look_back()
    assert past.ended.keys() == {1}
    assert past.died.keys() == {(7, 2), (7, 3)}


def test_after_a_note_that_could_not_be_written_whole_nothing_is_noted(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, entry = os.write, Entry(1, "value", "w#0", os.getpid(), 1.0, 2.0, 3.0, data=b"one")
    (file,) = [path for path in journal.folder.iterdir() if path.name[0].isdigit()]
    monkeypatch.setattr(system.os, "write", lambda fd, data: write(fd, data[:-1]))
    journal.end(entry)
    monkeypatch.undo()
    size = file.stat().st_size
    journal.end(entry)
    assert file.stat().st_size == size > 0


def test_a_task_of_a_batch_that_a_living_process_runs_is_known_to_the_next_one_of_the_batch(
    journal: Journal, tmp_path: Path
) -> None:
    with process(tmp_path, "claims") as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"ready\n"
        past = journal.claim(8)
        assert past.known(8, 2) is None
        journal.claim(7)
        assert [past.known(7, task) for task in (1, 2, 3)] == [
            Entry(1, "value", "w#0", other.pid, 1.0, 2.0, 3.0, 0.5, b"one", (b"buffer",)),
            Entry(2, "left", "w#0", other.pid, 1.0, 2.0),
            Entry(3, "left", "w#0", other.pid, 1.0, 2.0),
        ]
        other.stdin.close()
        other.wait(30)
