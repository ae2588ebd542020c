"""`FakeRedis` (fakeredis).

packages: fakeredis
"""

import fakeredis
import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.fixture
def redis():
    return fakeredis.FakeRedis()


@N
def test_it(n, redis):
    redis.set("n", n)
    return redis.get("n")


@N
def test_fails(n, redis):
    redis.set("n", n)
    assert redis.get("n") == 7
