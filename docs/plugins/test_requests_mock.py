"""`requests_mock` (requests-mock).

packages: requests-mock requests
note: it patches the whole process
"""

import pytest
import requests

N = pytest.mark.parametrize("n", range(2))


@N
def test_it(n, requests_mock):
    requests_mock.get("https://t.example", text=str(n))
    return requests.get("https://t.example").text


@N
def test_fails(n, requests_mock):
    requests.get("https://t.example")
