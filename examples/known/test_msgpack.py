"""msgpack 1.0.8: a packer has one buffer, while `default` runs Python code.

Confirmed by hand: with a packer for each case, bytes are the same.
"""

import zlib

import msgpack
import pytest


@pytest.fixture(scope="module")
def packer():
    return msgpack.Packer(default=lambda value: {"c": str(value)})


@pytest.mark.parwork(backend="threads", workers=2)
@pytest.mark.parametrize("i", range(6))
def test_pack(i, packer):
    total = 0
    for k in range(200):
        total = zlib.crc32(packer.pack([complex(i, k) for _ in range(60)]), total)
    return total
