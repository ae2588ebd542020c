"""Stacked parametrize, ids, `pytest.param`."""

import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.mark.parametrize("a", [1, 2], ids=["one", "two"])
@pytest.mark.parametrize("b", [pytest.param(3, id="three"), 4])
def test_product(a, b):
    return a * b
