"""`httpserver` (pytest-localserver).

packages: pytest-localserver
"""

import urllib.request

import pytest

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, httpserver):
    httpserver.serve_content(str(n))
    return urllib.request.urlopen(httpserver.url).read()
