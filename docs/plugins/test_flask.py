"""`client`, `live_server` (pytest-flask).

packages: pytest-flask
"""

import flask
import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.fixture(scope="module")
def app():
    found = flask.Flask(__name__)
    found.add_url_rule("/<int:n>", view_func=lambda n: f"number {n}")
    return found


@N
def test_it(n, client):
    return client.get(f"/{n}").text


@N
def test_fails(n, client):
    assert client.get(f"/{n}").text == "other"


@N
def test_config(n, config):
    return config["DEBUG"]
