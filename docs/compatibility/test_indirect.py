"""Indirect parametrization."""

import pytest

pytestmark = pytest.mark.parwork(workers=2)


@pytest.fixture
def doubled(request):
    return request.param * 2


@pytest.mark.parametrize("doubled", [1, 2], indirect=True)
def test_doubled(doubled):
    return doubled
