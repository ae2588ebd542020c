"""async tests and fixtures (pytest-asyncio).

packages: pytest-asyncio
"""

import asyncio

import pytest
import pytest_asyncio

N = pytest.mark.parametrize("n", range(2))


@pytest_asyncio.fixture
async def value():
    await asyncio.sleep(0)
    return 7


@pytest.mark.asyncio
@N
async def test_it(n, value):
    await asyncio.sleep(0)
    assert value == 7


@pytest.mark.asyncio
@N
async def test_fails(n, value):
    await asyncio.sleep(0)
    assert value == n


@N
def test_plain(n):
    return n
