"""`usefixtures`."""

import os

import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.mark.usefixtures("name", "table")
@pytest.mark.parametrize("n", range(3))
def test_used(n):
    return n + len(os.sep)
