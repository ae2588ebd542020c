"""`request` in fixtures: the parameter, the name and the marks of the case."""

import pytest

pytestmark = [pytest.mark.parwork(workers=2), pytest.mark.filterwarnings("error")]


@pytest.fixture(params=["a", "b"])
def told(request):
    closest = request.node.get_closest_marker("filterwarnings")
    return request.param, request.node.name, closest.args, "parwork" in request.keywords


@pytest.mark.parametrize(
    "n", [1, pytest.param(2, marks=pytest.mark.filterwarnings("ignore::UserWarning"))]
)
def test_told(n, told):
    return n, told
