"""lazy fixtures (pytest-lazy-fixtures).

packages: pytest-lazy-fixtures
"""

import pytest
from pytest_lazy_fixtures import lf


@pytest.fixture
def small():
    return 1


@pytest.fixture
def large():
    return 100


@pytest.mark.parametrize("value", [lf("small"), lf("large")])
def test_it(value):
    return value


@pytest.mark.parametrize("value", [lf("small"), lf("large")])
def test_fails(value):
    assert value == 7
