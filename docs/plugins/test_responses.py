"""`responses` (a decorator of responses).

packages: responses requests
note: it patches the whole process
"""

import pytest
import requests
import responses

N = pytest.mark.parametrize("n", range(2))


@N
@responses.activate
def test_it(n):
    responses.get("https://t.example", body=str(n))
    return requests.get("https://t.example").text


@N
def test_context(n):
    with responses.RequestsMock() as mock:
        mock.get("https://t.example", body=str(n))
        return requests.get("https://t.example").text
