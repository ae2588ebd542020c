"""Report files: written whole or not at all, whatever is in their place; in what format."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.report_samples import cases, report, run

from pytest_parwork import UsageError
from pytest_parwork.report import files
from pytest_parwork.report.files import obstacle, write_whole


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path, umask: None) -> None:
    write_whole(tmp_path / "new" / "report.json", ["{}\n"])
    assert (tmp_path / "new" / "report.json").read_text() == "{}\n"
    assert mode(tmp_path / "new" / "report.json") == 0o640
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report.json"]


def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path, umask: None) -> None:
    file = tmp_path / "report.json"
    file.write_text("old")
    file.chmod(0o604)
    write_whole(file, ["new"])
    assert (file.read_text(), mode(file)) == ("new", 0o604)


def test_the_mode_of_a_file_of_somebody_else_is_not_kept(
    tmp_path: Path, umask: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "report.json"
    file.write_text("planted")
    file.chmod(0o666)
    us = os.geteuid()
    monkeypatch.setattr("os.geteuid", lambda: us + 1)
    write_whole(file, ["new"])
    assert (file.read_text(), mode(file)) == ("new", 0o640)


@pytest.mark.parametrize("target", ["there", "not there", "."])
def test_a_link_is_replaced_and_not_followed(tmp_path: Path, target: str) -> None:
    (tmp_path / "there").write_text("of somebody else")
    file = tmp_path / "report.json"
    file.symlink_to(tmp_path / target)
    assert obstacle(file) == ""
    write_whole(file, ["new"])
    assert not file.is_symlink()
    assert file.read_text() == "new"
    assert (tmp_path / "there").read_text() == "of somebody else"
    assert not (tmp_path / "not there").exists()


def test_a_second_name_of_the_file_keeps_what_it_had(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("of somebody else")
    os.link(tmp_path / "other", tmp_path / "report.json")
    write_whole(tmp_path / "report.json", ["new"])
    assert (tmp_path / "other").read_text() == "of somebody else"


def test_nothing_is_left_of_what_could_not_be_written_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "report.json"
    file.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="No space left"):
        write_whole(file, ["new"])
    with pytest.raises(UnicodeEncodeError):
        write_whole(file, ["no encoding has \ud800"])
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert file.read_text() == "old"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "report.json"
    os.mkfifo(pipe)
    read: list[str] = []
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reading, True)
    holding = os.open(pipe, os.O_WRONLY)  # without a writer, its end would be read at once

    def read_all() -> None:
        with open(reading, encoding="utf-8") as opened:
            read.append(opened.read())

    reader = threading.Thread(target=read_all)
    reader.start()
    text = "x" * 200_000  # more than a pipe holds
    write_whole(pipe, [text])
    os.close(holding)
    reader.join(30)
    assert read == [text]
    assert stat.S_ISFIFO(pipe.lstat().st_mode)


def test_a_pipe_that_nobody_reads_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "report.json")
    with pytest.raises(OSError, match="No such device or address"):
        write_whole(tmp_path / "report.json", ["{}"])


def test_a_device_is_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole(Path(os.devnull), ["{}"])
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_what_is_in_the_way_is_known_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.json").mkdir()
    assert obstacle(tmp_path / "new" / "report.json") == ""
    assert obstacle(tmp_path / "file") == ""
    assert obstacle(tmp_path / "folder.json") == "it is a folder"
    assert obstacle(tmp_path / "file" / "a" / "r.json") == f"{tmp_path / 'file'} is not a folder"
    monkeypatch.setattr("os.access", lambda *_: False)
    text = f"the folder {tmp_path} is not writable"
    assert obstacle(tmp_path / "new" / "report.json") == text


def test_a_name_that_no_file_can_have_is_known_before(tmp_path: Path) -> None:
    assert obstacle(tmp_path / f"{'a' * 300}.json") == "File name too long"
    assert obstacle(tmp_path / ("a" * 300) / "report.json") == "File name too long"


def test_a_folder_that_accepts_no_file_in_spite_of_its_permissions_is_known_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", fail)
    told = f"the folder {tmp_path} is not writable: No space left on device"
    assert obstacle(tmp_path / "new" / "report.json") == told


def test_nothing_is_left_of_the_search_for_obstacles(tmp_path: Path) -> None:
    assert obstacle(tmp_path / "report.json") == ""
    assert list(tmp_path.iterdir()) == []


# formats


def test_the_table_says_which_suffixes_there_are() -> None:
    assert list(files.FORMATS) == [".json", ".html", ".md", ".trace.json"]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.json", "_json"),
        ("a.b.JSON", "_json"),
        ("a.trace.json", "_trace"),
        ("a.md", "_markdown"),
    ],
)
def test_the_longest_suffix_chooses_the_format(name: str, form: str, tmp_path: Path) -> None:
    target = files.target_of(name, tmp_path, {})
    assert (target.path, target.is_added) == (tmp_path / name, False)
    assert target.form is getattr(files, form)


def test_the_summary_of_a_job_is_added_to_the_file_of_its_variable(tmp_path: Path) -> None:
    summary = tmp_path / "summary"
    summary.write_text("of another step\n")
    target = files.target_of("github", tmp_path, {files.SUMMARY: str(summary)})
    target.write(report(run(cases(2))))
    text = summary.read_text()
    assert text.startswith("of another step\n## parwork: 1 workload")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.xml", "the suffix must be one of: .json"),
        ("a", "the suffix must be one of: .json"),
        (".json", "the suffix must be one of: .json"),
        ("report.json.gz", "the suffix must be one of: .json"),
        ("reportjson", "the suffix must be one of: .json"),
        (".", "it is a folder"),
        ("github", "GITHUB_STEP_SUMMARY is not set"),
    ],
)
def test_a_name_that_stands_for_no_target_is_an_error(name: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=text) as found:
        files.target_of(name, tmp_path, {files.SUMMARY: ""})
    assert f"--parwork-report={name}" in str(found.value)
