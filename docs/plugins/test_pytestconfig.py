"""`pytestconfig`, `request.config` (pytest)."""

import pytest

N = pytest.mark.parametrize("n", range(2))


@pytest.fixture
def settings(request):
    return request.config.getoption("--maxfail"), request.config.option.verbose


@N
def test_it(n, pytestconfig, settings):
    return pytestconfig.getini("testpaths"), settings, pytestconfig.rootpath.name != ""
