"""`remote_data` (pytest-remotedata).

packages: pytest-remotedata
"""

import urllib.request

import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.mark.remote_data
@N
def test_skipped(n):
    return n


@N
def test_it(n):
    return n


@N
def test_fails(n):
    urllib.request.urlopen("http://192.0.2.1/", timeout=1)
