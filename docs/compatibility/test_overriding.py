"""Fixtures that override those of a conftest, and ask for them."""

import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.fixture
def name(name):
    return f"module over {name}"


@pytest.mark.parametrize("n", range(2))
def test_name(n, name):
    assert name == "module over conftest"
    return name
