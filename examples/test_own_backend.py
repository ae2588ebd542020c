"""Cases on a backend that the conftest.py alongside registers, and the contract that it meets."""

import zlib

import pytest
from thread_pool import ThreadPoolBackend

from pytest_parwork.testing import BackendContract


@pytest.mark.parwork(backend="threadpool", workers=2)
@pytest.mark.parametrize("letter", [b"a", b"b", b"c", b"d"])
def test_checksum(letter: bytes) -> int:
    return zlib.crc32(letter * 10_000_000)


class TestThreadPool(BackendContract):
    backend = ThreadPoolBackend()
