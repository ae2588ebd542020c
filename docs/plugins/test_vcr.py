"""`vcr` (pytest-recording).

packages: pytest-recording
note: it patches the whole process
"""

import urllib.request

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
@pytest.mark.vcr
@pytest.mark.block_network
def test_it(n, vcr):
    return n


@N
@pytest.mark.block_network
def test_fails(n):
    urllib.request.urlopen("http://192.0.2.1/", timeout=1)
