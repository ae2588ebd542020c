"""`httpx_mock` (pytest-httpx).

packages: pytest-httpx
note: it patches the whole process
"""

import httpx
import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, httpx_mock):
    httpx_mock.add_response(text=str(n))
    return httpx.get("https://t.example").text


@N
def test_fails(n, httpx_mock):
    httpx_mock.add_response(text=str(n))
