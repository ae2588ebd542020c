"""`respx_mock` (respx).

packages: respx
note: it patches the whole process
"""

import httpx
import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, respx_mock):
    respx_mock.get("https://t.example").respond(text=str(n))
    return httpx.get("https://t.example").text


@N
def test_fails(n, respx_mock):
    respx_mock.get("https://t.example").respond(text=str(n))
