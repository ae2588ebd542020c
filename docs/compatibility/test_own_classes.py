"""Returned instances of a class of the test module."""

import pytest

pytestmark = pytest.mark.parwork(workers=2)


class Point:
    def __init__(self, x):
        self.x = x


@pytest.mark.parametrize("x", [1.5, 2.5])
def test_point(x):
    return Point(x)
