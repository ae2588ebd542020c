"""`pook` (pook).

packages: pook requests
"""

import pook
import pytest
import requests

N = pytest.mark.parametrize("n", range(2))


@N
@pook.on
def test_it(n):
    pook.get("https://t.example/").reply(200).json({"n": n})
    return requests.get("https://t.example/").json()


@N
def test_use(n):
    with pook.use():
        pook.get("https://t.example/").reply(200).json({"n": n})
        return requests.get("https://t.example/").json()


@N
@pook.on
def test_fails(n):
    pook.get("https://t.example/").reply(200).json({"n": n})
    assert requests.get("https://t.example/").json() == 7
