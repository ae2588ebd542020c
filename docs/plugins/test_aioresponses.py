"""`aioresponses` (aioresponses).

packages: aioresponses
"""

import asyncio

import aiohttp
import pytest
from aioresponses import aioresponses

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n):
    async def get():
        with aioresponses() as mocked:
            mocked.get("http://t.example/", payload={"n": n})
            async with aiohttp.ClientSession() as session:
                return await (await session.get("http://t.example/")).json()

    return asyncio.run(get())


@N
def test_fails(n):
    async def get():
        with aioresponses() as mocked:
            mocked.get("http://t.example/", payload={"n": n})
            async with aiohttp.ClientSession() as session:
                return await (await session.get("http://t.example/")).json()

    assert asyncio.run(get()) == 7
