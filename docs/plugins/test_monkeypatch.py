"""`monkeypatch` (pytest).

note: it changes the whole process
"""

import os

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, monkeypatch, tmp_path):
    monkeypatch.setenv("EXAMPLE", str(n))
    monkeypatch.chdir(tmp_path)
    return os.environ["EXAMPLE"], os.listdir(".")
