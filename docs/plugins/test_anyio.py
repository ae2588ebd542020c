"""`anyio` (anyio).

packages: anyio
"""

import anyio
import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.mark.anyio
@N
async def test_it(n):
    await anyio.sleep(0)


@pytest.mark.anyio
@N
async def test_fails(n):
    await anyio.sleep(0)
    assert n == 7
