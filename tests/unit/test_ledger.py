"""The shared table of a run, its spools and the records in them."""

from __future__ import annotations

import mmap
import os
import pickle
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pytest_parwork import compare
from pytest_parwork.machine import system
from pytest_parwork.model.errors import ParworkWarning, PayloadError
from pytest_parwork.transport.files import Files
from pytest_parwork.transport.ledger import DamagedError, Kind, Ledger, State
from pytest_parwork.transport.pickling import dumps
from pytest_parwork.transport.records import (
    ALIGNMENT,
    WORTH_MAPPING,
    is_whole,
    length_at,
    read_record,
    release_region,
)
from pytest_parwork.transport.spool import OWNER, WINDOW, WORTH_COPYING, Spool


@pytest.fixture
def files() -> Iterator[Files]:
    files = Files()
    yield files
    files.close()


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(bytearray(Ledger.size(3)))


def stored(spool: Spool, value: object) -> tuple[int, int]:
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    return spool.append(data, buffers)


def test_a_new_row_is_pending_and_without_times(ledger: Ledger) -> None:
    assert ledger.state(2) is State.PENDING
    assert ledger.times(2) == (None, None, None)
    assert not ledger.is_released


def test_a_row_tells_what_has_happened_and_nothing_more(ledger: Ledger) -> None:
    ledger.arrive(1, 4321, 1.5)
    assert ledger.state(1) is State.ARRIVED
    assert ledger.worker(1) == 4321
    assert ledger.times(1) == (1.5, None, None)
    ledger.start(1, 2.5)
    assert ledger.times(1) == (1.5, 2.5, None)
    ledger.end(1, 3.5)
    assert ledger.state(1) is State.ENDED
    assert ledger.times(1) == (1.5, 2.5, 3.5)
    assert ledger.state(0) is State.PENDING
    assert ledger.state(2) is State.PENDING


@pytest.mark.parametrize("kind", ["value", "failure", "skip"])
@pytest.mark.parametrize("spool", [0, 7])
def test_a_stored_row_tells_kind_and_place(ledger: Ledger, kind: Kind, spool: int) -> None:
    ledger.store(0, kind, spool, 1 << 40, 123)
    assert ledger.state(0) is State.STORED
    assert ledger.place(0) == (kind, spool, 1 << 40, 123)


def test_a_task_that_could_not_be_called_has_neither_begun_nor_ended(ledger: Ledger) -> None:
    ledger.arrive(0, 7, 1.0)
    ledger.store(0, "failure", 0, 0, 8)
    assert ledger.times(0) == (1.0, None, None)
    assert list(ledger.spans()) == [(7, 1.0, 1.0)]
    ledger.reset(0)
    ledger.arrive(0, 7, 2.0)
    ledger.start(0, 3.0)
    ledger.end(0, 4.0)
    ledger.store(0, "value", 0, 0, 8)
    assert ledger.times(0) == (2.0, 3.0, 4.0)
    assert list(ledger.spans()) == [(7, 2.0, 4.0)]


def test_a_row_can_be_forgotten(ledger: Ledger) -> None:
    ledger.arrive(1, 5, 1.0)
    ledger.start(1, 2.0)
    ledger.reset(1)
    assert ledger.state(1) is State.PENDING
    assert ledger.worker(1) == 0


def test_a_release_touches_no_row(ledger: Ledger) -> None:
    ledger.release()
    assert ledger.is_released
    assert [ledger.state(task) for task in range(3)] == [State.PENDING] * 3


def test_two_that_open_a_ledger_share_it(files: Files) -> None:
    _, path = files.create("ledger", Ledger.size(2))
    one, other = Ledger.open(path), Ledger.open(path)
    one.arrive(1, 9, 4.0)
    assert other.state(1) is State.ARRIVED
    other.release()
    assert one.is_released


def test_files_without_a_name_are_private_to_those_who_are_told(files: Files) -> None:
    fd, path = files.create("payload", 100)
    assert os.fstat(fd).st_size == 100
    assert os.stat(path).st_ino == os.fstat(fd).st_ino
    assert not os.get_inheritable(fd)


def test_where_the_system_has_no_nameless_files_a_private_directory_holds_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(system.os, "memfd_create", raising=False)
    files = Files()
    fd, path = files.create("payload", 10)
    os.pwrite(fd, b"x", 0)
    with open(path, "rb") as file:
        assert file.read(1) == b"x"
    directory = os.path.dirname(path)
    assert os.stat(directory).st_mode & 0o777 == 0o700
    assert os.stat(path).st_mode & 0o777 == 0o600
    files.close()
    assert not os.path.exists(directory)


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="the files have names here")
def test_what_is_frozen_can_be_mapped_and_not_be_written_cut_or_grown(files: Files) -> None:
    fd, path = files.create("payload", 5000)
    os.pwrite(fd, b"x" * 5000, 0)
    files.freeze(fd)
    for size in (0, 6000):
        with pytest.raises(OSError, match="not permitted"):
            os.truncate(path, size)
    with pytest.raises(OSError, match="not permitted"):
        os.pwrite(fd, b"y", 0)
    reader = os.open(path, os.O_RDONLY)
    with mmap.mmap(reader, 5000, access=mmap.ACCESS_COPY) as mapping:
        mapping[0] = 0
        assert mapping[1] == ord("x")
    os.close(reader)


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="the files have names here")
def test_what_keeps_its_size_cannot_be_cut_and_a_spool_may_grow(files: Files) -> None:
    fd, path = files.create("ledger", 64)
    files.keep_size(fd)
    with pytest.raises(OSError, match="not permitted"):
        os.truncate(path, 65)
    fd, path = files.create("spool", 64)
    files.keep_size(fd, may_grow=True)
    os.truncate(path, 65)
    with pytest.raises(OSError, match="not permitted"):
        os.truncate(path, 64)


def test_where_the_system_has_no_memory_files_are_in_the_temporary_directory(
    files: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(system.os, "memfd_create", refuse, raising=False)
    with pytest.warns(ParworkWarning, match=r"No space left on device.*is kept in .*parwork-"):
        _, path = files.create("payload", 10)
    fd, _ = files.create("ledger", 10)
    files.freeze(fd)
    assert Path(path).stat().st_size == 10
    assert Path(path).stat().st_mode & 0o077 == 0
    files.close()
    assert not list(tmp_path.iterdir())


def test_a_table_that_says_what_cannot_be_is_damaged() -> None:
    buffer = bytearray(Ledger.size(2))
    ledger = Ledger(buffer)
    ledger.sign()
    ledger.check()
    ledger.arrive(1, 100, 1.0)
    ledger.store(1, "value", 3, 0, 8)
    ledger.check_place(1, 4)
    with pytest.raises(DamagedError):
        ledger.check_place(1, 3)
    with pytest.raises(DamagedError):
        ledger.check_place(0, 3)
    buffer[:] = b"\xff" * len(buffer)
    for ask in (ledger.check, lambda: ledger.state(0)):
        with pytest.raises(DamagedError):
            ask()


def test_a_record_that_was_overwritten_is_not_loaded(files: Files) -> None:
    fd, path = files.create("spool")
    spool = Spool.claim([path])
    places = [
        stored(spool, value) for value in ("s" * 40, "large" * WORTH_COPYING, np.ones(50_000))
    ]
    spool.close()
    for offset, length in places:
        assert is_whole(fd, offset, length)
        os.pwrite(fd, b"\xff\xfe", offset + 40)
        assert not is_whole(fd, offset, length)
        with pytest.raises(PayloadError, match="has been overwritten"):
            read_record(fd, offset, length)
    assert not is_whole(fd, 1 << 40, 8)


def test_files_can_be_closed_twice() -> None:
    files = Files()
    files.create("payload")
    files.close()
    files.close()


def test_a_spool_keeps_records_one_after_the_other(files: Files) -> None:
    fd, path = files.create("spool")
    spool = Spool.claim([path])
    first = stored(spool, {"a": 1})
    second = stored(spool, [None] * 1000)
    assert first[0] == OWNER.size
    assert second[0] == first[0] + first[1]
    assert read_record(fd, *first) == {"a": 1}
    assert read_record(fd, *second) == [None] * 1000
    spool.close()


def test_a_claimed_spool_is_left_to_its_worker_and_taken_when_it_is_given_back(
    files: Files,
) -> None:
    paths = [files.create(f"spool-{number}")[1] for number in range(2)]
    one, two = Spool.claim(paths), Spool.claim(paths)
    assert (one.number, two.number) == (0, 1)
    with pytest.raises(RuntimeError, match="all 2 spools are taken"):
        Spool.claim(paths)
    stored(one, "from the first worker")
    one.close()
    successor = Spool.claim(paths)
    assert successor.number == 0
    assert stored(successor, "x")[0] > 0, "what the first has written must stay"
    successor.close()
    two.close()


def test_a_spool_goes_with_its_worker_and_not_with_what_that_has_forked(files: Files) -> None:
    fd, path = files.create("spool")
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            stored(Spool.claim([path]), "from the first worker")
            if not os.fork():
                os.close(writer)  # or its own end would keep the pipe open
                os.read(reader, 1)  # until this process closes the other end
        finally:
            os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    successor = Spool.claim([path])
    place = stored(successor, "from the second")
    assert read_record(fd, *place) == "from the second"
    assert read_record(fd, OWNER.size, length_at(fd, OWNER.size)) == "from the first worker"
    successor.close()
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("size", [1, 1000, WORTH_MAPPING, 3 * WORTH_MAPPING + 5])
def test_buffers_are_read_back_whole_aligned_and_writable(files: Files, size: int) -> None:
    fd, path = files.create("spool")
    spool = Spool.claim([path])
    stored(spool, "something before")
    array = np.arange(size, dtype=np.uint8)
    place = stored(spool, {"one": array, "other": array[::-1].copy()})
    spool.close()
    loaded = read_record(fd, *place)
    assert isinstance(loaded, dict)
    np.testing.assert_array_equal(loaded["one"], array)
    np.testing.assert_array_equal(loaded["other"], array[::-1])
    loaded["one"][:] = 0
    again = read_record(fd, *place)
    assert isinstance(again, dict)
    np.testing.assert_array_equal(again["one"], array)
    if size >= WORTH_MAPPING:
        assert again["one"].ctypes.data % ALIGNMENT == 0


def test_an_empty_buffer_is_no_problem(files: Files) -> None:
    fd, path = files.create("spool")
    spool = Spool.claim([path])
    place = stored(spool, np.zeros(0))
    spool.close()
    loaded = read_record(fd, *place)
    assert isinstance(loaded, np.ndarray)
    assert loaded.size == 0


def test_releasing_a_region_leaves_its_neighbours(files: Files) -> None:
    fd, path = files.create("spool")
    spool = Spool.claim([path])
    places = [stored(spool, np.full(1 << 20, x, dtype=np.float64)) for x in range(3)]
    spool.close()
    before = os.fstat(fd).st_blocks
    release_region(fd, *places[1])
    assert os.fstat(fd).st_blocks < before - (8 << 20) // 512 + 100
    for x in (0, 2):
        loaded = read_record(fd, *places[x])
        assert isinstance(loaded, np.ndarray)
        assert (loaded == x).all()


def test_small_regions_are_not_worth_a_call(files: Files) -> None:
    fd, path = files.create("spool")
    spool = Spool.claim([path])
    place = stored(spool, np.ones(100))
    spool.close()
    release_region(fd, *place)
    assert isinstance(read_record(fd, *place), np.ndarray)


def test_a_write_that_the_system_cuts_short_goes_on(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    fd, path = files.create("spool")
    write = os.pwrite
    monkeypatch.setattr(system.os, "pwrite", lambda fd, data, at: write(fd, data[:777], at))
    spool = Spool.claim([path])
    place = stored(spool, "long" * WORTH_COPYING)
    spool.close()
    assert read_record(fd, *place) == "long" * WORTH_COPYING


def test_small_records_and_large_ones_lie_side_by_side_over_many_windows(files: Files) -> None:
    fd, path = files.create("spool")
    spool = Spool.claim([path])
    texts = [str(x) * (x % WORTH_COPYING) for x in range(0, 4 * WORTH_COPYING, 3)]
    places = [stored(spool, text) for text in texts]
    spool.close()
    assert places[-1][0] > 2 * WINDOW
    assert [read_record(fd, *place) for place in places] == texts


def test_what_a_process_has_put_into_its_spool_stays_when_it_is_killed(files: Files) -> None:
    fd, path = files.create("spool")
    pid = os.fork()
    if not pid:
        try:
            stored(Spool.claim([path]), "small")
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    assert read_record(fd, OWNER.size, length_at(fd, OWNER.size)) == "small"


def test_where_nothing_can_be_mapped_any_more_records_are_written(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> mmap.mmap:
        raise OSError("cannot allocate memory")

    fd, path = files.create("spool")
    spool = Spool.claim([path])
    monkeypatch.setattr(system.mmap, "mmap", refuse)
    texts = [f"{x:1000}" for x in range(2 * WINDOW // 1000)]
    places = [stored(spool, text) for text in texts]
    monkeypatch.undo()
    spool.close()
    assert [read_record(fd, *place) for place in places] == texts


def test_a_record_is_read_whole_where_the_system_reads_less_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = [b"x" * 10_000, "y" * (1 << 20), [np.arange(200_000.0)]]
    file = tmp_path / "records"
    file.touch()
    spool = Spool(0, os.open(file, os.O_RDWR))
    places = []
    for value in values:
        buffers: list[pickle.PickleBuffer] = []
        data = dumps(value, buffers)
        places.append(spool.append(data, buffers))
    read = system.os.pread
    monkeypatch.setattr(system.os, "pread", lambda fd, n, at: read(fd, min(n, 4096), at))
    fd = os.open(file, os.O_RDONLY)
    try:
        found = [read_record(fd, *place) for place in places]
    finally:
        os.close(fd)
        spool.close()
    assert found[:2] == values[:2]
    assert compare(found[2], values[2])
