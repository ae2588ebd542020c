"""Cases on a backend on Pebble, and the contract that it meets; skipped if Pebble is missing."""

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
