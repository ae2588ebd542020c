"""Fixtures of module and session scope: made here, sent."""

import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.fixture(scope="module", params=[10, 20])
def offset(request):
    return request.param


@pytest.mark.parametrize("n", range(2))
def test_offset(n, offset, table, pid_here):
    return n + offset + table["a"]
