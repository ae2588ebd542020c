"""Autouse fixtures."""

import pytest

pytestmark = pytest.mark.parwork(workers=2)

AROUND: list[str] = []


@pytest.fixture(autouse=True)
def around():
    AROUND.append("set up")
    yield
    AROUND.clear()


@pytest.mark.parametrize("n", range(4))
def test_around(n):
    assert AROUND
    return n
