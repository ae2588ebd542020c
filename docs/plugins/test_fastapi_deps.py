"""`fastapi_dep` (pytest-fastapi-deps).

packages: pytest-fastapi-deps
"""

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

N = pytest.mark.parametrize("n", range(2))


app = FastAPI()


def number():
    return 1


@app.get("/")
def get_root(value: int = Depends(number)):
    return value


@N
def test_it(n, fastapi_dep):
    with fastapi_dep(app).override({number: lambda: n + 10}):
        return TestClient(app).get("/").json()


@N
def test_fails(n, fastapi_dep):
    with fastapi_dep(app).override({number: n}):
        assert TestClient(app).get("/").json() == 7
