"""Which leftovers of a session are removed, and which are kept."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_parwork.machine import process_groups
from pytest_parwork.machine.leavings import END, Leavings
from pytest_parwork.machine.marks import Mark, claim_folder, temporary_folder, unmarked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="marks are read from /proc")


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Mark]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = Mark()
    with made:
        yield made
    made.close()


@pytest.fixture
def leavings(mark: Mark, tmp_path: Path) -> Iterator[Leavings]:
    """Provide the leavings of a session of this process, as if it had ended."""
    with tempfile.TemporaryFile() as registry:
        yield Leavings(
            registry=registry.fileno(),
            pid=os.getpid(),
            session=os.getsid(0),
            born=process_groups.born(os.getpid()),
            since=time.time() - 100,
            token=mark.token,
            folders=(str(tmp_path),),
        )


def sleeping(**settings: object) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, outside of all process groups of workers."""
    return subprocess.Popen(["sleep", "50"], start_new_session=True, **settings)  # type: ignore[call-overload,no-any-return]


def test_the_end_of_a_session_is_recorded_after_its_workers(leavings: Leavings) -> None:
    assert not leavings.has_ended()
    os.write(leavings.registry, b"\1" * len(END))
    assert not leavings.has_ended()
    leavings.note_end()
    assert leavings.has_ended()


class TestProcesses:
    def test_a_program_is_recognised_by_its_environment(self, leavings: Leavings) -> None:
        with sleeping() as left:
            leavings.end_all()
        assert left.returncode == -9

    def test_one_that_a_worker_has_started_is_distinguished(self, leavings: Leavings) -> None:
        with (
            sleeping() as of_the_session,
            sleeping(env={**os.environ, "PARWORK_WORKER": leavings.token}) as of_a_worker,
        ):
            leavings.end_workers()
            assert of_a_worker.wait(10) == -9
            assert of_the_session.poll() is None
            of_the_session.kill()

    def test_a_forked_process_without_any_descriptor_is_recognised(
        self, leavings: Leavings
    ) -> None:
        pid = os.fork()
        if not pid:
            os.setsid()
            os.closerange(0, 1000)
            time.sleep(50)
            os._exit(0)
        leavings.end_all()
        assert os.waitpid(pid, 0)[1] == 9

    def test_processes_of_others_are_kept(self, leavings: Leavings) -> None:
        with sleeping(env=unmarked()) as others:
            leavings.end_all()
            assert others.poll() is None
            others.kill()

    def test_processes_that_were_started_without_the_mark_are_kept(self) -> None:
        mark = Mark()
        with mark:
            pass
        assert mark.token not in os.environ.get("PARWORK_SESSION", "")
        mark.close()

    def test_a_session_inside_another_has_both_marks(self, mark: Mark) -> None:
        inner = Mark()
        with inner:
            assert os.environ["PARWORK_SESSION"].endswith(f"{mark.token}:{inner.token}")
        assert os.environ["PARWORK_SESSION"].endswith(mark.token)
        inner.close()


class TestFiles:
    def test_a_temporary_folder_is_removed_with_all_in_it(self, leavings: Leavings) -> None:
        folder = Path(temporary_folder("test"))
        (folder / "file").touch()
        leavings.remove_files()
        assert not folder.exists()

    def test_a_claimed_folder_is_removed(self, leavings: Leavings, tmp_path: Path) -> None:
        (tmp_path / "library").mkdir()
        claim_folder(str(tmp_path / "library"))
        leavings.remove_files()
        assert list(tmp_path.iterdir()) == []

    def test_those_of_others_are_kept(self, leavings: Leavings, tmp_path: Path) -> None:
        (tmp_path / "parwork-0123456789abcdef-dask-x").mkdir()
        (tmp_path / f"joblib_memmapping_folder_{os.getpid()}1_x").mkdir()
        kept = list(tmp_path.iterdir())
        leavings.remove_files()
        assert sorted(tmp_path.iterdir()) == sorted(kept)

    def test_joblibs_folder_is_removed_unless_it_is_older_than_the_session(
        self, leavings: Leavings, tmp_path: Path
    ) -> None:
        old, new = (tmp_path / f"joblib_memmapping_folder_{os.getpid()}_{n}" for n in (1, 2))
        old.mkdir()
        new.mkdir()
        os.utime(old, (0, 0))
        leavings.remove_files()
        assert list(tmp_path.iterdir()) == [old]

    def test_no_link_is_followed(self, leavings: Leavings, tmp_path: Path) -> None:
        (tmp_path / "precious").mkdir()
        (tmp_path / "precious" / "file").touch()
        (tmp_path / f"parwork-{leavings.token}-x").symlink_to(tmp_path / "precious")
        inside = Path(temporary_folder("test"))
        (inside / "link").symlink_to(tmp_path / "precious")
        leavings.remove_files()
        assert list(tmp_path.iterdir()) == [tmp_path / "precious"]
        assert list((tmp_path / "precious").iterdir()) == [tmp_path / "precious" / "file"]

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
    def test_files_of_another_user_are_kept(self, leavings: Leavings, tmp_path: Path) -> None:
        others = tmp_path / f"parwork-{leavings.token}-x"
        others.mkdir()
        os.chown(others, 12345, 12345)
        leavings.remove_files()
        assert others.exists()

    def test_an_invalid_token_in_the_variable_is_ignored(
        self, mark: Mark, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PARWORK_SESSION", "../../elsewhere")
        assert Path(temporary_folder("test")).parent == tmp_path
