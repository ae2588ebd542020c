"""`aiohttp_client` (pytest-aiohttp).

packages: pytest-asyncio pytest-aiohttp
options: --asyncio-mode=auto
"""

import pytest
from aiohttp import web

N = pytest.mark.parametrize("n", range(2))


async def hello(request):
    return web.Response(text="hello")


@pytest.fixture
def app():
    found = web.Application()
    found.router.add_get("/", hello)
    return found


@N
async def test_it(n, app, aiohttp_client):
    client = await aiohttp_client(app)
    assert await (await client.get("/")).text() == "hello"


@N
async def test_fails(n, app, aiohttp_client):
    client = await aiohttp_client(app)
    assert (await client.get(f"/{n}")).status == 200
