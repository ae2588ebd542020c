"""Cases on the backend that the conftest.py beside this file registers."""

import zlib

import pytest


@pytest.mark.parwork(backend="threadpool", workers=2)
@pytest.mark.parametrize("letter", [b"a", b"b", b"c", b"d"])
def test_checksum(letter: bytes) -> int:
    return zlib.crc32(letter * 10_000_000)
