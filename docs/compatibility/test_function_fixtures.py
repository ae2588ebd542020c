"""Fixtures of function scope, with tear-down and parameters."""

import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.fixture(params=[1, 2])
def opened(request):
    state = {"open": True, "n": request.param}
    yield state
    state["open"] = False


@pytest.mark.parametrize("n", range(2))
def test_opened(n, opened):
    assert opened["open"]
    return n, opened["n"]
