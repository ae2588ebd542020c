"""How many files may still be opened, and what is said where that is too few."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator

import pytest

from pytest_parwork.backends.dask.requirements import require_descriptors
from pytest_parwork.machine.descriptors import left, require
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
    before = left()
    assert before is not None
    assert 0 < before <= LIMIT
    with open(os.devnull, "rb"):
        assert left() == before - 1


def test_what_is_left_is_enough(limit: int) -> None:
    require(LIMIT - 5, "it")


def test_where_too_few_are_left_the_limit_is_named_with_the_remedy(limit: int) -> None:
    told = rf"^it needs some 1000 file descriptors, and \d+ of {limit} are left: raise the limit"
    with pytest.raises(BackendError, match=told):
        require(1000, "it")


def test_a_dask_cluster_is_not_tried_that_would_run_out_of_them(limit: int) -> None:
    require_descriptors(2)
    with pytest.raises(BackendError, match="a dask cluster of 8 workers needs some 106 file"):
        require_descriptors(8)
