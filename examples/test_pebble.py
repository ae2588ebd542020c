"""The same on Pebble, a library that parwork knows nothing of; skipped where it is missing."""

import zlib

import pytest

from pytest_parwork.testing import BackendContract

pytest.importorskip("pebble", reason="needs Pebble: pip install pebble")

from pebble_pool import PebbleBackend


@pytest.mark.parwork(backend="pebble", workers=2)
@pytest.mark.parametrize("letter", [b"a", b"b", b"c", b"d"])
def test_checksum(letter: bytes) -> int:
    return zlib.crc32(letter * 10_000_000)


class TestPebble(BackendContract):
    backend = PebbleBackend()
