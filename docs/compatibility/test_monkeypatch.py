"""`monkeypatch`."""

import os

import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.mark.parametrize("n", range(3))
def test_environment(n, monkeypatch):
    monkeypatch.setenv("COMPATIBILITY", str(n))
    return os.environ["COMPATIBILITY"]
