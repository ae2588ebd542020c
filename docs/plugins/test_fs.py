"""`fs` (pyfakefs).

packages: pyfakefs
note: it patches the whole process
"""

import os

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, fs):
    fs.create_file(f"/fake/{n}", contents="x")
    return os.listdir("/fake")


@N
def test_fails(n, fs):
    fs.create_file("/fake/x")
    assert os.path.exists(f"/fake/{n}")
