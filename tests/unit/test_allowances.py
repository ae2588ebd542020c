"""How much may still be opened and mapped, and what is said where that is too little."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_parwork.backends.dask.requirements import require_room
from pytest_parwork.machine import allowances
from pytest_parwork.machine.allowances import MEGABYTE, files_left, memory_left, require_files
from pytest_parwork.model.errors import BackendError

LIMIT = 60


@pytest.fixture
def limit() -> Iterator[int]:
    """Allow this process a few files for the time of a test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = len(os.listdir("/dev/fd")) + LIMIT
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    yield limit
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_each_open_file_leaves_one_less(limit: int) -> None:
    before = files_left()
    assert before is not None
    assert 0 < before <= LIMIT
    with open(os.devnull, "rb"):
        assert files_left() == before - 1


def test_what_is_left_is_enough(limit: int) -> None:
    require_files(LIMIT - 5, "it")


def test_where_too_few_are_left_the_limit_is_named_with_the_remedy(limit: int) -> None:
    told = rf"^it needs some 1000 file descriptors, and \d+ of {limit} are left: raise the limit"
    with pytest.raises(BackendError, match=told):
        require_files(1000, "it")


def test_a_dask_cluster_is_not_tried_that_would_run_out_of_them(limit: int) -> None:
    require_room(2)
    with pytest.raises(BackendError, match="a dask cluster of 8 workers needs some 106 file"):
        require_room(8)


def test_without_a_limit_all_memory_is_left() -> None:
    assert memory_left() is None


def test_where_too_little_memory_is_left_a_dask_cluster_is_not_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The limit is not set: it would hold for the tests, too."""
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limits = {"RLIMIT_AS": mapped + 100 * MEGABYTE}
    monkeypatch.setattr(allowances, "_limit", limits.get)
    free = memory_left()
    assert free is not None
    assert 90 * MEGABYTE < free <= 100 * MEGABYTE
    told = r"a dask cluster of 2 workers needs some 200 MB of address space, and \d+ of \d+ MB"
    with pytest.raises(BackendError, match=told):
        require_room(2)
    limits["RLIMIT_AS"] = mapped + 1000 * MEGABYTE
    require_room(2)
