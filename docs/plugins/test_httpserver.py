"""`httpserver` (pytest-httpserver).

packages: pytest-httpserver
note: one server in a thread of pytest's process; on threads such cases take turns
"""

import urllib.request

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, httpserver):
    httpserver.expect_request("/x").respond_with_data(str(n))
    return urllib.request.urlopen(httpserver.url_for("/x")).read()


@N
def test_fails(n, httpserver):
    urllib.request.urlopen(httpserver.url_for("/x"))
