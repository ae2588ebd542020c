"""The executors of `concurrent.futures`: threads and processes, as one matrix."""

import hashlib

import pytest


@pytest.mark.parwork(backend=["threads", "processes"], workers=2)
@pytest.mark.parametrize("password", ["alice", "bob", "carol", "dave"])
def test_scrypt(password: str) -> str:
    key = hashlib.scrypt(password.encode(), salt=b"parwork", n=2**15, r=8, p=1, maxmem=2**26)
    return key.hex()
