"""reseeding (pytest-randomly).

packages: pytest-randomly
"""

import random

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n):
    return random.random()


@N
def test_fails(n):
    assert random.random() < 0
