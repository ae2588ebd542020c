"""`httpbin` (pytest-httpbin).

packages: pytest-httpbin
"""

import urllib.request

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, httpbin):
    return urllib.request.urlopen(f"{httpbin.url}/status/20{n}").status


@N
def test_fails(n, httpbin):
    urllib.request.urlopen(f"{httpbin.url}/status/404")
