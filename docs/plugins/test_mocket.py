"""`mocketize` (mocket).

packages: mocket
"""

import urllib.request

import pytest
from mocket import mocketize
from mocket.mocks.mockhttp import Entry

N = pytest.mark.parametrize("n", range(2))


@N
@mocketize
def test_it(n):
    Entry.single_register(Entry.GET, "http://t.example/", body=str(n))
    return urllib.request.urlopen("http://t.example/").read()


@N
@mocketize
def test_fails(n):
    Entry.single_register(Entry.GET, "http://t.example/", body=str(n))
    assert urllib.request.urlopen("http://t.example/").read() == 7
