"""Journals: what a dead process leaves for those that take over its batch."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_parwork.journal import WORTH_KEEPING, Entry, Journal

RUN = "a-run"

#: A process that runs tasks of batch 7, and dies; its arguments are the folder and its last deed.
DEADLY = """
import os, signal, sys, tempfile
from pytest_parwork.journal import Entry, Journal

tempfile.tempdir = sys.argv[1]
journal = Journal("a-run")

def begun(task):
    return Entry(task, "died", "w#0", os.getpid(), 1.0, 2.0)

journal.begin(7, begun(1))
journal.end(Entry(1, "value", "w#0", os.getpid(), 1.0, 2.0, 3.0, b"one", (b"buffer",)))
journal.begin(7, begun(2))
journal.begin(7, begun(3))
if sys.argv[2] == "timeout":
    journal.end(begun(2)._replace(kind="timeout"))
if sys.argv[2] == "large":
    journal.end(Entry(3, "value", "w#0", os.getpid(), 1.0, 2.0, 3.0, bytes(1 << 21)))
if sys.argv[2] == "torn":
    os.write(journal._fd, (100).to_bytes(8, "little") + b"123")
if sys.argv[2] == "alive":
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
    assert past.ended == {1: Entry(1, "value", "w#0", pid, 1.0, 2.0, 3.0, b"one", (b"buffer",))}
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


def test_a_directory_that_is_a_link_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / f"parwork-run-{RUN}").symlink_to(target)
    journal = Journal(RUN)
    journal.begin(1, Entry(1, "died", "w#0", 1, 1.0, 2.0))
    assert list(target.iterdir()) == []
    journal.close()
