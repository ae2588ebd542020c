"""`trio` (pytest-trio).

packages: pytest-trio
"""

import pytest
import trio

N = pytest.mark.parametrize("n", range(2))


@pytest.mark.trio
@N
async def test_it(n):
    await trio.sleep(0)


@pytest.mark.trio
@N
async def test_fails(n):
    await trio.sleep(0)
    assert n == 7
